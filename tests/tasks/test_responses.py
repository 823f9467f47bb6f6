"""What a run of dialogues says of itself: its symbols and its figures, in Python and on the command line."""

import json

import numpy as np
import pytest

from ldebm import DialogueModel, load_dialogues, load_preset, train
from ldebm.data.dialogues import Dialogue, Turn, dialogues_of, turns_of
from ldebm.tasks.discovery import discover
from ldebm.tasks.evaluation_of_responses import evaluate_responses
from ldebm.tasks.responses import Response, ResponseModel, responses_of
from tests.cli.conftest import run
from tests.test_dialogue_model import dialogues

__all__ = ["run"]  # a fixture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dialogues")
    lines = [
        {"turns": [turn._asdict() for turn in each.turns], "label": each.turns[0].text.split()[-1]}
        for each in dialogues(300, 0)
    ]
    (folder / "chats.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    corpus = load_dialogues(str(folder / "chats.jsonl"))
    config = load_preset("best-tiny", [f"data.source={folder / 'chats.jsonl'}", "training.epochs=1"], "dialogue")
    train(config, corpus, folder / "run")
    return folder


def test_turns_and_dialogues_are_the_same_two_ways() -> None:
    given = [Dialogue((Turn("a", "x"), Turn("b", "y")), "l"), Dialogue((Turn("a", "z"),))]
    assert dialogues_of(turns_of(given)) == given
    responses, labels = responses_of(given)
    assert (responses, labels) == (["x", "y", "z"], ["l", "l", None])
    assert [len(each.dialogue.turns) for each in responses] == [1, 2, 1]


def test_symbols_are_described_by_their_turns_and_responses(folder) -> None:
    model = DialogueModel.from_pretrained(folder / "run")
    responses, labels = responses_of(dialogues(40, 5))
    as_texts = ResponseModel(model, responses)
    found = discover(as_texts, responses, labels, prototypes=2, minimum_count=1)
    assert sum(one.share for one in found.symbols) == pytest.approx(1)
    used = next(one for one in found.symbols if one.share)
    assert used.nearest and set(used.nearest) <= set(responses) and len(used.prototypes) == 2
    whole = [each.dialogue for each in responses]
    assert np.allclose(as_texts.encode(responses), model.encode(whole))
    assert as_texts.generate(3, seed=1) == as_texts.generate(3, seed=1)
    assert len(as_texts.generate(200)) == 200  # more than there are contexts


def test_what_is_generated_is_compared_with_what_was_said(folder) -> None:
    model = DialogueModel.from_pretrained(folder / "run")

    class Parrot(DialogueModel):
        """Says what was said."""

        def respond(self, contexts, speakers, *args, **how):
            return [true[tuple(context)] for context in contexts]

    said = [(Turn("you", f"it is {n}"), Turn("me", f"so {n} is what you say , and {n} it is")) for n in range(30)]
    responses = [Response(Dialogue(turns)) for turns in said]
    true = {turns[:1]: f"{turns[1].text} today" for turns in said}
    model.__class__ = Parrot
    rows = {row.name: row for row in evaluate_responses(model, responses, ["it is red"], samples=30)}
    # a word too many after eleven right ones: 11/12, 10/11, 9/10 and 8/9 of the n-grams are right
    assert rows["response_bleu"].value == pytest.approx(100 * (8 / 12) ** 0.25)
    assert float(rows["response_bleu"].floor_or_bound.split()[1].strip(",")) < 60
    assert rows["nll_bound"].value > 0 and {"bleu", "distinct_2", "mutual_information"} <= set(rows)
    assert rows["rate_to_reference"].value > 0 and "active_units" not in rows


def test_discover_and_evaluate_read_a_run_of_dialogues(run, folder) -> None:
    code, out, err = run("discover", folder / "run", "--json", folder / "symbols.json")
    assert code == 0 and "Read 444 of 444 texts" in out, err  # of 300 dialogues, those to train on
    labels = json.loads((folder / "symbols.json").read_text())["labels"]
    assert set(labels) == {"red", "green", "white"}  # who said blue validates
    code, out, err = run(
        "evaluate", folder / "run", folder / "chats.jsonl", "--samples", "50", "--json", folder / "f.json"
    )
    assert code == 0 and "response_bleu" in out, err
    assert json.loads((folder / "f.json").read_text())["metrics"]["nll_bound"]["value"] > 0
    assert run("evaluate", folder / "run", "--samples", "20")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("discover", "--text", "said"), "holds dialogues, which have no columns: leave out --text and --label"),
        (("evaluate", "--thorough"), "--thorough is for runs of texts"),
    ],
)
def test_what_dialogues_have_not_is_told(run, folder, arguments, told) -> None:
    verb, *more = arguments
    code, out, err = run(verb, folder / "run", *more)
    assert (code, out) == (2, "") and told in " ".join(err.split())
