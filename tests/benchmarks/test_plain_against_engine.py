"""The plain version and the engine compute the same thing: same weights, no noise, same numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from benchmarks.plain import Energy, PlainModel, PlainTrainer, langevin
from benchmarks.sizes import sizes_of
from ldebm.data import TextBatch
from ldebm.noise import Noise
from ldebm.observation import SequenceDecoder
from ldebm.posterior import Posterior
from ldebm.presets import load_preset
from ldebm.prior import DiffusionPrior, build_prior
from ldebm.prior.energy import FoldedEnergy, SpectralLinear

CONFIG = load_preset("paper-tiny", ["model.prior.levels=4", "data.max_length=9"])
SIZES = sizes_of(CONFIG, vocabulary=50)
TEXTS = 6


class Silence(Noise):
    """No noise, and level 0 wherever a level is drawn."""

    def normal(self, *shape: int, device: torch.device, axis: int = 0) -> Tensor:
        return torch.zeros(shape)

    def uniform(self, *shape: int, device: torch.device, axis: int = 0) -> Tensor:
        return torch.zeros(shape)


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr("benchmarks.plain.torch.randn_like", torch.zeros_like)
    monkeypatch.setattr("benchmarks.plain.torch.randint", lambda low, high, size: torch.zeros(size, dtype=torch.long))


@pytest.fixture(name="plain")
def _plain() -> PlainModel:
    model = PlainModel(SIZES)
    with torch.no_grad():
        for _ in range(300):  # until the power iterations stand still
            model.energy(torch.zeros(1, SIZES.latent), torch.zeros(1, dtype=torch.long))
    return model.eval()


@pytest.fixture(name="prior")
def _prior(plain: PlainModel) -> DiffusionPrior:
    """The engine's prior with the plain energy's weights."""
    prior = build_prior(CONFIG.model)
    assert isinstance(prior, DiffusionPrior)
    copy_energy(plain.energy, prior)
    return prior.eval()


def copy_energy(plain: Energy, prior: DiffusionPrior) -> None:
    ours = prior.energy
    plain.table.copy_(ours.code_TW)
    layers = [plain.latent[0], plain.latent[2], plain.time[0], plain.time[2], plain.join, plain.head]
    pairs = zip(layers, [ours.z_in, ours.z_out, ours.time_in, ours.time_out, ours.join, ours.head], strict=True)
    with torch.no_grad():
        for theirs, layer in pairs:
            fill(layer, original(theirs), theirs.get_parameter("bias"))
        fill(
            ours.blocks,
            torch.stack([*map(original, plain.blocks)]),
            torch.stack([block.get_parameter("bias") for block in plain.blocks]),
        )


def original(layer: nn.Module) -> Tensor:
    weight: Tensor = layer.get_parameter("parametrizations.weight.original")
    return weight


def fill(layer: SpectralLinear, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    for _ in range(300):
        layer.advance()


def test_symbol_logits(plain: PlainModel, prior: DiffusionPrior) -> None:
    z_BD, t_B = torch.randn(TEXTS, SIZES.latent), torch.arange(TEXTS) % SIZES.levels
    torch.testing.assert_close(prior.energy(z_BD, t_B), plain.energy.logits(z_BD, t_B), rtol=1e-4, atol=1e-5)


def test_chains(plain: PlainModel, prior: DiffusionPrior) -> None:
    above_BD, t_B = torch.randn(TEXTS, SIZES.latent), torch.arange(TEXTS) % SIZES.levels
    folded = FoldedEnergy(prior.energy, torch.float32)
    z_BD = prior._chain(folded, above_BD, t_B, Silence(None)).z_BD
    y_BD = langevin(plain.energy, plain.schedule, above_BD, t_B, SIZES.steps)
    torch.testing.assert_close(z_BD, y_BD / plain.schedule.a_previous[t_B + 1, None], rtol=1e-4, atol=1e-5)


def test_prior_terms(plain: PlainModel, prior: DiffusionPrior) -> None:
    trainer = PlainTrainer(plain)
    plain.eval()
    ours, theirs = (torch.randn(TEXTS, SIZES.latent, generator=torch.manual_seed(1)).requires_grad_() for _ in range(2))
    log_variance_BD = torch.linspace(-4, 0, TEXTS)[:, None].expand(-1, SIZES.latent)
    terms = prior.terms(ours, Posterior(ours.detach(), log_variance_BD), Silence(None))
    rate = trainer.negative_entropy(log_variance_BD) + trainer.prior_cross_entropy(theirs)
    # The engine's F is a log mean over the symbols, the published one a log sum: a constant apart.
    weights = 1 + plain.schedule.sigma[1] / plain.schedule.sigma[-1]
    constant = weights * torch.tensor(SIZES.symbols).log()
    torch.testing.assert_close(terms.rate_B.mean(), rate + constant, rtol=1e-4, atol=1e-5)
    gradients = torch.autograd.grad(terms.rate_B.mean(), ours)[0], torch.autograd.grad(rate, theirs)[0]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(terms.contrast, trainer.contrast(theirs.detach()), rtol=1e-3, atol=1e-5)


def test_reconstruction(plain: PlainModel) -> None:
    decoder = SequenceDecoder(CONFIG.model.decoder, SIZES.vocabulary, SIZES.latent, SIZES.max_length).eval()
    pairs = [(decoder.embedding, plain.decoder.embedding), (decoder.first, plain.decoder.start)]
    for ours, theirs in [*pairs, (decoder.gru, plain.decoder.gru)]:
        ours.load_state_dict(theirs.state_dict())
    lengths_B = torch.tensor([9, 3, 7, 5, 9, 4])
    tokens_BL = 4 + torch.randperm(TEXTS * 9).view(TEXTS, 9) % (SIZES.vocabulary - 4)
    tokens_BL[torch.arange(9) >= lengths_B[:, None]] = 0
    nothing_B = torch.full((TEXTS,), -1)
    z_BD = torch.randn(TEXTS, SIZES.latent)
    ours_B = decoder.log_likelihood(z_BD, TextBatch(nothing_B, nothing_B, tokens_BL, lengths_B))
    log_probability_BLV, _ = plain.decoder(z_BD, tokens_BL[:, :-1])
    theirs_BL = log_probability_BLV.gather(-1, tokens_BL[:, 1:, None]).squeeze(-1) * (tokens_BL[:, 1:] != 0)
    torch.testing.assert_close(ours_B, theirs_BL.sum(dim=-1))
