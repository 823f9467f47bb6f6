"""Completion: given words stay, blanks are filled by what is most probable, refinement and comparison are fair."""

import math

import numpy as np
import pytest
import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.tokenizer import BOS, EOS, PAD
from ldebm.errors import UserError
from ldebm.evaluation.language_model import LanguageModel, Recipe, fit
from ldebm.tasks import completion, completion_figures
from tests import tiny


@pytest.fixture(scope="module")
def model():
    return tiny.model().eval()


def test_the_words_that_are_there_stay_and_the_blanks_are_words(model) -> None:
    found = completion.complete(model, "___ food was great, and __ will say ____", n=4)
    assert len(found) == 4
    for each in found:
        first, between, last = each.words
        assert each.text == f"{first} food was great, and {between} will say {last}"
        assert not set(each.words) & {"<pad>", "<s>", "</s>", "<unk>", ""}
    probabilities = [each.probability for each in found]
    assert probabilities == sorted(probabilities, reverse=True) and 0 < sum(probabilities) <= 1 + 1e-6
    assert completion.complete(model, "___ food was great, and __ will say ____", n=4) == found
    assert len({each.text for each in found}) == 4


def test_wrong_input_is_told(model) -> None:
    with pytest.raises(UserError, match="no blank in 'the food'"):
        completion.complete(model, "the food")
    with pytest.raises(UserError, match="has 61 words, and this run reads at most 18"):
        completion.complete(model, "___ " + "food " * 60)


def test_bags_of_words_have_no_places_to_fill() -> None:
    with pytest.raises(UserError, match="this run writes bags of words, in which a blank has no place"):
        completion.complete(tiny.model(preset="best-bag").eval(), "the ___ was great")


def test_fillings_are_all_there_is_and_rank_by_their_likelihood(model) -> None:
    """With one blank and a beam for every word, the fillings are the whole vocabulary and their scores sum to that of
    the visible words: checked against teacher forcing."""
    ids = completion.with_blanks("the ___ was great", model.tokenizer)
    assert ids[0] == BOS and ids[-1] == EOS and ids.count(PAD) == 1
    batch = completion.padded([ids], model.device)
    z_BD = torch.randn(1, 8, generator=torch.Generator().manual_seed(0))
    words = len(model.tokenizer) - 4
    found_BWL, score_BW = model.decoder.fill(z_BD, batch, words, (3,))
    assert sorted(found_BWL[0, :, ids.index(PAD)].tolist()) == list(range(4, 4 + words))
    whole = completion.padded(found_BWL[0].tolist(), model.device)
    with torch.no_grad():
        exact = model.decoder.log_likelihood(z_BD.expand(words, -1), whole)
    assert torch.allclose(score_BW[0], exact, atol=1e-4)
    assert bool((score_BW[0, 1:] <= score_BW[0, :-1]).all())


def test_two_blanks_are_found_by_beams_as_by_trying_all(model) -> None:
    rows = [completion.with_blanks(text, model.tokenizer) for text in ("the ___ ___ great", "___ broke")]
    batch = completion.padded(rows, model.device)
    z_BD = torch.randn(2, 8, generator=torch.Generator().manual_seed(1))
    words = len(model.tokenizer) - 4
    found_BWL, score_BW = model.decoder.fill(z_BD, batch, words, (3,))
    every_word = range(4, 4 + words)
    pairs = [[BOS, rows[0][1], first, second, rows[0][4], EOS] for first in every_word for second in every_word]
    with torch.no_grad():
        every = model.decoder.log_likelihood(z_BD[:1].expand(len(pairs), -1), completion.padded(pairs, model.device))
    assert found_BWL[0, 0, :6].tolist() == pairs[int(every.argmax())]
    assert float(score_BW[0, 0]) == pytest.approx(float(every.max()), abs=1e-4)
    assert found_BWL[1, 0, 2:4].tolist() == rows[1][2:4]  # the shorter row is not filled behind its end


def test_refinement_finds_a_latent_under_which_the_visible_words_are_more_probable() -> None:
    torch.manual_seed(0)
    model = tiny.model("model.prior.kind=gaussian").eval()
    with torch.no_grad():
        for weight in (model.decoder.first.weight, model.decoder.latent_to_output.weight):
            weight.mul_(5)
    ids = completion.with_blanks("the food was ___ yesterday", model.tokenizer)
    visible = []
    for rounds in (0, 12):
        [(rows_NL, z_SD)] = completion.fillings(model, [ids], 0, rounds)
        with torch.no_grad():
            batch = completion.padded(rows_NL.tolist(), z_SD.device)
            each = torch.stack([model.decoder.log_likelihood(z_D.expand(len(batch), -1), batch) for z_D in z_SD])
        visible.append(float(each.logsumexp(1).mean()))
    assert visible[1] > visible[0] + 0.3


def test_shares_are_those_of_each_chain_averaged(model) -> None:
    """With a blank that the vocabulary fills whole, p(word | visible) is the mean over chains of p(word | visible, z):
    a chain under which the visible words are improbable counts as much as one under which they are not."""
    ids = completion.with_blanks("the ___ was great", model.tokenizer)
    rows_NL = torch.tensor(
        [[word if token == PAD else token for token in ids] for word in range(4, len(model.tokenizer))]
    )
    z_SD = 3 * torch.randn(2, 8, generator=torch.Generator().manual_seed(2))
    found = completion.shares(model, z_SD, rows_NL)
    batch = completion.padded(rows_NL.tolist(), z_SD.device)
    with torch.no_grad():
        each = torch.stack([model.decoder.log_likelihood(z_D.expand(len(batch), -1), batch) for z_D in z_SD]).exp()
    exact = (each / each.sum(1, keepdim=True)).mean(0)
    assert torch.allclose(found.exp(), exact, atol=1e-5) and float(found.exp().sum()) == pytest.approx(1.0, abs=1e-4)


def test_scores_of_priors_are_their_gradients() -> None:
    from ldebm.noise import Noise

    z = torch.randn(5, 8)
    noise = Noise(torch.Generator().manual_seed(0), total=5)
    gaussian = tiny.model("model.prior.kind=gaussian").eval().prior
    gaussian.reference.update(completion_posterior(), momentum=1.0)
    exact = -(z - gaussian.reference.mean_D) @ gaussian.reference.covariance_DD.inverse()
    assert torch.allclose(gaussian.score(z, noise), exact, rtol=1e-3, atol=1e-3)
    network = tiny.model("model.prior.kind=denoising").eval().prior
    network._velocity = lambda x_BD, angle_B1: torch.zeros_like(x_BD)  # of standard normal latents
    assert torch.allclose(network.score(z, noise), -z, atol=1e-5)
    coupled = tiny.model("model.prior.kind=symbol_vector").eval().prior
    free = z.clone().requires_grad_()
    log_density = coupled.energy(free).logsumexp(-1) - 0.5 * free.square().sum(-1)
    (exact,) = torch.autograd.grad(log_density.sum(), free)
    assert torch.allclose(coupled.score(z, noise), exact, atol=1e-5)


def completion_posterior():
    from ldebm.posterior import Posterior

    torch.manual_seed(1)
    return Posterior(torch.randn(500, 8) @ torch.randn(8, 8) + 1, torch.zeros(500, 8))


def test_figures_compare_alike_and_do_not_count_what_was_not_found(model) -> None:
    texts = tiny.texts(12, 4)[0]
    blanks = completion_figures.with_blanks(model.tokenizer.encode(texts, 20))
    assert all(1 <= row.count(PAD) <= 3 for row in blanks.blanked)
    assert blanks == completion_figures.with_blanks(model.tokenizer.encode(texts, 20))
    torch.manual_seed(0)
    language_model = LanguageModel(len(model.tokenizer), 8)
    found = completion_figures.compare(model, language_model, blanks, rounds=1)
    assert list(found) == list(completion_figures.ROWS)
    for each in found.values():
        assert 0 <= each["accuracy"] < 0.5 and -10 < each["log_probability"] < 0  # nothing has been learned

    # A language model that knows the word: right, and sure of it.
    truth = completion_figures.Blanks([[BOS, 5, 6, EOS]] * 3, [[BOS, PAD, 6, EOS]] * 3)
    learned = TokenizedCorpus(np.array([BOS, 5, 6, EOS] * 9, np.int32), np.full(9, 4), np.zeros(9, np.int64), 0)
    language_model = fit(LanguageModel(len(model.tokenizer), 8, 0.0), learned, learned, Recipe(99, 9, 0.05), 0)
    known = completion_figures.compare(model, language_model, truth, rounds=0)["language-model"]
    assert known["accuracy"] == 1.0 and math.isclose(known["log_probability"], 0.0, abs_tol=0.02)

    # The true filling may score best and still not be what a search came up with.
    total = completion_figures._Total()
    total.add(torch.tensor([[BOS, 7, 6, EOS]]), torch.tensor([-5.0, -1.0]), [BOS, 5, 6, EOS], [BOS, PAD, 6, EOS])
    assert total.figures()["accuracy"] == 0.0 and total.figures()["log_probability"] > -0.1


def test_the_best_fillings_are_kept_once_each(monkeypatch) -> None:
    monkeypatch.setattr(completion, "KEPT", 2)
    found = torch.tensor([[[1, 5, 2], [1, 6, 2], [1, 7, 2]], [[1, 7, 2], [1, 6, 2], [1, 8, 2]]])
    scores = torch.tensor([[-1.0, -4.0, -2.0], [-0.5, -9.0, -torch.inf]])
    assert completion.distinct(found, scores, 3).tolist() == [[1, 5, 2], [1, 7, 2]]
