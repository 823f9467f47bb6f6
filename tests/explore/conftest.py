"""An explorer of an untrained model, and its server in a thread."""

import threading

import pytest

from ldebm.explore import Explorer, serve
from tests import tiny

TEXTS, _ = tiny.texts(80)


@pytest.fixture(scope="package")
def explorer():
    return Explorer(tiny.model().eval(), [*TEXTS, "<b>bold</b> & <script>document.title='broken'</script>"])


@pytest.fixture(scope="package")
def address(explorer):
    with serve(explorer, "<reviews>.csv") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
