"""`ldebm respond`: from a file of dialogues and in a conversation."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

import ldebm
from ldebm.objective import LatentModel


@pytest.fixture(autouse=True)
def model(monkeypatch):
    """Answers with who speaks, the number of turns and a letter."""

    class Fake:
        config = SimpleNamespace(data=SimpleNamespace(speakers=("agent", "caller")), model=SimpleNamespace(symbols=4))
        tokenizer = SimpleNamespace(words=str.split)
        has_symbols, known_symbol = True, LatentModel.known_symbol

        def respond(self, contexts, speakers, symbol, each, **how):
            self.how = {"symbol": symbol} | how
            asked = zip(contexts, speakers, strict=True)
            return [f"{speaker} {len(turns)}" for turns, speaker in asked for _ in range(each)]

        def symbol_probabilities(self, examples):
            return np.full((len(examples), 4), 0.25)

    fake = Fake()
    monkeypatch.setitem(vars(ldebm), "DialogueModel", SimpleNamespace(from_pretrained=lambda folder: fake))
    return fake


@pytest.fixture
def dialogues(tmp_path):
    path = tmp_path / "open.jsonl"
    hello, answer = {"speaker": "caller", "text": "hello"}, {"speaker": "agent", "text": "hello , what is it ?"}
    path.write_text(json.dumps([hello]) + "\n" + json.dumps({"turns": [hello, answer]}) + "\n")
    return path


def test_a_line_a_response(run, model, dialogues) -> None:
    assert run("respond", "folder", "--context", dialogues) == (0, "agent 1\ncaller 2\n", "")
    assert model.how == {"symbol": None, "guidance": 1.0, "seed": 0}
    code, out, _ = run("respond", "folder", "--context", dialogues, "-n", "2", "--symbol", "3", "--guidance", "2")
    assert (code, out) == (0, "agent 1\n\ncaller 2\n")
    assert model.how == {"symbol": 3, "guidance": 2.0, "seed": 0}
    assert run("respond", "folder", "--context", dialogues, "--speaker", "caller")[1] == "caller 1\ncaller 2\n"


def test_a_conversation_goes_on_with_what_was_answered(run, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n\nand the weather ?\n"))
    assert run("respond", "folder", "--context", "-") == (0, "agent 1\nagent 3\n", "")
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n"))
    assert run("respond", "folder", "--context", "-", "--speaker", "caller")[1] == "caller 1\n"


def test_a_response_stands_on_one_line(run, model, dialogues, monkeypatch) -> None:
    monkeypatch.setattr(type(model), "respond", lambda _, contexts, *__, **___: ["one\ntwo"] * len(contexts))
    assert run("respond", "folder", "--context", dialogues) == (0, "one two\none two\n", "")


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (("--speaker", "agnet"), "unknown speaker 'agnet'; the run's are agent, caller. Did you mean 'agent'?"),
        (("--symbol", "4"), "unknown symbol 4; the run's symbols are 0 to 3"),
    ],
)
def test_what_the_run_does_not_know_is_told_before_somebody_talks(run, monkeypatch, wish, told) -> None:
    monkeypatch.setattr("sys.stdin", None)  # nothing is read
    code, out, err = run("respond", "folder", "--context", "-", *wish)
    assert (code, out) == (2, "") and told in err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[]", "line 1: the dialogue has no turn, 1 or more are needed"),
        ('[{"text": "hello"}]', 'line 1, turn 1: "speaker" is missing'),
        ('[{"speaker": "a", "text": " "}]', 'line 1, turn 1: "text" is " "'),
        ('"hello"', "a dialogue is a list of turns"),
        ('[{"speaker": "a", "text": "hi \\ud83d"}]', 'line 1, turn 1: "text" holds'),
        ("[" * 100_000, "line 1: no JSON that can be read"),
    ],
)
def test_what_is_no_dialogue_is_told_with_its_line(run, tmp_path, line, told) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line + "\n")
    code, out, err = run("respond", "folder", "--context", path)
    assert (code, out) == (2, "") and told in err
