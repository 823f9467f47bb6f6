"""The messages a user sees.

Every error that the user can mend is a `UserError` with a message of one line: what is wrong, what was received, where
(file, line, column), and what to do. The command line prints the message and exits with 2; all else is a fault of ours.
"""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """What the user gave cannot be used; the message says what, where and the remedy."""


class DataError(UserError):
    """A text file, a data set or a column cannot be used."""


class ConfigError(UserError):
    """A preset or a setting cannot be used."""


class RunError(UserError):
    """A run folder, a checkpoint or a file in one cannot be used."""


def shorten(value: object, limit: int = 60) -> str:
    """`value` as one line of at most `limit` characters, to be quoted in a message."""
    line = " ".join(str(value).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def suggest(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` with the known name nearest to `name` (capitals aside), or "" where none is near."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""
