"""`ldebm rewrite`: a text said anew with another symbol or label."""

from __future__ import annotations

from typing import Annotated

import typer

from ldebm.cli.options import Run


def rewrite(
    run: Run,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="A text; or -: one a line from standard input.", show_default=False)
    ],
    symbol: Annotated[
        int | None, typer.Option("--symbol", min=0, help="The symbol it should have.", show_default=False)
    ] = None,
    label: Annotated[str | None, typer.Option("--label", help="The label it should have.", show_default=False)] = None,
    weight: Annotated[
        float | None,
        typer.Option(
            "--weight",
            min=0,
            max=32,
            help="How far to go: the weight of the asked symbol against the text.",
            show_default="as far as it takes",
        ),
    ] = None,
) -> None:
    """Say a text anew with another symbol or label, as little changed as the model can.

    Before each text stands the probability with which it reads as asked. A run rewrites best that was trained with
    labels (`ldebm train ... --label COLUMN`) and writes near what it reads: `ldebm evaluate RUN` tells its BLEU.
    """
    if (symbol is None) == (label is None):
        raise typer.BadParameter("give --symbol or --label, one of them")
    texts = (
        [line.strip() for line in typer.get_text_stream("stdin", "utf-8", "surrogateescape")] if text == "-" else [text]
    )

    from ldebm import LDEBM
    from ldebm.tasks import rewriting
    from ldebm.training.progress import warn

    model = LDEBM.from_pretrained(run)
    asked = [each for each in texts if each] if text == "-" else texts
    rewritten = iter(rewriting.rewrite(model, asked, symbol, label, weight))
    cut = iter(model.cut(asked))
    for line, each in enumerate(texts, start=1):
        if text == "-" and not each:
            print()  # so that line i is still that of the i-th text
            continue
        which = f"line {line}" if text == "-" else "the text"
        if next(cut):
            warn(
                f"{which} is longer than {model.config.data.max_length} tokens and was cut: its end is not rewritten; "
                "a run trained with a greater data.max_length reads more"
            )
        found = next(rewritten)
        if weight is None and found.probability < rewriting.ENOUGH:
            warn(f"{which} could not be made to read as asked; the nearest that was found is shown")
        print(f"{found.probability:6.1%}  {' '.join(found.text.splitlines())}")
