"""Yelp sentences by sentiment, in the split of Li et al. 2018, tokenised already and at most fifteen words long.

Its published training files could not be had. The training sentences here are a substitute from the same corpus: 41 %
as many as were published, none of them equal to a sentence of dev, test or a human's rewriting.
"""

from __future__ import annotations

from typing import NamedTuple

from ldebm.data.library import corpus_files
from ldebm.data.lines import lines, place
from ldebm.errors import DataError

LABELS = ("negative", "positive")  # 0 and 1 at the end of the files' names
SUBSTITUTES, PUBLISHED = 181_243, 443_259  # training sentences
PARTS = {"train": "substitute.train", "validation": "sentiment.dev", "test": "sentiment.test"}


class Rewritten(NamedTuple):
    """A test sentence and what a person made of it with the other label, both cut into tokens."""

    text: str
    label: str  # of `text`
    rewritten: str


def sentences(part: str) -> dict[str, list[str]]:
    """The sentences of "train" (the substitute), "validation" (dev) or "test" as columns: text, sentiment.

    Raises DataError where the files are not there.
    """
    files = corpus_files("yelp", "yelp", [f"{PARTS[part]}.{number}.gz" for number in range(len(LABELS))])
    found = [(text.strip(), label) for path, label in zip(files, LABELS, strict=True) for text in lines(path)]
    return {"text": [text for text, _ in found], "sentiment": [label for _, label in found]}


def rewritings() -> list[Rewritten]:
    """The 1,000 test sentences and the human rewriting of each, in the order of the test sentences.

    The rewritings are read from human.txt, which has those of the reference files in the corpus' own tokens. Raises
    DataError where the files are not there, or have not one rewriting a sentence.
    """
    *references, human = corpus_files("yelp", "yelp", ["reference.0.gz", "reference.1.gz", "human.txt.gz"])
    sources = [
        (line.split("\t")[0].strip(), label)
        for path, label in zip(references, LABELS, strict=True)
        for line in lines(path)
    ]
    rewritten = [line.strip() for line in lines(human)]
    if len(rewritten) != len(sources):
        raise DataError(
            f"{place(human, len(rewritten))}: {len(rewritten)} rewritings of {len(sources)} sentences."
            " Take the files from where they were published again."
        )
    return [Rewritten(text, label, other) for (text, label), other in zip(sources, rewritten, strict=True)]
