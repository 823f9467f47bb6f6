"""Dialogues from files and from the named corpora, and what is said of bad ones."""

import gzip
import json
from pathlib import Path

import pytest

from ldebm.data.dialogues import Dialogue, Turn, load_dialogues, read_dialogues, turns_of
from ldebm.errors import DataError

GOOD = [{"speaker": "customer", "text": " Hello? "}, {"speaker": "agent", "text": "Hello ."}]


def written(folder: Path, *dialogues: object, name: str = "chats.jsonl") -> Path:
    path = folder / name
    content = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in dialogues).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def test_dialogues_are_lists_of_turns_or_objects_with_a_label(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD, "", {"turns": GOOD * 2, "label": "greeting"}, name="chats.jsonl.gz")
    first, second = read_dialogues(path)
    assert first.turns == (Turn("customer", "Hello?"), Turn("agent", "Hello .")) and first.label is None
    assert len(second.turns) == 4 and second.label == "greeting"


def test_a_dialogue_stays_on_one_side_of_the_split_and_rows_know_their_place(tmp_path: Path) -> None:
    chats = [[{"speaker": "ab"[t % 2], "text": f"{i} {t}"} for t in range(2 + i % 3)] for i in range(60)]
    corpus = load_dialogues(str(written(tmp_path, *chats)))
    assert corpus.name == "chats" and corpus.speakers == ("a", "b") and corpus.test is None
    assert len(corpus.train) + len(corpus.validation) == sum(map(len, chats)) and len(corpus.validation) > 0
    for part in (corpus.train, corpus.validation):
        assert [text.split()[1] for text in part["text"]] == [str(place) for place in part["position"]]
    dialogues = [{text.split()[0] for text in part["text"]} for part in (corpus.train, corpus.validation)]
    assert not dialogues[0] & dialogues[1]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{oops", r"line 2, column 2: no JSON"),
        ("7", r"line 2: a dialogue is a list of turns .* received int 7"),
        ({"text": "no turns"}, r"line 2: a dialogue is a list of turns"),
        ([], r"line 2: the dialogue has no turn, 2 or more"),
        (GOOD[:1], r"line 2: the dialogue has one turn only"),
        ([*GOOD, "bye"], r"line 2, turn 3: a dialogue is .* received str \"bye\""),
        ([*GOOD, {"text": "bye"}], r'line 2, turn 3: "speaker" is missing'),
        ([*GOOD, {"speaker": "agent", "text": "  "}], r'line 2, turn 3: "text" is '),
        ([*GOOD, {"speaker": "agent", "text": None}], r'line 2, turn 3: "text" is missing'),
        ([*GOOD, {"speaker": 3, "text": "bye"}], r'line 2, turn 3: "speaker" is 3'),
    ],
)
def test_a_bad_dialogue_is_named_by_its_line(tmp_path: Path, bad: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load_dialogues(str(written(tmp_path, GOOD, bad)))


def test_half_characters_of_dialogues_in_memory_are_told() -> None:
    with pytest.raises(DataError, match=r"turn 2 of a dialogue holds bytes that are not UTF-8"):
        turns_of([Dialogue((Turn("a", "hello"), Turn("b", "caf\udce9")))])


def test_files_that_hold_no_dialogue(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no dialogue"):
        load_dialogues(str(written(tmp_path, "")))
    with pytest.raises(DataError, match="read from jsonl"):
        load_dialogues(str(written(tmp_path, "a,b", name="chats.csv")))
    with pytest.raises(DataError, match="no such file"):
        load_dialogues(str(tmp_path / "none.jsonl"))


def test_smd_and_dailydialog(real_data: Path) -> None:
    corpus = load_dialogues("smd")  # ten of the published turns have no word
    assert corpus.speakers == ("assistant", "driver") and corpus.test is not None
    assert [len(part) for part in (corpus.train, corpus.validation, corpus.test)] == [12_725, 1_566, 1_627]
    assert set(corpus.test["label"]) == {"schedule", "weather", "navigate"}
    daily = load_dialogues("dailydialog")
    assert len(daily.train) == 87_170 and daily.speakers == ("A", "B") and daily.train["position"][:3] == [0, 1, 2]
