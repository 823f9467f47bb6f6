"""Headless Chromium for pages that are to be used as somebody would; skips where there is none."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
DESK = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"}
TELEPHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser, address: str, settings: dict, asks: str) -> Iterator:
    """A tab at `address`. Fails at the end where the page said a word on the console, had an error or asked for
    anything that does not begin with `asks`."""
    context = browser.new_context(**settings)
    said: list[str] = []
    tab = context.new_page()
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith((asks, "data:")) else None)
    tab.goto(address)
    try:
        yield tab
    finally:
        context.close()
    assert said == []
