"""The model as its users meet it: texts in, texts, latents and symbols out; and what a damaged folder says."""

import math

import numpy as np
import pytest
import torch

from ldebm.devices import choose_device, choose_dtype
from ldebm.errors import RunError, UserError
from ldebm.model import LDEBM
from ldebm.noise import Noise, Share
from ldebm.posterior import Posterior
from tests import tiny

TEXTS = ["the food was great", "a sandwich bored me in the end of a long day", "broke", "nothing here is known"]


@pytest.fixture(scope="module")
def model():
    return tiny.model().eval()


def test_reading_gives_a_row_a_text_in_order(model):
    latents, probabilities = model.encode(TEXTS), model.symbol_probabilities(TEXTS)
    assert latents.shape == (4, 8) and latents.dtype == np.float32
    assert probabilities.shape == (4, 4) and np.allclose(probabilities.sum(1), 1, atol=1e-5)
    for i, text in enumerate(TEXTS):
        assert np.allclose(model.encode([text])[0], latents[i], atol=1e-5)
    assert np.allclose(model.encode(TEXTS[::-1])[::-1], latents, atol=1e-5)


def test_no_texts_give_no_rows(model):
    assert model.encode([]).shape == (0, 8)
    assert model.symbol_probabilities([]).shape == (0, 4)
    assert model.reconstruct([]) == []


def test_texts_that_are_longer_than_is_read_are_known(model):
    longest = " ".join(["food"] * 18)  # with its two marks as long as the limit
    assert model.cut([longest, f"{longest} food", ""]).tolist() == [False, True, False]
    assert np.array_equal(model.encode([f"{longest} food"]), model.encode([longest]))
    assert model.cut([]).tolist() == []


@pytest.mark.parametrize("mode", ["greedy", "sample", "beam"])
def test_writing_gives_texts_that_the_seed_decides(model, mode):
    texts = model.generate(6, mode=mode, seed=4)
    assert len(texts) == 6 and all("<" not in text for text in texts)
    assert texts == model.generate(6, mode=mode, seed=4)
    if mode == "sample":
        assert texts != model.generate(6, mode=mode, seed=5)


def test_more_texts_than_one_batch_are_written(model, monkeypatch):
    import ldebm.model as module

    monkeypatch.setattr(module, "WRITE_ROWS", 3)
    assert len(model.generate(8)) == 8
    assert model.generate(0) == []


def test_a_symbol_and_a_label_steer():
    labelled = tiny.model("data.labels=[negative, positive]", "model.symbols=2").eval()
    assert labelled.generate(3, label="positive", seed=1) == labelled.generate(3, symbol=1, seed=1)


@pytest.mark.parametrize("mode", ["greedy", "sample"])
def test_the_best_of_several_is_the_one_that_is_most_surely_of_its_symbol(model, mode):
    how = {"mode": mode, "guidance": 2.0, "seed": 3}
    several = model.generate(24, symbol=1, **how)
    sure_NW = model.symbol_probabilities(several)[:, 1].reshape(6, 4)
    best = model.generate(6, symbol=1, best_of=4, **how)
    assert best == [several[4 * row + place] for row, place in enumerate(sure_NW.argmax(1))]
    assert model.symbol_probabilities(best)[:, 1] == pytest.approx(sure_NW.max(1), abs=1e-5)
    assert best != several[::4]
    assert model.generate(6, symbol=1, best_of=1, **how) == model.generate(6, symbol=1, **how)
    assert model.generate(0, symbol=1, best_of=4) == []
    with pytest.raises(UserError, match="best of 4 texts"):
        model.generate(6, best_of=4)
    with pytest.raises(UserError, match="received best_of=0"):
        model.generate(6, symbol=1, best_of=0)


def test_unknown_symbols_and_labels_are_refused(model):
    with pytest.raises(UserError, match="unknown symbol 4; the run's symbols are 0 to 3"):
        model.generate(1, symbol=4)
    with pytest.raises(UserError, match="trained without labels"):
        model.generate(1, label="positive")
    labelled = tiny.model("data.labels=[negative, positive]", "model.symbols=2")
    with pytest.raises(UserError, match="unknown label 'good'; the run's labels are negative, positive"):
        labelled.generate(1, label="good")
    with pytest.raises(UserError, match="symbol 1 and label 'positive': choose one"):
        labelled.generate(1, symbol=1, label="positive")


@pytest.mark.parametrize("guidance", [-1.0, math.nan, math.inf])
def test_guidance_that_is_no_weight_is_refused(model, guidance):
    with pytest.raises(UserError, match="guidance is a weight of 0 or more, received"):
        model.generate(1, symbol=1, guidance=guidance)


def test_nothing_steers_a_prior_without_symbols():
    without = tiny.model("model.prior.kind=gaussian", "data.labels=[negative, positive]", "model.symbols=2").eval()
    for steered in ({"symbol": 1}, {"label": "positive"}, {"symbol": 1, "best_of": 4}):
        with pytest.raises(UserError, match="has not learned symbols"):
            without.generate(6, **steered)
    assert len(without.generate(6)) == 6


def test_using_a_model_leaves_it_as_it_was(model):
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.generate(3)
    model.encode(TEXTS)
    model.reconstruct(TEXTS)
    assert model.training and all(part.training for part in model.children())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())
    model.eval()


def test_reading_is_in_full_precision_whatever_writing_uses(model):
    exact = model.encode(TEXTS)
    model.set_compute_dtype(torch.bfloat16)
    assert np.array_equal(model.encode(TEXTS), exact)
    assert model.decoder.compute_dtype is torch.bfloat16
    model.set_compute_dtype(torch.float32)


def test_the_objective_is_the_sum_of_its_parts(model):
    batch = next(model.batches(TEXTS))[1]
    losses = model(batch, Noise(torch.Generator().manual_seed(0), total=4), 1.0, torch.tensor([0, 1, -1, 2]))
    weights = model.config.training
    parts = losses.parts()
    expected = parts["reconstruction"] + 0.3 * parts["rate"] + weights.contrast_weight * parts["contrast"]
    expected = expected - weights.information_weight * parts["information"]
    expected = expected + weights.clustering_weight * parts["clustering"]
    assert torch.allclose(losses.total(weights, 0.3), expected)
    assert parts["supervised"] == 0 and parts["clustering"] > 0


def test_the_objective_reaches_every_parameter(model):
    batch = next(model.batches(TEXTS))[1]
    losses = model(batch, Noise(torch.Generator().manual_seed(0), total=4), 1.0, torch.tensor([0, 1, -1, 2]))
    names = [name for name, _ in model.named_parameters()]
    grads = torch.autograd.grad(losses.total(model.config.training, 0.3), list(model.parameters()), allow_unused=True)
    assert [name for name, grad in zip(names, grads, strict=True) if grad is None] == []


def test_noise_of_a_share_is_the_wholes():
    whole = Noise(torch.Generator().manual_seed(0), total=5)
    parts = [Noise(torch.Generator().manual_seed(0), Share(rank, 2), 5) for rank in (0, 1)]
    device = torch.device("cpu")
    z = whole.normal(5, 3, device=device)
    assert torch.equal(parts[0].normal(3, 3, device=device), z[0::2])
    assert torch.equal(parts[1].normal(2, 3, device=device), z[1::2])
    chain = whole.normal(4, 10, 3, device=device, axis=1)  # two chains a text
    mine = parts[1].normal(4, 4, 3, device=device, axis=1)
    assert torch.equal(mine, chain.view(4, 2, 5, 3)[:, :, 1::2].reshape(4, 4, 3))
    again = [Noise(torch.Generator().manual_seed(1), share, 5) for share in (Share(0, 2), Share(0, 1))]
    assert torch.equal(again[0].permutation(device), again[1].permutation(device)[0::2])


def test_posterior_sample_is_reparameterised():
    posterior = Posterior(torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 2.0]]).log().clamp(min=-30))
    assert torch.allclose(
        posterior.sample(torch.tensor([[2.0, 3.0]])), torch.tensor([[1.0, 2**0.5 * 3 - 1]]), atol=1e-5
    )


def test_precision_and_device_are_chosen():
    cpu = torch.device("cpu")
    assert choose_dtype("fp32", cpu) is torch.float32 and choose_dtype("bf16", cpu) is torch.bfloat16
    assert choose_device("cpu") == cpu
    with pytest.raises(UserError, match="device 'nonsense' is not available here"):
        choose_device("nonsense")


@pytest.fixture
def folder(model, tmp_path):
    model.save_pretrained(tmp_path / "run")
    return tmp_path / "run"


def test_a_folder_gives_the_same_model(model, folder):
    again = LDEBM.from_pretrained(folder, "cpu")
    assert not again.training
    assert np.array_equal(again.encode(TEXTS), model.encode(TEXTS))
    assert again.generate(4) == model.generate(4)


def test_a_folder_that_is_not_a_run_says_so(tmp_path, folder):
    with pytest.raises(RunError, match="is not a folder; give the run folder"):
        LDEBM.from_pretrained(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="is not a run folder: it has no config.yaml"):
        LDEBM.from_pretrained(tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    with pytest.raises(RunError, match="training has not finished its first epoch"):
        LDEBM.from_pretrained(folder)


def test_weights_of_another_model_are_refused(folder):
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config.replace("latent_size: 8", "latent_size: 9"))
    with pytest.raises(RunError, match="does not fit the run's configuration"):
        LDEBM.from_pretrained(folder)


def test_a_flipped_bit_in_the_weights_is_noticed(folder):
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    with pytest.raises(RunError, match="is damaged: its content does not match its digest"):
        LDEBM.from_pretrained(folder)


def test_a_failed_save_leaves_what_was_there(model, folder, monkeypatch):
    import ldebm.run_folder as module

    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(path, tensors):
        path.write_bytes(b"part")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(module, "save_tensors", full)
    with pytest.raises(UserError, match="space"):
        model.save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
