"""AG News as VAMPIRE has it (Gururangan et al. 2019; paper C): headline and description, four classes."""

import gzip
import json
import re

from ldebm.data.library import corpus_files

CLASSES = ("World", "Sports", "Business", "Sci/Tech")
FILES = {"train": "train_subset.jsonl.gz", "validation": "dev.jsonl.gz", "test": "test.jsonl.gz"}
NOTHING = "-"  # stands for a document without a known word
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def documents(part: str) -> dict[str, list[str]]:
    """Columns text and category of "train" (21,314 of the official 120,000), "validation" or "test".

    Raises DataError where the files are not there.
    """
    [path] = corpus_files("agnews", "agnews", [FILES[part]])
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [f"{row['headline']} {row['text']}" if "headline" in row else row["text"] for row in rows]
    return {"text": texts, "category": [CLASSES[int(row["label"]) - 1] for row in rows]}


def vocabulary() -> tuple[str, ...]:
    """The published vocabulary: 30,000 words, stop words left out."""
    [path] = corpus_files("agnews", "agnews", ["vampire.bgfreq.gz"])
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return tuple(sorted(json.load(file)))


def counted_words(text: str, known: frozenset[str]) -> str:
    """The words of a text that are `known`, lower-case, with spaces between them."""
    return " ".join(word for word in _WORD.findall(text.lower()) if word in known)
