"""`ldebm reproduce ptb`: its parts in order, and a page after each of them."""

import pytest

from ldebm.reproduce import completion, ptb, ptb_curves, ptb_page


@pytest.fixture
def told(monkeypatch):
    """What was called, in order."""
    calls = []

    def noted(name):
        return lambda *given, **how: calls.append(name + ("" if how.get("full", True) else " without full"))

    for module, name in (
        (ptb, "reproduce"),
        (ptb_curves, "temperatures"),
        (ptb_curves, "frontier"),
        (completion, "reproduce"),
        (ptb_page, "write_page"),
    ):
        monkeypatch.setattr(module, name, noted(f"{module.__name__.rpartition('.')[2]}.{name}"))
    return calls


def test_the_page_is_written_after_each_part_and_the_longest_comes_last(run, told) -> None:
    assert run("reproduce", "ptb")[0] == 0
    parts = ["ptb.reproduce without full", "ptb_curves.temperatures", "ptb_curves.frontier", "completion.reproduce"]
    assert told[::2] == [*parts, "ptb.reproduce"] and set(told[1::2]) == {"ptb_page.write_page"}
    told.clear()
    assert run("reproduce", "ptb", "--quick")[0] == 0
    assert told[::2] == parts and len(told) == 2 * len(parts)
