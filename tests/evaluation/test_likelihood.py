"""Bounds of log p(x) against the closed form of a linear Gaussian model (methods 5.2)."""

import numpy as np
import pytest
import torch
from torch import nn

from ldebm.data.batches import PointCorpus
from ldebm.evaluation.likelihood import importance_bound, log_weights
from ldebm.point_model import PointModel
from ldebm.posterior import Posterior
from ldebm.presets import load_preset

VARIANCE = 0.5


def linear_model():
    """z ~ N(m, C), x ~ N(A z + b, VARIANCE I), with a posterior that is a little off."""
    settings = ["model.points.scale=1", f"model.points.variance={VARIANCE}", "model.prior.kind=gaussian"]
    torch.manual_seed(0)
    model = PointModel(load_preset("best-points", settings))
    model.prior.refer_to(Posterior(torch.randn(2000, 2) @ torch.tensor([[1.0, 0.4], [0.0, 0.6]]), torch.zeros(2000, 2)))
    linear = nn.Linear(2, 2)
    model.decoder.layers, model.decoder.out = nn.Identity(), linear
    mean_2, covariance_22 = model.prior.reference.mean_D, model.prior.reference.covariance_DD
    a_22, b_2 = linear.weight.detach(), linear.bias.detach()
    marginal_22 = a_22 @ covariance_22 @ a_22.T + VARIANCE * torch.eye(2)
    law = torch.distributions.MultivariateNormal(a_22 @ mean_2 + b_2, marginal_22)
    precision_22 = covariance_22.inverse() + a_22.T @ a_22 / VARIANCE

    class Off:
        def encode(self, batch):
            right_B2 = covariance_22.inverse() @ mean_2 + (batch.points_BX - b_2) @ a_22 / VARIANCE
            mean_B2 = right_B2 @ precision_22.inverse() + 0.2
            return Posterior(mean_B2, torch.full_like(mean_B2, -0.8))

    del model.encoder
    model.encoder = Off()
    return model, law


def test_bounds_rise_to_the_exact_likelihood():
    """ELBO <= IWAE-10 <= IWAE-500 <= exact, the last within a few hundredths of a nat."""
    model, law = linear_model()
    points = law.sample((200,))
    batch = PointCorpus(points.numpy()).batch(np.arange(200))
    lower, upper = log_weights(model, batch, 500, torch.Generator().manual_seed(0))
    assert torch.equal(lower, upper)  # this prior's density is known
    exact = float(law.log_prob(points).mean())
    elbo = float(lower.mean())
    ten = float(torch.stack([importance_bound(part) for part in lower.split(10)]).mean())
    five_hundred = float(importance_bound(lower).mean())
    assert elbo + 0.05 < ten and ten < five_hundred < exact + 0.02
    assert five_hundred == pytest.approx(exact, abs=0.03)


def test_weights_beyond_the_range_of_exp_are_no_trouble():
    assert importance_bound(torch.tensor([[-2000.0, 900.0], [-2000.0, 900.0]])).tolist() == [-2000.0, 900.0]
    with pytest.raises(ValueError, match="needs weights"):
        importance_bound(torch.zeros(0, 3))
