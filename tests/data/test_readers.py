"""What the readers make of well formed files, and that no bytes make them fail in any other way than a DataError."""

import contextlib
import logging
import os
import tempfile
from pathlib import Path

import datasets
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldebm.data.corpora import load_corpus, load_texts
from ldebm.data.lines import MAX_BYTES
from ldebm.data.readers import column_names, records
from ldebm.errors import DataError

ROWS = [{"text": "a b", "stars": "1"}, {"text": "c", "stars": "2"}, {"text": "", "stars": None}]

SAME = {
    "a.csv": "text,stars\na b,1\nc,2\n,\n",
    "crlf.csv": "text,stars\r\na b,1\r\nc,2\r\n,\r\n",
    "bom.csv": "\ufefftext,stars\na b,1\nc,2\n,\n",
    "no_end.csv": '"text",stars\n"a b",1\n\n c ,2\n,  ',
    "a.TSV": "text\tstars\na b\t1\nc\t2\n\t\n",
    "a.csv.gz": "text,stars\na b,1\nc,2\n,\n",
    "a.jsonl": '\ufeff{"text": "a b", "stars": 1}\r\n\n{"stars": 2, "text": "c"}\n{"text": null}\n',
    "a.jsonl.gz": '{"text": "a b", "stars": "1"}\n{"text": "c", "stars": "2"}\n{"stars": ""}',
}


@pytest.mark.parametrize("name", SAME)
def test_all_formats_read_the_same(name: str, write) -> None:
    table = load_texts(write(name, SAME[name]))
    assert table.to_list() == ROWS
    assert table.cache_files, "the table must be on disk"


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz"])
def test_parquet(name: str, write, tmp_path: Path) -> None:
    table = pyarrow.table({"text": ["a b", "c", None], "stars": [1, 2, None], "x": [0.5, float("nan"), None]})
    pyarrow.parquet.write_table(table, tmp_path / "plain")
    path = write(name, (tmp_path / "plain").read_bytes())
    assert load_texts(path).remove_columns("x").to_list() == ROWS
    assert load_texts(path)["x"][:] == ["0.5", None, None]


def test_txt_keeps_the_place_of_every_line(write) -> None:
    path = write("a.txt", " a \r\n\r\nb\u2028c\x0bd\n\ne")
    assert load_texts(path)["text"][:] == ["a", "", "b\u2028c\x0bd", "", "e"]


def test_one_column_may_have_any_name_and_blank_lines_are_empty(write) -> None:
    path = write("a.csv", "review\na\n\nb\n")
    assert load_texts(path).to_list() == [{"text": "a"}, {"text": ""}, {"text": "b"}]


def test_quoted_fields(write) -> None:
    path = write("a.csv", 'text,b\r\n"one\r\ntwo, ""three""",1\r\n5" nail,2\r\n')
    assert load_texts(path)["text"][:] == ['one\ntwo, "three"', '5" nail']


def test_place_of_a_row_is_the_line_where_it_starts(write) -> None:
    path = write("a.csv", 'text,b\n"1\n2\n3",x\nc\n')
    with pytest.raises(DataError, match="line 5: expected 2 fields"):
        load_texts(path)


def test_fields_longer_than_the_default_of_csv(write) -> None:
    text = "word " * 40_000
    assert load_texts(write("a.csv", f"text,b\n{text},1\n"))["text"][:] == [text.strip()]
    limit = "x" * (MAX_BYTES - 1)
    assert load_texts(write("a.txt", limit + "\n"))["text"][:] == [limit]


def test_chosen_text_column_takes_the_name_text(write) -> None:
    table = load_texts(write("a.csv", "id,text,review\n7,x,a\n"), text="review")
    assert table.to_list() == [{"text": "a", "id": "7"}]


def test_values_of_other_columns(write) -> None:
    path = write("a.jsonl", '{"text": "a", "v": true}\n{"text": "b", "v": {"é": [1.5]}}\n{"text": "c", "v": NaN}\n')
    assert load_texts(path)["v"][:] == ["true", '{"é": [1.5]}', None]


def test_columns_of_jsonl_are_those_of_all_its_rows(write) -> None:
    path = write("a.jsonl", '{"text": "a"}\n{"text": "b", "label": "x"}\n{"text": "c", "label": 1}\n')
    assert column_names(Path(path)) == ["text", "label"]
    assert load_texts(path)["label"][:] == [None, "x", "1"]


def test_cache_is_used_and_never_stale(write) -> None:
    path = write("a.txt", "aa\nbb\n")
    before = os.stat(path)
    first = load_texts(path)
    assert load_texts(path).cache_files == first.cache_files
    write("a.txt", "aa\ncc\n")  # the same size and, below, the same time
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_texts(path)["text"][:] == ["aa", "cc"]
    assert first["text"][:] == ["aa", "bb"]


def test_empty_texts_are_left_out_with_a_warning_each_time(write, caplog: pytest.LogCaptureFixture) -> None:
    path = write("a.txt", "a\n\nb\n  \nc\n")
    for _ in range(2):  # the second time from the cache
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="ldebm"):
            corpus = load_corpus(path)
        assert sorted([*corpus.train["text"], *corpus.validation["text"]]) == ["a", "b", "c"]
        assert [record.getMessage() for record in caplog.records] == [
            f"{path}: skipped 2 of 5 rows, their text is empty"
        ]


def test_reading_prints_nothing(write, capfd: pytest.CaptureFixture[str]) -> None:
    load_texts(write("a.txt", "a\nb\n"))
    assert capfd.readouterr() == ("", "")
    assert not datasets.are_progress_bars_disabled()


NAMES = ["f.txt", "f.csv", "f.tsv", "f.jsonl", "f.parquet", "f.csv.gz"]
# Bytes that mean something to one of the formats, so that the fuzzing reaches more than the first check.
PIECES = [
    b'"',
    b",",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"text",
    b"a",
    b"{",
    b"}",
    b'{"text":"a"}',
    b"[",
    b":",
    b"\\ud800",
    b"1",
]
PIECES += [b"\0", b"\xff", b"\xef\xbb\xbf", "é".encode(), b"\x1f\x8b\x08", b"PAR1", b"NaN", b"null", b" "]
CONTENT = st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), CONTENT)
def test_any_bytes_give_records_or_a_data_error(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            columns = column_names(path)
            for where, record in records(path):
                assert where.startswith(str(path)) and set(record) <= set(columns)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), CONTENT)
def test_any_bytes_give_a_table_or_a_data_error(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        with contextlib.suppress(DataError):
            assert len(load_texts(str(path))) == sum(1 for _ in records(path))
        with contextlib.suppress(DataError):
            corpus = load_corpus(str(path))
            assert all(corpus.train["text"]) and all(corpus.validation["text"])
