"""`ldebm complete`: fill the blanks of a text."""

from __future__ import annotations

from typing import Annotated

import typer

from ldebm.cli.options import Run


def complete(
    run: Run,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A text with ___ for each missing word.")],
    n: Annotated[int, typer.Option("-n", min=1, help="How many fillings.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides every random draw.")] = 0,
) -> None:
    """Fill the blanks of a text: the most probable fillings, each with its share of the probability.

    A run fills best that was trained for it:
    `ldebm train ... --set model.encoder.word_dropout=0.2 --set training.rate_weight=0.3`.
    """
    from ldebm import LDEBM
    from ldebm.tasks import completion

    for found in completion.complete(LDEBM.from_pretrained(run), text, n, seed):
        print(f"{found.probability:6.1%}  {found.text}")
