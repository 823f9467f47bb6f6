"""Presets and settings: every preset loads, every wrong setting says what is wrong."""

import pytest

from ldebm.errors import ConfigError, RunError
from ldebm.presets import config_from_yaml, config_to_yaml, load_preset, preset_names
from ldebm.presets.config import ContextConfig
from ldebm.prior import DiffusionPrior, build_prior


def test_all_presets_load():
    assert preset_names() == [
        f"{name}-{size}" for name in ("best", "paper") for size in ("tiny", "small", "full", "bag", "points")
    ]
    for name in preset_names():
        assert load_preset(name).preset == name
        assert isinstance(build_prior(load_preset(name).model), DiffusionPrior)


def test_paper_full_is_the_published_ptb_row():
    config = load_preset("paper-full")
    model, training = config.model, config.training
    assert (model.latent_size, model.symbols) == (40, 20)
    assert (model.encoder.embedding_size, model.encoder.hidden_size, model.decoder.hidden_size) == (512, 512, 512)
    assert (model.decoder.dropout, model.decoder.word_dropout, model.encoder.dropout) == (0.3, 0.0, 0.0)
    prior = model.prior
    assert (prior.levels, prior.steps, prior.step_size, prior.width, prior.blocks) == (6, 50, 2e-3, 200, 12)
    assert (prior.reference, prior.free_bits, prior.condition) == ("recovery", 1.0, "last")
    assert (training.epochs, training.batch_size, training.clip, training.energy_clip) == (60, 128, 0.5, 10.0)
    assert (training.learning_rate, training.energy_learning_rate) == (1e-3, 1e-4)
    assert (training.rate_weight, training.contrast_weight) == (0.1, 0.1)
    assert (training.information_weight, training.clustering_weight, training.clustering_dimensions) == (0.05, 0.05, 3)
    assert (config.data.max_length, config.data.vocabulary_size) == (40, 10_000)


def test_settings_lie_over_the_preset():
    config = load_preset("best-small", ["model.symbols=7", "training.rate_weight=0.5", "model.prior.kind=gaussian"])
    assert (config.model.symbols, config.training.rate_weight, config.model.prior.kind) == (7, 0.5, "gaussian")
    assert config.model.latent_size == load_preset("best-small").model.latent_size


def test_what_is_for_dialogues_stays_out_of_the_presets_of_texts():
    for name in preset_names():
        assert load_preset(name).model.context == ContextConfig()
        if name.endswith("-points"):
            with pytest.raises(ConfigError, match="for points of the plane, not for dialogues"):
                load_preset(name, task="dialogue")
        else:
            assert load_preset(name, task="dialogue").model.observation == "dialogue"
    sizes = [
        load_preset(f"best-{size}", task="dialogue").model.context.hidden_size for size in ("tiny", "small", "full")
    ]
    assert sizes == sorted(set(sizes))


def test_names_of_columns_stay_texts():
    config = load_preset("best-small", ["data.text=2024", "data.label=yes", "data.source=1e3"])
    assert (config.data.text, config.data.label, config.data.source) == ("2024", "yes", "1e3")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("model.symbolz=3", "unknown setting 'model.symbolz'; did you mean 'symbols'"),
        ("modle.symbols=3", "unknown setting 'modle.symbols'; did you mean 'model'"),
        ("model=3", "'model' is a section"),
        ("model.symbols.x=3", "'symbols' is a value, not a section"),
        ("model.symbols", "written NAME=VALUE"),
        ("model.symbols=one", "model.symbols: .*received 'one'"),
        ("model.symbols=1", "model.symbols: .*greater than or equal to 2"),
        ("training.ema=1.5", "training.ema"),
        ("training.rate_schedule=cyclical", "needs rate_steps"),
        ("model.prior.kind=normal", "model.prior.kind: .*'gaussian'"),
        ("model.symbols=[1", "cannot be read"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(setting, message):
    with pytest.raises(ConfigError, match=message):
        load_preset("paper-tiny", [setting])


def test_an_unknown_preset_lists_the_known():
    with pytest.raises(ConfigError, match="unknown preset 'best-huge'; the presets are best-tiny, "):
        load_preset("best-huge")


def test_the_configuration_survives_its_file(tmp_path):
    config = load_preset("best-full", ["data.text=ünï: #1", "seed=5"])
    path = tmp_path / "config.yaml"
    path.write_text(config_to_yaml(config), encoding="utf-8")
    assert config_from_yaml(path) == config


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"just a text", "not the configuration of a run"),
        (b"model: {symbols: 1}", "model.symbols"),
        (b"model: !!python/object/apply:os.system [true]", "cannot be read"),
    ],
)
def test_a_broken_configuration_is_told(tmp_path, content, message):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(RunError, match=message):
        config_from_yaml(path)


def test_no_configuration_no_run_folder(tmp_path):
    with pytest.raises(RunError, match="is not a run folder: it has no config.yaml"):
        config_from_yaml(tmp_path / "config.yaml")
