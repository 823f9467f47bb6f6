"""The walk through the Penn Treebank's table, on a tiny corpus and tiny models."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from ldebm.errors import RunError
from ldebm.evaluation.language_model import Recipe
from ldebm.reproduce import completion, ptb, ptb_curves, ptb_page, ptb_setting
from ldebm.reproduce import runs as table_runs
from ldebm.tasks import real_texts
from tests import tiny

SHOWN = ("gaussian", "ldebm-paper", "ldebm-best")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(ptb_setting, "load_corpus", lambda name: tiny.corpus(120))
    rows = {row: ptb_setting.ROWS[row] for row in SHOWN}
    monkeypatch.setattr(completion, "load_corpus", lambda name: tiny.corpus(120))
    monkeypatch.setattr(ptb_curves, "FRONTIER", ("gaussian", "ldebm-best"))
    for module in (ptb, ptb_setting):
        monkeypatch.setattr(module, "ROWS", rows)
    monkeypatch.setitem(ptb_setting.EFFORTS, "tiny", ptb_setting.Effort(60, 2, refit_steps=3))
    monkeypatch.setattr(real_texts, "JUDGE", Recipe(epochs=1))
    kept = (ptb_setting.corpus, ptb_setting.real_texts)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


def test_rows_are_trained_measured_and_written_once(tmp_path, small, monkeypatch):
    path = ptb.reproduce(tmp_path / "results", tmp_path / "runs", seeds=3, quick=True)
    found = json.loads(path.read_text())
    assert path.name == "ptb-quick.json" and found["command"] == "ldebm reproduce ptb --seeds 3 --quick"
    rows = {row["model"]: row for row in found["rows"]}
    assert list(rows) == ["language-model", "gaussian", "ldebm-paper", "ldebm-best", "ldebm-best-refit"]

    def mean(row, metric):
        return rows[row]["metrics"][metric]["mean"]

    assert all(mean(row, "reverse_perplexity_ratio") > 0 and mean(row, "bleu") >= 0 for row in list(rows)[1:])
    assert mean("language-model", "bleu") is None and mean("language-model", "nll_bound") > 0
    assert mean("ldebm-best", "gain") >= mean("ldebm-best", "gain_low") - 0.01  # ends of a bracket, in expectation
    assert mean("gaussian", "gain") is None
    assert mean("ldebm-paper", "nll_bound") is None and mean("ldebm-best", "nll_bound") > 0
    # A second stage moves the prior and nothing else.
    assert mean("ldebm-best-refit", "bleu") == mean("ldebm-best", "bleu")
    assert mean("ldebm-best-refit", "prior_distance") != mean("ldebm-best", "prior_distance")
    assert rows["gaussian"]["metrics"]["unigram_kl"]["floor"] is not None
    assert rows["gaussian"]["published"]["bleu"] == 3.12 and "published" not in rows["ldebm-best"]

    frontier = ptb_curves.frontier(tmp_path / "results", tmp_path / "runs", quick=True)
    points = json.loads(frontier.read_text())["rows"]
    assert [row["model"] for row in points] == ["gaussian", "ldebm-best"]
    for row in points:
        assert row["metrics"]["rate"]["mean"] > 0
        assert row["metrics"]["rate_weight"]["mean"] == ptb_curves.QUICK_POINT[0]
    temperatures = ptb_curves.temperatures(tmp_path / "results", tmp_path / "runs", quick=True)
    sampled = json.loads(temperatures.read_text())["rows"]
    assert len(sampled) == 2 * len(ptb_curves.TEMPERATURES)
    temperatures_of = [row["metrics"]["temperature"]["mean"] for row in sampled if row["model"] == "language-model"]
    assert temperatures_of == list(ptb_curves.TEMPERATURES)
    assert len({row["metrics"]["distinct_2"]["mean"] for row in sampled}) > 5  # each draws texts of its own
    filled = completion.reproduce(tmp_path / "results", tmp_path / "runs", quick=True)
    rows_filled = {row["model"]: row["metrics"] for row in json.loads(filled.read_text())["rows"]}
    assert list(rows_filled) == ["ldebm-best", "posterior", "language-model"]
    assert all(-9 < row["log_probability_reviews"]["mean"] < 0 for row in rows_filled.values())

    ptb_page.write_page(tmp_path / "ptb.md", tmp_path / "results", True, tmp_path / "pictures")
    assert all((tmp_path / "pictures" / f"quick-{name}.svg").exists() for name in ("frontier", "temperatures"))
    page = (tmp_path / "ptb.md").read_text()
    assert "| `ldebm-best` (1 seed) |" in page and "as published (recalled, unverified)" in page
    assert "16 or more" in page and "## What the columns mean" in page

    monkeypatch.setattr(table_runs, "train", None)  # nothing is trained again, nor is the judge
    monkeypatch.setattr(real_texts, "fit", None)
    ptb_setting.real_texts.cache_clear()
    monkeypatch.setattr(ptb, "measure", None)
    assert json.loads(ptb.reproduce(tmp_path / "results", tmp_path / "runs", 3, quick=True).read_text()) == found


def test_a_folder_of_other_settings_is_told(tmp_path, small, monkeypatch):
    ptb.figures("gaussian", "tiny", 0, tmp_path)
    monkeypatch.setattr(ptb_setting, "COMMON", ("data.max_length=30",))
    with pytest.raises(RunError, match="other settings"):
        ptb.figures("gaussian", "tiny", 0, tmp_path)


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_and_order_of_the_whole_table(tmp_path, small, monkeypatch, jobs):
    """Seeds at `small`, with a refitted prior; once at `full`, the row with goals first; old rows stay meanwhile."""
    measured = []

    def figures(row, size, seed, runs):
        folder = ptb_setting.folder_of(row, size, seed, runs)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "figures.json").write_text('{"commit": "abc"}')
        measured.append((row, size, seed))
        return {"bleu": 1.0, "train_seconds": 2.0}

    monkeypatch.setattr(ptb, "figures", figures)
    monkeypatch.setattr(ptb.generation_figures, "floors", lambda real: {})
    monkeypatch.setattr(ptb, "real_texts", lambda size, runs: None)
    monkeypatch.setattr(table_runs, "ProcessPoolExecutor", lambda jobs, *_: ThreadPoolExecutor(jobs))
    rows = (*ptb.ROWS, "ldebm-best-refit")

    def known(full):
        file = ptb.reproduce(tmp_path, tmp_path / "runs", 2, quick=False, jobs=jobs, full=full)
        return [(row["model"], row["size"], row["seeds"]) for row in json.loads(file.read_text())["rows"]]

    of_small = [("language-model", "small", 1), *((row, "small", 2) for row in rows)]
    of_full = [(row, "full", 1) for row in (*ptb.FULL, "language-model")]
    assert ptb.FULL[0] == "ldebm-best"
    assert known(full=False) == of_small
    assert sorted(set(measured)) == sorted((row, "small", seed) for row, _, n in of_small for seed in range(n))
    assert known(full=True) == of_small + of_full
    assert ("ldebm-best-refit", "full", 0) not in measured
    assert known(full=False) == of_small + of_full  # made again: nothing is lost on the way
    assert {tuple(row["commits"]) for row in json.loads((tmp_path / "ptb.json").read_text())["rows"]} == {("abc",)}
