"""The command on a model's card trains the same model."""

import shlex

import pytest
import yaml

import ldebm
from ldebm import load_preset
from ldebm.model_card import write_card
from ldebm.presets import settings_beside_preset
from tests import tiny
from tests.cli.conftest import run

__all__ = ["run"]  # a fixture


@pytest.mark.parametrize("task", ["texts", "dialogue"])
def test_settings_beside_a_preset_make_the_configuration_again(task):
    settings = ["model.symbols=7", "data.source=my texts.csv", "seed=4", "training.rate_weight=0.5", "data.text=2024"]
    config = load_preset("paper-small", settings, task)
    assert sorted(settings_beside_preset(config)) == sorted(settings)
    assert load_preset("paper-small", settings_beside_preset(config), task) == config
    assert settings_beside_preset(load_preset("best-full", (), task)) == []


def test_the_command_on_the_card_asks_for_the_same_configuration(run, tmp_path, monkeypatch):
    model = tiny.model(f"data.source={tmp_path / 'my texts.csv'}", "data.text=body", "model.symbols=7", "seed=4")
    write_card(model, tmp_path, 10, 60)
    card = (tmp_path / "README.md").read_text()
    [command] = [line for line in card.splitlines() if line.startswith("ldebm train ")]
    asked = []
    monkeypatch.setitem(vars(ldebm), "load_corpus", lambda *_: None)
    monkeypatch.setitem(vars(ldebm), "train", lambda config, *_: asked.append(config))
    (tmp_path / "my texts.csv").write_text("body\na\n")
    assert run(*shlex.split(command)[1:])[0] == 0
    assert asked == [model.config]


def test_what_labels_decide_is_no_setting(tmp_path):
    of_labels = ("data.source=a.csv", "data.label=stars", "data.labels=[bad, good]", "training.clustering_weight=0")
    model = tiny.model(*of_labels, "model.symbols=2")
    write_card(model, tmp_path, 10, 60)
    assert "--label stars" in model.card
    assert "model.symbols" not in model.card and "clustering_weight" not in model.card


def test_the_card_says_what_made_it_and_what_not_to_expect(tmp_path):
    model = tiny.model()
    write_card(model, tmp_path, 10, 60)
    assert model.card == (tmp_path / "README.md").read_text()
    _, front, text = model.card.split("---\n", 2)
    assert yaml.safe_load(front)["library_name"] == "ldebm"
    assert f"ldebm {ldebm.__version__}" in text and "what it writes may be wrong" in text


def test_a_configuration_of_no_preset_has_no_command(tmp_path):
    model = tiny.model()
    model.config = model.config.model_copy(update={"preset": ""})
    write_card(model, tmp_path, 10, 60)
    assert "ldebm train" not in model.card
