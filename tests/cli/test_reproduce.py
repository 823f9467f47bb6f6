"""`ldebm reproduce`: the parts of a page in order, and the page after each of them."""

import pytest

from ldebm.reproduce import completion, ptb, ptb_curves, ptb_page, yelp, yelp_guidance, yelp_page, yelp_rewriting


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


@pytest.mark.parametrize(("given", "sizes"), [((), ("small", "full")), (("--quick",), ("tiny",))])
def test_yelps_curve_and_rewriting_follow_the_rows_of_each_size(run, monkeypatch, tmp_path, given, sizes) -> None:
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(yelp, "reproduce", lambda *_, full: calls.append(("rows", full)))
    monkeypatch.setattr(yelp_guidance, "curve", lambda out, runs, size: calls.append(("curve", size)))
    monkeypatch.setattr(yelp_rewriting, "reproduce", lambda out, runs, size: calls.append(("rewriting", size)))
    monkeypatch.setattr(yelp_page, "write_page", lambda page, *_: calls.append(("page", page)))
    assert run("reproduce", "yelp", "--pictures", str(tmp_path / "yelp"), *given)[0] == 0
    parts = [part for size in sizes for part in (("rows", size == "full"), ("curve", size), ("rewriting", size))]
    assert calls[::2] == parts
    assert set(calls[1::2]) == {("page", tmp_path / ("yelp-quick.md" if given else "yelp.md"))}
