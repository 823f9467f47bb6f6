"""An ONNX file reads texts as PyTorch does, in any batch, for every kind of encoder and prior."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from ldebm import onnx_export
from ldebm.errors import ConfigError, RunError
from ldebm.onnx_export import INPUTS, OUTPUTS, export_reader
from tests import tiny
from tests.cli.conftest import run

__all__ = ["run"]  # a fixture

pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")
TEXTS = [*tiny.texts(40, seed=3)[0], "great", "words that nobody has seen " * 20]


def read(path, model, texts):
    ids = model.tokenizer.encode(texts, model.config.data.max_length)
    tokens = np.zeros((len(ids), max(map(len, ids))), np.int64)
    for row, each in zip(tokens, ids, strict=True):
        row[: len(each)] = each
    return onnxruntime.InferenceSession(path).run(OUTPUTS, {"tokens": tokens, "lengths": np.array([*map(len, ids)])})


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"preset": "paper-tiny"},
        {"settings": ("model.prior.kind=symbol_vector", "model.encoder.pooling=false")},
        {"settings": ("model.prior.kind=mixture", "model.encoder.normalise_means=false")},
        {"settings": ("model.prior.kind=gaussian",)},
        {"settings": ("model.prior.kind=gaussian", "model.encoder.normalise_means=false", "model.encoder.bound=0.05")},
    ],
    ids=["best", "paper", "symbol-vector", "mixture", "gaussian", "bounded"],
)
def test_the_file_reads_as_the_model_does(settings, tmp_path):
    model = tiny.model(*settings.get("settings", ()), preset=settings.get("preset", "best-tiny")).eval()
    path = export_reader(model, tmp_path / "reader.onnx")
    for some in (TEXTS, TEXTS[:1], TEXTS[-1:]):
        for found, wanted in zip(read(path, model, some), model.inferred(some), strict=True):
            assert np.allclose(found, wanted, atol=1e-4)


def test_a_run_with_few_labels_is_read_with_its_words_and_its_temperature(tmp_path):
    model = tiny.model("model.word_evidence=true", "model.symbols=2").eval()
    generator = torch.Generator().manual_seed(0)
    for told in (model.words.said_FK, model.words.meant_K):
        told.copy_(torch.randn(told.shape, generator=generator))
    without_NK = model.symbol_probabilities(TEXTS)
    model.temperature.fill_(2.5)
    path = export_reader(model, tmp_path / "reader.onnx")
    for some in (TEXTS, TEXTS[:1], TEXTS[-1:]):
        for found, wanted in zip(read(path, model, some), model.inferred(some), strict=True):
            assert np.allclose(found, wanted, atol=1e-4)
    assert np.abs(read(path, model, TEXTS)[2] - without_NK).max() > 0.05  # or the temperature would not tell


def test_a_run_of_bags_of_words_is_told_that_there_is_no_file(run, tmp_path):
    tiny.model(preset="best-bag").save_pretrained(tmp_path / "run")
    code, _, err = run("export", tmp_path / "run")
    assert code == 2 and "an ONNX file holds an encoder of sequences; this run reads bags of words" in err
    assert not (tmp_path / "run" / "reader.onnx").exists()


def test_a_file_that_does_not_agree_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_export, "_gates", lambda rows: rows.detach())  # the gates in the wrong order
    with pytest.raises(RunError, match="was not written"):
        export_reader(tiny.model().eval(), tmp_path / "reader.onnx")
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ConfigError, match=r"onnxscript.*pip install 'ldebm\[onnx\]'"):
        export_reader(tiny.model(), tmp_path / "reader.onnx")


def test_the_command_is_silent_about_how_torch_does_it(tmp_path):
    """In a process of its own: torch tells it once, through a handler that it made when it was loaded."""
    tiny.model().save_pretrained(tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-m", "ldebm", "export", str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_the_command_writes_into_the_run_folder(run, tmp_path):
    tiny.model().save_pretrained(tmp_path / "run")
    code, out, err = run("export", tmp_path / "run")
    assert (code, err) == (0, "") and all(name in out for name in (*INPUTS, *OUTPUTS, "tokenizer.json"))
    assert (tmp_path / "run" / "reader.onnx").exists()
    assert run("export", tmp_path / "run", "--onnx", "reader.bin")[0] == 2
