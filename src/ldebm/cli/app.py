"""The verbs put together, and what each kind of failure looks like to the user."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from ldebm import __version__
from ldebm.cli.classify import classify
from ldebm.cli.complete import complete
from ldebm.cli.demo import demo
from ldebm.cli.discover import discover
from ldebm.cli.encode import encode
from ldebm.cli.evaluate import evaluate
from ldebm.cli.explore import explore
from ldebm.cli.export import export
from ldebm.cli.generate import generate
from ldebm.cli.report import report
from ldebm.cli.reproduce import reproduce
from ldebm.cli.respond import respond
from ldebm.cli.rewrite import rewrite
from ldebm.cli.train import train
from ldebm.errors import UserError
from ldebm.files import file_error

FAULT_OF_OURS, WRONG_INPUT, INTERRUPTED = 1, 2, 130


class _Verbs(TyperGroup):
    """The group of verbs, that says how an interrupted one ended; typer itself would be silent."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            print(str(stop) or "interrupted", file=sys.stderr)
            # A training that was stopped by a signal has saved its state and knows the code of that signal.
            raise SystemExit(getattr(stop, "exit_code", INTERRUPTED)) from stop


app = typer.Typer(
    name="ldebm",
    cls=_Verbs,
    help="Train one generative model on short texts; then generate, discover, classify, encode and measure with it.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
VERBS = (
    train,
    generate,
    complete,
    rewrite,
    respond,
    discover,
    classify,
    encode,
    evaluate,
    report,
    explore,
    export,
    demo,
    reproduce,
)
for verb in VERBS:
    app.command()(verb)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ldebm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", "-v", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. May stand anywhere on the line.")
    ] = False,
) -> None:
    pass  # the version is shown by its callback; --debug is read by main, which is where errors arrive


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 2 the input is wrong, 1 a fault of ours, 128 and more interrupted."""
    _show_log()
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in given
    code: int | str | None = 0
    try:
        try:
            typer.main.get_command(app).main([word for word in given if word != "--debug"], prog_name="ldebm")
        finally:
            sys.stdout.flush()  # here, so that a full disk or a closed pipe is told as any other error
    except SystemExit as end:
        code = end.code
    except BrokenPipeError:
        # The reader has gone, as in `ldebm generate RUN | head`. What is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAULT_OF_OURS
    except Exception as error:
        if debug:
            traceback.print_exc()
        code = _tell(error)
    sys.exit(code)


class _Lines(logging.Handler):
    """Log records as lines on whatever stderr is at the time: a progress bar puts itself in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        print(f"{mark}{record.getMessage()}", file=sys.stderr)


def _show_log() -> None:
    log = logging.getLogger("ldebm")
    log.setLevel(logging.INFO)
    log.handlers = [_Lines()]


def _tell(error: Exception) -> int:
    """Print the one line that belongs to `error` and return the exit code."""
    told = error if isinstance(error, UserError) else file_error(error)
    if told is not None:
        print("error:", " ".join(str(told).splitlines()), file=sys.stderr)
        return WRONG_INPUT
    summary = " ".join(f"{type(error).__name__}: {error}".splitlines())[:300]
    print(f"error: {summary}: this is a fault of ldebm; run again with --debug for the traceback", file=sys.stderr)
    return FAULT_OF_OURS
