"""The model of responses: it learns to answer, is the same read again, and says what it does not know."""

import dataclasses
import random

import numpy as np
import pytest
import torch

from ldebm import DialogueModel, load_preset, train
from ldebm.data import Dialogue, DialogueCorpus, Turn
from ldebm.data.batches import TokenizedDialogues
from ldebm.data.dialogues import turns_of
from ldebm.data.tokenizer import Tokenizer
from ldebm.errors import RunError, UserError
from ldebm.model import LDEBM
from ldebm.noise import Noise, Share
from ldebm.tasks import likelihood_figures

COLOURS = ("red", "green", "blue", "white")


def dialogues(n, seed):
    chosen = random.Random(seed)
    found = []
    for _ in range(n):
        colour = chosen.choice(COLOURS)
        said = (f"it is {colour}", f"oh , {colour}")
        found.append(Dialogue(tuple(Turn(("you", "me")[place % 2], text) for place, text in enumerate(said))))
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    corpus = DialogueCorpus("tiny", turns_of(dialogues(1000, 0)), turns_of(dialogues(30, 1)), None, ("me", "you"))
    settings = [
        "model.prior.kind=gaussian",
        "model.context.embedding_size=32",
        "training.epochs=4",
        "training.learning_rate=0.02",
        "training.rate_weight=1",
    ]
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    return train(load_preset("best-tiny", settings, "dialogue"), corpus, folder), folder


def test_it_answers_what_was_asked(trained) -> None:
    model, _ = trained
    asked = dialogues(60, 2)
    responses = model.respond([each.turns[:1] for each in asked], ["me"] * 60)
    colours = [each.turns[1].text.split()[-1] for each in asked]
    right = np.mean([response == f"oh, {colour}" for response, colour in zip(responses, colours, strict=True)])
    assert right > 0.7  # a quarter by chance; seeds 0.75 to 0.95
    assert model.respond([[]], ["you"])[0].startswith("it is")  # who begins, and how, is learned too
    with pytest.raises(UserError, match="guidance is a weight of 0 or more, received inf"):
        model.respond([[]], ["you"], guidance=float("inf"))


def test_a_turn_that_its_context_tells_costs_nothing(trained) -> None:
    model, _ = trained
    second = dialogues(60, 2)
    first = [Dialogue(each.turns[:1]) for each in second]
    nll = [likelihood_figures.of_texts(model, each, samples=200)["nll_bound"] for each in (first, second)]
    assert nll[0] == pytest.approx(np.log(len(COLOURS)), abs=0.3)  # one colour of four, whatever the latent
    assert 0 < nll[1] < 0.3


def test_it_is_the_same_read_again_and_in_any_batch(trained) -> None:
    model, folder = trained
    again = DialogueModel.from_pretrained(folder)
    examples = dialogues(9, 3)
    means, variances = again.posterior(examples)
    assert means.shape == (9, again.config.model.latent_size) and (variances > 0).all()
    assert np.allclose(again.encode(examples[4:5])[0], means[4], atol=1e-5)
    assert np.allclose(again.symbol_probabilities(examples), model.symbol_probabilities(examples), atol=1e-5)
    assert again.respond([examples[0].turns[:1]], ["me"]) == model.respond([examples[0].turns[:1]], ["me"])
    longer = dataclasses.replace(examples[0], turns=examples[1].turns * 3 + examples[0].turns)
    assert again.encode([longer]).shape == (1, again.config.model.latent_size)
    with pytest.raises(RunError, match="holds a model of dialogues.*use DialogueModel"):
        LDEBM.from_pretrained(folder)
    assert "DialogueModel.from_pretrained" in (folder / "README.md").read_text()


def test_beams_share_the_memory_of_a_batch(trained, monkeypatch) -> None:
    """Every beam holds its context's words; the responses are those of one batch."""
    model, _ = trained
    asked = [each.turns[:1] for each in dialogues(9, 4)]
    at_once = model.respond(asked, ["me"] * 9, mode="beam", beams=3)
    decode, written = model.decoder.decode, []
    monkeypatch.setattr("ldebm.dialogue_model.READ_ROWS", 6)
    monkeypatch.setattr(
        model.decoder, "decode", lambda z, *how, **more: written.append(len(z)) or decode(z, *how, **more)
    )
    assert model.respond(asked, ["me"] * 9, mode="beam", beams=3) == at_once
    model.respond(asked, ["me"] * 9)
    assert written == [2, 2, 2, 2, 1, 6, 3]


def test_of_several_responses_each_has_a_latent_of_its_own_and_the_context_is_read_once(trained, monkeypatch) -> None:
    model, _ = trained
    contexts, speakers = [each.turns[:1] for each in dialogues(9, 4)], ["me", "you", "me"] * 3
    read, written, context_of, write = [], [], model.context_of, model._write
    monkeypatch.setattr("ldebm.dialogue_model.READ_ROWS", 10)
    monkeypatch.setattr(model, "context_of", lambda batch: read.append(len(batch)) or context_of(batch))
    monkeypatch.setattr(model, "_write", lambda z_RD, *how, **more: written.append(z_RD) or write(z_RD, *how, **more))
    assert len(model.respond(contexts, speakers, mode="sample", each=4)) == 36
    assert read == [2, 2, 2, 2, 1] and [len(z_RD) for z_RD in written] == [8, 8, 8, 8, 4]
    assert len(torch.cat(written).unique(dim=0)) == 36
    colours = [context[0].text.split()[-1] for context in contexts]
    asked = [one for one in zip(colours, speakers, strict=True) for _ in range(3)]
    said = zip(asked, model.respond(contexts, speakers, each=3), strict=True)
    assert sum(colour in text for (colour, speaker), text in said if speaker == "me") > 9  # of 18


def test_what_it_does_not_know(trained) -> None:
    model, _ = trained
    assert model.respond([], []) == [] and model.symbol_probabilities([]).shape == (0, 4)
    with pytest.raises(UserError, match="a dialogue without a turn"):
        model.encode([Dialogue(())])
    with pytest.raises(UserError, match="unknown speaker 'nobody'; the run's are me, you"):
        model.respond([[]], ["nobody"])
    with pytest.raises(UserError, match="has not learned symbols"):
        model.respond([[]], ["me"], symbol=1)


@pytest.mark.parametrize("kind", ["gaussian", "symbol_vector", "diffusion"])
def test_every_prior_trains_on_dialogues(kind, tmp_path) -> None:
    corpus = DialogueCorpus("tiny", turns_of(dialogues(20, 0)), turns_of(dialogues(5, 1)), None, ("me", "you"))
    preset = "paper-tiny" if kind == "diffusion" else "best-tiny"
    settings = [f"model.prior.kind={kind}", "training.epochs=1", "training.max_steps=3"]
    config = load_preset(preset, settings, "dialogue")
    model = train(config, corpus, tmp_path / "run")
    assert len(model.respond([[], []], ["me", "you"], symbol=1 if model.has_symbols else None)) == 2


def test_some_responses_are_learned_alone_but_for_the_prior() -> None:
    settings = ["model.context.alone=0.5", "model.context.dropout=0", "data.speakers=[me, you]"]
    config = load_preset("best-tiny", settings, "dialogue")
    corpus = turns_of(dialogues(40, 0))
    tokenizer = Tokenizer.train(corpus["text"], "word", 100, True)
    model = DialogueModel(config, tokenizer)
    batch = TokenizedDialogues.of_turns(corpus, tokenizer, config).batch(np.arange(80))
    context = model.context_of(batch)
    opening = model.context_of(batch.alone(torch.ones(80, dtype=torch.bool)))
    noise = Noise(torch.Generator().manual_seed(0), total=80)
    heard, of_it = model.train().heard(batch, context, noise)
    alone = (heard.turn_lengths_BP == 0).all(1)
    second = (batch.turn_lengths_BP > 0).any(1)
    assert 10 < int((alone & second).sum()) < 30  # half of forty
    assert torch.allclose(of_it, torch.where(alone[:, None], opening, context))
    assert not torch.allclose(opening[second], context[second])
    assert torch.equal(heard.turns_BPL[~alone], batch.turns_BPL[~alone]) and int(heard.turns_BPL[alone].sum()) == 0
    assert torch.equal(heard.tokens_BL, batch.tokens_BL) and torch.equal(heard.speaker_B, batch.speaker_B)
    for rank in (0, 1):  # the same rows on two processes
        rows = Share(rank, 2).rows(80)
        share = Noise(torch.Generator().manual_seed(0), Share(rank, 2), 80)
        part, _ = model.heard(batch.rows(rows), context[rows], share)
        assert torch.equal(part.turn_lengths_BP, heard.turn_lengths_BP[rows])

    seen = {}
    for part, method in ((model, "infer"), (model, "log_likelihood"), (model.prior, "terms")):
        ours = getattr(part, method)

        def kept(*given, method=method, ours=ours):
            seen[method] = given
            return ours(*given)

        setattr(part, method, kept)
    model(batch, Noise(torch.Generator().manual_seed(1), total=80))
    assert torch.allclose(seen["terms"][-1], context)
    (read, context_of_reading), (_, written, _, context_of_writing) = seen["infer"], seen["log_likelihood"]
    assert written is read and torch.equal(context_of_reading, context_of_writing)
    assert not torch.equal(read.turn_lengths_BP, batch.turn_lengths_BP)
    assert not torch.allclose(context_of_reading, context)
    assert model.eval().heard(batch, context, noise)[0] is batch  # what is asked in use is what was said
