"""Rows of a table: the seeds that its result file lacks are trained and measured side by side, each row written as soon
as it is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from ldebm.reproduce.results import ResultFile, Values
from ldebm.reproduce.runs import commits_of, in_parallel, mean_seconds

Figures = Callable[[str, str, int, Path], dict[str, float | None]]  # of a row, a size, a seed and the run folders


def add_rows(
    file: ResultFile,
    size: str,
    seeds: Mapping[str, int],
    figures: Figures,
    folder_of: Callable[[str, str, int, Path], Path],
    runs: Path,
    jobs: int = 1,
    *,
    derived: Collection[str] = (),
    chance: Values | None = None,
    floor: Values | None = None,
    published: Mapping[str, Values] | None = None,
    complete: Callable[[str, range, list[dict[str, float | None]]], None] | None = None,
) -> None:
    """Bring each row to its number of seeds, behind those that the file has of it by the same definitions.

    Args:
        seeds: how many seeds each row is to have, in the order of the table.
        figures: one seed's, a module's function; it keeps what it has measured.
        derived: rows that another row's process measures and keeps; they are read when their turn comes.
        complete: adds to the figures of a row's new seeds what they say together.
    """
    left = {row: range(file.known(row, size), count) for row, count in seeds.items()}
    work = [(row, size, seed, runs) for row in left for seed in left[row] if row not in derived]
    results = in_parallel(figures, work, jobs)
    for row, new in left.items():
        found = [figures(row, size, seed, runs) if row in derived else next(results) for seed in new]
        seconds = mean_seconds(found)
        if complete is not None:
            complete(row, new, found)
        commits = commits_of(folder_of(row, size, seed, runs) for seed in new)
        of_others = (published or {}).get(row)
        file.add(row, size, found, seconds, chance, floor, of_others, commits, file.known(row, size))
