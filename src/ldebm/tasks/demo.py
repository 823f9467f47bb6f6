"""The demo: the main job on the bundled reviews, from texts to discovered symbols, in minutes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ldebm.data.corpora import load_corpus
from ldebm.model import LDEBM
from ldebm.presets import load_preset
from ldebm.tasks.discovery import Discovery, describe
from ldebm.tasks.reading import SHOWN_TEMPERATURE, InferredTexts, infer
from ldebm.training import train

_PRESET, _EPOCHS, _MINUTES = "best-small", 10, 6.0


@dataclass(frozen=True)
class Demo:
    """The trained model, its texts as it reads them (with their domain, which training never saw), what its symbols
    stand for there, and samples."""

    model: LDEBM
    reading: InferredTexts[str]
    discovery: Discovery
    samples: list[str]


def run_demo(out: Path, minutes: float | None = None) -> Demo:
    """Train `best-small` on the bundled reviews into `out`, or show the run that is already there.

    Args:
        minutes: train no longer than this.
    """
    settings = {"data.source": "reviews", "training.epochs": _EPOCHS, "training.max_minutes": minutes or _MINUTES}
    config = load_preset(_PRESET, [f"{name}={value}" for name, value in settings.items()])
    # Texts are split by a hash of the text: both readings put a text on the same side.
    model = train(config, load_corpus("reviews", seed=config.seed), out, resume=True)
    labelled = load_corpus("reviews", label="domain", seed=config.seed).train
    reading = infer(model, labelled["text"][:], labelled["label"][:])
    samples = model.generate(10, mode="sample", temperature=SHOWN_TEMPERATURE)
    return Demo(model, reading, describe(model, reading), samples)
