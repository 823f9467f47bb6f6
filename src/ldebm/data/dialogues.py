"""Dialogues as tables of turns, one after the other: the context of a turn is what stands before it in its dialogue.

A file of dialogues is jsonl: a line is a dialogue, a list of turns such as {"speaker": "customer", "text": "Hello?"},
or an object that has that list as `turns` and may have a `label`.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import datasets
import numpy as np

from ldebm.data import dailydialog
from ldebm.data.library import corpus_files
from ldebm.data.lines import check_file, lines, place
from ldebm.data.readers import extension
from ldebm.data.splits import hashed_split
from ldebm.data.tokenizer import is_broken
from ldebm.errors import DataError, shorten

EXPECTED = 'a dialogue is a list of turns such as {"speaker": "customer", "text": "Hello?"}'
SMD_FILES = {
    "train": "kvret_train_public.json.gz",
    "validation": "kvret_dev_public.json.gz",
    "test": "kvret_test_public.json.gz",
}
FEATURES = datasets.Features(
    {name: datasets.Value("string") for name in ("text", "label", "speaker")} | {"position": datasets.Value("int64")}
)


class Turn(NamedTuple):
    """What one speaker said."""

    speaker: str
    text: str


@dataclass(frozen=True)
class Dialogue:
    """Turns in order, and what the dialogue is about where that is known."""

    turns: tuple[Turn, ...]
    label: str | None = None


@dataclass(frozen=True)
class DialogueCorpus:
    """Turns in their splits. Columns: text, label (of the dialogue, None where there is none), speaker, and position,
    the number of turns before it in its dialogue. `speakers`: sorted, of `train`. `origin`: as that of a Corpus."""

    name: str
    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset | None
    speakers: tuple[str, ...]
    origin: Mapping[str, str | None] = field(default_factory=dict)


def load_dialogues(source: str, validation_share: float = 0.1, seed: int = 0) -> DialogueCorpus:
    """The dialogues of a jsonl file, or of "smd" or "dailydialog".

    Of a file a share of the dialogues validates, chosen by a hash of (seed, dialogue). Raises DataError where a line is
    no dialogue, with its number and what was expected.
    """
    if source in _NAMED:
        parts = {part: turns_of(_NAMED[source](part)) for part in SMD_FILES}
    else:
        dialogues = list(read_dialogues(Path(source)))
        keys = ("\n".join(turn.text for turn in dialogue.turns) for dialogue in dialogues)
        validates = hashed_split(keys, validation_share, seed, source)
        parts = {
            part: turns_of(dialogues[row] for row in np.flatnonzero(mask))
            for part, mask in (("train", ~validates), ("validation", validates))
        }
    return DialogueCorpus(
        name=Path(source).name.removesuffix(".gz").removesuffix(".jsonl"),
        train=parts["train"],
        validation=parts["validation"],
        test=parts.get("test"),
        speakers=tuple(sorted(set(parts["train"]["speaker"]))),
        origin={"source": source},
    )


def read_dialogues(path: Path, least: int = 2) -> Iterator[Dialogue]:
    """The dialogues of a jsonl file. Raises DataError where it holds none, and at the first line that is none.

    Args:
        least: turns that each must have: there is nothing to answer in a dialogue of one, but one may be answered.
    """
    check_file(path)
    if extension(path) != ".jsonl":
        raise DataError(f"{path}: dialogues are read from jsonl (or jsonl.gz), a line each; {EXPECTED}.")
    found = False
    for number, line in enumerate(lines(path), start=1):
        if line.strip():
            found = True
            yield as_dialogue(_parsed(line, place(path, number)), place(path, number), least)
    if not found:
        raise DataError(f"{path} has no dialogue: a line of it is one; {EXPECTED}.")


def as_dialogue(value: Any, where: str, least: int = 2) -> Dialogue:
    """A dialogue of `least` turns or more from what JSON has of it. Raises DataError that begins with `where`."""
    label = value.get("label") if isinstance(value, dict) else None
    turns = value.get("turns") if isinstance(value, dict) else value
    if not isinstance(turns, list):
        raise DataError(f"{where}: {EXPECTED}; received {type(turns).__name__} {shorten(json.dumps(value), 60)}.")
    if len(turns) < least:
        have = "no turn" if not turns else "one turn only"
        raise DataError(f"{where}: the dialogue has {have}, {least} or more are needed. Leave it out.")
    found = tuple(_turn(turn, f"{where}, turn {number}") for number, turn in enumerate(turns, start=1))
    return Dialogue(found, None if label is None else str(label))


def smd(part: str) -> list[Dialogue]:
    """The Stanford multi-domain dialogues (Eric et al. 2017), labelled by intent; turns without a word are left out."""
    [file] = corpus_files("smd", "stanford", [SMD_FILES[part]])
    with gzip.open(file, "rt", encoding="utf-8") as stream:
        rows = json.load(stream)
    found = []
    for row in rows:
        said = (Turn(turn["turn"], turn["data"]["utterance"].strip()) for turn in row["dialogue"])
        found.append(Dialogue(tuple(turn for turn in said if turn.text), row["scenario"]["task"]["intent"]))
    return [dialogue for dialogue in found if dialogue.turns]


def daily_dialogues(part: str) -> list[Dialogue]:
    """The dialogues of DailyDialog, labelled by topic; two speakers take turns in each."""
    return [
        Dialogue(tuple(Turn("AB"[place % 2], text) for place, text in enumerate(dialogue.utterances)), dialogue.topic)
        for dialogue in dailydialog.dialogues(part)
    ]


_NAMED = {"smd": smd, "dailydialog": daily_dialogues}


def _turn(value: Any, where: str) -> Turn:
    if not isinstance(value, dict):
        raise DataError(f"{where}: {EXPECTED}; received {type(value).__name__} {shorten(json.dumps(value), 60)}.")
    for name in ("speaker", "text"):
        found = value.get(name)
        if not isinstance(found, str) or not found.strip():
            what = "is missing" if found is None else f"is {shorten(json.dumps(found), 40)}"
            raise DataError(
                f'{where}: "{name}" {what}, and must be a string that is not empty. Write it, or leave the turn out.'
            )
        if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in found):
            raise DataError(
                f'{where}: "{name}" holds {shorten(ascii(found), 40)}, which is no text (half a character, or a zero); '
                "write the whole character, or leave the turn out."
            )
    return Turn(value["speaker"].strip(), value["text"].strip())


def _parsed(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}, column {error.colno}: no JSON ({error.msg}); {EXPECTED}.") from None
    except (ValueError, RecursionError):
        raise DataError(f"{where}: no JSON that can be read (too deep, or a number too long); {EXPECTED}.") from None


def turns_of(dialogues: Iterable[Dialogue]) -> datasets.Dataset:
    """Their turns as a table: text, label, speaker, position. Raises DataError where a turn's text is none."""
    rows = [
        (turn.text, dialogue.label, turn.speaker, position)
        for dialogue in dialogues
        for position, turn in enumerate(dialogue.turns)
    ]
    for text, _, _, position in rows:
        if is_broken(text):
            raise DataError(
                f"turn {position + 1} of a dialogue holds bytes that are not UTF-8, or half a character: "
                f"{shorten(text)!a}. Convert it first."
            )
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    return datasets.Dataset.from_dict(dict(zip(FEATURES, map(list, columns), strict=True)), features=FEATURES)


def dialogues_of(turns: datasets.Dataset) -> list[Dialogue]:
    """The dialogues of such a table."""
    rows = zip(*(turns[name][:] for name in FEATURES), strict=True)
    found: list[list[Turn]] = []
    labels: list[str | None] = []
    for text, label, speaker, position in rows:
        if position == 0:
            found.append([])
            labels.append(label)
        found[-1].append(Turn(speaker, text))
    return [Dialogue(tuple(said), label) for said, label in zip(found, labels, strict=True)]


def examples_of(dialogues: Iterable[Dialogue], previous: int) -> list[Dialogue]:
    """Every turn as a response: the dialogues up to and with it, at most `previous` turns before it."""
    return [
        Dialogue(dialogue.turns[max(0, place - previous) : place + 1], dialogue.label)
        for dialogue in dialogues
        for place in range(len(dialogue.turns))
    ]
