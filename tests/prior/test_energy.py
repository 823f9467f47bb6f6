"""The symbol-vector energy: spectral norm, analytic gradient, guidance."""

import math

import pytest
import torch
import torch.nn.functional as F

from ldebm.prior.energy import FoldedEnergy, SpectralLinear, SymbolEnergy, tilt, tilt_and_weights

D, K, T = 6, 5, 4


@pytest.fixture(params=[True, False], ids=["learned-scale", "as-published"])
def energy(request):
    torch.manual_seed(0)
    return SymbolEnergy(D, K, T, width=16, blocks=3, learned_scale=request.param).double()


def rows(n=64):
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(n, D, generator=generator, dtype=torch.float64)
    level = torch.randint(0, T, (n,), generator=generator)
    symbol = torch.randint(-1, K, (n,), generator=generator)
    return z, level, symbol


@pytest.mark.parametrize("guidance", [0.0, 1.0, 2.5])
def test_analytic_gradient_equals_autograd(energy, guidance):
    z, level, symbol = rows()
    z.requires_grad_()
    value = tilt_and_weights(energy(z, level), symbol, guidance)[0]
    (grad,) = torch.autograd.grad(value.sum(), z)
    found, found_grad = FoldedEnergy(energy, torch.float64).tilt_and_grad(z.detach(), level, symbol, guidance)
    assert (found - value).abs().max() < 1e-8
    assert (found_grad - grad).abs().max() < 1e-8


def test_bfloat16_products_keep_the_gradient():
    torch.manual_seed(0)
    energy = SymbolEnergy(40, 20, 6, width=200, blocks=12, learned_scale=True)
    z, level = torch.randn(256, 40), torch.randint(0, 6, (256,))
    _, exact = FoldedEnergy(energy, torch.float32).tilt_and_grad(z, level)
    _, lowered = FoldedEnergy(energy, torch.bfloat16).tilt_and_grad(z, level)
    assert lowered.dtype == torch.float32
    assert float(F.cosine_similarity(exact, lowered).mean()) > 0.99
    assert float((exact - lowered).norm() / exact.norm()) < 0.1


def test_a_symbol_with_guidance_one_is_its_own_head(energy):
    z, level, _ = rows()
    symbol = torch.zeros(len(z), dtype=torch.long)
    value, _ = FoldedEnergy(energy, torch.float64).tilt_and_grad(z, level, symbol)
    assert torch.allclose(value, energy(z, level)[:, 0])


def test_tilt_is_the_log_mean_exp_of_the_symbols(energy):
    z, level, _ = rows()
    logits = energy(z, level)
    assert torch.allclose(tilt(logits), logits.exp().mean(-1).log())
    assert float(tilt(torch.zeros(1, K))) == pytest.approx(0.0, abs=1e-6)


def test_spectral_norm_finds_the_largest_singular_value_and_moves_only_when_told():
    torch.manual_seed(0)
    layer = SpectralLinear(12, 8, stack=(3,))
    for _ in range(200):
        layer.advance()
    largest = torch.linalg.matrix_norm(layer.normalised(), ord=2)
    assert torch.allclose(largest, torch.ones(3), atol=1e-4)
    before = layer.u.clone()
    layer.normalised()
    assert torch.equal(before, layer.u)


def test_the_level_matters_and_the_scale_is_learned_a_level(energy):
    z, _, _ = rows()
    low, high = (energy(z, torch.full((len(z),), level)) for level in (0, T - 1))
    assert not torch.allclose(low, high)
    if isinstance(energy.log_scale_T, torch.nn.Parameter):
        with torch.no_grad():
            energy.log_scale_T[0] += math.log(2.0)
        assert torch.allclose(energy(z, torch.zeros(len(z), dtype=torch.long)), 2 * low)


def test_parameters_of_the_published_network():
    energy = SymbolEnergy(40, 20, 6, width=200, blocks=12, learned_scale=False)
    assert sum(parameter.numel() for parameter in energy.parameters()) == 695_420
