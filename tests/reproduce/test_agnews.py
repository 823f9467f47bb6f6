"""The walk through AG News' table, on made-up news and a few steps a model."""

import json

import numpy as np
import pytest

from ldebm.data import agnews as corpus
from ldebm.errors import DataError
from ldebm.reproduce import agnews, agnews_baselines
from ldebm.reproduce import runs as table_runs

WORDS = {
    "World": "treaty border minister talks embassy troops",
    "Sports": "goal coach match season striker league",
    "Business": "shares profit merger market dollar bank",
    "Sci/Tech": "chip browser galaxy software orbit virus",
}
COMMON = "the today after new says week over will".split()
SIZES = {"train": 400, "validation": 60, "test": 120}
KNOWN = frozenset(" ".join(WORDS.values()).split()) | frozenset(COMMON[4:])


@pytest.fixture
def news(monkeypatch):
    """Documents of four kinds, in no order of classes; the first test document has no known word."""

    def documents(part):
        generator = np.random.default_rng(sorted(SIZES).index(part))
        classes = generator.permutation(np.resize(corpus.CLASSES, SIZES[part])).tolist()
        texts = [
            " ".join([*generator.choice(WORDS[each].split(), 3), *generator.choice(COMMON, 4)]) for each in classes
        ]
        if part == "test":
            texts[0] = "gibberish"
        return {"text": texts, "category": classes}

    known = {part: documents(part) for part in SIZES}
    monkeypatch.setattr(corpus, "documents", known.__getitem__)
    monkeypatch.setattr(corpus, "vocabulary", lambda: tuple(sorted(KNOWN)))
    for cached in (agnews.texts_of, agnews.classes_of):
        cached.cache_clear()
    yield known
    for cached in (agnews.texts_of, agnews.classes_of):
        cached.cache_clear()


def test_as_many_documents_of_each_class_are_labelled_and_draws_differ(news):
    for chosen in (agnews.balanced(40, 0), agnews.first(40)):
        assert len(set(chosen.tolist())) == 40
        assert np.bincount(agnews.classes_of("train")[chosen]).tolist() == [10] * 4
    assert set(agnews.balanced(40, 0)) == set(agnews.balanced(40, 0)) != set(agnews.balanced(40, 1))
    classes = news["train"]["category"]
    for name in corpus.CLASSES:
        rows = [row for row, each in enumerate(classes) if each == name]
        assert set(rows[:10]) <= set(agnews.first(40).tolist()) and not set(rows[10:]) & set(agnews.first(40).tolist())


def test_the_other_documents_stay_without_a_label(news):
    chosen = set(agnews.balanced(40, 0).tolist())
    made = agnews.corpus_of(agnews.balanced(40, 0))
    assert made.labels == ("Business", "Sci/Tech", "Sports", "World") and made.test is None
    for row, label in enumerate(made.train["label"]):
        assert label == (news["train"]["category"][row] if row in chosen else None)
    assert made.validation["label"][:] == news["validation"]["category"]
    assert agnews.texts_of("test")[0] == corpus.NOTHING and len(agnews.texts_of("test")) == SIZES["test"]


@pytest.mark.parametrize("row", agnews.BASELINES)
def test_the_baselines_find_the_classes(news, row):
    made = agnews.corpus_of(agnews.balanced(80, 0))
    found_MK = agnews.BASELINES[row](made, agnews.texts_of("test"))
    assert found_MK.shape == (SIZES["test"], 4) and found_MK.sum(1) == pytest.approx(1)
    assert (found_MK.argmax(1) == agnews.classes_of("test")).mean() > 0.95


def test_self_training_learns_from_documents_without_a_label(news, monkeypatch):
    made = agnews.corpus_of(agnews.balanced(8, 3))
    with_them = (
        agnews_baselines.self_training(made, agnews.texts_of("test")).argmax(1) == agnews.classes_of("test")
    ).mean()
    monkeypatch.setattr(agnews_baselines, "_SURE", 1.1)  # nothing is sure
    alone = (
        agnews_baselines.self_training(made, agnews.texts_of("test")).argmax(1) == agnews.classes_of("test")
    ).mean()
    assert alone < with_them


def test_the_scores_are_those_of_the_documents(news):
    dev_NK, test_NK = (np.log(np.eye(4)[agnews.classes_of(part)] * 0.6 + 0.1) for part in ("validation", "test"))
    scores = agnews.scores(dev_NK, np.roll(test_NK, 1, axis=1))  # always one class beside it
    assert scores["accuracy_dev"] == 1 and scores["accuracy"] == 0
    assert scores["calibration_error_before"] == pytest.approx(0.7)
    assert scores["calibration_error"] > 0.9  # dev, all right, makes surer; test would have made less sure


def test_rows_are_presets_with_what_they_change():
    assert agnews.config_of("ldebm-paper", "bag", 3).preset == "paper-bag"
    best = agnews.config_of("ldebm-best", "tiny", 3)
    assert (best.preset, best.seed, best.training.max_steps) == ("best-bag", 3, 100)
    assert best.training.pseudo_label_weight > 0
    for row in ("gaussian-mixture", "svebm-ib", "ldebm-paper", agnews.UNTAUGHT):
        assert agnews.config_of(row, "bag", 0).training.pseudo_label_weight == 0
    assert agnews.config_of(agnews.TAUGHT, "bag", 0).training == agnews.config_of("ldebm-best", "bag", 0).training
    in_order = agnews.config_of(agnews.SEQUENCE, "bag", 0)
    assert (in_order.model.observation, in_order.training) == (
        "sequence",
        agnews.config_of("ldebm-best", "bag", 0).training,
    )


def test_rows_are_trained_measured_and_written_once(tmp_path, news, monkeypatch):
    shown = ("gaussian-mixture", "ldebm-best", agnews.SEQUENCE)
    asked = agnews.config_of

    def short(row, size, draw):
        config = asked(row, size, draw)
        return config.model_copy(update={"training": config.training.model_copy(update={"max_steps": 12})})

    monkeypatch.setattr(agnews, "config_of", short)
    monkeypatch.setattr(agnews, "MODELS", {row: agnews.MODELS[row] for row in shown})
    path = agnews.reproduce(tmp_path / "results", tmp_path / "runs", seeds=2, quick=True)
    found = json.loads(path.read_text())
    assert path.name == "agnews-quick.json"
    rows = {row["model"]: row for row in found["rows"]}
    assert list(rows) == [*agnews.BASELINES, *shown]
    for name, row in rows.items():
        values = {metric: each["mean"] for metric, each in row["metrics"].items()}
        assert 0 <= values["calibration_error_200"] <= 1 and values["accuracy_500"] is None
        assert (values["accuracy_published_way_200"] is None) == (name in agnews.BASELINES)
        assert row["seeds"] == 2 and row["metrics"]["accuracy_200"]["chance"] == 0.25
        assert name == "gaussian-mixture" or values["accuracy_200"] > 0.95  # which has learned next to nothing so soon
    assert not list((tmp_path / "runs").rglob("model.safetensors"))

    monkeypatch.setattr(table_runs, "train", None)  # nothing is trained or measured again
    monkeypatch.setattr(agnews, "scores", None)
    again = agnews.reproduce(tmp_path / "results", tmp_path / "runs", seeds=2, quick=True)
    assert json.loads(again.read_text()) == found


def test_without_the_corpus_it_is_told_what_is_missing(tmp_path, monkeypatch):
    for cached in (agnews.texts_of, agnews.classes_of):
        cached.cache_clear()
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"train_subset\.jsonl\.gz"):
        agnews.corpus_of(agnews.balanced(200, 0))
