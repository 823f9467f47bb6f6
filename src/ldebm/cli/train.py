"""`ldebm train`: a run folder from somebody's texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ldebm.cli.options import Corpus

_SUFFIXES = {".gz", ".txt", ".csv", ".tsv", ".jsonl", ".parquet"}


def train(
    source: Corpus,
    task: Annotated[
        Literal["texts", "dialogue"],
        typer.Option("--task", help="dialogue: SOURCE is jsonl, a list of turns a line, or smd, dailydialog."),
    ] = "texts",
    text: Annotated[
        str | None, typer.Option("--text", help="Column of the text.", show_default="text, or the only one")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", help="Column of the label; rows may lack one.", show_default=False)
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Column that names the split of each row.", show_default=False)
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            "--preset", help="NAME-SIZE: best or paper; tiny, small, full, bag (of words), or points for points."
        ),
    ] = "best-small",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change one setting of the preset, as model.symbols=20. May be given often.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="The run folder.", show_default="runs/NAME, after the source"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint in the run folder.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Decides every random draw.", show_default="0")
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"] | None,
        typer.Option("--precision", help="Of the encoder and the decoder; energies are fp32.", show_default="auto"),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"] | None,
        typer.Option("--device", help="Where to compute.", show_default="auto"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Times over the texts.", show_default="the preset's")
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            "--max-minutes", min=0, help="Stop, trained as far as it is, after this time.", show_default="no limit"
        ),
    ] = None,
    log: Annotated[
        Literal["jsonl", "tensorboard"] | None,
        typer.Option(
            "--log", help="tensorboard: for it as well, in RUN/tensorboard.", show_default="jsonl: metrics.jsonl alone"
        ),
    ] = None,
) -> None:
    """Train a model on texts or dialogues, from scratch, into a run folder."""
    from ldebm import load_corpus, load_dialogues, load_points, load_preset
    from ldebm import train as train_model
    from ldebm.data.corpora import is_points

    flags = {
        "data.source": source,
        "data.text": text,
        "data.label": label,
        "data.split": split,
        "seed": seed,
        "training.precision": precision,
        "training.device": device,
        "training.epochs": epochs,
        "training.max_minutes": max_minutes,
        "training.log": log,
    }
    given = [f"{name}={value}" for name, value in flags.items() if value is not None]
    config = load_preset(preset, [*(settings or ()), *given], task)
    folder = out or Path("runs") / _stem(source)
    columns = [f"--{name}" for name, value in (("text", text), ("label", label), ("split", split)) if value]
    what = "dialogues" if task == "dialogue" else "points"
    if columns and (task == "dialogue" or is_points(source)):
        raise typer.BadParameter(f"{source} holds {what}, which have no columns: leave out {', '.join(columns)}")
    if task == "dialogue":
        train_model(config, load_dialogues(source, config.data.validation_share, config.seed), folder, resume)
    elif is_points(source):
        train_model(config, load_points(source, config.seed), folder, resume)
    else:
        corpus = load_corpus(source, text, label, split, config.data.validation_share, config.seed)
        train_model(config, corpus, folder, resume)


def _stem(source: str) -> str:
    """`reviews` for data/reviews.csv.gz, `name` for the hub's owner/name."""
    path = Path(source)
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name or "run"
