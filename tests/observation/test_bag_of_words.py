"""Bags of words: their order and their padding say nothing, and the likelihood is that of words drawn alone."""

import numpy as np
import pytest
import torch
from scipy.special import gammaln, log_softmax
from scipy.stats import multinomial

from ldebm.data.tokenizer import BOS, EOS, PAD, UNK
from ldebm.errors import UserError
from ldebm.observation import BagDecoder, BagEncoder
from ldebm.observation.bag_of_words import WRITTEN
from ldebm.presets.config import EncoderConfig
from tests.observation.test_sequence import batch_of, some_rows

V, D = 30, 4


def encoder(**more):
    torch.manual_seed(0)
    model = BagEncoder(EncoderConfig(embedding_size=8, hidden_size=16, **more), V, D)
    model.weigh(-torch.linspace(1, 9, V))
    return model.eval()


def decoder(vocabulary=V):
    """A decoder that knows the frequencies of a corpus, and these ids."""
    torch.manual_seed(0)
    ids = np.random.default_rng(0).integers(PAD, vocabulary, size=500)
    model = BagDecoder(vocabulary, D).eval()
    model.know_background(ids)
    with torch.no_grad():
        model.weight_VD.mul_(20)  # a latent that says something
    return model, ids


def latents(n, seed=1):
    return torch.randn(n, D, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("normalised", [False, True])
def test_a_posterior_is_the_same_alone_in_a_batch_and_padded(normalised):
    model, rows = encoder(normalise_means=normalised, word_dropout=0.5), some_rows()
    whole, padded = model.encode(batch_of(rows)), model.encode(batch_of(rows, padding=7))
    for name in ("mean_BD", "log_variance_BD"):
        alone = torch.cat([getattr(model.encode(batch_of([row])), name) for row in rows])
        assert torch.allclose(getattr(whole, name), alone, atol=1e-6)
        assert torch.allclose(getattr(whole, name), getattr(padded, name), atol=1e-6)
    assert whole.mean_BD.std(0).min() > 0  # texts are told apart
    assert not normalised or whole.log_variance_BD.max() < 0


def test_bounded_means_stay_within_the_bound():
    free, bounded = (encoder(bound=bound).encode(batch_of(some_rows())).mean_BD for bound in (0.0, 0.01))
    assert bounded.abs().max() <= 0.01 < free.abs().max()
    assert torch.equal(bounded.sign(), free.sign())


def test_the_order_of_words_says_nothing_and_their_number_does():
    model = encoder()
    one, other, twice = (
        model.encode(batch_of([[BOS, *row, EOS]])).mean_BD for row in ([5, 7, 9], [9, 5, 7], [5, 5, 7, 9])
    )
    assert torch.allclose(one, other, atol=1e-6) and not torch.allclose(one, twice, atol=1e-3)


def test_unknown_words_are_not_read():
    model = encoder()
    bare, mixed = (model.encode(batch_of([[BOS, *row, EOS]])).mean_BD for row in ([5, 7], [UNK, 5, UNK, 7]))
    assert torch.allclose(bare, mixed, atol=1e-6)
    nothing = model.encode(batch_of([[BOS, UNK, EOS], [BOS, EOS]]))
    assert torch.equal(nothing.mean_BD[0], nothing.mean_BD[1]) and bool(nothing.mean_BD.isfinite().all())


def test_rare_words_count_for_more():
    """A text of a common and a rare word lies nearer to the rare one alone."""
    model = encoder()
    model.layers = torch.nn.Identity()
    model.mean = torch.nn.Identity()
    model.log_variance = torch.nn.Identity()
    common, rare, both = (model.encode(batch_of([[BOS, *row, EOS]])).mean_BD for row in ([4], [28], [4, 28]))
    assert (both - rare).norm() < (both - common).norm()


def test_words_are_hidden_in_training_alone():
    rows = [[BOS, *range(4, 24), EOS]] * 8
    model, whole = encoder(word_dropout=0.5), encoder()
    assert torch.equal(model.encode(batch_of(rows)).mean_BD, whole.encode(batch_of(rows)).mean_BD)
    seen = model.train().encode(batch_of(rows)).mean_BD
    assert len({tuple(row.tolist()) for row in seen}) == 8  # each lacks others
    blind = encoder(word_dropout=1 - 1e-9).train().encode(batch_of(rows)).mean_BD
    assert torch.allclose(blind, whole.encode(batch_of([[BOS, EOS]])).mean_BD)


def test_the_background_is_the_frequencies_of_the_corpus():
    model, ids = decoder()
    counts_V = np.array([(ids == word).sum() for word in range(V)]) + 0.1
    assert model.background_V[UNK + 1 :].numpy() == pytest.approx(
        np.log(counts_V / counts_V[UNK + 1 :].sum())[UNK + 1 :]
    )
    assert model.background_V[UNK + 1 :].exp().sum() == pytest.approx(1)
    assert model.background_V[: UNK + 1].exp().max() < 1e-12


def test_the_likelihood_is_that_of_a_multinomial():
    model, _ = decoder()
    rows, z_BD = some_rows(), latents(9)
    rows[2] = [BOS, UNK, *rows[2][1:]]  # which is left out
    rows[3] = [BOS, EOS]
    found_B = model.log_likelihood(z_BD, batch_of(rows, padding=3))
    logits_BV = model.background_V.numpy() + z_BD.numpy() @ model.weight_VD.detach().numpy().T
    for row, logits_V, found in zip(rows, logits_BV.astype(np.float64), found_B.tolist(), strict=True):
        counts_V = np.bincount([word for word in row if word > UNK], minlength=V)
        p_V = np.exp(log_softmax(logits_V))
        orders = gammaln(counts_V.sum() + 1) - gammaln(counts_V + 1).sum()  # of the same words
        assert found == pytest.approx(multinomial.logpmf(counts_V, counts_V.sum(), p_V / p_V.sum()) - orders, abs=1e-3)
    assert found_B[3] == 0


def test_a_latent_is_written_as_what_it_says_beyond_the_corpus():
    model, _ = decoder()
    (written,) = model.decode(latents(1))
    logits_V = model.background_V.numpy() + (latents(1) @ model.weight_VD.detach().T)[0].numpy()
    p_V = np.exp(log_softmax(logits_V))
    said_V = p_V * (np.log(p_V) - model.background_V.numpy())
    assert written == [word for word in np.argsort(-said_V).tolist() if word > UNK][:WRITTEN]
    assert len(set(written)) == WRITTEN and min(written) > UNK


def test_random_words_are_those_of_the_seed_and_follow_the_latent():
    model, _ = decoder()
    z_BD = latents(1).expand(400, D)
    first, again, other = (model.decode(z_BD, "sample", torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert first == again != other
    counts_V = np.bincount(np.concatenate(first), minlength=V) / (400 * WRITTEN)
    p_V = torch.softmax(model.background_V + (z_BD[:1] @ model.weight_VD.T)[0], 0).detach().numpy()
    assert np.abs(counts_V - p_V).max() < 0.03
    colder = model.decode(z_BD, "sample", torch.Generator().manual_seed(0), temperature=0.2)
    assert len(set(np.concatenate(colder))) < len(set(np.concatenate(first)))
    likeliest = model.decode(z_BD, "sample", torch.Generator().manual_seed(0), top_p=0.3)
    order_V, share = np.argsort(-p_V), np.cumsum(np.sort(p_V)[::-1])
    assert set(np.concatenate(likeliest)) == set(order_V[: int((share < 0.3).sum()) + 1])


def test_a_bag_is_not_searched_for():
    with pytest.raises(UserError, match="no order to search"):
        decoder()[0].decode(latents(1), "beam")


def test_a_vocabulary_of_fewer_words_than_are_written_is_written_whole():
    model, _ = decoder(vocabulary=7)
    (written,) = model.decode(latents(1))
    assert sorted(written) == [4, 5, 6]
