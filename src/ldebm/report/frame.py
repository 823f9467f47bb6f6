"""What every page of ours shares: one file with style and script inside, every text escaped, nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def environment(room: str) -> Environment:
    """Templates of the package `room`, and `frame.html`, which they extend."""
    found = Environment(
        loader=ChoiceLoader([PackageLoader(room, ""), PackageLoader("ldebm.report", "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    found.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    return found


def part(room: str, name: str) -> Markup:
    """A style or a script of the package `room`, as it stands."""
    return Markup(files(room).joinpath(name).read_text(encoding="utf-8"))
