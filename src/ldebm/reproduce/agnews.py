"""`ldebm reproduce agnews`: the class of a news document from few labels and many documents without one.

For each row, draw of labels and number of labels: train, choose the temperature on dev, label the test documents. The
definitions stand in PROTOCOL and go into the result file.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import datasets
import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from ldebm.data import agnews
from ldebm.data.corpora import Corpus
from ldebm.evaluation.calibration import BINS, expected_calibration_error, temperature
from ldebm.model import LDEBM
from ldebm.objective import LatentModel
from ldebm.presets import Config, load_preset
from ldebm.reproduce import agnews_baselines
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, PAPER, QUICK
from ldebm.reproduce.runs import kept_figures, train_once
from ldebm.reproduce.table import add_rows

COUNTS, QUICK_COUNTS = (200, 500, 2_500, 10_000), (200,)
SIZE = "bag"
ALONE = "training.pseudo_label_weight=0"  # taught by the labelled documents alone
TAUGHT, UNTAUGHT = "svebm-ib-taught", f"{BEST}-untaught"  # what the prior adds, and what the words that teach it add
SEQUENCE = f"{BEST}-sequence"  # reads words in their order, the first sixty, and writes them again
MODELS: dict[str, tuple[str, ...]] = {
    "gaussian-mixture": ("model.prior.kind=mixture", "training.information_weight=0", ALONE),
    "svebm-ib": ("model.prior.kind=symbol_vector", ALONE),
    TAUGHT: ("model.prior.kind=symbol_vector",),
    PAPER: (),
    UNTAUGHT: (ALONE,),
    BEST: (),
    SEQUENCE: (
        "model.observation=sequence",
        "data.vocabulary_size=10000",
        "data.max_length=60",
        "model.encoder.embedding_size=128",
        "model.encoder.hidden_size=256",
        "model.encoder.word_dropout=0.1",
        "model.decoder.hidden_size=256",
    ),
}
BASELINES: dict[str, Callable[[Corpus, list[str]], agnews_baselines.Probabilities]] = {
    "tf-idf-logistic-regression": agnews_baselines.logistic_regression,
    "naive-bayes-self-training": agnews_baselines.self_training,
    "words-alone": agnews_baselines.words_alone,
}
PUBLISHED = {  # recalled, unverified; 115,000 documents without a label, best epoch on dev
    row: {f"accuracy_{count}": value for count, value in zip(COUNTS, values, strict=True)}
    for row, values in {
        "svebm-ib": (0.864, 0.874, 0.879, 0.886),
        PAPER: (0.874, 0.881, 0.892, 0.901),
    }.items()
}
_DRAWS = " random class-balanced draws of labels;"
PROTOCOL = {
    f"{name}_{count}": f"{what} with {count:,} labels in all; headline and description;"
    f"{'' if name.endswith('way') else _DRAWS} the other documents of the 21,314 without one"
    for name, what in {
        "accuracy": "share of the 7,600 test documents with the right class, 0 to 1,",
        "accuracy_dev": "share of the 5,000 dev documents with the right class, 0 to 1,",
        "calibration_error": f"expected calibration error on test, {BINS} bins, 0 to 1, after a temperature from dev,",
        "calibration_error_before": "the same without the temperature",
        "accuracy_published_way": "the published protocol: the first documents of each class labelled, the best "
        "epoch's share of right classes on dev, which chose it,",
    }.items()
    for count in COUNTS
}
CHANCE = {name: 0.25 for name in PROTOCOL if name.startswith("accuracy")}


def reproduce(out: Path, runs: Path, seeds: int, quick: bool, jobs: int = 1) -> Path:
    """Train and measure every row with each draw of labels. Returns the result file, `out`/agnews.json; the figures are
    kept under `runs`, so that an interrupted table goes on where it was.

    Args:
        seeds: draws of labels.
        quick: 200 labels, 100 steps; results to `out`/agnews-quick.json.
    """
    command = f"ldebm reproduce agnews --seeds {seeds}{' --quick' if quick else ''}"
    file = ResultFile(out / f"agnews{'-quick' if quick else ''}.json", command, PROTOCOL)
    seeds_of = dict.fromkeys((*BASELINES, *MODELS), seeds)
    size = QUICK if quick else SIZE
    add_rows(file, size, seeds_of, figures, folder_of, runs, jobs, chance=CHANCE, published=PUBLISHED)
    return file.path


def folder_of(row: str, size: str, draw: int, runs: Path) -> Path:
    return runs / f"{row}-{size}-{draw}"


def config_of(row: str, size: str, draw: int) -> Config:
    """The row's preset with what it changes."""
    short = ("training.max_steps=100",) if size == QUICK else ()
    return load_preset(f"{'paper' if row == PAPER else 'best'}-{SIZE}", [*short, *MODELS[row], f"seed={draw}"])


def figures(row: str, size: str, draw: int, runs: Path) -> dict[str, float | None]:
    """The figures of one draw of labels and the seconds of its trainings."""
    folder = folder_of(row, size, draw, runs)
    return kept_figures(folder, PROTOCOL, folder, lambda: _measure(row, size, draw, folder))


def _measure(row: str, size: str, draw: int, folder: Path) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    seconds = 0.0
    for count in QUICK_COUNTS if size == QUICK else COUNTS:
        corpus, started = corpus_of(balanced(count, draw)), time.monotonic()
        if row in BASELINES:
            read = BASELINES[row](corpus, [*texts_of("validation"), *texts_of("test")])
        else:
            run = folder / str(count)
            model = LDEBM.from_pretrained(train_once(config_of(row, size, draw), corpus, run))
            model.temperature.fill_(1.0)  # the figures choose it themselves, for every row alike
            read = model.symbol_probabilities([*texts_of("validation"), *texts_of("test")])
            shutil.rmtree(run)  # twenty runs a row
        seconds += time.monotonic() - started
        dev_NK, test_NK = np.split(np.log(read + 1e-30), [len(texts_of("validation"))])
        found |= {f"{name}_{count}": value for name, value in scores(dev_NK, test_NK).items()}
        if row in MODELS and draw == 0:
            found[f"accuracy_published_way_{count}"] = _published_way(row, size, count, folder)
    return found | {"train_seconds": seconds}


def scores(dev_NK: npt.NDArray[np.floating], test_NK: npt.NDArray[np.floating]) -> dict[str, float]:
    """What log p(y | x) of the dev and the test documents is worth."""
    dev_N, test_N = (classes_of(part) for part in ("validation", "test"))
    warmth = temperature(dev_NK, dev_N)
    return {
        "accuracy": float((test_NK.argmax(1) == test_N).mean()),
        "accuracy_dev": float((dev_NK.argmax(1) == dev_N).mean()),
        "calibration_error": expected_calibration_error(softmax(test_NK / warmth, axis=1), test_N),
        "calibration_error_before": expected_calibration_error(softmax(test_NK, axis=1), test_N),
    }


def _published_way(row: str, size: str, count: int, folder: Path) -> float:
    """The best epoch's share of right classes on dev, with the first documents of each class labelled."""
    seen: list[float] = []

    def watch(step: int, model: LatentModel[Sequence[str]]) -> None:
        del step
        read = model.symbol_probabilities(texts_of("validation"))
        seen.append(float((read.argmax(1) == classes_of("validation")).mean()))

    run = folder / f"first-{count}"
    shutil.rmtree(run, ignore_errors=True)  # the epochs of an interrupted run were not seen
    train_once(config_of(row, size, 0), corpus_of(first(count)), run, watch)
    shutil.rmtree(run)
    return max(seen)


@cache
def texts_of(part: str) -> list[str]:
    """The documents of "train", "validation" or "test" as their known words."""
    known = frozenset(agnews.vocabulary())
    return [agnews.counted_words(text, known) or agnews.NOTHING for text in agnews.documents(part)["text"]]


@cache
def classes_of(part: str) -> npt.NDArray[np.integer]:
    """Places of the documents' classes among the sorted names."""
    names = sorted(agnews.CLASSES)
    return np.array([names.index(each) for each in agnews.documents(part)["category"]])


def balanced(count: int, draw: int) -> npt.NDArray[np.integer]:
    """Training documents whose label is told: `count` in all, as many of each class, at random."""
    generator = np.random.default_rng(draw)
    return np.concatenate([generator.permutation(rows)[: count // len(agnews.CLASSES)] for rows in _rows_of_classes()])


def first(count: int) -> npt.NDArray[np.integer]:
    """The same, the first of each class, as published."""
    return np.concatenate([rows[: count // len(agnews.CLASSES)] for rows in _rows_of_classes()])


def _rows_of_classes() -> list[npt.NDArray[np.integer]]:
    return [np.flatnonzero(classes_of("train") == place) for place in range(len(agnews.CLASSES))]


def corpus_of(labelled: npt.NDArray[np.integer]) -> Corpus:
    """AG News in which the labels of these training documents alone are told."""
    names, told = sorted(agnews.CLASSES), set(labelled.tolist())
    classes = [names[place] if row in told else None for row, place in enumerate(classes_of("train"))]
    parts = {"train": classes, "validation": [names[place] for place in classes_of("validation")]}
    tables = {
        part: datasets.Dataset.from_dict({"text": texts_of(part), "label": labels}) for part, labels in parts.items()
    }
    return Corpus("agnews", tables["train"], tables["validation"], None, tuple(names))
