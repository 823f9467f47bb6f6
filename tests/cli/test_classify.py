"""`ldebm classify --score`: what the labels of a run are worth beside the true ones."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """The fourth row has no text, the fifth no label."""
    path = tmp_path / "reviews.csv"
    path.write_text("truth,review\npositive,good\nnegative,bad\nnegative,good too\nnegative,\n,good one\n")
    return path


@pytest.fixture
def labelled(model: Any) -> Any:
    model.labels, model.config.data.text = ("negative", "positive"), "review"
    return model


def test_the_scores_stand_on_standard_error_where_the_rows_go_to_the_terminal(
    run: Run, labelled: Any, reviews: Path
) -> None:
    code, out, err = run("classify", "runs/a", reviews, "--score", "truth")
    assert code == 0
    labels = [row["label"] for row in csv.DictReader(out.splitlines())]
    assert labels == ["positive", "negative", "positive", "", "positive"]
    lines = [line.split() for line in err.splitlines()]
    assert ["negative", "2", "1", "1.000", "0.500", "0.667"] in lines
    assert ["positive", "1", "2", "0.500", "1.000", "0.667"] in lines
    assert "accuracy 0.667 of 3 texts (always the most frequent label: 0.667)" in err
    # Two texts have 0.75, of which one is right, and one has 0.9: (|1.5 - 1| + |0.9 - 1|) / 3.
    assert "expected calibration error 0.200 (15 bins)" in err
    assert "Texts without a label to compare with: 1." in err


def test_they_stand_on_standard_output_where_the_rows_go_to_a_file(
    run: Run, labelled: Any, reviews: Path, tmp_path: Path
) -> None:
    code, out, err = run("classify", "runs/a", reviews, "--score", "truth", "--out", tmp_path / "found.csv")
    assert (code, err) == (0, "") and "accuracy 0.667 of 3 texts" in out
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 6


def test_without_it_nothing_is_told(run: Run, labelled: Any, reviews: Path) -> None:
    assert run("classify", "runs/a", reviews)[2] == ""


def test_texts_that_lose_their_end_are_counted(run: Run, labelled: Any, reviews: Path) -> None:
    labelled.longest = 5  # of "good", "bad", "good too" and "good one"
    code, _, err = run("classify", "runs/a", reviews)
    assert code == 0 and "2 of 4 texts are longer than" in " ".join(err.split())


def test_an_unknown_label_is_told_with_its_place(run: Run, labelled: Any, tmp_path: Path) -> None:
    path, out = tmp_path / "a.csv", tmp_path / "found.csv"
    path.write_text('review,truth\n"good\nthing",positive\nbad,positiv\n')
    code, printed, err = run("classify", "runs/a", path, "--score", "truth", "--out", out)
    assert (code, printed) == (2, "") and not out.exists()
    assert err == (
        f"error: {path}, line 4, column 'truth': unknown label 'positiv'; the run's labels are negative, positive."
        " Did you mean 'positive'? Write one of these, or leave the cell empty.\n"
    )


def test_a_number_is_compared_as_it_is_written(run: Run, labelled: Any, tmp_path: Path) -> None:
    labelled.labels = ("1", "5")
    path = tmp_path / "a.jsonl"
    path.write_text('{"review": "good", "truth": 5}\n{"review": "bad", "truth": 1.0}\n')
    code, _, err = run("classify", "runs/a", path, "--score", "truth")
    assert code == 2 and "line 2, column 'truth': unknown label '1.0'; the run's labels are 1, 5" in err
    path.write_text(path.read_text().replace("1.0", '"1"'))
    assert run("classify", "runs/a", path, "--score", "truth")[0] == 0


@pytest.mark.parametrize(
    ("content", "score", "told"),
    [
        ("review,truth\ngood,positive\n", "trut", "no column 'trut' (asked for with --score)"),
        ("review,truth\ngood,\n,positive\n", "truth", "column 'truth': no text has a label"),
        ("review,truth\ngood,positive\n", "review", "--score and --text both name the column 'review'"),
    ],
)
def test_a_column_without_labels_is_told(
    run: Run, labelled: Any, tmp_path: Path, content: str, score: str, told: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    code, out, err = run("classify", "runs/a", path, "--score", score)
    assert (code, out) == (2, "") and told in err and len(err.splitlines()) == 1


def test_a_run_without_labels_has_nothing_to_score(run: Run, model: Any, reviews: Path) -> None:
    code, out, err = run("classify", "runs/a", reviews, "--score", "truth")
    assert (code, out) == (2, "")
    assert err.startswith("error: runs/a was trained without labels") and "ldebm discover" in err
