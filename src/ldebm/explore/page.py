"""The explorer's page: in the report's dress, with its own script."""

from ldebm.report.frame import environment, part

_ROOM = "ldebm.explore"


def page(title: str) -> str:
    """The page as HTML; what it shows of texts comes later, as answers."""
    style = part("ldebm.report", "style.css") + part(_ROOM, "style.css")
    return (
        environment(_ROOM).get_template("page.html").render(title=title, style=style, script=part(_ROOM, "explore.js"))
    )
