"""Models go to the hub and come back the same; the hub itself is a folder here."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest

from ldebm import LDEBM, train
from ldebm.errors import RunError
from tests import tiny


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Repositories as folders; `calls` says what was asked of it."""
    calls = []

    class Api:
        def __init__(self, token=None):
            calls.append(("token", token))

        def create_repo(self, name, private=None, exist_ok=False):
            calls.append(("create", name, private, exist_ok))
            return SimpleNamespace(repo_id=name)

        def upload_folder(self, repo_id, folder_path, commit_message):
            shutil.copytree(folder_path, tmp_path / "hub" / repo_id, dirs_exist_ok=True)
            return f"https://hub.example/{repo_id}"

    def snapshot_download(name, allow_patterns):
        assert "model.safetensors" in allow_patterns
        if not (tmp_path / "hub" / name).exists():
            raise OSError(f"404 for {name}")
        return str(tmp_path / "hub" / name)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.chdir(tmp_path)
    return calls


def test_a_model_goes_there_and_comes_back_with_its_card(hub, tmp_path):
    config = tiny.config("training.max_steps=2", "data.source=/home/somebody/reviews.csv")
    trained = train(config, tiny.corpus(), tmp_path / "run")
    address = LDEBM.from_pretrained(tmp_path / "run").push_to_hub("somebody/reviews", private=True, token="secret")
    assert address == "https://hub.example/somebody/reviews"
    assert hub == [("token", "secret"), ("create", "somebody/reviews", True, True)]
    files = {path.name for path in (tmp_path / "hub" / "somebody" / "reviews").iterdir()}
    assert files == {"config.yaml", "model.safetensors", "tokenizer.json", "README.md"}
    again = LDEBM.from_pretrained("somebody/reviews")
    texts = tiny.texts(5)[0]
    assert np.array_equal(again.encode(texts), trained.encode(texts))
    assert "library_name: ldebm" in again.card and 'from_pretrained("somebody/reviews")' in again.card
    assert f'from_pretrained("{tmp_path / "run"}")' in (tmp_path / "run" / "README.md").read_text()
    uploaded = tmp_path / "hub" / "somebody" / "reviews"
    assert not any(b"/home/" in (uploaded / name).read_bytes() for name in ("config.yaml", "README.md"))


def test_a_readme_of_somebodys_own_is_left_alone(tmp_path):
    train(tiny.config("training.max_steps=2"), tiny.corpus(), tmp_path / "run")
    model = LDEBM.from_pretrained(tmp_path / "run")
    (tmp_path / "README.md").write_text("mine")
    model.save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
    model.save_pretrained(tmp_path / "copy")
    assert (tmp_path / "copy" / "README.md").read_text() == model.card


def test_what_is_not_there_is_told(hub):
    with pytest.raises(RunError, match="somebody/nothing is not a folder here, and as a model on the hub it cannot be"):
        LDEBM.from_pretrained("somebody/nothing")


@pytest.mark.parametrize("name", ["runs/reviws", "mine/reviws", "reviws", "/some/reviws", "a/b/c"])
def test_a_mistyped_run_folder_is_not_asked_for_on_the_hub(hub, monkeypatch, name):
    def asked(*_, **__):
        raise AssertionError("the hub was asked")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", asked)
    Path("mine").mkdir()
    with pytest.raises(RunError, match="is not a folder; give the run folder"):
        LDEBM.from_pretrained(name)


def test_an_upload_that_fails_is_told(hub, monkeypatch):
    def refuse(*_, **__):
        raise OSError("401 no token")

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refuse)
    with pytest.raises(RunError, match=r"could not be uploaded to somebody/reviews \(401 no token\).*hf auth login"):
        tiny.model().push_to_hub("somebody/reviews")
