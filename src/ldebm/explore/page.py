"""The explorer's page: in the report's dress, with its own script."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def page(title: str) -> str:
    """The page as HTML; what it shows of texts comes later, as answers."""
    here, report = files("ldebm.explore"), files("ldebm.report")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        here.joinpath("page.html").read_text(encoding="utf-8")
    )
    style = report.joinpath("style.css").read_text(encoding="utf-8") + here.joinpath("style.css").read_text("utf-8")
    script = here.joinpath("explore.js").read_text(encoding="utf-8")
    return template.render(title=title, style=Markup(style), script=Markup(script))
