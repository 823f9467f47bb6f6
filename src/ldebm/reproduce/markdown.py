"""Rows of a result file as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Columns = Mapping[str, tuple[str, str]]  # result name -> heading and format


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Columns,
    floor: str,
    goals: Mapping[str, str] | None = None,
    seconds_goal: str | None = None,
) -> str:
    """Rows of models, then published values, floor, chance and goals where there are any; columns that no row has are
    left out, and rows that have none of the columns.

    Args:
        floor: the name of the row that holds the floors.
        goals: of `ldebm-best`, by result name.
        seconds_goal: with it a last column tells the seconds of training.
    """
    known = {name: each for name, each in columns.items() if any(_mean(row, name) is not None for row in rows)}
    last = [] if seconds_goal is None else ["seconds of training"]
    headings = ["model", *(heading for heading, _ in known.values()), *last]
    lines = [
        [_name(row), *(_cell(row["metrics"][name], form) for name, (_, form) in known.items())]
        + [f"{row['train_seconds']:.0f}" for _ in last]
        for row in rows
        if any(_mean(row, name) is not None for name in known)
    ]
    for row in rows:
        published = row.get("published", {})
        if any(name in published for name in known):
            values = [_number(published.get(name), form) for name, (_, form) in known.items()]
            lines.append([f"`{row['model']}`, as published (recalled, unverified)", *values, *("" for _ in last)])
    for kind, called in (("floor", floor), ("chance", "chance")):
        values = [_number(rows[-1]["metrics"][name][kind], form) for name, (_, form) in known.items()]
        if any(values):
            lines.append([called, *values, *("" for _ in last)])
    aims = [*((goals or {}).get(name, "") for name in known), *(seconds_goal or "" for _ in last)]
    if any(aims):
        lines.append(["goal of `ldebm-best`", *aims])
    return lines_of(headings, lines)


def by_size(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The rows of each size, in their order."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["size"], []).append(row)
    return found


def lines_of(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of these cells, in which a | is a letter."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [headings, ["---"] * len(headings), *cells])


def made_by(found: Mapping[str, Any], results: Sequence[Path], *others: Mapping[str, Any]) -> str:
    """Where a page's numbers come from: what the first of the result files holds, and what the others do."""
    cores, names = found["machine"]["cores"], " and ".join(f"`results/{result.name}`" for result in results)
    on = f"{cores} core{'' if cores == 1 else 's'}"
    commits = sorted(
        {commit for each in (found, *others) for row in each["rows"] for commit in row.get("commits", [each["commit"]])}
    )
    measured = f"measured at commit{'s' if len(commits) > 1 else ''} {', '.join(commits)}"
    return f"Made by `{found['command']}`, {measured}, on {on}; the numbers stand in {names}."


def settings(given: Sequence[str]) -> str:
    """Settings in a sentence."""
    return " ".join(f"`{each}`" for each in given)


def definitions(protocol: Mapping[str, str]) -> str:
    """What each metric is, as a list."""
    return "\n".join(f"- `{name}`: {what}." for name, what in protocol.items())


def _name(row: Mapping[str, Any]) -> str:
    return f"`{row['model']}` ({row['seeds']} seed{'s' if row['seeds'] > 1 else ''})"


def _mean(row: Mapping[str, Any], name: str) -> float | None:
    value: float | None = row["metrics"].get(name, {}).get("mean")
    return value


def _cell(value: Mapping[str, float | None], form: str) -> str:
    mean, deviation = _number(value["mean"], form), _number(value["sd"], form)
    return f"{mean} ± {deviation}" if deviation else mean


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
