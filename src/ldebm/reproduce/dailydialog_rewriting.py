"""Rewriting of test utterances into another symbol that training found by itself, beside doing nothing and writing
without the utterance."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ldebm.evaluation.reconstruction import bleu
from ldebm.reproduce.dailydialog import columns_of, folder_of, test_symbols, trained
from ldebm.reproduce.language_models import SECONDS
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, QUICK
from ldebm.reproduce.runs import kept_figures
from ldebm.reproduce.table import add_rows
from ldebm.tasks.rewriting import rewrite

COPY, DRAWN = "copy", "drawn"
ASKED, TEXTS, QUICK_TEXTS = 25, 500, 20
PROTOCOL = {
    "read_as_asked": f"share of {TEXTS} test utterances whose most probable symbol is the one that was asked for, as "
    f"the model reads them; 0 to 1. Asked is, of each at random, one of the {ASKED} most frequent symbols that it does "
    f"not have; `{COPY}` leaves the utterances as they are, `{DRAWN}` writes of the symbol alone",
    "bleu_source": "corpus BLEU-4 (sacrebleu, no smoothing, on words) against the utterances; 0 to 100, 100 where "
    f"nothing is changed and that of `{DRAWN}` where nothing is left of them",
}


def reproduce(out: Path, runs: Path, size: str) -> Path:
    """Write `out`/dailydialog-rewriting.json: what BEST of a size, its first seed, makes of the utterances."""
    quick = size == QUICK
    command = f"ldebm reproduce dailydialog{' --quick' if quick else ''}"
    file = ResultFile(out / f"dailydialog-rewriting{'-quick' if quick else ''}.json", command, PROTOCOL)
    add_rows(file, size, dict.fromkeys((COPY, DRAWN, BEST), 1), figures, _folder_of, runs)
    return file.path


def figures(row: str, size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """The figures of a row, of what this seed of BEST writes."""
    folder = _folder_of(row, size, seed, runs)
    return kept_figures(folder, PROTOCOL, folder_of(BEST, size, seed, runs), lambda: _measure(row, size, seed, runs))


def _folder_of(row: str, size: str, seed: int, runs: Path) -> Path:
    return folder_of(f"rewriting-{row}", size, seed, runs)


def _measure(row: str, size: str, seed: int, runs: Path) -> dict[str, float]:
    model, (texts, asked) = trained(BEST, size, seed, runs), _tasks(size, seed, runs)
    written = np.array(texts, dtype=object)
    for symbol in np.unique(asked) if row != COPY else ():
        its = np.flatnonzero(asked == symbol)
        if row == DRAWN:
            written[its] = model.generate(len(its), symbol=int(symbol))
        else:
            written[its] = [each.text for each in rewrite(model, [texts[place] for place in its], symbol=int(symbol))]
    words, read = model.tokenizer.words, model.symbol_probabilities(written.tolist()).argmax(-1)
    return {
        "read_as_asked": float((read == asked).mean()),
        "bleu_source": bleu([words(text) for text in written], [words(text) for text in texts]),
        SECONDS: 0.0,  # nothing is trained for it
    }


def _tasks(size: str, seed: int, runs: Path) -> tuple[list[str], npt.NDArray[np.integer]]:
    """Utterances from all over the test set, and the symbol that each is to have."""
    symbols, test = test_symbols(BEST, size, seed, runs), columns_of("test")["text"]
    frequent = [symbol for symbol, _ in Counter(symbols.tolist()).most_common(ASKED)]
    count, generator = QUICK_TEXTS if size == QUICK else TEXTS, np.random.default_rng(0)
    rows = np.linspace(0, len(test) - 1, count).astype(int)
    asked = [generator.choice([symbol for symbol in frequent if symbol != symbols[row]]) for row in rows]
    return [test[row] for row in rows], np.array(asked)
