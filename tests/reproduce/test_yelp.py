"""The walk through Yelp's table, on a tiny corpus and tiny models."""

import dataclasses
import json
import math

import numpy as np
import pytest

from ldebm.cli import main
from ldebm.data.yelp import Rewritten
from ldebm.evaluation import text_classifiers
from ldebm.evaluation.language_model import Recipe
from ldebm.reproduce import runs as table_runs
from ldebm.reproduce import (
    yelp,
    yelp_guidance,
    yelp_language_model,
    yelp_page,
    yelp_rewriting,
    yelp_setting,
)
from ldebm.tasks import control_figures, real_texts
from tests import tiny

SHOWN = ("gaussian-mixture", "svebm-ib", "ldebm-paper", "ldebm-best")
GUIDED = ("svebm-ib-guided", "ldebm-best-guided")
CACHES = (yelp_setting.corpus, yelp_setting.texts_of, yelp_setting.real_texts, yelp_language_model.tokenizer)


def pairs():
    """Sentences, and what a person might make of them."""

    def other(text, label):
        [verdict] = [each for each in tiny.VERDICTS[label] if each in text]
        return text.replace(verdict, "was awful" if label == "positive" else "was great")

    texts, labels = tiny.texts(200, 2)
    return [Rewritten(text, label, other(text, label)) for text, label in zip(texts, labels, strict=True)]


@pytest.fixture
def small(monkeypatch):
    corpus = dataclasses.replace(tiny.corpus(300, labelled=True), tokenised=True)
    monkeypatch.setattr(yelp_setting, "load_corpus", lambda name, label: corpus)
    rows = {row: yelp_setting.ROWS[row] for row in SHOWN}
    for module in (yelp, yelp_setting):
        monkeypatch.setattr(module, "ROWS", rows)
    for module in (yelp_page, yelp_rewriting):
        monkeypatch.setattr(module, "rewritings", pairs)
    monkeypatch.setitem(yelp_setting.EFFORTS, "tiny", yelp_setting.Effort(60, 20))
    monkeypatch.setattr(real_texts, "JUDGE", Recipe(epochs=2, batch_size=16, learning_rate=0.01))
    monkeypatch.setattr(text_classifiers, "FEATURES", 2**12)
    monkeypatch.setattr(text_classifiers, "LEARNING_RATE", 0.01)
    for each in CACHES:
        each.cache_clear()
    yield corpus
    for each in CACHES:
        each.cache_clear()


def means(path, **of):
    rows = json.loads(path.read_text())["rows"]
    return [
        {name: each["mean"] for name, each in row["metrics"].items()}
        for row in rows
        if all(row[name] == value for name, value in of.items())
    ]


def test_rows_are_trained_measured_and_written_once(tmp_path, small, monkeypatch) -> None:
    out, runs = tmp_path / "results", tmp_path / "runs"
    path = yelp.reproduce(out, runs, seeds=2, quick=True)
    found = json.loads(path.read_text())
    assert path.name == "yelp-quick.json" and found["command"] == "ldebm reproduce yelp --seeds 2 --quick"
    assert [row["model"] for row in found["rows"]] == [
        "real-wrong-label",
        "language-model",
        *SHOWN,
        *GUIDED,
    ]
    [wrong], [plain], [best], [guided] = (
        means(path, model=row) for row in ("real-wrong-label", "language-model", "ldebm-best", "ldebm-best-guided")
    )
    assert wrong["accuracy"] < 0.1 and wrong["perplexity_ratio"] > 1.2
    assert plain["accuracy"] is None and 0 <= plain["accuracy_sampled"] <= 1 and plain["bleu"] is None
    assert best["guidance"] == 1.0 and guided["guidance"] in yelp.GUIDANCES
    assert best["accuracy_reading"] == guided["accuracy_reading"] >= 0.5  # the same run
    for row in (best, guided):
        both = (row["accuracy_positive"] + row["accuracy_negative"]) / 2
        assert row["accuracy"] == pytest.approx(both) and row["accuracy_1280"] == row["accuracy"]
        assert 0 <= row["mutual_information"] <= math.log(2) and row["bleu"] >= 0
    metrics = found["rows"][-1]["metrics"]
    assert metrics["accuracy"]["floor"] > 0.9 and metrics["accuracy"]["chance"] == 0.5
    assert metrics["perplexity_ratio_sampled"]["floor"] == 1.0
    assert "181,243 substitute sentences, 41% of the published" in found["protocol"]["accuracy"]

    curve = yelp_guidance.curve(out, runs, "tiny")
    points = [((each["temperature"], each["best_of"]), each["guidance"]) for each in means(curve, model="ldebm-best")]
    assert points == [(way, weight) for way in yelp_guidance.WAYS for weight in yelp_guidance.GUIDANCES]
    rewritten = yelp_rewriting.reproduce(out, runs, "tiny")
    shown = ("copy", "human", "drawn", "ldebm-best")
    [copy], [human], [drawn], [model] = (means(rewritten, model=row) for row in shown)
    assert copy["bleu_source"] == human["bleu_human"] == pytest.approx(100)
    assert copy["bleu_human"] == pytest.approx(human["bleu_source"], rel=0.05)
    assert human["accuracy"] > copy["accuracy"] + 0.5
    assert drawn["bleu_source"] < 20 and drawn != model
    assert 0 <= model["accuracy"] <= 1 and 0 < model["label_perplexity"] < math.inf

    page = tmp_path / "docs" / "yelp-quick.md"
    yelp_page.write_page(page, out, runs, True, tmp_path / "docs" / "yelp")
    text = page.read_text()
    assert text.count("41% of the published training set") > 7 and "| `ldebm-best-guided` (1 seed) |" in text
    assert "as published (recalled, unverified)" in text and "99.3% or more" in text
    assert "(yelp/guidance-tiny.png)" in text and (tmp_path / "docs" / "yelp" / "guidance-tiny.svg").exists()
    assert "## Rewriting the test sentences into the other label" in text
    cells = [cell.strip() for line in text.splitlines() if line.startswith("| positive |") for cell in line.split("|")]
    sentences = {sentence.strip() for cell in cells for sentence in cell.split(" / ")}
    assert sentences.isdisjoint(small.train["text"]) and sentences.isdisjoint(small.test["text"])

    monkeypatch.setattr(table_runs, "train", None)  # nothing is trained or written again
    monkeypatch.setattr(real_texts, "fit", None)
    monkeypatch.setattr(yelp, "measure", None)
    monkeypatch.setattr(yelp, "_of_language_model", None)
    yelp_setting.real_texts.cache_clear()
    assert json.loads(yelp.reproduce(out, runs, 2, quick=True).read_text()) == found


def test_the_weight_of_guidance_is_the_surest_that_reads_well() -> None:
    tried = {1.0: (0.90, 20.0), 2.0: (0.97, 21.0), 3.0: (0.97, 21.5), 5.0: (0.99, 40.0)}
    assert yelp.choice(tried, 22.0) == 2.0
    assert yelp.choice(tried, 50.0) == 5.0
    assert yelp.choice(tried, 10.0) == 1.0


def test_the_weight_of_guidance_is_chosen_on_dev_by_texts_of_its_own(monkeypatch) -> None:
    asked = []

    class Real:
        def accuracies(self, texts):
            return {"accuracy": texts["guidance"]}

        def perplexity_of(self, texts):
            return {"validation": 20.0, "test": 1e9}[texts["part"]] if "part" in texts else 10.0 * texts["guidance"]

    def written(model, count, mode, seed, guidance):
        asked.append((count, mode, seed))
        return {"guidance": guidance}

    monkeypatch.setattr(yelp, "real_texts", lambda size, runs: Real())
    monkeypatch.setattr(yelp, "texts_of", lambda part: {"part": part})
    monkeypatch.setattr(yelp, "written", written)
    assert yelp.chosen_guidance(None, 3, "small", None) == 2.0  # the last that stays within 1.1 times dev's
    assert set(asked) == {(2_000, "greedy", 1_003)}  # those that are measured have the seed 3


def test_labels_of_the_language_model_steer_it_and_are_read_by_bayes_rule(tmp_path, small, monkeypatch) -> None:
    monkeypatch.setattr(yelp_language_model.language_models, "Recipe", lambda epochs: Recipe(40, 16, 0.01))
    model, _ = yelp_language_model.trained("tiny", tmp_path)
    real = yelp_setting.real_texts("tiny", tmp_path)
    texts = yelp_language_model.written(model, 200, seed=0)
    assert [len(those) for those in texts.values()] == [100, 100] and not any("<" in text for text in texts["negative"])
    assert real.accuracies(texts)["accuracy"] > 0.9
    probabilities = yelp_language_model.label_probabilities(model, yelp._test_texts())
    assert probabilities.sum(1) == pytest.approx(np.ones(50))
    assert yelp._of_reading(probabilities)["accuracy_reading"] > 0.95


def test_rows_and_order_of_the_whole_table(tmp_path, small, monkeypatch) -> None:
    """Seeds at `small`; once at `full`, the rows with goals first."""

    def figures(row, size, seed, runs):
        folder = yelp_setting.folder_of(row, size, seed, runs)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "figures.json").write_text('{"commit": "abc"}')
        return {"accuracy": 0.9, "train_seconds": 2.0}

    monkeypatch.setattr(yelp, "figures", figures)
    for name in ("of_real", "of_wrong_labels"):
        monkeypatch.setattr(control_figures, name, lambda *given: {})
    monkeypatch.setattr(control_figures, "of_held_out", lambda real: {"label_perplexity": 7.0})
    monkeypatch.setattr(yelp, "real_texts", lambda size, runs: None)

    def known(full):
        file = yelp.reproduce(tmp_path, tmp_path / "runs", 2, quick=False, full=full)
        return [(row["model"], row["size"], row["seeds"]) for row in json.loads(file.read_text())["rows"]]

    def once(size, *rows):
        return [(row, size, 1) for row in rows]

    real = ("real-wrong-label", "real-held-out")
    of_small = [*once("small", *real, "language-model"), *((row, "small", 2) for row in (*SHOWN, *GUIDED))]
    full = ("ldebm-best", "ldebm-best-guided", "svebm-ib", "svebm-ib-guided", "gaussian-mixture")
    assert known(full=False) == of_small
    assert known(full=True) == [*of_small, *once("full", *real, *full, "language-model")]


def test_without_the_corpus_the_command_says_what_is_missing(tmp_path, monkeypatch, capsys) -> None:
    for each in CACHES:
        each.cache_clear()
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", "yelp", "--quick", "--runs", str(tmp_path / "runs"), "--out", str(tmp_path)])
    assert "substitute.train.0.gz" in capsys.readouterr().err
