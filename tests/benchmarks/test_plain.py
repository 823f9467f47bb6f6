from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.plain import (
    BOS,
    PAD,
    Decoder,
    Encoder,
    Energy,
    PlainModel,
    PlainTrainer,
    Schedule,
    Weights,
    langevin,
    pad_to,
)
from benchmarks.sizes import Sizes

SMALL = Sizes(
    vocabulary=50, embedding=8, hidden=8, latent=4, symbols=3, width=6, blocks=2, steps=3, max_length=7, batch=5
)


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.fixture(name="tokens_BL")
def _tokens() -> Tensor:
    torch.manual_seed(0)
    tokens = torch.randint(4, SMALL.vocabulary, (SMALL.batch, SMALL.max_length))
    tokens[:, 0] = BOS
    tokens[0, 3:] = PAD
    return tokens


def test_parameter_counts_are_the_papers() -> None:
    model = PlainModel(Sizes())
    assert parameters(model.energy) == 695_420
    assert parameters(model.encoder.gru) == pytest.approx(3.15e6, rel=0.01)
    assert parameters(model.decoder.gru) == pytest.approx(1.64e6, rel=0.01)
    assert parameters(model) == pytest.approx(15.8e6, rel=0.01)


def test_schedule_is_the_papers_table() -> None:
    schedule = Schedule(levels=6)
    a = [0.999950, 0.946167, 0.856290, 0.774796, 0.700918, 0.633956, 0.022776]
    torch.testing.assert_close(schedule.a, torch.tensor(a), rtol=0.0, atol=1e-6)
    a_bar = [0.999950, 0.946119, 0.810152, 0.627703, 0.439968, 0.278921, 0.006353]
    torch.testing.assert_close(schedule.a_bar, torch.tensor(a_bar), rtol=0.0, atol=1e-6)
    squared_step = torch.tensor([2.095e-4, 1.728e-2, 4.686e-2, 7.920e-2, 1.074e-1, 1.920e-1])
    torch.testing.assert_close(schedule.step**2, squared_step, rtol=1e-3, atol=0.0)


def test_pair_keeps_the_marginals_of_the_forward_process() -> None:
    torch.manual_seed(0)
    schedule, rows = Schedule(levels=6), 200_000
    z_BD = torch.full((rows, 1), 2.0)
    for level in range(6):
        y_BD, above_BD = schedule.pair(z_BD, torch.full((rows,), level))
        scale = 1.0 if level == 5 else float(schedule.a[level + 1])
        assert y_BD.mean() == pytest.approx(2 * scale * float(schedule.a_bar[level]), abs=0.02)
        assert above_BD.mean() == pytest.approx(2 * float(schedule.a_bar[level + 1]), abs=0.02)
        assert above_BD.std() == pytest.approx(float(schedule.sigma_bar[level + 1]), abs=0.02)


def test_energy_gradient_by_autograd_matches_finite_differences() -> None:
    torch.manual_seed(0)
    energy = Energy(SMALL).double().eval()
    t_B = torch.tensor([0, 2, 5])
    z_BD = torch.randn(3, SMALL.latent, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: energy(z, t_B), z_BD)


def test_chain_of_a_flat_energy_reaches_the_recovery_gaussian() -> None:
    torch.manual_seed(0)
    schedule, rows = Schedule(levels=6), 4000

    def flat(y_BD: Tensor, t_B: Tensor) -> Tensor:
        return 0 * y_BD.sum(dim=-1)

    for level, pull in ((4, 1.0), (5, 0.0)):
        above_BD = torch.full((rows, SMALL.latent), 3.0)
        with torch.no_grad():
            y_BD = langevin(flat, schedule, above_BD, torch.full((rows,), level), steps=100)
        share = float(schedule.step[level] / schedule.sigma[level + 1]) ** 2
        stationary = float(schedule.sigma[level + 1]) / (1 - share / 4) ** 0.5
        assert y_BD.mean() == pytest.approx(3.0 * pull, abs=0.03)
        assert y_BD.std() == pytest.approx(stationary, rel=0.02)


def test_step_moves_every_parameter_and_lowers_the_loss(tokens_BL: Tensor) -> None:
    torch.manual_seed(0)
    model = PlainModel(SMALL)
    trainer = PlainTrainer(model, Weights(learning_rate=1e-2))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    symbols_B = torch.arange(SMALL.batch) % SMALL.symbols
    losses = [trainer.step(tokens_BL, symbols_B) for _ in range(60)]
    assert [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])] == []
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_prior_cross_entropy_moves_the_encoder_alone() -> None:
    torch.manual_seed(0)
    model = PlainModel(SMALL)
    z_BD = torch.randn(SMALL.batch, SMALL.latent, requires_grad=True)
    PlainTrainer(model).prior_cross_entropy(z_BD).backward()
    assert z_BD.grad is not None and z_BD.grad.abs().sum() > 0
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.energy.parameters())


def test_greedy_writes_the_likeliest_token_each_time() -> None:
    torch.manual_seed(0)
    decoder = Decoder(SMALL).eval()
    z_BD = torch.randn(4, SMALL.latent)
    with torch.no_grad():
        written_BL = decoder.greedy(z_BD, max_length=6)
        read_BL = torch.cat([torch.full((4, 1), BOS), written_BL[:, :-1]], dim=1)
        log_probability_BLV, _ = decoder(z_BD, read_BL)
    assert torch.equal(log_probability_BLV.argmax(dim=-1), written_BL)


def test_generate_draws_as_many_rows_as_asked_for() -> None:
    assert PlainModel(SMALL).generate(7, batch=3).shape == (7, SMALL.max_length)


def test_padding_is_read_as_in_the_published_code(tokens_BL: Tensor) -> None:
    padded_BL = pad_to(tokens_BL, 12)
    assert padded_BL.shape == (SMALL.batch, 12) and torch.equal(padded_BL[:, :7], tokens_BL)
    encoder = Encoder(SMALL)
    assert not torch.allclose(encoder(tokens_BL)[0], encoder(padded_BL)[0])
