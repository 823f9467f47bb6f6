"""Priors of a latent given a context: closed forms, grids, and the fast path against autograd."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from ldebm.errors import ConfigError
from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.presets import load_preset
from ldebm.prior import DiffusionPrior, GaussianPrior, SymbolVectorPrior, build_prior, chain_density, diffusion
from ldebm.prior.energy import FoldedEnergy, SymbolEnergy
from ldebm.prior.log_partition import Effort
from ldebm.prior.reference import ReferenceGaussian
from tests.prior.closed_forms import AutogradEnergy, QuadraticEnergy, expected_bound, sampled_moments


def test_the_folded_energy_reads_the_context_as_autograd_does_and_any_row_of_it() -> None:
    torch.manual_seed(0)
    energy = SymbolEnergy(4, 3, 5, 16, 2, learned_scale=True, context=6).double()
    context, z, level = torch.randn(9, 6).double(), torch.randn(9, 4).double(), torch.arange(9) % 5
    row = torch.randperm(9)
    for rows, contexts in ((None, context), (row, context[row])):
        found = FoldedEnergy(energy, torch.float64, context).tilt_and_grad(z, level, row_B=rows)
        plain = AutogradEnergy(energy, None, contexts).tilt_and_grad(z, level)
        assert all(torch.allclose(each, exact, atol=1e-10) for each, exact in zip(found, plain, strict=True))
    other = FoldedEnergy(energy, torch.float64, context + 1).tilt_and_grad(z, level)[0]
    assert not torch.allclose(other, found[0], atol=1e-3)


@pytest.fixture
def quadratic(monkeypatch):
    for module in (diffusion, chain_density):
        monkeypatch.setattr(module, "FoldedEnergy", AutogradEnergy)
    torch.manual_seed(0)
    prior = DiffusionPrior(1, 3, 4, 16, 2, 120, 0.04, "gaussian", context=1).eval()
    prior.energy = QuadraticEnergy(0.4, 0.5, 3)
    return prior


def test_samples_and_gains_of_the_chain_are_those_of_each_context(quadratic) -> None:
    context = torch.tensor([[0.0], [0.8]]).repeat(4000, 1)
    z = quadratic.sample(8000, generator=torch.Generator().manual_seed(0), context_nC=context)
    for rows, slope in ((z[::2], 0.4), (z[1::2], 1.2)):
        mean, variance = sampled_moments(quadratic.schedule, slope, 0.5)
        assert float(rows.mean()) == pytest.approx(mean, abs=0.05)
        assert float(rows.var()) == pytest.approx(variance, rel=0.08)

    z = torch.full((3000, 1), 0.7)
    context = torch.full((3000, 1), 0.8)
    exact = expected_bound(quadratic.schedule, 1.2, 0.5, 0.7)
    found = quadratic.gains(z, torch.Generator().manual_seed(0), context)
    assert found["gain_low"] - 0.02 < exact < found["gain"] + 0.02 and found["gain"] - found["gain_low"] < 0.1


def test_the_density_given_a_context_is_one_for_each() -> None:
    """Integrated over a line, with a shift of the Gaussian's mean and energies that know the context."""
    torch.manual_seed(1)
    for prior in (
        DiffusionPrior(1, 3, 3, 16, 1, 5, 0.1, "gaussian", context=2),
        SymbolVectorPrior(1, 3, 16, 5, 0.3, context=2),
        GaussianPrior(1, 3, matched=True, context=2),
    ):
        with torch.no_grad():
            for parameter in prior.parameters():
                parameter.add_(0.2 * torch.randn_like(parameter))
        prior.eval()
        line = torch.linspace(-6, 6, 61)[:, None]
        densities = []
        for context in torch.tensor([[0.0, 0.0], [2.0, -2.0]]):
            contexts = context.expand(61, -1)
            generator = torch.Generator().manual_seed(0)
            draws, _ = prior.log_density_draws(line.repeat(30, 1), generator, 8, contexts.repeat(30, 1))
            density = draws.view(30, 61).exp().mean(0)
            assert float(density.sum() * 0.2) == pytest.approx(1.0, abs=0.05)
            low, high = prior.log_density_bounds(line[20:40:5], generator, Effort(16, 32), contexts[:4])
            assert bool(((low - 0.1 < density[20:40:5].log()) & (density[20:40:5].log() < high + 0.1)).all())
            densities.append(density)
        assert not torch.allclose(*densities, rtol=0.1)


def test_the_reference_learns_what_the_context_says_of_the_mean() -> None:
    torch.manual_seed(0)
    context, map_CD = torch.randn(4000, 3), 0.4 * torch.randn(3, 2)
    posterior = Posterior(context @ map_CD + 0.3 * torch.randn(4000, 2), torch.full((4000, 2), -4.0))
    reference = ReferenceGaussian(2, matched=True, context=3)
    assert not bool(reference.centre(context).any())  # at first a context says nothing
    optimiser = torch.optim.Adam(reference.parameters(), 0.02)
    for _ in range(300):
        reference.update(posterior, 0.1, context)
        optimiser.zero_grad()
        reference.misfit(posterior.mean_BD, context).backward()
        optimiser.step()
    assert float((reference.centre(context) - context @ map_CD).square().mean()) < 0.01
    # A posterior that knows nothing beside the context is not followed down: its narrowness costs.
    assert torch.allclose(reference.covariance_DD, (0.3**2 + math.exp(-4)) * torch.eye(2), atol=0.02)
    assert torch.allclose(reference.root_DD, torch.eye(2), atol=1e-6)

    # Where it is wider than one it is followed, in that direction alone.
    wide = Posterior(posterior.mean_BD + torch.randn(4000, 1) * torch.tensor([1.2, 1.6]), posterior.log_variance_BD)
    reference.update(wide, 1.0, context)
    narrow, broad = torch.linalg.eigvalsh(reference.root_DD)
    assert float(narrow) == pytest.approx(1.0, abs=1e-5)
    assert float(broad) == pytest.approx(math.sqrt(4 + 0.3**2 + math.exp(-4)), abs=0.1)

    q, c = Posterior(posterior.mean_BD[:50], posterior.log_variance_BD[:50]), context[:50]
    p = MultivariateNormal(reference.centre(c).detach(), reference.root_DD @ reference.root_DD)
    exact = kl_divergence(MultivariateNormal(q.mean_BD, q.log_variance_BD.exp().diag_embed()), p)
    assert torch.allclose(reference.rate(q, c), exact, atol=1e-3)
    assert torch.allclose(reference.log_density(q.mean_BD, c), p.log_prob(q.mean_BD), atol=1e-3)
    assert torch.allclose(reference.colour(reference.whiten(q.mean_BD, c), c), q.mean_BD, atol=1e-4)


@pytest.mark.parametrize("kind", ["gaussian", "symbol_vector", "diffusion"])
def test_a_context_is_learned_by_the_contrast_alone(kind) -> None:
    torch.manual_seed(0)
    config = load_preset("best-tiny", [f"model.prior.kind={kind}"]).model
    prior = build_prior(config, context=5)
    context = torch.randn(20, 5, requires_grad=True)
    z = torch.randn(20, config.latent_size, requires_grad=True)
    posterior = Posterior(z, torch.zeros_like(z))
    terms = prior.terms(z, posterior, Noise(torch.Generator().manual_seed(0), total=20), context_BC=context)
    learned = [name for name, _ in prior.named_parameters() if "read" in name or "context" in name or "shift" in name]
    assert learned
    (by_rate,) = torch.autograd.grad(terms.rate_B.sum(), context, retain_graph=True, allow_unused=True)
    assert by_rate is None  # the rate pulls the encoder of the response
    terms.contrast.backward()
    gradients = {name: parameter.grad for name, parameter in prior.named_parameters()}
    assert any(gradients[name] is not None and bool(gradients[name].any()) for name in learned)
    # Who reads the context learns from the Gaussian's mean; the energies read it as it is.
    assert (context.grad is not None) == (kind != "symbol_vector")


def test_priors_that_know_no_context_say_so() -> None:
    for kind in ("mixture", "denoising"):
        with pytest.raises(ConfigError, match=f"{kind} knows no context"):
            build_prior(load_preset("best-tiny", [f"model.prior.kind={kind}"]).model, context=4)


def test_the_mean_stays_within_reach_however_far_the_latents_are() -> None:
    """Latents and a mean that follow each other without a bound run away together, as on SMD after 700 steps."""
    torch.manual_seed(0)
    reference = ReferenceGaussian(4, matched=True, context=3)
    assert reference.shift is not None
    optimiser = torch.optim.Adam(reference.parameters(), 0.05)
    context_BC = torch.ones(16, 3)
    for _ in range(200):
        optimiser.zero_grad()
        reference.misfit(torch.full((16, 4), 40.0), context_BC).backward()
        optimiser.step()
    centre_BD = reference.centre(context_BC)
    assert 2.5 < float(centre_BD.min()) <= float(centre_BD.max()) <= 3.0


def knowing(kind, **more):
    """A prior of latents on a line whose energies, and mean where it has one, know the context."""
    torch.manual_seed(2)
    if kind == "diffusion":
        prior = DiffusionPrior(1, 3, 3, 16, 1, 5, 0.1, "gaussian", condition="all", context=2)
    else:
        prior = SymbolVectorPrior(1, 3, 16, context=2, **({"steps": 5, "step_size": 0.3} | more))
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return prior.eval()


@pytest.mark.parametrize("kind", ["symbol_vector", "diffusion"])
def test_a_symbol_is_of_the_latent_whatever_the_context(kind) -> None:
    prior, z_BD = knowing(kind), torch.linspace(-2, 2, 9)[:, None]
    here, there = (prior.symbol_logits(z_BD, context.expand(9, -1)) for context in torch.randn(2, 2))
    assert torch.allclose(here, there, atol=1e-5) and not torch.allclose(here[:1], here[-1:], atol=0.1)
    posterior = Posterior(z_BD, torch.zeros_like(z_BD))
    noise = Noise(torch.Generator().manual_seed(0), total=9)
    terms = prior.terms(z_BD, posterior, noise, context_BC=torch.randn(9, 2))
    assert torch.allclose(terms.symbol_logits_BK, here, atol=1e-5)
    again = Noise(torch.Generator().manual_seed(0), total=9)
    others = prior.terms(z_BD, posterior, again, context_BC=torch.randn(9, 2))
    if kind == "diffusion":  # on the way through the levels too, where z_t is a share of z_0 and noise
        level_B, context_BC = torch.arange(9) % 3, torch.randn(9, 2)
        share_B1 = prior.schedule.a_total[level_B, None]
        lying_BD = prior._as_it_lies(share_B1 * prior.reference.whiten(z_BD, context_BC), level_B, context_BC)
        assert torch.allclose(lying_BD, share_B1 * z_BD @ prior.reference.inverse_root_DD, atol=1e-5)
        assert terms.diffused_logits_NK is not None and others.diffused_logits_NK is not None
        assert torch.allclose(terms.diffused_logits_NK, others.diffused_logits_NK, atol=1e-5)


def test_steering_in_a_context_adds_the_symbol_of_the_latent_as_it_lies() -> None:
    """F(z, c) + guidance (f_y - F)(z as it lies), and its gradient, against autograd."""
    prior, generator = knowing("diffusion").double(), torch.Generator().manual_seed(0)
    context_BC, u_BD = torch.randn(6, 2, generator=generator).double(), torch.randn(6, 1, generator=generator).double()
    level_B, symbol_B = torch.arange(6) % 3, torch.tensor([0, 1, 2, -1, 1, 0])
    prior.compute_dtype = torch.float64
    steer = diffusion._Steer(symbol_B, 2.5, prior._silent(context_BC))
    scale_B1 = prior.transition.input[level_B, None]
    moved_BD = prior.schedule.a_total[level_B, None] * prior.reference.offset(context_BC)
    found = prior._steered(FoldedEnergy(prior.energy, torch.float64, context_BC), u_BD, level_B, steer)

    x_BD = (scale_B1 * u_BD).requires_grad_(True)
    free_B = diffusion.tilt(prior.energy(x_BD, level_B, context_BC))
    logits_BK = prior.energy(x_BD + scale_B1 * moved_BD, level_B, torch.zeros_like(context_BC))
    more_B = logits_BK.gather(1, symbol_B.clamp(min=0)[:, None]).squeeze(1) - diffusion.tilt(logits_BK)
    value_B = free_B + torch.where(symbol_B >= 0, 2.5 * more_B, 0.0)
    (grad_BD,) = torch.autograd.grad(value_B.sum(), x_BD)
    assert torch.allclose(found[0], value_B, atol=1e-10) and torch.allclose(found[1], grad_BD, atol=1e-10)


def test_samples_of_a_symbol_in_a_context_are_of_its_share_of_the_density() -> None:
    """p(z | y, c) is p(z | c) p(y | z) over its sum, on a line."""
    prior = knowing("symbol_vector", steps=300, step_size=0.4, adjust=True)
    with torch.no_grad():
        prior.energy[-1].weight.mul_(3)
    context, line = torch.tensor([[1.5, -1.0]]), torch.linspace(-5, 5, 401)[:, None]
    with torch.no_grad():
        free_N = diffusion.tilt(prior(line, context.expand(401, -1))) - 0.5 * line.squeeze(1).square()
        log_p_NK = prior.symbol_logits(line).log_softmax(-1)
    means = []
    for symbol in (0, 2):
        weight_N = (free_N + log_p_NK[:, symbol]).softmax(0)
        z_BD = prior.sample(4000, torch.full((4000,), symbol), torch.Generator().manual_seed(0), context_nC=context)
        means.append(float((weight_N * line.squeeze(1)).sum()))
        assert float(z_BD.mean()) == pytest.approx(means[-1], abs=0.06)
    assert abs(means[0] - means[1]) > 0.3
