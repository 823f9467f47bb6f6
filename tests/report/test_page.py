"""The page stands alone, holds what it should, and lets no text out of its place."""

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ldebm.presets import load_preset
from ldebm.report import gather, write_report
from ldebm.tasks.discovery import describe
from ldebm.tasks.evaluation_of_runs import evaluate
from ldebm.tasks.reading import infer
from tests import tiny
from tests.report.conftest import HOSTILE, contents, page_of

VOID = {"meta", "input", "img", "br", "link"}


class Parsed(HTMLParser):
    """Tags with their attributes, ids, and what stands in the scripts; fails where tags do not close in order."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def test_texts_stay_texts(page):
    parsed = Parsed(page)
    assert HOSTILE not in page.read_text(encoding="utf-8")
    assert [tag for tag, _ in parsed.tags if tag in ("script", "img")] == ["script"] * 2
    points = json.loads(parsed.scripts[0])
    assert points["text"][0] == HOSTILE and points["labels"] == [HOSTILE] and set(points["label"]) == {0}


def test_the_page_asks_for_nothing_from_outside(page):
    written = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in written
    asked = [value for _, attributes in Parsed(page).tags for name, value in attributes.items() if name == "src"]
    links = [attributes["href"] for tag, attributes in Parsed(page).tags if tag == "a"]
    assert not asked and all(link.startswith("#") for link in links)
    assert not re.findall(r"@import|url\((?!#)|fetch\(|XMLHttpRequest", written)


def test_every_link_and_name_leads_somewhere_and_ids_are_given_once(page):
    tags = Parsed(page).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {attributes["href"][1:] for tag, attributes in tags if tag == "a"}
    for name in ("aria-labelledby", "for"):
        wanted |= {attributes[name] for _, attributes in tags if name in attributes}
    assert wanted <= set(ids)


def test_places_are_in_ten_thousandths_and_symbols_keep_one_colour(page):
    points = json.loads(Parsed(page).scripts[0])
    assert set(points["x"]) == {2500, 7499} and (min(points["y"]), max(points["y"])) == (0, 9999)
    assert points["order"] == [0, 1] and points["hue"]["0"] != points["hue"]["1"]
    shown = {attributes.get("style") for tag, attributes in Parsed(page).tags if tag == "button"}
    assert {f"--hue:{points['hue'][k]}" for k in "01"} <= shown


def test_what_was_measured_stands_beside_what_it_is_read_against(page):
    written = page.read_text(encoding="utf-8")
    assert "real texts: 10" in written and "self bleu real" not in written


@pytest.mark.parametrize("text", ["漢字かな交じり文", "it's", "<b>", "🙂"])
def test_ten_thousand_long_texts_of_any_kind_stay_below_six_megabytes(tmp_path, text):
    page = page_of([text * 2000] * 10_000, tmp_path)
    assert page.stat().st_size < 6_000_000


def test_an_unused_symbol_and_near_duplicates_are_told(page):
    written = page.read_text(encoding="utf-8")
    assert "No text has symbol 2." in written and "Nearly the same words as symbol 1." in written


def test_what_a_model_has_not_is_left_out(tmp_path):
    bare = dataclasses.replace(contents(["a", "b"]), chains=[], way=[], course=[])
    page = write_report(bare, load_preset("best-tiny"), "some texts", tmp_path / "page.html")
    assert {"chains", "way"}.isdisjoint(attributes.get("id") for _, attributes in Parsed(page).tags)


def test_a_real_model_and_its_texts_make_a_page(tmp_path):
    model, (texts, labels) = tiny.model().eval(), tiny.texts(120)
    measured = evaluate(model, texts[:40], texts, samples=20, labels=labels[:40])
    reading = infer(model, texts, labels)
    found = describe(model, reading)  # untrained, it knows one symbol: the others get a text each
    symbols = tuple(dataclasses.replace(one, share=0.25, nearest=(texts[one.symbol],)) for one in found.symbols)
    shown = gather(model, tmp_path, reading, dataclasses.replace(found, symbols=symbols), measured)
    page = write_report(shown, model.config, "tiny", tmp_path / "report.html")
    points = json.loads(Parsed(page).scripts[0])
    assert points["text"] == texts and [points["labels"][row] for row in points["label"]] == labels
    assert points["symbol"] == model.symbol_probabilities(texts).argmax(-1).tolist()
    assert len(shown.chains) == 3 and len(shown.way) == 9
