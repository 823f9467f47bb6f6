"""The diffusion prior against closed forms: a quadratic energy makes every density Gaussian (methods 2.4)."""

import pytest
import torch

import ldebm.prior.chain_density as chain_density
import ldebm.prior.diffusion as diffusion
from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior import DiffusionPrior
from ldebm.prior.energy import FoldedEnergy
from ldebm.prior.schedule import NoiseSchedule
from ldebm.prior.transition import Transition
from tests.prior.closed_forms import AutogradEnergy, QuadraticEnergy, expected_bound, sampled_moments

B_, C_ = 0.4, 0.5


def prior_of(reference="gaussian", latent=4, levels=4, steps=5, step_size=0.1, **more):
    torch.manual_seed(0)
    return DiffusionPrior(latent, 3, levels, 16, 2, steps, step_size, reference, **more).eval()


@pytest.fixture
def quadratic(monkeypatch):
    """A one-dimensional prior with the quadratic energy and chains long enough to be exact."""
    for module in (diffusion, chain_density):
        monkeypatch.setattr(module, "FoldedEnergy", AutogradEnergy)
    prior = prior_of(latent=1, steps=250, step_size=0.02)  # the bias of a chain is of the order of its step
    prior.energy = QuadraticEnergy(B_, C_, 3)
    return prior


def noise(rows, seed=0):
    return Noise(torch.Generator().manual_seed(seed), total=rows)


def standard_posterior(z):
    return Posterior(z, torch.zeros_like(z))


def test_reverse_steps_of_the_gaussian_chain_telescope():
    """sum_t log r_t - log q + log N(z_{T-1}) = log N(z_0): the Gaussian part of the bound is exact."""
    schedule = NoiseSchedule(6, noise_at_zero=False)
    transition = Transition(schedule, "gaussian", 0.1)
    torch.manual_seed(0)
    z0 = torch.randn(50, 1, dtype=torch.float64)
    z, total = z0, torch.zeros(50, dtype=torch.float64)
    for t in range(5):
        level = torch.full((50,), t)
        above = schedule.step(z, level, torch.randn_like(z))
        r = torch.distributions.Normal(transition.pull[t].double() * above, transition.variance[t].double().sqrt())
        q = torch.distributions.Normal(schedule.a[t + 1].double() * z, schedule.sigma[t + 1].double())
        total += (r.log_prob(z) - q.log_prob(above)).squeeze(1)
        z = above
    standard = torch.distributions.Normal(0.0, 1.0)
    assert torch.allclose(total + standard.log_prob(z).squeeze(1), standard.log_prob(z0).squeeze(1), atol=1e-4)


def test_the_reverse_step_is_the_posterior_of_one_diffusion_step():
    schedule = NoiseSchedule(6, noise_at_zero=False)
    transition = Transition(schedule, "gaussian", 0.1)
    torch.manual_seed(0)
    z = torch.randn(400_000, 1)
    level = torch.full((len(z),), 1)
    z1 = schedule.diffuse(z, level, torch.randn_like(z))
    z2 = schedule.step(z1, level, torch.randn_like(z))
    slope = float((z1 * z2).mean() / z2.square().mean())
    rest = float((z1 - slope * z2).var())
    assert slope == pytest.approx(float(transition.pull[1]), abs=0.01)
    assert rest == pytest.approx(float(transition.variance[1]), rel=0.02)


def test_gradient_of_the_encoder_is_that_of_the_bound(quadratic):
    rows, u0 = 60_000, 0.7
    z = torch.full((rows, 1), u0, requires_grad=True)
    terms = quadratic.terms(z, standard_posterior(torch.zeros(rows, 1)), noise(rows))
    (grad,) = torch.autograd.grad(terms.rate_B.sum(), z)
    step = 1e-4
    schedule = quadratic.schedule
    exact = (expected_bound(schedule, B_, C_, u0 + step) - expected_bound(schedule, B_, C_, u0 - step)) / (2 * step)
    spread = float(grad.std()) / rows**0.5
    assert abs(exact) > 10 * spread  # the test can tell the gradient from none
    assert float(-grad.mean()) == pytest.approx(exact, abs=4 * spread + 0.02 * abs(exact))


def test_the_encoders_share_scales_the_pull_and_nothing_else(quadratic):
    z = torch.full((600, 1), 0.7, requires_grad=True)
    grads, rates = [], []
    for share in (1.0, 0.25, 0.0):
        terms = quadratic.terms(z, standard_posterior(torch.zeros(600, 1)), noise(600), encoder_share=share)
        rates.append(terms.rate_B)
        grads.append(torch.autograd.grad(terms.rate_B.sum(), z)[0])
    assert torch.allclose(grads[1], 0.25 * grads[0])
    assert not grads[2].any()
    assert torch.equal(rates[0], rates[2])


def test_gradient_of_the_energy_is_that_of_the_recovery_likelihood(quadratic):
    rows, u0, step = 60_000, 1.6, 1e-4
    z = torch.full((rows, 1), u0)
    terms = quadratic.terms(z, standard_posterior(z), noise(rows, seed=1))
    terms.contrast.backward()
    schedule = quadratic.schedule
    exact_b = (expected_bound(schedule, B_ + step, C_, u0) - expected_bound(schedule, B_ - step, C_, u0)) / (2 * step)
    exact_c = (expected_bound(schedule, B_, C_ + step, u0) - expected_bound(schedule, B_, C_ - step, u0)) / (2 * step)
    assert float(-quadratic.energy.b.grad) == pytest.approx(exact_b, abs=0.03)
    assert float(-quadratic.energy.c.grad) == pytest.approx(exact_c, abs=0.03)
    assert abs(exact_b) > 0.1 and abs(exact_c) > 0.1


def test_samples_have_the_moments_of_the_model(quadratic):
    samples = quadratic.sample(40_000, generator=torch.Generator().manual_seed(0))
    mean, variance = sampled_moments(quadratic.schedule, B_, C_)
    assert abs(variance - 1) > 0.2  # the energy does something
    assert float(samples.mean()) == pytest.approx(mean, abs=0.02)
    assert float(samples.var()) == pytest.approx(variance, rel=0.04)


def test_gains_bracket_the_closed_form(quadratic):
    z = torch.full((400, 1), 0.7)
    found = quadratic.gains(z, torch.Generator().manual_seed(0))
    exact = expected_bound(quadratic.schedule, B_, C_, 0.7)
    assert found["gain_low"] - 0.1 < exact < found["gain"] + 0.1  # a path a text: their noise is the margin
    assert 0 < found["gain"] - found["gain_low"] < 0.1


def test_without_an_energy_the_prior_is_its_reference():
    prior = prior_of(steps=20)
    with torch.no_grad():
        prior.energy.head.weight.zero_()
        prior.energy.head.bias.zero_()
        prior.energy.head.normalised = lambda: prior.energy.head.weight  # 0 / 0 otherwise
    posterior = Posterior(2 * torch.randn(4000, 4) @ torch.randn(4, 4) + 1, torch.zeros(4000, 4))
    prior.refer_to(posterior)
    samples = prior.sample(20_000, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(samples.mean(0), prior.reference.mean_D, atol=0.1)
    scale = prior.reference.covariance_DD.diagonal()
    assert torch.allclose(samples.T.cov(), prior.reference.covariance_DD, atol=0.05 * float(scale.max()))


def test_the_rate_is_that_to_the_matched_gaussian():
    prior = prior_of()
    torch.manual_seed(1)
    posterior = Posterior(torch.randn(500, 4) @ torch.randn(4, 4), torch.randn(500, 4) - 1)
    prior.refer_to(posterior)
    q = torch.distributions.MultivariateNormal(posterior.mean_BD[0], posterior.log_variance_BD[0].exp().diag())
    p = torch.distributions.MultivariateNormal(prior.reference.mean_D, prior.reference.covariance_DD)
    exact = torch.distributions.kl_divergence(q, p)
    assert float(prior.reference.rate(posterior)[0]) == pytest.approx(float(exact), rel=1e-4)


PUBLISHED_STEPS = [2.095e-4, 1.728e-2, 4.686e-2, 7.920e-2, 1.074e-1, 1.920e-1]
PUBLISHED_WEIGHTS = [1.0000, 0.6267, 0.5120, 0.4538, 0.4185, 0.3238]


def test_published_step_sizes_and_weights():
    schedule = NoiseSchedule(6, noise_at_zero=True)
    transition = Transition(schedule, "recovery", 2e-3)
    steps = transition.step * transition.input**2  # back from z to the published z~ = a z
    assert steps.tolist() == pytest.approx(PUBLISHED_STEPS, rel=1e-3)
    assert transition.weight.tolist() == pytest.approx(PUBLISHED_WEIGHTS, abs=1e-4)
    assert (1 / transition.sharpness).tolist() == pytest.approx(PUBLISHED_STEPS, rel=1e-3)


@pytest.mark.parametrize("level", [0, 2, 3])
def test_a_published_langevin_step_is_the_published_formula(level):
    """y <- y + grad F(y) / 2 - b^2 / (2 s^2) (y - r z') + b noise, then z = y / a (paper A.3)."""
    prior = prior_of("recovery", steps=1, step_size=2e-3)
    torch.manual_seed(3)
    above = torch.randn(5, 4)
    levels = torch.full((5,), level)
    found = prior._chain(FoldedEnergy(prior.energy, torch.float32), above, levels, noise(5)).z_BD
    generator = torch.Generator().manual_seed(0)
    torch.randn(5, 4, generator=generator)  # the start's noise, of which the published chain has none
    kick = torch.randn(1, 5, 4, generator=generator)[0]
    top = level == prior.levels - 1
    a = 1.0 if top else prior.schedule.a[level + 1]
    b2 = prior.transition.step[level] * a**2
    s2 = prior.schedule.sigma[level + 1] ** 2
    y = above
    _, grad = AutogradEnergy(prior.energy, None).tilt_and_grad(y, levels)
    y = y + 0.5 * grad - b2 / (2 * s2) * (y - (0.0 if top else 1.0) * above) + b2.sqrt() * kick
    assert torch.allclose(found, y / a, atol=1e-5)


@pytest.mark.parametrize("reference", ["recovery", "gaussian"])
def test_the_fast_chain_equals_the_plain_one_and_is_the_one_in_use(reference, monkeypatch):
    prior = prior_of(reference, steps=6, step_size=0.1 if reference == "gaussian" else 2e-3)
    calls = []
    original = FoldedEnergy.tilt_and_grad

    def spy(self, *arguments, **named):
        calls.append(1)
        return original(self, *arguments, **named)

    monkeypatch.setattr(FoldedEnergy, "tilt_and_grad", spy)
    fast = prior.sample(20, generator=torch.Generator().manual_seed(5))
    assert len(calls) == 6 * 4
    monkeypatch.setattr(diffusion, "FoldedEnergy", AutogradEnergy)
    plain = prior.sample(20, generator=torch.Generator().manual_seed(5))
    assert torch.allclose(fast, plain, atol=1e-4)


@pytest.mark.parametrize("reference", ["recovery", "gaussian"])
def test_sampling_leaves_weights_buffers_and_flags_untouched(reference):
    prior = prior_of(reference).train()
    before = {name: value.clone() for name, value in prior.state_dict().items()}
    flags = [(parameter.requires_grad, parameter.grad) for parameter in prior.parameters()]
    prior.sample(8, torch.zeros(8, dtype=torch.long), torch.Generator().manual_seed(0), guidance=2.0, adjust=True)
    after = prior.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert flags == [(parameter.requires_grad, parameter.grad) for parameter in prior.parameters()]
    assert prior.training


@pytest.mark.parametrize("reference", ["recovery", "gaussian"])
def test_gradients_reach_the_part_they_are_for(reference):
    prior = prior_of(reference, step_size=0.1 if reference == "gaussian" else 2e-3).train()
    z = torch.randn(12, 4, requires_grad=True)
    terms = prior.terms(z, standard_posterior(z), noise(12))
    parameters = list(prior.parameters())
    by_rate = torch.autograd.grad(terms.rate_B.sum(), [z, *parameters], allow_unused=True, retain_graph=True)
    assert by_rate[0].abs().sum() > 0 and all(grad is None for grad in by_rate[1:])
    by_contrast = torch.autograd.grad(terms.contrast, [z, *parameters], allow_unused=True, retain_graph=True)
    assert not by_contrast[0].any() and any(grad is not None and grad.abs().sum() > 0 for grad in by_contrast[1:])
    by_information = torch.autograd.grad(terms.information, [z, prior.energy.head.weight])
    assert all(grad.abs().sum() > 0 for grad in by_information)


def test_levels_are_spread_evenly_in_the_tilt_form_and_as_published_otherwise():
    tilted = prior_of()._levels(400, noise(400), torch.device("cpu"))
    prior, uneven, counts = prior_of(), noise(5), torch.zeros(4)
    for _ in range(2000):
        counts += torch.bincount(prior._levels(5, uneven, torch.device("cpu")), minlength=4)
    assert (counts / counts.sum() - 0.25).abs().max() < 0.01
    assert torch.bincount(tilted, minlength=4).tolist() == [200] * 4
    assert (tilted[:400] != tilted[400:]).all()
    published = prior_of("recovery")._levels(400, noise(400), torch.device("cpu"))
    assert (published[400:] == 3).all() and set(published[:400].tolist()) == {0, 1, 2}


def test_a_symbol_steers_the_levels_it_is_meant_to(monkeypatch):
    for condition, expected in (("last", [False, False, False, True]), ("all", [True] * 4)):
        prior = prior_of(condition=condition, steps=1)
        steered = []
        original = FoldedEnergy.tilt_and_grad

        def spy(self, u, level, symbol=None, guidance=1.0, seen=steered, real=original):
            seen.append(symbol is not None)
            return real(self, u, level, symbol, guidance)

        monkeypatch.setattr(FoldedEnergy, "tilt_and_grad", spy)
        prior.sample(2, torch.tensor([0, 1]))
        monkeypatch.undo()
        assert steered == expected


def test_guidance_moves_samples_towards_their_symbol():
    prior = prior_of(latent=2, steps=20, condition="all")
    with torch.no_grad():
        prior.energy.log_scale_T.fill_(4.0)
    generator = torch.Generator().manual_seed(0)
    symbol = torch.full((500,), 1)
    shares = [
        float(prior.symbol_logits(prior.sample(500, symbol, generator, guidance)).softmax(-1)[:, 1].mean().detach())
        for guidance in (0.0, 1.0, 3.0)
    ]
    assert shares[0] < shares[1] < shares[2]


def test_an_adjusted_prior_adjusts_its_chains_wherever_it_samples():
    plain, adjusted = prior_of(steps=6, step_size=0.8), prior_of(steps=6, step_size=0.8, adjust=True)
    adjusted.load_state_dict(plain.state_dict())

    def drawn(prior, **more):
        return prior.sample(50, generator=torch.Generator().manual_seed(0), **more)

    assert torch.equal(drawn(adjusted), drawn(plain, adjust=True))
    assert not torch.equal(drawn(adjusted), drawn(plain))
    z = torch.randn(40, plain.latent_size)
    scales = [
        prior.terms(z, standard_posterior(z), noise(40)).diagnostics["chain_scale"] for prior in (plain, adjusted)
    ]
    assert float(scales[0]) != float(scales[1])
