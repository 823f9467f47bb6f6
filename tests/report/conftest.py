"""Contents of a report that was never trained for, with texts that try to break out of the page."""

from pathlib import Path

import numpy as np
import pytest

from ldebm.presets import load_preset
from ldebm.report import write_report
from ldebm.report.contents import Contents, Map
from ldebm.tasks.chains import Stage
from ldebm.tasks.discovery import CharacteristicWord, Discovery, NearDuplicate, SymbolRecord
from ldebm.tasks.evaluation_of_runs import Measurement
from ldebm.tasks.interpolation import Place

HOSTILE = "</script><script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\"> & so on"


def contents(texts: list[str]) -> Contents:
    """Two symbols, the even texts and the odd, and a third that no text has."""
    symbols_N = np.arange(len(texts)) % 2
    places_N2 = np.column_stack([0.25 + 0.5 * symbols_N, np.linspace(0, 1, len(texts))])
    symbols = [
        SymbolRecord(
            k,
            0.5,
            (CharacteristicWord(word, 0.2), CharacteristicWord(HOSTILE, 0.1)),
            nearest=(texts[k],),
            prototypes=(HOSTILE,),
            labels=((HOSTILE, 1.0),),
        )
        for k, word in enumerate(("soup", "film"))
    ]
    discovery = Discovery(
        symbols=(*symbols, SymbolRecord(2, 0.0)),
        near_duplicates=(NearDuplicate(0, 1, 0.01),),
        labels=((HOSTILE, 1.0),),
        texts_read=len(texts),
        texts_given=len(texts),
        seed=0,
        minimum_count=5,
        duplicate_divergence=0.05,
    )
    course = [
        {"kind": kind, "step": step, "seconds": step, "reconstruction": 50 - step, "rate": step, "gain": 0.1 * step}
        for step in (10, 20)
        for kind in ("train", "validation")
    ]
    return Contents(
        discovery=discovery,
        map=Map(texts, places_N2, symbols_N, [HOSTILE] * len(texts)),
        samples=[HOSTILE, "a soup"],
        chains=[[Stage(1, HOSTILE, ((0, 0.6), (1, 0.3))), Stage(0, "a soup", ((0, 0.98),))]],
        way=[Place(HOSTILE, 0, 2.0, 2.5), Place("a film", 1, 1.0, 1.25)],
        measured=[
            Measurement("self_bleu", 12.3, HOSTILE, "real texts: 10", "BLEU points"),
            Measurement("self_bleu_real", 10.0, "of real texts", None, "BLEU points"),
        ],
        course=course,
    )


def page_of(texts: list[str], folder: Path) -> Path:
    config = load_preset("best-tiny", ["data.source=some/folder/reviews.csv"])
    return write_report(contents(texts), config, "reviews.csv, validation split", folder / "report.html")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return page_of([HOSTILE, *(f"{('soup', 'film')[i % 2]} number {i}" for i in range(1, 200))], tmp_path)
