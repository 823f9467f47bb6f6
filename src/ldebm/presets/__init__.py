"""Presets and the typed configuration of a run: a preset is one YAML file with a common part and one part a size."""

from ldebm.presets.config import (
    Config,
    DataConfig,
    DecoderConfig,
    EncoderConfig,
    ModelConfig,
    PriorConfig,
    TrainingConfig,
)
from ldebm.presets.loading import (
    config_from_yaml,
    config_to_yaml,
    load_preset,
    preset_names,
    settings_beside_preset,
)

__all__ = [
    "Config",
    "DataConfig",
    "DecoderConfig",
    "EncoderConfig",
    "ModelConfig",
    "PriorConfig",
    "TrainingConfig",
    "config_from_yaml",
    "config_to_yaml",
    "load_preset",
    "preset_names",
    "settings_beside_preset",
]
