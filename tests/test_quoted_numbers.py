"""What README and docs quote is what the committed result files hold."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ldebm.reproduce import agnews_page, density_table, ptb_page

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
QUOTED = re.compile(r"(-?\d+\.\d+)\s?(%|GB)?")
SCALES = {"": 1.0, "%": 100.0, "GB": 1e-9}


def leaves(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield float(value)


def files_of(command: str) -> list[Path]:
    """The result files that a README row's command makes."""
    names = re.findall(r"reproduce (\w+)|ldebm (report)\b", command)
    names = [verb or part for part, verb in names]
    names += ["engine" if name == "ptb" else f"benchmark-{name}" for name in re.findall(r"benchmarks\.(\w+)", command)]
    return [path for name in names for path in sorted(RESULTS.glob(f"{name}*.json"))]


def held(quoted: str, unit: str, values: list[float]) -> bool:
    digits = len(quoted.partition(".")[2])
    return any(f"{value * SCALES[unit]:.{digits}f}" == quoted for value in values)


def rows_of_readme() -> list[tuple[str, str, str]]:
    """(what, measured, command) of each row of the table of expected figures."""
    lines = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]
    found: list[tuple[str, str, str]] = []
    for what, measured, _, command in cells:
        found.append((what, measured, found[-1][2] if command == "the same" else command))
    return found


def test_every_decimal_of_the_readmes_table_stands_in_a_result_file() -> None:
    checked = 0
    for what, measured, command in rows_of_readme():
        values = [value for path in files_of(command) for value in leaves(json.loads(path.read_text(encoding="utf-8")))]
        for quoted, unit in QUOTED.findall(what + " " + measured):
            assert held(quoted, unit, values), f"README quotes {quoted} for '{what}', which is in no file of {command}"
            checked += 1
    assert checked > 20


def test_a_number_that_no_file_holds_is_found_out() -> None:
    assert held("1.62", "", [1.6203]) and held("99.92", "%", [0.9992]) and held("2.01", "GB", [2.0104e9])
    assert not held("1.63", "", [1.6203]) and not held("1.6", "", []) and not held("99.92", "", [0.9992])


def densities(page: Path) -> None:
    files = [RESULTS / f"densities-{name}.json" for name in ("gaussians", "pinwheel")]
    density_table.write_page(page, files, ROOT / "docs" / "densities")


def ptb(page: Path) -> None:
    ptb_page.write_page(page, RESULTS, False, page.parent / "ptb")


def agnews(page: Path) -> None:
    agnews_page.write_page(page, RESULTS / "agnews.json")


@pytest.mark.parametrize("write", [densities, ptb, agnews])
def test_a_page_is_what_its_result_files_say(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """Written anew from the committed results the page is the committed one, figure for figure."""
    name = write.__name__
    committed = ROOT / "docs" / f"{name}.md"
    if not committed.exists() and not any(RESULTS.glob(f"{name}*.json")):
        pytest.skip(f"neither docs/{name}.md nor its results are there yet")
    write(tmp_path / f"{name}.md")
    again = re.sub(r"\]\([^)]*/", "](", (tmp_path / f"{name}.md").read_text(encoding="utf-8"))
    assert again == re.sub(r"\]\([^)]*/", "](", committed.read_text(encoding="utf-8"))
