"""The figures that take minutes, on a model that takes seconds."""

import pytest
import torch

from ldebm.evaluation.language_model import Recipe
from ldebm.posterior import Posterior
from ldebm.tasks import real_texts
from ldebm.tasks.thorough_evaluation import evaluate_thoroughly, prior_distance
from tests import tiny

BOUNDS = {"nll_bound", "nll_bound_low", "negative_elbo", "perplexity", "bits_per_word"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(real_texts, "JUDGE", Recipe(epochs=1))


@pytest.mark.parametrize(("preset", "bounded"), [("best-tiny", True), ("paper-tiny", False)])
def test_every_figure_has_a_definition_and_something_to_be_read_against(preset, bounded) -> None:
    model, training = tiny.model(preset=preset).eval(), tiny.texts(80)[0]
    measured = evaluate_thoroughly(model, tiny.texts(20, 2)[0], training, tiny.texts(20, 1)[0])
    found = {each.name: each for each in measured}
    assert all(each.definition and each.floor_or_bound and each.unit for each in found.values())
    assert {"reverse_perplexity", "reverse_perplexity_ratio_sampled", "forward_perplexity", "prior_distance"} < set(
        found
    )
    assert BOUNDS.issubset(found) == bounded  # the published form has no density
    ratio = found["reverse_perplexity"].value / found["reverse_perplexity_ratio"].value
    assert found["reverse_perplexity"].floor_or_bound == f"real texts: {ratio:.4g}"
    assert "80 greedy texts" in found["reverse_perplexity"].definition


def test_a_prior_that_matches_the_posterior_is_at_the_floor() -> None:
    model = tiny.model("model.prior.kind=gaussian").eval()
    texts = tiny.texts(2000)[0]
    means, variances = (torch.from_numpy(each) for each in model.posterior(texts))
    model.prior.refer_to(Posterior(means, variances.log()))
    matched, floor = prior_distance(model, texts, texts, 0)
    assert floor < matched < 0.4  # the latents of so few texts are not Gaussian
    model.prior.reference.mean_D.add_(1.0)
    moved, _ = prior_distance(model, texts, texts, 0)
    assert moved > matched + 0.4
