"""Every bad input gives one clear DataError that says what, where and what to do."""

import gzip
import os
import re
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from ldebm.data.corpora import load_corpus, load_texts
from ldebm.data.lines import MAX_BYTES
from ldebm.errors import ConfigError, DataError

LONG = "x" * 10_000_000

# name of the file, its content, the arguments of load_corpus, what the message must say
BAD = {
    "unknown extension": ("a.docx", "x", {}, [r"'\.docx'", r"\.txt, \.csv, \.tsv, \.jsonl, \.parquet"]),
    "no extension but gz": ("a.gz", "x", {}, ["cannot tell the format"]),
    "empty": ("a.csv", "", {}, ["is empty"]),
    "empty txt": ("a.txt", "", {}, ["no rows"]),
    "only a BOM": ("a.csv", b"\xef\xbb\xbf", {}, ["is empty"]),
    "empty gz": ("a.jsonl.gz", "", {}, ["is empty"]),
    "empty parquet": ("a.parquet", b"", {}, ["cannot be read as parquet"]),
    "header only": ("a.csv", "text,label\n", {}, ["no rows, only a header"]),
    "no such text": (
        "a.csv",
        "review,stars\na,1\n",
        {"text": "Reveiw"},
        ["no column 'Reveiw'", "--text", "'review', 'stars'", "Did you mean 'review'"],
    ),
    "no such label": ("a.csv", "text,stars\na,1\n", {"label": "star"}, ["no column 'star'", "--label", "mean 'stars'"]),
    "no such split": (
        "a.csv",
        "text,fold\na,1\n",
        {"split": "part"},
        ["no column 'part'", "--split", "'text', 'fold'"],
    ),
    "text of a txt": ("a.txt", "a\nb\n", {"text": "review"}, ["no column 'review'", "Its columns: 'text'"]),
    "label is the text": ("a.csv", "text,b\na,1\n", {"label": "text"}, ["--label and --text both name"]),
    "text not chosen": ("a.csv", "review,stars\na,1\n", {}, ["--text", "'review', 'stars'"]),
    "twice the same column": ("a.csv", "text,b,b\na,1,2\n", {}, ["line 1", "more than one column", "'b'"]),
    "ragged, too many": ("a.csv", "text,b\na,1\nb,2,3\n", {}, ["line 3", "expected 2 fields", "received 3"]),
    "ragged, too few": ("a.tsv", "text\tb\n\na\n", {}, ["line 3", "expected 2 fields", "received 1"]),
    "quote left open": ("a.csv", 'text,b\na,1\n"b,2\nc,3\n', {}, ["line 3", "not well formed", "Close every quote"]),
    "quote inside": ("a.csv", 'text,b\n"a"b,1\n', {}, ["line 2", "not well formed", "twice"]),
    "quote left open for megabytes": ("a.csv", 'text,b\n"b,2\n' + "c,3\n" * 300_000, {}, ["line 2", "field limit"]),
    "NUL": ("a.txt", "a\nb\0c\n", {}, ["line 2", "NUL byte at byte 2"]),
    "NUL in csv": ("a.csv", "text\na\n\0\n", {}, ["line 3", "NUL byte"]),
    "latin-1": (
        "a.csv",
        "text\nok\ncafé\n".encode("latin-1"),
        {},
        ["line 3", r"byte 4 \(0xe9\)", "iconv -f latin1 -t utf8"],
    ),
    "UTF-16": ("a.csv", "text\nok\n".encode("utf-16"), {}, ["UTF-16", "iconv -f utf-16 -t utf8"]),
    "10 MB line": (
        "a.txt",
        f"a\n{LONG}\nb\n",
        {},
        ["line 2", "10,000,001 bytes", "at most 1,000,000", "one text a line"],
    ),
    "10 MB line at the end": ("a.csv", f"text\na\n{LONG}", {}, ["line 3", "10,000,000 bytes"]),
    "10 MB line in gz": ("a.jsonl.gz", f'{{"text": "{LONG}"}}\n', {}, ["line 1", "10,000,013 bytes"]),
    "not JSON": ("a.jsonl", '{"text": "a"}\n{"text": oops}\n', {}, ["line 2, character 10", "not JSON"]),
    "no object": (
        "a.jsonl",
        '{"text": "a"}\n["b"]\n',
        {},
        ["line 2", "expected a JSON object", r'received list \["b"\]', "--task dialogue"],
    ),
    "half a surrogate pair": ("a.jsonl", '{"text": "\\ud800"}\n', {}, ["line 1", "surrogates"]),
    "deep JSON": ("a.jsonl", "[" * 100_000 + "\n", {}, ["line 1", "recursion"]),
    "huge number": ("a.jsonl", '{"text": "a", "n": ' + "1" * 5000 + "}\n", {}, ["line 1", "cannot be used"]),
    "text is a number": (
        "a.jsonl",
        '{"text": "a"}\n{"text": 5}\n',
        {},
        ["line 2, column 'text'", "received int 5", "--text"],
    ),
    "text is a list": ("a.jsonl", '{"text": ["a"]}\n', {}, ["line 1, column 'text'", "received list"]),
    "all texts empty": ("a.csv", 'text,b\n"",1\n   ,2\n', {}, ["no texts to train on"]),
    "all lines blank": ("a.txt", "\n\n \n", {}, ["no texts to train on"]),
    "one text": ("a.txt", "a\na\n", {}, ["2 rows to train on", "no two different texts"]),
    "an id for a label": (
        "a.csv",
        "text,b\n" + "".join(f"a {row},{row}\n" for row in range(1500)),
        {"label": "b"},
        ["column 'b'", "different labels, at most 1,000"],
    ),
    "one label": ("a.csv", "text,b\na,1\nb,1\nc,\n", {"label": "b"}, ["column 'b'", "at least two", "only '1'"]),
    "no label": ("a.csv", "text,b\na,\nb,\n", {"label": "b"}, ["column 'b'", "none at all"]),
    "unknown split": (
        "a.csv",
        "text,s\na,train\nb,holdout\n",
        {"split": "s"},
        ["column 's'", "'holdout' names no split"],
    ),
    "missing split": ("a.csv", "text,s\na,train\nb,\n", {"split": "s"}, ["column 's'", "data row 2 is missing"]),
    "no train": ("a.csv", "text,s\na,test\nb,dev\n", {"split": "s"}, ["no texts to train on", "column"]),
    "not parquet": ("a.parquet", "PAR1 but not really PAR1", {}, ["cannot be read as parquet"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_content(case: str, write) -> None:
    name, content, arguments, expected = BAD[case]
    path = write(name, content)
    with pytest.raises(DataError) as caught:
        load_corpus(path, **arguments)
    message = str(caught.value)
    assert path in message and "\n" not in message
    for part in expected:
        assert re.search(part, message), (part, message)


def test_missing_file_suggests_a_near_name(write) -> None:
    path = write("reviews.csv", "text\na\n")
    with pytest.raises(DataError, match=r"no such file\. Did you mean 'reviews\.csv'\?"):
        load_corpus(path.replace("reviews.csv", "reviwes.csv"))
    with pytest.raises(DataError, match=r"no such file\. There is no folder .*nowhere either"):
        load_corpus(str(Path(path).parent / "nowhere" / "reviews.csv"))
    with pytest.raises(DataError, match="no such file"):
        load_texts("x" * 5000 + ".csv")
    with pytest.raises(DataError, match="no such file"):
        load_corpus("nul\0byte.csv")


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is a folder, not a file"):
        load_corpus(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_file_without_permission(write) -> None:
    path = write("a.csv", "text\na\nb\n")
    os.chmod(path, 0)
    with pytest.raises(DataError, match="Permission denied"):
        load_corpus(path)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.txt.gz", "a.jsonl.gz", "a.parquet.gz"])
def test_damaged_gz(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    cut_short = gzip.compress(b'{"text": "abc"}\n' * 1000)[:-20]
    for content in (b"text\nnot compressed\n", cut_short, b"\x1f\x8b\x08\x00junk" * 5):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"damaged or cut short|cannot be read as parquet"):
            load_corpus(str(path))


def test_damaged_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["some text"] * 50}), path)
    whole = path.read_bytes()
    for end in range(0, len(whole), 16):
        path.write_bytes(whole[:end])
        with pytest.raises(DataError, match="cannot be read as parquet"):
            load_corpus(str(path))


def test_parquet_values(tmp_path: Path) -> None:
    path = str(tmp_path / "a.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"text": [1, 2]}), path)
    with pytest.raises(DataError, match=r"row 1, column 'text': expected a string as the text, received int 1"):
        load_corpus(path)
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a", "é" * MAX_BYTES]}), path)
    with pytest.raises(DataError, match=r"row 2, column 'text': the text has 2,000,000 bytes"):
        load_corpus(path)
    pyarrow.parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), path)
    with pytest.raises(DataError, match="no rows"):
        load_corpus(path)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2, float("nan")])
def test_validation_share(share: float, write) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        load_corpus(write("a.txt", "a\nb\n"), validation_share=share)
