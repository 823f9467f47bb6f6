"""The walk through DailyDialog's table, on a tiny corpus and tiny models."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest

from ldebm.cli import main
from ldebm.model import LDEBM
from ldebm.reproduce import dailydialog, dailydialog_page, dailydialog_rewriting, symbol_baselines
from ldebm.reproduce import runs as table_runs
from tests import tiny

SHOWN = ("gaussian", "gaussian-mixture", "ldebm-best")


@pytest.fixture
def small(monkeypatch):
    chosen = random.Random(0)

    def columns(part):
        texts, labels = tiny.texts(*{"train": (200, 0), "validation": (10, 1), "test": (300, 2)}[part])
        return {
            "text": texts,
            "act": labels,
            "emotion": [chosen.choice(("none", "joy", "anger")) for _ in texts],
            "topic": ["food" if "food" in text or "sandwich" in text else "other" for text in texts],
        }

    known = {part: columns(part) for part in ("train", "test", "validation")}
    monkeypatch.setattr(dailydialog, "columns_of", known.__getitem__)
    for module in (dailydialog_page, dailydialog_rewriting):
        monkeypatch.setattr(module, "columns_of", known.__getitem__)
    monkeypatch.setattr(dailydialog, "corpus", lambda: tiny.corpus(200))
    monkeypatch.setattr(dailydialog, "SYMBOLS", 6)
    monkeypatch.setattr(dailydialog, "COMMON", ("model.symbols=6",))
    monkeypatch.setattr(dailydialog, "MODELS", {row: dailydialog.MODELS[row] for row in SHOWN})
    return known


def test_rows_are_trained_measured_and_written_once(tmp_path, small, monkeypatch) -> None:
    path = dailydialog.reproduce(tmp_path / "results", tmp_path / "runs", seeds=2, quick=True)
    found = json.loads(path.read_text())
    assert path.name == "dailydialog-quick.json"
    rows = {row["model"]: {name: each["mean"] for name, each in row["metrics"].items()} for row in found["rows"]}
    assert list(rows) == ["tf-idf-k-means", "lda", "word-mixture", *SHOWN]
    for name, row in rows.items():
        assert (row["bleu"] is None) == (name in dailydialog.BASELINES)
        assert 0 <= row["homogeneity_act"] <= 1 and 0 <= row["homogeneity_batched_act"] <= 1
        assert row["homogeneity_act_chance"] < 0.1
        # A model of seven steps may have one symbol for all, which agrees with nothing by chance either.
        assert name not in dailydialog.BASELINES or row["homogeneity_batched_emotion_chance"] > 0
        assert 0 < row["mutual_information"] < np.log(6) + 1e-6
    # The words of the texts say which act it is, and nothing says the emotion.
    assert rows["tf-idf-k-means"]["homogeneity_topic"] > 0.2 and abs(rows["tf-idf-k-means"]["ami_emotion"]) < 0.05

    rewriting = dailydialog_rewriting.reproduce(tmp_path / "results", tmp_path / "runs", "tiny")
    copied, drawn, rewritten = json.loads(rewriting.read_text())["rows"]
    assert copied["metrics"]["read_as_asked"]["mean"] == 0 and copied["metrics"]["bleu_source"]["mean"] > 99
    assert drawn["model"] == "drawn" and rewritten["model"] == "ldebm-best"

    dailydialog_page.write_page(tmp_path / "dailydialog.md", path, rewriting, tmp_path / "runs")
    page = (tmp_path / "dailydialog.md").read_text()
    assert "| `ldebm-best` (1 seed) |" in page and "## Symbols of `ldebm-best` (tiny)" in page
    assert "| symbol | share | words | generated | act | emotion | topic |" in page
    assert not any(f"| {text} |" in page for text in small["test"]["text"])  # which may not be passed on
    said = small["validation"]["text"][0]
    monkeypatch.setattr(LDEBM, "generate", lambda *_, symbol, **how: [said, f"new to {symbol}"])
    dailydialog_page.write_page(tmp_path / "dailydialog.md", path, rewriting, tmp_path / "runs")
    page = (tmp_path / "dailydialog.md").read_text()
    assert "| new to " in page and said not in page

    monkeypatch.setattr(table_runs, "train", None)  # nothing is trained or measured again
    monkeypatch.setattr(dailydialog, "attribute_figures", None)
    again = dailydialog.reproduce(tmp_path / "results", tmp_path / "runs", seeds=2, quick=True)
    assert json.loads(again.read_text()) == found
    again = dailydialog.reproduce(tmp_path / "results", tmp_path / "on another machine", seeds=2, quick=True)
    assert json.loads(again.read_text()) == found


def test_the_page_of_results_from_another_machine_measures_the_symbols_that_it_shows(tmp_path, small) -> None:
    path = dailydialog.reproduce(tmp_path / "results", tmp_path / "runs", seeds=1, quick=True)
    rewriting = dailydialog_rewriting.reproduce(tmp_path / "results", tmp_path / "runs", "tiny")
    dailydialog_page.write_page(tmp_path / "there.md", path, rewriting, tmp_path / "runs")
    dailydialog_page.write_page(tmp_path / "here.md", path, rewriting, tmp_path / "empty")
    assert (tmp_path / "here.md").read_text() == (tmp_path / "there.md").read_text()


def test_rewritten_utterances_are_counted_beside_those_that_are_left_and_those_that_are_new(tmp_path, monkeypatch):
    """A model that reads a text's first word as its symbol; it rewrites that word alone."""
    texts = [f"{place % 3} a b c d" for place in range(30)]

    class Model:
        tokenizer = SimpleNamespace(words=str.split)

        def symbol_probabilities(self, texts):
            return np.eye(3)[[int(text.split()[0]) for text in texts]]

        def generate(self, n, symbol):
            return [f"{symbol} e f g h"] * n

    def rewrite(model, texts, symbol):
        return [SimpleNamespace(text=f"{symbol} {text.split(' ', 1)[1]}") for text in texts]

    monkeypatch.setattr(dailydialog_rewriting, "trained", lambda *_: Model())
    monkeypatch.setattr(dailydialog_rewriting, "columns_of", lambda part: {"text": texts})
    monkeypatch.setattr(dailydialog_rewriting, "test_symbols", lambda *_: np.arange(30) % 3)
    monkeypatch.setattr(dailydialog_rewriting, "rewrite", rewrite)
    path = dailydialog_rewriting.reproduce(tmp_path / "results", tmp_path / "runs", "tiny")
    rows = {row["model"]: row["metrics"] for row in json.loads(path.read_text())["rows"]}
    read = {name: row["read_as_asked"]["mean"] for name, row in rows.items()}
    kept = {name: row["bleu_source"]["mean"] for name, row in rows.items()}
    assert read == {"copy": 0, "drawn": 1, "ldebm-best": 1}
    assert kept["copy"] == pytest.approx(100) and kept["drawn"] < 5 and 50 < kept["ldebm-best"] < 95


def test_a_seed_is_compared_with_all_others_that_there_are(tmp_path, small) -> None:
    for seed, symbols in enumerate(([0, 0, 1, 1, 2, 2], [5, 5, 3, 3, 1, 1], [0, 1, 2, 0, 1, 2])):
        folder = dailydialog.folder_of("lda", "small", seed, tmp_path)
        folder.mkdir()
        np.save(folder / "test-symbols.npy", symbols)
    first, second, third = ({}, {}, {})
    dailydialog.compare("small", tmp_path, "lda", range(3), [first, second, third])
    assert first["stability"] == second["stability"] == pytest.approx((1 + third["stability"]) / 2)
    assert third["stability"] < 0.1
    again: dict = {}
    dailydialog.compare("small", tmp_path, "lda", range(2, 3), [again])  # a table that goes on behind two seeds
    assert again == third
    alone: dict = {}
    dailydialog.compare("small", tmp_path, "lda", range(1), [alone])
    assert alone == {"stability": None}


def test_the_baselines_find_what_is_there(small) -> None:
    texts = small["train"]["text"]
    for baseline in dailydialog.BASELINES.values():
        probabilities = baseline(texts, texts[:20], tiny.tokenizer(), 4, 0)
        assert probabilities.shape == (20, 4) and probabilities.sum(1) == pytest.approx(np.ones(20))
    points = np.repeat(np.eye(3) * 9, 10, 0) + np.random.default_rng(0).normal(size=(30, 3))
    rows = symbol_baselines.k_means(points, points, 3, 0)
    assert len({tuple(row) for row in rows[:10]}) == 1 and len({tuple(row) for row in rows}) == 3


def test_without_the_corpus_the_command_says_what_is_missing(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", "dailydialog", "--quick", "--runs", str(tmp_path / "runs")])
    assert "dialogues.txt.gz" in capsys.readouterr().err
