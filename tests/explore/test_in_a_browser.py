"""The explorer as somebody uses it, in headless Chromium; skipped where there is none."""

import pytest

from ldebm.tasks.rewriting import rewrite
from tests.explore.conftest import TEXTS
from tests.report.browsers import DESK, TELEPHONE, browser, opened

__all__ = ["browser"]  # a fixture


@pytest.fixture(params=[DESK, TELEPHONE], ids=["desk", "telephone"])
def tab(request, browser, address):
    with opened(browser, f"{address}/", request.param, address) as tab:
        tab.wait_for_selector("body[data-ready]")
        yield tab


def test_a_text_is_read(tab, explorer):
    tab.locator("#text").fill(TEXTS[0])
    tab.locator("#read button").click()
    tab.wait_for_selector("#read-found .texts li")
    assert tab.locator("#read-found .texts li span").first.inner_text() == TEXTS[0]
    assert tab.locator("#read-found .said").inner_text() == explorer.model.reconstruct([TEXTS[0]])[0]
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]


def test_texts_are_written_with_what_is_chosen_and_others_at_a_second_press(tab, explorer):
    symbol = tab.locator("#symbol option").nth(1).get_attribute("value")
    tab.locator("#symbol").select_option(symbol)
    tab.locator("#guidance").fill("4")
    assert tab.locator("output[for=guidance]").inner_text() == "4"
    tab.locator("#write button").click()
    tab.wait_for_selector("#write[aria-busy=false]")
    wanted = explorer.model.generate(8, symbol=int(symbol), guidance=4, mode="sample", temperature=0.7)
    first = tab.locator("#write-found li").all_text_contents()
    assert first == wanted
    tab.locator("#write button").click()
    tab.wait_for_function("first => document.querySelector('#write-found li').textContent !== first", arg=first[0])


def test_a_text_is_rewritten_with_the_chosen_symbol(tab, explorer):
    symbol = tab.locator("#target option").last.get_attribute("value")
    tab.locator("#target").select_option(symbol)
    tab.locator("#original").fill(TEXTS[0])
    tab.locator("#rewrite button").click()
    tab.wait_for_selector("#rewrite-found .said")
    [wanted] = rewrite(explorer.model, TEXTS[:1], symbol=int(symbol))
    assert tab.locator("#rewrite-found .said").inner_text() == wanted.text
    assert f"{round(100 * wanted.probability)}%" in tab.locator("#rewrite-found small").inner_text()


def test_a_text_that_is_too_long_is_told_so_until_a_shorter_one_is_read(tab):
    for text, told in (("the food was great " * 10, "The model reads 20 tokens"), (TEXTS[0], "")):
        tab.locator("#original").fill(text)
        tab.locator("#rewrite button").click()
        tab.wait_for_selector("#rewrite[aria-busy=false] button:enabled")
        tab.wait_for_function("told => document.getElementById('rewrite-cut').textContent.startsWith(told)", arg=told)
    assert tab.locator("#rewrite-cut").inner_text() == ""


def test_there_is_a_way_between_two_texts(tab, explorer):
    tab.locator("#first").fill(TEXTS[0])
    tab.locator("#second").fill(TEXTS[1])
    tab.locator("#between button").click()
    tab.wait_for_selector("#between-found li")
    texts = tab.locator("#between-found li span").all_text_contents()
    assert [texts[0], texts[-1]] == explorer.model.reconstruct([TEXTS[0], TEXTS[1]]) and len(texts) == 9


def test_markup_in_a_text_stays_text(tab):
    tab.locator("#text").fill("<b>bold</b> & <script>document.title='broken'</script>")
    tab.locator("#read button").click()
    tab.wait_for_selector("#read-found .texts li")
    assert tab.locator("#read-found .texts li").first.inner_text().startswith("<b>bold</b> & <script>")
    assert (
        tab.locator("#read-found .texts b, #read-found .said b, #read-found script").count() == 0
        and "broken" not in tab.title()
    )
