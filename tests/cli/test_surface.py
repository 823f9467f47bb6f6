"""The verbs and flags are a promise to scripts: a change of this table is a change for users."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from ldebm.cli.app import app

SURFACE = {
    "train": "SOURCE --task --text --label --split --preset --set --out --resume --seed --precision --device --epochs"
    " --max-minutes --log",
    "generate": "RUN -n --symbol --label --mode --temperature --top-p --beams --guidance --best-of --seed --out",
    "complete": "RUN TEXT -n --seed",
    "rewrite": "RUN TEXT --symbol --label --weight",
    "respond": "RUN --context -n --speaker --symbol --guidance --seed",
    "discover": "RUN SOURCE --text --label --json",
    "classify": "RUN SOURCE --text --out --score",
    "encode": "RUN SOURCE --out --text",
    "evaluate": "RUN SOURCE --text --label --samples --thorough --json",
    "report": "RUN --label --out",
    "explore": "RUN --port --host",
    "export": "RUN --onnx",
    "demo": "--out --minutes",
    "reproduce": "WHAT --seeds --quick --jobs --out --pictures --runs",
}
COMMAND: Any = typer.main.get_command(app)


def written(parameter: Any) -> str:
    return parameter.opts[0] if parameter.param_type_name == "option" else parameter.metavar


def test_verbs_and_flags_are_as_promised() -> None:
    surface = {name: " ".join(written(each) for each in verb.params) for name, verb in COMMAND.commands.items()}
    assert surface == SURFACE


def test_global_options_are_as_promised() -> None:
    assert [each.opts for each in COMMAND.params if "completion" not in each.name] == [["--version", "-v"], ["--debug"]]


@pytest.mark.parametrize("name", SURFACE)
def test_everything_has_help(name: str) -> None:
    verb = COMMAND.commands[name]
    assert verb.help
    assert [written(each) for each in verb.params if not each.help] == []
