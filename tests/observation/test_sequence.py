"""The GRU encoder and decoder: padding is never read, likelihoods are those of the definition."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from ldebm.data.batches import TextBatch
from ldebm.data.tokenizer import BOS, EOS, PAD, UNK
from ldebm.noise import Noise
from ldebm.observation import SequenceDecoder, SequenceEncoder, fastest_dtype
from ldebm.observation.dropout import ByteDropout
from ldebm.observation.gru import rows_of
from ldebm.observation.mean_norm import MeanNorm
from ldebm.observation.recurrence import Recurrence
from ldebm.presets.config import DecoderConfig, EncoderConfig

V, D, H, LENGTH = 30, 4, 16, 12


def batch_of(rows, padding=0):
    longest = max(map(len, rows)) + padding
    return TextBatch(
        tokens_BL=torch.tensor([row + [PAD] * (longest - len(row)) for row in rows]),
        lengths_B=torch.tensor([len(row) for row in rows]),
        symbols_B=torch.full((len(rows),), -1),
        index_B=torch.arange(len(rows)),
    )


def some_rows(n=9, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, LENGTH - 2, (n,), generator=generator).tolist()
    return [[BOS, *torch.randint(3, V, (size,), generator=generator).tolist(), EOS] for size in lengths]


def encoder(**more):
    torch.manual_seed(0)
    return SequenceEncoder(EncoderConfig(embedding_size=8, hidden_size=H, **more), V, D).eval()


def decoder(**more):
    torch.manual_seed(0)
    return SequenceDecoder(DecoderConfig(hidden_size=H, **more), V, D, LENGTH).eval()


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("pooling", [False, True])
def test_a_posterior_is_the_same_alone_in_a_batch_and_padded(normalised, pooling):
    model, rows = encoder(normalise_means=normalised, pooling=pooling), some_rows()
    whole = model.encode(batch_of(rows))
    padded = model.encode(batch_of(rows, padding=7))
    for name in ("mean_BD", "log_variance_BD"):
        alone = torch.cat([getattr(model.encode(batch_of([row])), name) for row in rows])
        assert (getattr(whole, name) - alone).abs().max() < 1e-5
        assert (getattr(whole, name) - getattr(padded, name)).abs().max() < 1e-5


def test_pooling_is_the_mean_the_maximum_and_the_length_of_a_text():
    model, row = encoder(pooling=True), some_rows(1)[0]
    batch = batch_of([row])
    states_LH, last = model.gru(model.embedding(batch.tokens_BL))
    features = torch.cat([last[0, 0], last[1, 0], states_LH[0].amax(0), states_LH[0].mean(0), batch.lengths_B.log()])
    expected = F.linear(F.leaky_relu(features), model.mean.weight, model.mean.bias)
    assert torch.allclose(model.encode(batch).mean_BD[0], expected, atol=1e-6)


def test_normalised_variances_stay_below_one():
    posterior = encoder(normalise_means=True).encode(batch_of(some_rows()))
    assert posterior.log_variance_BD.max() < 0


def test_bounded_means_stay_within_the_bound_and_small_ones_as_they_are():
    free, bounded, rows = encoder(), encoder(bound=2.0), batch_of(some_rows())
    with torch.no_grad():
        small, near = (each.encode(rows).mean_BD for each in (free, bounded))
        assert (near - small).abs().max() < 1e-3
        for each in (free, bounded):
            each.mean.weight.mul_(1000)
        assert bounded.encode(rows).mean_BD.abs().max() <= 2 < free.encode(rows).mean_BD.abs().max()
    with pytest.raises(ValueError, match="normalised means need no bound, received 2: set model.encoder.bound=0"):
        EncoderConfig(normalise_means=True, bound=2)


def test_log_likelihood_is_the_same_alone_in_a_batch_and_padded():
    model, rows = decoder(latent_to_output=True), some_rows()
    z = torch.randn(len(rows), D)
    whole = model.log_likelihood(z, batch_of(rows))
    padded = model.log_likelihood(z, batch_of(rows, padding=5))
    alone = torch.cat([model.log_likelihood(z[i : i + 1], batch_of([row])) for i, row in enumerate(rows)])
    assert (whole - alone).abs().max() < 1e-5
    assert (whole - padded).abs().max() < 1e-5


@pytest.mark.parametrize("more", [{}, {"latent_to_output": True}])
def test_log_likelihood_is_that_of_the_steps_of_decoding(more):
    """Teacher forcing through packed cells equals one step after another as in decoding."""
    model, rows = decoder(**more), some_rows(4)
    z = torch.randn(len(rows), D)
    found = model.log_likelihood(z, batch_of(rows))
    for place, row in enumerate(rows):
        step, state = model._stepper(z[place : place + 1])
        total = 0.0
        for last, following in itertools.pairwise(row):
            logits, state = step(torch.tensor([last]), state)
            total += float(logits.log_softmax(-1)[0, following].detach())
        assert float(found[place].detach()) == pytest.approx(total, abs=1e-4)


@torch.no_grad()
def test_probabilities_of_all_texts_of_a_length_sum_to_one():
    """Of all continuations of BOS with one token and then the end, or the end at once."""
    model = decoder()
    rows = [[BOS, EOS]] + [[BOS, token, EOS] for token in range(V) if token != EOS]
    z = torch.randn(1, D).expand(len(rows), -1)
    log_p = model.log_likelihood(z, batch_of(rows))
    step, state = model._stepper(z[:1])
    first, state = step(torch.tensor([BOS]), state)
    one_word = first.log_softmax(-1)[0]
    assert float(log_p[0]) == pytest.approx(float(one_word[EOS]), abs=1e-5)
    assert float(log_p[1:].exp().sum()) < 1 - float(one_word[EOS].exp())


def test_padding_has_a_zero_embedding():
    assert not decoder().embedding.weight[PAD].any() and not encoder().embedding.weight[PAD].any()


def test_word_dropout_hides_words_in_training_only_and_never_the_begin_mark():
    model = decoder(word_dropout=0.5).train()
    inputs = torch.full((400, LENGTH), 7)
    inputs[:, 0] = BOS
    hidden = model._hide_words(inputs, Noise(torch.Generator().manual_seed(0), total=400))
    assert (hidden[:, 0] == BOS).all()
    assert float((hidden[:, 1:] == UNK).float().mean()) == pytest.approx(0.5, abs=0.03)
    rows, z = some_rows(), torch.randn(9, D)
    noise = Noise(torch.Generator().manual_seed(0), total=9)
    assert torch.equal(model.eval().log_likelihood(z, batch_of(rows), noise), model.log_likelihood(z, batch_of(rows)))


def test_an_encoder_learns_to_read_blanks_where_completion_has_them():
    model, rows = encoder(word_dropout=0.999), some_rows()
    blank = batch_of([[BOS, *[PAD] * (len(row) - 2), EOS] for row in rows])
    torch.manual_seed(1)  # hides every one of these words
    hidden = model.train().encode(batch_of(rows)).mean_BD
    assert torch.equal(hidden, model.eval().encode(blank).mean_BD)
    assert not torch.equal(hidden, model.encode(batch_of(rows)).mean_BD)


def test_lowered_precision_is_near_and_parameters_stay_in_fp32():
    model, rows = decoder(latent_to_output=True), some_rows(30)
    z = torch.randn(len(rows), D)
    exact = model.log_likelihood(z, batch_of(rows))
    model.compute_dtype = torch.bfloat16
    lowered = model.log_likelihood(z, batch_of(rows))
    assert lowered.dtype == torch.float32
    assert torch.allclose(exact, lowered, rtol=0.02)
    lowered.sum().backward()
    assert all(p.dtype == torch.float32 and p.grad.dtype == torch.float32 for p in model.parameters())


def test_lowered_precision_is_the_one_in_use(monkeypatch):
    seen = []
    original = Recurrence.apply

    def spy(inputs, first, weight, *others):
        seen.extend((inputs.dtype, first.dtype, weight.dtype))
        return original(inputs, first, weight, *others)

    monkeypatch.setattr(Recurrence, "apply", spy)
    model = encoder()
    for dtype in (torch.float32, torch.bfloat16):
        seen.clear()
        model.compute_dtype = dtype
        model.encode(batch_of(some_rows()))
        assert set(seen) == {dtype} and len(seen) == 6


def test_dropout_keeps_the_expectation_and_does_nothing_in_evaluation():
    torch.manual_seed(0)
    x = torch.ones(1000, 333)
    dropout = ByteDropout(0.3).train()
    y = dropout(x)
    assert float((y == 0).float().mean()) == pytest.approx(77 / 256, abs=0.003)
    assert float(y.mean()) == pytest.approx(1.0, abs=0.005)
    assert not torch.equal(dropout(x), y)
    assert torch.equal(dropout.eval()(x), x) and torch.equal(ByteDropout(0.0).train()(x), x)


def test_fastest_dtype_follows_the_hardware(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert fastest_dtype(cpu) is torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert fastest_dtype(cpu) is torch.float32


def test_rows_of_packed_tokens():
    lengths = torch.tensor([2, 5, 3])
    tokens = torch.arange(3)[:, None].expand(3, 5)
    packed = pack_padded_sequence(tokens, lengths, batch_first=True, enforce_sorted=False)
    assert torch.equal(rows_of(packed), packed.data)


def test_mean_norm_is_batch_norm_and_recentre_makes_its_statistics_exact():
    torch.manual_seed(0)
    x = 3 * torch.randn(500, D) + 2
    norm = MeanNorm(D).train()
    assert torch.allclose(norm(x), F.batch_norm(x, None, None, training=True), atol=1e-5)
    norm.eval()
    corrected = norm.recentre(norm(x))
    assert torch.allclose(corrected, norm(x), atol=1e-4)
    assert corrected.mean(0).abs().max() < 1e-4 and (corrected.var(0, correction=0) - 1).abs().max() < 1e-3
