"""Labels: which there are, and what is said of a column that is hardly meant."""

from __future__ import annotations

import json
from collections.abc import Callable

import pyarrow
import pytest

from ldebm.data.corpora import load_corpus
from ldebm.data.labels import MOST_LABELS, labels_of
from ldebm.errors import DataError

Write = Callable[[str, str], str]


def found(train: list[str | None], validation: list[str | None] = ()) -> tuple[str, ...]:
    columns = (pyarrow.chunked_array([list(part)], pyarrow.string()) for part in (train, validation))
    return labels_of(*columns, "a.csv, column 'b'")


def test_labels_are_sorted_and_none_is_no_label(caplog: pytest.LogCaptureFixture) -> None:
    assert found(["b", None, "a", "b"], ["a", None]) == ("a", "b")
    assert not caplog.records


def test_two_labels_are_needed_and_not_too_many() -> None:
    for labels, told in (([None, None], "none at all"), (["a", None], "only 'a'")):
        with pytest.raises(DataError, match=f"a.csv, column 'b': at least two .* have {told}"):
            found(labels)
    with pytest.raises(DataError, match=r"1,001 different labels, at most 1,000"):
        found([str(row) for row in range(MOST_LABELS + 1)])


def test_a_single_text_makes_a_class_and_nobody_is_warned(caplog: pytest.LogCaptureFixture) -> None:
    assert found(["a", "a", "b", *"cdefghij"]) == tuple("abcdefghij")
    assert not caplog.records


def test_a_column_that_is_nearly_unique_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert len(found([f"id {row}" for row in range(40)] + ["id 0"])) == 40
    assert "column 'b': 39 of 40 labels stand at a single text" in caplog.text and "--label" in caplog.text


def test_a_label_that_only_validates_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert found(["a", "b", "a"], ["c", None, "a", "c"]) == ("a", "b")
    assert "no text to train on has the label 'c', so it is not learned" in caplog.text


def test_a_class_of_one_text_that_falls_into_validation_is_not_learned_and_told(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [f"text {row},{'ab'[row % 2]},train" for row in range(20)]
    path = write("a.csv", "\n".join(["text,label,part", *rows, "one,c,train", "two,d,dev"]))
    corpus = load_corpus(path, label="label", split="part")
    assert corpus.labels == ("a", "b", "c") and "'d'" in caplog.text and "'c'" not in caplog.text


def test_what_programs_write_for_nothing_is_a_label_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    assert found(["a", "NaN", "None", "b", "none of these"]) == ("NaN", "None", "a", "b", "none of these")
    assert "'NaN', 'None' is learned as a label like any other" in caplog.text and "none of these" not in caplog.text


def test_a_column_of_numbers_gives_a_class_a_number(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"text": f"text {row}", "stars": [1, 5, 2.5, None][row % 4]} for row in range(80)]
    corpus = load_corpus(write("a.jsonl", "\n".join(map(json.dumps, rows))), label="stars")
    assert corpus.labels == ("1", "2.5", "5")  # sorted as they are written
    assert not caplog.records
    rows[0]["stars"] = 1.0
    many = [dict(row, text=f"other {place}") for place, row in enumerate(rows * 3)]
    corpus = load_corpus(write("b.jsonl", "\n".join(map(json.dumps, many))), label="stars")
    assert corpus.labels == ("1", "1.0", "2.5", "5")
    assert "'1', '1.0' are one number and several labels" in caplog.text
