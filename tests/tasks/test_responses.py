"""What a run of dialogues says of itself: its symbols and its figures, in Python and on the command line."""

import copy
import json
import pickle

import numpy as np
import pytest

from ldebm import DialogueModel, load_dialogues, load_preset, train
from ldebm.data.batches import TokenizedDialogues
from ldebm.data.dialogues import Dialogue, Turn, dialogues_of, examples_of, turns_of
from ldebm.errors import DataError
from ldebm.tasks.discovery import discover
from ldebm.tasks.evaluation_of_responses import evaluate_responses
from ldebm.tasks.responses import SHOWN_GUIDANCE, Response, ResponseModel, responses_of
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
    assert [len(each.turns) for each in examples_of(given, previous=5)] == [1, 2, 1]
    assert [len(each.turns) for each in examples_of(given, previous=0)] == [1, 1, 1]
    [response] = [Response(given[0])]
    for again in (copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
        assert (again, again.dialogue) == ("y", given[0])


def test_symbols_are_described_by_their_turns_and_responses(folder, monkeypatch) -> None:
    model = DialogueModel.from_pretrained(folder / "run")
    responses, labels = responses_of(model, dialogues(40, 5))
    as_texts = ResponseModel(model, responses)
    found = discover(as_texts, responses, labels, prototypes=2, minimum_count=1)
    assert sum(one.share for one in found.symbols) == pytest.approx(1)
    used = next(one for one in found.symbols if one.share)
    assert used.nearest and set(used.nearest) <= set(responses) and len(used.prototypes) == 2
    whole = [each.dialogue for each in responses]
    assert np.allclose(as_texts.inferred(responses).means_ND, model.encode(whole))
    assert as_texts.generate(3, seed=1) == as_texts.generate(3, seed=1)
    asked = [each.turns for each in as_texts.drawn(3, 1)]
    contexts, speakers = [each[:-1] for each in asked], [each[-1].speaker for each in asked]
    steered = model.respond(contexts, speakers, symbol=2, guidance=SHOWN_GUIDANCE, seed=1)
    respond, guidances = model.respond, []
    monkeypatch.setattr(model, "respond", lambda *of, **how: guidances.append(how["guidance"]) or respond(*of, **how))
    assert as_texts.generate(3, 2, seed=1) == steered
    assert guidances == [SHOWN_GUIDANCE]  # equal texts alone would not tell
    monkeypatch.undo()
    assert as_texts.generate(3, seed=1) == model.respond(contexts, speakers, seed=1)
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
    corpus = TokenizedDialogues.of_turns(turns_of(each.dialogue for each in responses), model.tokenizer, model.config)
    corpus = [corpus.batch(np.arange(1, 60, 2))]
    context = model.context_of(corpus[0])
    rate = model.prior.rate_to_reference(model.infer(corpus[0], context), context).mean()
    assert rows["rate_to_reference"].value == pytest.approx(float(rate.detach()), rel=1e-3) and "rate" not in rows


def test_a_speaker_whom_the_run_does_not_know_is_read_and_not_answered(folder) -> None:
    model = DialogueModel.from_pretrained(folder / "run")
    said = Dialogue((Turn("you", "it is red"), Turn("zoe", "oh , red"), Turn("me", "oh , red")))
    responses, labels = responses_of(model, [said])
    assert {row.name for row in evaluate_responses(model, responses, ["it is red"])} > {"response_bleu", "bleu"}
    assert discover(ResponseModel(model, responses), responses, labels).texts_read == 3
    with pytest.raises(DataError, match="knows none of the speakers"):
        ResponseModel(model, responses[1:2])


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
        (("discover", "--text", "said"), "is a run of dialogues, which have no columns: give jsonl"),
        (("evaluate", "--thorough"), "--thorough is for runs of texts: leave it out"),
    ],
)
def test_what_dialogues_have_not_is_told(run, folder, arguments, told) -> None:
    verb, *more = arguments
    code, out, err = run(verb, folder / "run", *more)
    assert (code, out) == (2, "") and told in err and err.count("\n") == 1
