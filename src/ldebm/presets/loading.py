"""Presets by name (`best-small`), settings on top (`model.symbols=20`), and the resolved configuration as YAML."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ValidationError

from ldebm.errors import ConfigError, RunError
from ldebm.presets.config import Config

Task = Literal["texts", "dialogue"]
SIZES = ("tiny", "small", "full", "bag", "points")


def preset_names() -> list[str]:
    """All presets, as `NAME-SIZE`."""
    files = sorted(path.name for path in resources.files(__package__).iterdir() if path.name.endswith(".yaml"))
    return [f"{name.removesuffix('.yaml')}-{size}" for name in files for size in SIZES]


def load_preset(name: str, settings: Sequence[str] = (), task: Task = "texts") -> Config:
    """The preset `name`, as it is for the task, with `settings` such as "model.symbols=20" laid over it.

    Raises ConfigError for an unknown preset, an unknown setting or a value that does not fit.
    """
    if name not in preset_names():
        raise ConfigError(f"unknown preset {name!r}; the presets are {', '.join(preset_names())}")
    family, _, size = name.rpartition("-")
    document = yaml.safe_load(resources.files(__package__).joinpath(f"{family}.yaml").read_text(encoding="utf-8"))
    if task == "dialogue" and size == "points":
        raise ConfigError(f"the preset {name!r} is for points of the plane, not for dialogues: choose another size")
    values: dict[str, Any] = {}
    for part in (document, document[task]) if task == "dialogue" else (document,):
        values = _merge(_merge(values, part["common"]), part["sizes"].get(size, {}))
    values["preset"] = name
    for setting in settings:
        _apply(values, setting)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def settings_beside_preset(config: Config) -> list[str]:
    """What to give `load_preset` beside the name of its preset for this configuration, as "model.symbols=20"."""
    task: Task = "dialogue" if config.model.observation == "dialogue" else "texts"
    return _differences(config.model_dump(), load_preset(config.preset, (), task).model_dump())


def _differences(values: dict[str, Any], others: dict[str, Any], section: str = "") -> list[str]:
    found = []
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(others.get(name), dict):
            found += _differences(value, others[name], f"{section}{name}.")
        elif value != others.get(name):
            found.append(f"{section}{name}={value if isinstance(value, str) else json.dumps(value)}")
    return found


def config_to_yaml(config: Config) -> str:
    """The resolved configuration as kept in a run folder."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def config_from_yaml(path: Path) -> Config:
    """Read a run's `config.yaml`. Raises RunError where it is missing or not one."""
    try:
        return Config.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise RunError(f"{path.parent} is not a run folder: it has no {path.name}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RunError(f"{path} cannot be read: {error}") from None
    except ValidationError as error:
        raise RunError(f"{path} is not the configuration of a run: {_explain(error)}") from None


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        merged[key] = _merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


def _apply(values: dict[str, Any], setting: str) -> None:
    """Set one dotted name in the nested `values`, which start as a whole copy of the preset."""
    name, equals, text = setting.partition("=")
    if not equals:
        raise ConfigError(f"a setting is written NAME=VALUE, received {setting!r}")
    *sections, field = name.strip().split(".")
    section: type[BaseModel] = Config
    for part in sections:
        kind = _field_type(section, part, name)
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            raise ConfigError(f"unknown setting {name!r}: {part!r} is a value, not a section")
        section = kind
        values[part] = dict(values.get(part, {}))
        values = values[part]
    kind = _field_type(section, field, name)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        raise ConfigError(f"{name!r} is a section, not a setting; its settings are {', '.join(kind.model_fields)}")
    try:
        # A text stays a text: a column named "2024" or "yes" must not become a number or a truth value.
        values[field] = text if kind in (str, str | None) else yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"the value of {name!r} cannot be read: {text!r}") from None


def _field_type(section: type[BaseModel], field: str, name: str) -> Any:
    if field not in section.model_fields:
        near = difflib.get_close_matches(field, section.model_fields, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(section.model_fields)}"
        raise ConfigError(f"unknown setting {name!r}{hint}")
    return section.model_fields[field].annotation


def _explain(error: ValidationError) -> str:
    problems = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "configuration"
        problems.append(
            f"{where}: {problem['msg']}, received {problem['input']!r}" if problem["loc"] else problem["msg"]
        )
    return "; ".join(problems)
