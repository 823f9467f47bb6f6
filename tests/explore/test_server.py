"""The server answers its own page and nobody else's, and a bad question harms nothing."""

import http.client
import json
import socket
import threading

import pytest

from ldebm.explore import serve
from tests.explore.conftest import TEXTS
from tests.report.browsers import browser

__all__ = ["browser"]  # a fixture

JSON = {"Content-Type": "application/json"}


def send(address, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_page_is_whole_and_its_title_is_text(address):
    status, page = send(address, "GET", "/")
    assert status == 200 and "&lt;reviews&gt;.csv" in page and "<reviews>" not in page


def test_a_question_is_answered(address):
    status, answer = send(address, "POST", "/ask/read", json.dumps({"text": TEXTS[0]}), JSON)
    assert status == 200 and json.loads(answer)["neighbours"][0]["text"] == TEXTS[0]


@pytest.mark.parametrize(
    "method, path, body, headers, status, told",
    [
        ("GET", "/etc/passwd", None, {}, 404, "one page"),
        ("GET", "/", None, {"Host": "evil.example"}, 403, "not the explorer's own"),
        ("POST", "/ask/read", "{}", JSON | {"Origin": "http://evil.example"}, 403, "only the explorer's own page"),
        ("POST", "/ask/read", "{}", JSON | {"Host": "evil.example"}, 403, "only the explorer's own page"),
        ("POST", "/ask/read", "text=a", {"Content-Type": "text/plain"}, 403, "only the explorer's own page"),
        ("POST", "/ask/nothing", "{}", JSON, 404, "about, read, write, rewrite, between"),
        ("POST", "/ask/read", "[]", JSON, 400, "a JSON object"),
        ("POST", "/ask/read", "{", JSON, 400, "a JSON object"),
        ("POST", "/ask/read", "{}", JSON, 400, "text is empty"),
        ("POST", "/ask/read", "[" * 50_000, JSON, 400, "a JSON object"),
        ("POST", "/ask/read", '{"text": "\\ud800 a"}', JSON, 400, "half a character"),
        ("POST", "/ask/write", '{"temperature": "\\ud800"}', JSON, 400, "temperature must be a number"),
        ("POST", "/ask/read", " " * 5_000_000, JSON, 413, "at most 100,000 bytes"),
    ],
)
def test_what_is_not_for_it_is_refused(address, method, path, body, headers, status, told):
    got, said = send(address, method, path, body, headers)
    assert got == status and told in said
    assert send(address, "GET", "/")[0] == 200


def test_a_fault_is_told_in_one_line(address, explorer, monkeypatch):
    monkeypatch.setitem(explorer.questions, "read", lambda asked: 1 / 0)
    status, said = send(address, "POST", "/ask/read", "{}", JSON)
    assert status == 500 and "a fault of ldebm: ZeroDivisionError" in said


def test_where_others_are_let_in_a_name_that_leads_here_is_refused_all_the_same(explorer):
    with serve(explorer, "reviews", "0.0.0.0") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_address[1]
        try:
            for named, status in ((f"127.0.0.1:{port}", 200), (f"10.1.2.3:{port}", 200), (f"evil.example:{port}", 403)):
                assert send(f"http://127.0.0.1:{port}", "GET", "/", headers={"Host": named})[0] == status
        finally:
            server.shutdown()
            thread.join()


def test_it_listens_on_this_machine_alone(address):
    port = int(address.rpartition(":")[2])
    with socket.socket() as other:
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_the_page_tells_what_was_wrong_to_ask(browser, address):
    # An answer of 400 is a line on the browser's console, so this one page is opened without watching it.
    tab = browser.new_page()
    tab.goto(f"{address}/")
    tab.wait_for_selector("body[data-ready]")
    tab.locator("#text").fill("   ")
    tab.locator("#read button").click()
    tab.wait_for_selector("#error:not([hidden])")
    assert tab.locator("#error").inner_text() == "text is empty; write a text"
    tab.close()
