"""The page behind a small server of the standard library: one page, five questions, nothing of anybody else's.

It is for one person on one machine. It answers only its own page: a request that names another host, or comes from a
page of another site, is refused, so that no web page that happens to be open can ask it.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ldebm.errors import UserError
from ldebm.explore.answers import Explorer
from ldebm.explore.page import page

MOST_BYTES = 100_000  # of a question
_MOST_READ = 10_000_000  # of a longer one, before it is refused: a browser listens when it has sent all
_LOOPBACK = ("127.0.0.1", "localhost")


def serve(explorer: Explorer, title: str, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """A server that is bound and waits for `serve_forever`; `server_address` says where. `port` 0: a free one.

    Raises OSError where the place is taken or not this machine's.
    """
    written, model = page(title).encode(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self._is_ours():
                self._send(HTTPStatus.FORBIDDEN, b"this address is not the explorer's own", "text/plain")
            elif self.path == "/":
                self._send(HTTPStatus.OK, written, "text/html; charset=utf-8")
            else:
                self._send(HTTPStatus.NOT_FOUND, b"there is one page, /", "text/plain")

        def do_POST(self) -> None:
            answer = explorer.questions.get(self.path.removeprefix("/ask/"))
            size = self.headers.get("Content-Length", "")
            body = self.rfile.read(min(int(size), _MOST_READ)) if size.isdecimal() else b""
            if not self._is_ours() or self.headers.get_content_type() != "application/json":
                self._tell(HTTPStatus.FORBIDDEN, {"error": "only the explorer's own page may ask"})
            elif answer is None:
                known = ", ".join(explorer.questions)
                self._tell(HTTPStatus.NOT_FOUND, {"error": f"no such question; there are {known}"})
            elif len(body) > MOST_BYTES:
                told = f"a question has at most {MOST_BYTES:,} bytes"
                self._tell(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"error": told})
            elif (asked := _question(body)) is None:
                self._tell(HTTPStatus.BAD_REQUEST, {"error": "a question is a JSON object"})
            else:
                try:
                    with model:  # one question at a time: they share the model and the cores
                        self._tell(HTTPStatus.OK, answer(asked))
                except UserError as error:
                    self._tell(HTTPStatus.BAD_REQUEST, {"error": str(error)})
                except Exception as fault:
                    told = f"this is a fault of ldebm: {type(fault).__name__}: {fault}"
                    self._tell(HTTPStatus.INTERNAL_SERVER_ERROR, {"error": told})

        def _is_ours(self) -> bool:
            """The host named is this machine, and the page that asks, where one does, is ours.

            Where others are let in, by number or by this machine's name: a name of somebody else's that leads here is
            how a page of theirs would ask.
            """
            named = self.headers.get("Host", "")
            name, _, at = named.partition(":")
            known = name in (host, *_LOOPBACK) or (
                host not in _LOOPBACK and (name == socket.gethostname() or _is_number(name))
            )
            origin = self.headers.get("Origin")
            return known and (at or "80") == str(server.server_address[1]) and origin in (None, f"http://{named}")

        def _tell(self, status: HTTPStatus, found: dict[str, Any]) -> None:
            self._send(status, json.dumps(found).encode(), "application/json")

        def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nothing: the terminal belongs to whoever started the explorer."""

    server = ThreadingHTTPServer((host, port), Handler)
    return server


def _question(body: bytes) -> dict[str, Any] | None:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return asked if isinstance(asked, dict) else None


def _is_number(host: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False
