"""What the report shows, gathered from a run folder.

Legend: N texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ldebm import metrics_log
from ldebm.model import LDEBM
from ldebm.report.plane import plane
from ldebm.run_folder import METRICS
from ldebm.tasks.chains import Stage, chains
from ldebm.tasks.discovery import Discovery
from ldebm.tasks.evaluation_of_runs import Measurement
from ldebm.tasks.interpolation import Place, interpolate
from ldebm.tasks.reading import SHOWN_TEMPERATURE, InferredTexts, SymbolModel

MAPPED = 10_000  # texts on the map: what a page of 6 MB and a telephone can hold
SAMPLES = 10
CHAINS = 3
_LONGEST = 90  # characters of a text at an end of the way between two: what is read at a glance


@dataclass(frozen=True)
class Map:
    """The texts on the map, where they lie (`plane`), their most probable symbol, their label where they have one."""

    texts: list[str]
    places_N2: npt.NDArray[np.float64]
    symbols_N: npt.NDArray[np.integer]
    labels: list[str | None]


@dataclass(frozen=True)
class Contents:
    """Everything the page shows. `chains` and `way` are empty for a model of responses, `course` for one without its
    `metrics.jsonl`."""

    discovery: Discovery
    map: Map
    samples: list[str]
    chains: list[list[Stage]]
    way: list[Place]
    measured: list[Measurement]
    course: list[dict[str, Any]]


def gather(
    model: SymbolModel,
    run: Path,
    reading: InferredTexts[str],
    discovery: Discovery,
    measured: list[Measurement],
    seed: int = 0,
) -> Contents:
    """Write some texts with the model, and put everything together.

    Args:
        reading: texts of the map; at most 10,000 are shown, drawn with the seed.
        discovery: what the symbols stand for in the same texts.
        measured: figures on held-out texts.
    """
    return Contents(
        discovery=discovery,
        map=_map(reading.drawn(MAPPED, seed)),
        samples=model.generate(SAMPLES, mode="sample", temperature=SHOWN_TEMPERATURE, seed=seed),
        chains=chains(model, CHAINS, seed) if isinstance(model, LDEBM) else [],
        way=_way(model, discovery, seed) if isinstance(model, LDEBM) else [],
        measured=measured,
        course=metrics_log.read(run / METRICS),
    )


def _map(reading: InferredTexts[str]) -> Map:
    symbols_N = reading.inferred.symbols_NK.argmax(axis=1)
    return Map(reading.texts, plane(reading.inferred.means_ND, symbols_N), symbols_N, reading.labels)


def _way(model: LDEBM, discovery: Discovery, seed: int) -> list[Place]:
    """Between texts that stand for the two most frequent symbols; none where there is one only."""
    ends = [_short(one.nearest) for one in discovery.symbols if one.nearest][:2]
    return interpolate(model, ends[0], ends[1], seed=seed) if len(ends) == 2 else []


def _short(texts: Sequence[str]) -> str:
    """The longest of those that can be read at a glance, else the shortest."""
    return max((text for text in texts if len(text) <= _LONGEST), key=len, default=min(texts, key=len))
