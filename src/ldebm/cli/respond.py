"""`ldebm respond`: what comes next in a dialogue, from a file of dialogues or in a conversation."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldebm.cli.options import Run

if TYPE_CHECKING:
    from ldebm import DialogueModel

TALK = "-"


def respond(
    run: Run,
    context: Annotated[
        str,
        typer.Option(
            "--context",
            metavar="FILE|-",
            help='Dialogues, a line each: [{"speaker": "a", "text": "Hello?"}]. -: you talk, a turn a line.',
            show_default=False,
        ),
    ],
    n: Annotated[
        int,
        typer.Option(
            "-n",
            min=1,
            help="How many responses are drawn to each; the different ones are told, best first: the one that agrees "
            "most with all that might be said or, with --symbol, the one most surely of that symbol.",
        ),
    ] = 1,
    speaker: Annotated[
        str | None,
        typer.Option("--speaker", help="Who responds.", show_default="whoever is not the last speaker"),
    ] = None,
    symbol: Annotated[
        int | None, typer.Option("--symbol", min=0, help="Only responses with this symbol.", show_default=False)
    ] = None,
    guidance: Annotated[float, typer.Option("--guidance", min=0, help="How strongly --symbol pulls the latent.")] = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Decides every random draw.")] = 0,
) -> None:
    """Respond to dialogues: a line a response, an empty line between dialogues where there are several responses."""
    if guidance != 1 and symbol is None:
        raise typer.BadParameter("--guidance needs --symbol")
    from ldebm import DialogueModel
    from ldebm.data.dialogues import read_dialogues
    from ldebm.tasks.responding import answering, candidates

    model = DialogueModel.from_pretrained(run)
    if context == TALK:
        _talk(model, n, speaker, symbol, guidance, seed)
        return
    contexts = [dialogue.turns for dialogue in read_dialogues(Path(context), least=1)]
    speakers = [speaker or answering(turns, model.config.data.speakers) for turns in contexts]
    found = candidates(model, contexts, speakers, n, symbol=symbol, guidance=guidance, seed=seed)
    print(("\n\n" if n > 1 else "\n").join(_told(responses) for responses in found))


def _talk(model: DialogueModel, n: int, speaker: str | None, symbol: int | None, guidance: float, seed: int) -> None:
    """Answer every line of the standard input; the first response becomes part of the dialogue."""
    from ldebm.data import Turn
    from ldebm.dialogue_model import known_speaker
    from ldebm.tasks.responding import answering, candidates

    speaker = known_speaker(speaker or model.config.data.speakers[0], model.config.data.speakers)
    model.known_symbol(symbol)  # before somebody has written a line
    person = answering([Turn(speaker, "")], model.config.data.speakers)
    turns: list[Turn] = []
    if sys.stdin.isatty():
        print(f"You are {person}, {speaker} responds; end with Ctrl-D.", file=sys.stderr)
    for line in typer.get_text_stream("stdin", "utf-8", "surrogateescape"):
        if not line.strip():
            continue
        turns.append(Turn(person, line.strip()))
        [responses] = candidates(model, [turns], [speaker], n, symbol=symbol, guidance=guidance, seed=seed + len(turns))
        print(_told(responses), flush=True)
        turns.append(Turn(speaker, responses[0]))


def _told(responses: Iterable[str]) -> str:
    """A line each, also where a run writes the ends of lines."""
    return "\n".join(" ".join(response.splitlines()) for response in responses)
