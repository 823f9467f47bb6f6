"""The page as somebody uses it, in headless Chromium; skipped where there is none."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.report.browsers import DESK, TELEPHONE, browser, opened
from tests.report.conftest import HOSTILE

__all__ = ["browser"]  # a fixture


@pytest.fixture(params=[DESK, TELEPHONE], ids=["desk", "telephone"])
def tab(request, browser, page):
    with opened(browser, page.as_uri(), request.param, "file:") as tab:
        yield tab


def found(tab) -> list[str]:
    return tab.locator("#found li span").all_inner_texts()


def test_it_opens_whole_and_no_text_runs(tab):
    assert tab.title() == "reviews.csv"
    assert tab.locator("#count").inner_text() == "200 of 200 texts"
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]


def test_a_figure_and_what_it_is_read_against_are_seen_at_once(tab):
    width = tab.viewport_size["width"]
    for cell in tab.locator("tbody tr").first.locator("th, td").all():
        box = cell.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["width"] > 20
    assert tab.get_by_role("table").get_by_role("cell").count() == 3  # also where its rows are shown as blocks


def test_a_symbol_filters_and_a_second_click_lets_go(tab):
    button = tab.locator(".legend button").first
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert tab.locator("#count").inner_text() == "100 of 200 texts"
    assert found(tab)[:2] == [HOSTILE, "soup number 2"]
    button.click()
    assert tab.locator("#count").inner_text() == "200 of 200 texts" and found(tab) == []


def test_search_finds_texts_whatever_their_case(tab):
    tab.locator("#search").fill("FILM number 19")
    assert found(tab) == ["film number 19", *(f"film number {i}" for i in range(191, 200, 2))]
    tab.locator("#reset").click()
    assert tab.locator("#search").input_value() == "" and found(tab) == []


def test_a_card_shows_its_texts_on_the_map(tab):
    tab.locator("[data-show='1']").click()
    assert tab.locator("#count").inner_text() == "100 of 200 texts"
    assert found(tab)[0] == "film number 1"


def test_pointing_at_a_dot_shows_its_text_and_beside_it_nothing(tab):
    box = tab.locator("#canvas").bounding_box()
    inner = box["width"] - 52, box["height"] - 52
    tab.locator("#canvas").click(position={"x": 26 + 0.25 * inner[0], "y": 26 + inner[1]})  # the first text's dot
    assert tab.locator("#tip span").inner_text() == HOSTILE
    assert tab.locator("#tip strong").inner_text().startswith("soup")
    tab.locator("#canvas").click(position={"x": 26 + 0.5 * inner[0], "y": 26 + 0.5 * inner[1]})
    assert tab.locator("#tip").is_hidden()


def test_dots_are_painted_and_the_others_fade(tab):
    def painted() -> float:
        tab.wait_for_timeout(100)
        picture = tab.evaluate("document.getElementById('canvas').toDataURL()").partition(",")[2]
        with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
            return float(np.asarray(image.getchannel("A"), dtype=float).sum())

    before = painted()
    tab.locator(".legend button").first.click()
    assert 0 < painted() < 0.9 * before


def test_a_closer_map_is_moved_by_dragging(tab):
    picture = "document.getElementById('canvas').toDataURL()"
    touch = tab.evaluate("matchMedia('(pointer: coarse)').matches")
    tab.locator("#closer").click()
    tab.locator("#canvas").scroll_into_view_if_needed()
    tab.wait_for_timeout(100)
    before = tab.evaluate(picture)
    box = tab.locator("#canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 150)
    if touch:
        session = tab.context.new_cdp_session(tab)
        for kind, points in (("touchStart", [(x, y)]), ("touchMove", [(x - 60, y)]), ("touchEnd", [])):
            session.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py} for px, py in points]}
            )
    else:
        tab.mouse.move(x, y)
        tab.mouse.down()
        tab.mouse.move(x - 60, y)
        tab.mouse.up()
    tab.wait_for_timeout(100)
    assert tab.evaluate(picture) != before


def test_the_map_obeys_keys(tab):
    tab.locator("#canvas").focus()
    picture = "document.getElementById('canvas').toDataURL()"
    tab.wait_for_timeout(100)
    seen = [tab.evaluate(picture)]
    for key in ("+", "ArrowLeft", "-", "Escape"):
        tab.keyboard.press(key)
        tab.wait_for_timeout(100)
        seen.append(tab.evaluate(picture))
    assert len(set(seen[:3])) == 3 and seen[-1] == seen[0]
