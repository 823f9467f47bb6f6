"""Points through the same objective, trainer and run folders as texts."""

import math

import numpy as np
import pytest
import torch

from ldebm import LDEBM, PointModel, load_points, load_preset, train
from ldebm.data import PointCorpus, load_corpus
from ldebm.errors import ConfigError, DataError, RunError
from ldebm.observation import PointDecoder, PointEncoder
from ldebm.presets.config import PointsConfig

SETTINGS = (
    "model.prior.width=16",
    "model.prior.blocks=2",
    "model.prior.steps=3",
    "model.points.width=16",
    "training.epochs=2",
    "training.batch_size=64",
)


@pytest.fixture
def points(monkeypatch):
    from ldebm.data import corpora

    monkeypatch.setattr(corpora, "POINTS_TRAIN", 400)
    monkeypatch.setattr(corpora, "POINTS_VALIDATION", 100)
    return load_points("gaussians")


def test_the_likelihood_is_the_gaussian_of_the_stated_variance():
    torch.manual_seed(0)
    config = PointsConfig(width=8, scale=3.0, variance=0.25)
    decoder = PointDecoder(config, 2)
    batch = PointCorpus(np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)).batch(np.arange(5))
    z = torch.randn(5, 2)
    expected = torch.distributions.Normal(decoder.decode(z), 0.5).log_prob(batch.points_BX).sum(-1)
    assert torch.allclose(decoder.log_likelihood(z, batch), expected, atol=1e-5)


@pytest.mark.parametrize("normalised", [False, True])
def test_the_posterior_of_a_point_does_not_depend_on_the_others(normalised):
    torch.manual_seed(0)
    encoder = PointEncoder(PointsConfig(width=8, normalise_means=normalised), 2).eval()
    corpus = PointCorpus(np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32))
    whole, one = encoder.encode(corpus.batch(np.arange(6))), encoder.encode(corpus.batch(np.array([4])))
    assert torch.allclose(whole.mean_BD[4:5], one.mean_BD, atol=1e-6)
    assert torch.allclose(whole.log_variance_BD[4:5], one.log_variance_BD, atol=1e-6)
    if normalised:
        assert whole.log_variance_BD.max() < 0


@pytest.mark.parametrize("kind", ["gaussian", "symbol_vector", "diffusion", "denoising"])
def test_every_prior_trains_on_points_and_its_run_folder_is_read_back(points, tmp_path, kind):
    config = load_preset("best-points", [*SETTINGS, f"model.prior.kind={kind}"])
    watched = []
    model = train(config, points, tmp_path / "run", watch=lambda step, seen: watched.append((step, seen)))
    assert [step for step, _ in watched] == [7, 14] and all(isinstance(seen, PointModel) for _, seen in watched)
    assert model.config.model.symbols == 16
    again = PointModel.from_pretrained(tmp_path / "run")
    latents = model.sample_latents(50, seed=3)
    assert latents.shape == (50, 2) and np.array_equal(again.sample_latents(50, seed=3), latents)
    assert np.array_equal(again.decode(latents), model.decode(latents))
    assert again.encode(points.validation.points_NX).shape == (100, 2)
    assert np.allclose(again.symbol_probabilities(points.validation.points_NX).sum(1), 1, atol=1e-5)
    assert not (tmp_path / "run" / "tokenizer.json").exists()
    assert "PointModel.from_pretrained" in (tmp_path / "run" / "README.md").read_text()
    with pytest.raises(RunError, match="holds a model of points"):
        LDEBM.from_pretrained(tmp_path / "run")


def test_training_brings_points_nearer_to_their_reconstruction(points, tmp_path):
    from ldebm import metrics_log

    settings = [*SETTINGS, "training.epochs=30", "model.prior.kind=gaussian", "training.rate_weight=0.1"]
    settings += ["training.learning_rate=0.01", "training.warm_up_steps=0"]
    train(load_preset("best-points", settings), points, str(tmp_path / "run"))
    found = [each for each in metrics_log.read(tmp_path / "run" / "metrics.jsonl") if each["kind"] == "validation"]
    assert found[-1]["squared_error"] < 0.3 * found[0]["squared_error"]
    assert math.isfinite(found[-1]["reconstruction"])


def test_a_preset_for_texts_is_not_taken_for_points_nor_the_reverse(points, tmp_path):
    with pytest.raises(ConfigError, match="gaussians holds points"):
        train(load_preset("best-tiny"), points, tmp_path / "run")
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(f"line number {i}" for i in range(30)))
    with pytest.raises(ConfigError, match="holds texts"):
        train(load_preset("best-points"), load_corpus(str(file)), tmp_path / "run")


def test_an_unknown_set_of_points_is_named():
    with pytest.raises(DataError, match="gaussians, pinwheel"):
        load_points("spiral")


def test_the_way_of_the_chains_ends_at_the_samples_and_has_symbols_at_every_level():
    model = PointModel(load_preset("best-points", SETTINGS)).eval()
    latents, symbols = model.prior.descend(5, torch.Generator().manual_seed(0))
    assert symbols.shape == (5, 6, 16) and torch.allclose(symbols.sum(-1), torch.ones(5, 6), atol=1e-5)
    z = model.prior.sample(5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(latents[:, -1], z)
    assert torch.allclose(symbols[:, -1], model.prior.symbol_logits(z).softmax(-1), atol=1e-4)
