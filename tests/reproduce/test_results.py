"""Result files and the walk through the synthetic sets."""

import json
import math
import threading
import time

import pytest

from ldebm import load_preset
from ldebm.errors import RunError
from ldebm.reproduce.results import ResultFile, summary


def test_a_summary_is_mean_and_sample_deviation_of_what_is_known():
    assert summary([1.0, 3.0, None, math.nan]) == {"mean": 2.0, "sd": pytest.approx(math.sqrt(2))}
    assert summary([2.0]) == {"mean": 2.0, "sd": None}
    assert summary([None]) == {"mean": None, "sd": None}


def test_rows_are_written_as_they_come(tmp_path):
    file = ResultFile(tmp_path / "made-up.json", "ldebm reproduce made-up", {"bleu": "its definition"})
    file.add("gaussian", "small", [{"bleu": 1.0}, {"bleu": 2.0}], 3.5, floor={"bleu": 0.1})
    first = json.loads(file.path.read_text())
    assert first["name"] == "made-up" and first["command"] == "ldebm reproduce made-up"
    assert first["protocol"] == {"bleu": "its definition"} and first["commit"] and first["machine"]
    assert first["rows"][0]["metrics"]["bleu"] == {
        "mean": 1.5,
        "sd": pytest.approx(math.sqrt(0.5)),
        "chance": None,
        "floor": 0.1,
    }
    file.add("ldebm-best", "small", [{"bleu": 2.0}], 1.0, published={"bleu": 11.16})
    second = json.loads(file.path.read_text())
    assert [row["model"] for row in second["rows"]] == ["gaussian", "ldebm-best"]
    assert second["rows"][1]["published"] == {"bleu": 11.16}


def test_densities_train_measure_and_draw_and_do_not_train_twice(tmp_path, monkeypatch):
    from ldebm.data import corpora
    from ldebm.reproduce import densities, density_page, density_table, runs

    small = ("model.prior.width=16", "model.prior.blocks=1", "model.prior.steps=2", "training.epochs=2")
    monkeypatch.setattr(corpora, "POINTS_TRAIN", 600)
    monkeypatch.setattr(corpora, "POINTS_VALIDATION", 100)
    monkeypatch.setattr(densities, "POINTS", 500)
    monkeypatch.setattr(density_page, "POINTS", 500)
    monkeypatch.setattr(densities, "TEST_POINTS", 3)
    monkeypatch.setattr(densities, "INTEGRAL_SIDE", 9)
    monkeypatch.setattr(densities, "ROWS", {row: (*more, *small) for row, more in densities.ROWS.items()})
    monkeypatch.setattr(density_page, "ROWS", densities.ROWS)
    results = densities.reproduce(tmp_path / "results", tmp_path / "runs", ["pinwheel"], seeds=1, quick=False)
    assert results == [tmp_path / "results" / "densities-pinwheel.json"]
    found = json.loads(results[0].read_text())
    assert [row["model"] for row in found["rows"]] == list(densities.ROWS)
    best = found["rows"][-1]["metrics"]
    assert best["ami_component"]["mean"] is not None and best["bracket_width"]["mean"] > 0
    assert 0.5 < best["estimated_integral"]["mean"] < 2.0 and best["sample_density_gap"]["mean"] is not None
    assert best["energy_distance_ratio"]["mean"] > 1 and best["energy_distance"]["floor"] > 0
    assert found["rows"][0]["metrics"]["ami_component"]["mean"] is None
    paths = density_page.draw(tmp_path / "pictures", tmp_path / "runs", ["pinwheel"], quick=False)
    assert len(paths) == 11 and all(path.stat().st_size > 1000 for path in paths)

    density_table.write_page(tmp_path / "densities.md", results, tmp_path / "pictures")
    page = (tmp_path / "densities.md").read_text()
    assert all(f"| `{row}` (1 seed) |" in page for row in densities.ROWS)
    assert format(best["ami_component"]["mean"], ".3f") in page
    assert all(f"(pictures/pinwheel-{file})" in page for file in density_table.FIGURES)
    assert all(f"`{name}`:" in page for name in densities.PROTOCOL)
    assert set(density_table.SAMPLES) | set(density_table.SYMBOLS) | set(density_table.GOALS) <= set(densities.PROTOCOL)

    monkeypatch.setattr(runs, "train", None)  # finished runs are read, not trained, and measured once
    monkeypatch.setattr(densities, "measure", None)
    densities.reproduce(tmp_path / "results", tmp_path / "runs", ["pinwheel"], seeds=1, quick=False)


def test_work_in_parallel_is_done_once_and_an_error_is_told(monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    from ldebm.reproduce import runs

    seen, work = [], [(row, seed) for row in "abc" for seed in (0, 1)]
    monkeypatch.setattr(runs, "ProcessPoolExecutor", lambda jobs, *_: ThreadPoolExecutor(jobs))
    for jobs in (1, 2):
        assert list(runs.in_parallel(lambda *given: seen.append(given) or given, work, jobs)) == work
        assert sorted(seen) == sorted(work)
        seen.clear()
        results = runs.in_parallel(lambda part: 1 / part, [(1,), (0,)], jobs)
        assert next(results) == 1  # what is there is told before the next one fails
        with pytest.raises(ZeroDivisionError):
            next(results)
    begun, late = [], threading.Event()

    def work_of(part):
        begun.append(part)
        return late.wait(10) if part == 0 else 1 / 0 if part == 1 else time.sleep(0.1)

    started = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        threading.Timer(0.5, late.set).start()
        next(runs.in_parallel(work_of, [(part,) for part in range(50)], 2))
    assert len(begun) < 50 and time.monotonic() - started < 5  # told at once, and the others do not begin


def test_a_folder_is_trained_by_one_process(tmp_path):
    from filelock import FileLock

    from ldebm.reproduce import runs

    config = load_preset("best-tiny")
    with FileLock(tmp_path / runs.LOCK), pytest.raises(RunError, match="is being trained by another process"):
        runs.train_once(config, None, tmp_path)


def test_seeds_of_before_count_as_if_they_had_been_given_at_once(tmp_path):
    values = [{"bleu": 1.0, "judged": 5.0}, {"bleu": 2.5, "judged": None}, {"bleu": 7.0}]
    whole = ResultFile(tmp_path / "whole.json", "c", {"bleu": "b", "judged": "j", "never": "n"})
    whole.add("x", "small", values, 20.0, commits=["a", "b"])
    for split in (1, 2):
        path = tmp_path / f"{split}.json"
        ResultFile(path, "c", whole.protocol).add("x", "small", values[:split], 10.0, commits=["b"])
        later = ResultFile(path, "c", whole.protocol)
        assert later.known("x", "small") == split and later.known("x", "full") == 0
        later.add("x", "small", values[split:], (60.0 - 10.0 * split) / (3 - split), commits=["a"], known=split)
        [found], [expected] = (json.loads(each.path.read_text())["rows"] for each in (later, whole))
        for name, metric in expected["metrics"].items():
            for kind, value in metric.items():
                assert found["metrics"][name][kind] == (None if value is None else pytest.approx(value)), (name, kind)
        assert found["seeds"] == 3 and found["commits"] == ["a", "b"] and found["train_seconds"] == pytest.approx(20.0)
        unchanged = ResultFile(path, "c", whole.protocol)
        unchanged.add("x", "small", [], 0.0, known=3)
        assert json.loads(path.read_text())["rows"] == [found]
    assert ResultFile(tmp_path / "1.json", "c", {"bleu": "another"}).known("x", "small") == 0


def test_rows_of_before_stay_until_they_are_made_again(tmp_path):
    def known(file):
        return [(row["model"], row["metrics"]["bleu"]["mean"]) for row in json.loads(file.path.read_text())["rows"]]

    first = ResultFile(tmp_path / "a.json", "c", {"bleu": "b"})
    for model in ("x", "x", "y"):
        first.add(model, "small", [{"bleu": 1.0}], 0.0)
    again = ResultFile(tmp_path / "a.json", "c", {"bleu": "b"})
    again.add("x", "small", [{"bleu": 2.0}], 0.0)
    assert known(again) == [("x", 2.0), ("y", 1.0)]
    other = ResultFile(tmp_path / "a.json", "c", {"bleu": "something else"})
    other.add("x", "small", [{"bleu": 3.0}], 0.0)
    assert known(other) == [("x", 3.0)]


def test_figures_are_measured_once_a_protocol_and_a_training(tmp_path):
    from ldebm.reproduce.runs import kept_figures

    calls = []

    def measure():
        calls.append(1)
        return {"bleu": float(len(calls))}

    weights = tmp_path / "run" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"first")
    assert kept_figures(tmp_path, {"bleu": "a"}, weights.parent, measure) == {"bleu": 1.0}
    assert kept_figures(tmp_path, {"bleu": "a"}, weights.parent, measure) == {"bleu": 1.0}
    assert kept_figures(tmp_path, {"bleu": "b"}, weights.parent, measure) == {"bleu": 2.0}
    weights.write_bytes(b"trained again")
    assert kept_figures(tmp_path, {"bleu": "b"}, weights.parent, measure) == {"bleu": 3.0}
