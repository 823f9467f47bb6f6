"""`ldebm explore`: a page on this machine on which the model is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldebm.cli.inputs import columns_of, corpus_of, holds_dialogues
from ldebm.cli.options import Run
from ldebm.errors import DataError


def explore(
    run: Run,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: a free one.")] = 8765,
    host: Annotated[
        str,
        typer.Option(
            "--host", help="Where to listen. Others can reach any but 127.0.0.1; nobody is asked who they are."
        ),
    ] = "127.0.0.1",
) -> None:
    """Serve a page for this run: read a text, write with a symbol, walk between two texts. Ctrl-C ends it."""
    if holds_dialogues(run):
        raise DataError(f"{run} is a run of dialogues: talk to it with `ldebm respond {run} --context -`")

    from ldebm import LDEBM
    from ldebm.explore import Explorer, serve

    model = LDEBM.from_pretrained(run)
    print(f"Reading texts of {model.config.data.source} ...", flush=True)
    texts, _ = columns_of(corpus_of(model.config).train)
    explorer = Explorer(model, texts)
    try:
        server = serve(explorer, Path(model.config.data.source).name, host, port)
    except OSError as error:
        raise DataError(
            f"cannot listen at {host}:{port}, {error.strerror}: give another --port (0: a free one) or --host"
        ) from None
    with server:
        print(f"The explorer is at http://{host}:{server.server_address[1]}/ (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("The explorer has ended.")
