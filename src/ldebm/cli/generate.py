"""`ldebm generate`: new texts, one a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ldebm.cli.options import Run
from ldebm.files import write_atomically


def generate(
    run: Run,
    n: Annotated[int, typer.Option("-n", min=1, help="How many texts.")] = 20,
    symbol: Annotated[
        int | None, typer.Option("--symbol", min=0, help="Only texts with this symbol.", show_default=False)
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Only texts with this label.", show_default=False)
    ] = None,
    mode: Annotated[
        Literal["greedy", "sample", "beam"], typer.Option("--mode", help="How words are chosen, given a latent.")
    ] = "greedy",
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.001, help="Of --mode sample.", show_default="1.0")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            "--top-p",
            min=0.001,
            max=1.0,
            help="Of --mode sample: draw from the likeliest words that hold this share.",
            show_default="1.0",
        ),
    ] = None,
    beams: Annotated[int | None, typer.Option("--beams", min=1, help="Of --mode beam.", show_default="5")] = None,
    guidance: Annotated[
        float, typer.Option("--guidance", min=0, help="How strongly --symbol or --label pulls the latent.")
    ] = 1.0,
    best_of: Annotated[
        int,
        typer.Option(
            "--best-of",
            min=1,
            help="Write so many for each text and keep the one that is most surely of --symbol or --label, as the run "
            "itself reads it.",
        ),
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides every random draw.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write to this file: one text a line, or a .jsonl.",
            show_default="the terminal",
        ),
    ] = None,
) -> None:
    """Generate new texts."""
    if symbol is not None and label is not None:
        raise typer.BadParameter("give --symbol or --label, not both")
    if best_of > 1 and symbol is None and label is None:
        raise typer.BadParameter("--best-of needs --symbol or --label")
    if guidance != 1 and symbol is None and label is None:
        raise typer.BadParameter("--guidance needs --symbol or --label")
    of_mode = {"temperature": ("sample", temperature), "top_p": ("sample", top_p), "beams": ("beam", beams)}
    options: dict[str, Any] = {name: value for name, (_, value) in of_mode.items() if value is not None}
    for name in options:
        if mode != of_mode[name][0]:
            raise typer.BadParameter(f"--{name.replace('_', '-')} needs --mode {of_mode[name][0]}, received {mode}")

    from ldebm import LDEBM

    model = LDEBM.from_pretrained(run)
    texts = model.generate(
        n, symbol=symbol, label=label, mode=mode, guidance=guidance, best_of=best_of, seed=seed, **options
    )
    if out is not None and out.suffix == ".jsonl":
        lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    else:
        lines = [" ".join(text.splitlines()) for text in texts]
    document = "".join(f"{line}\n" for line in lines)
    if out is None:
        print(document, end="")
    else:
        write_atomically(out, document)
