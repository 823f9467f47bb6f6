"""AG News' documents and their words."""

import gzip
import json
from pathlib import Path

import pytest

from ldebm.data import agnews
from ldebm.errors import DataError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "agnews"
    place.mkdir()
    rows = {
        "train_subset.jsonl.gz": [{"label": 1, "text": "Talks resume . In Geneva", "source": "a"}],
        "dev.jsonl.gz": [{"label": "4", "headline": "A chip", "text": "is small", "id": 7}],
        "test.jsonl.gz": [{"label": 2, "headline": "Home run", "text": "wins it"}],
    }
    for name, documents in rows.items():
        (place / name).write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in documents).encode()))
    (place / "vampire.bgfreq.gz").write_bytes(gzip.compress(json.dumps({"wins": -3.0, "chip": -2.5}).encode()))
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    return place


def test_a_document_is_its_headline_and_its_description(folder: Path) -> None:
    assert agnews.documents("train") == {"text": ["Talks resume . In Geneva"], "category": ["World"]}
    assert agnews.documents("validation") == {"text": ["A chip is small"], "category": ["Sci/Tech"]}
    assert agnews.documents("test") == {"text": ["Home run wins it"], "category": ["Sports"]}
    assert agnews.vocabulary() == ("chip", "wins")


def test_a_file_that_is_missing_is_named(folder: Path) -> None:
    (folder / "dev.jsonl.gz").unlink()
    with pytest.raises(DataError, match=r"the corpus agnews is not in .*agnews: no dev\.jsonl\.gz"):
        agnews.documents("validation")


def test_known_words_are_counted_in_small_letters() -> None:
    known = frozenset(("chip", "u", "s", "it's", "2004"))
    assert agnews.counted_words("It's a CHIP, the U.S. chip (2004)!", known) == "it's chip u s chip 2004"
    assert agnews.counted_words("nothing of it", known) == ""


def test_the_vocabulary_is_the_published_one(real_data: Path) -> None:
    words = agnews.vocabulary()
    assert len(words) == 30_000 and "the" not in words
    documents = agnews.documents("test")["text"]
    known = frozenset(words)
    share = sum(not agnews.counted_words(text, known) for text in documents) / len(documents)
    assert share < 0.001
