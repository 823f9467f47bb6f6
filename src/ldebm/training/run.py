"""`train`: a corpus and a configuration in, a run folder and a model out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.corpora import Corpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.errors import RunError
from ldebm.files import atomic_path
from ldebm.model import LDEBM
from ldebm.model_card import write_card
from ldebm.presets import Config, config_from_yaml, config_to_yaml
from ldebm.run_folder import CARD, CONFIG, METRICS, TOKENIZER, WEIGHTS, load_state
from ldebm.training.checkpoints import newest_checkpoint
from ldebm.training.progress import say, warn
from ldebm.training.trainer import Trainer, accelerator_for

# Settings that say how long a run goes and where, not what it is: they may change when a run is resumed.
_FREE = {"epochs", "max_steps", "max_minutes", "patience", "save_minutes", "device"}


def train(config: Config, corpus: Corpus, out: Path, resume: bool = False) -> LDEBM:
    """Train on `corpus` and leave a run folder at `out`; returns the model that validated best.

    Args:
        resume: go on from the newest checkpoint in `out`, bit for bit on a CPU; from the start where there is none.

    Raises RunError where `out` already holds a run and `resume` is not set, or where it holds another run.
    """
    config = resolve(config, corpus)
    accelerator = accelerator_for(config.training.device)
    if accelerator.is_main_process:
        _claim(config, corpus, out, resume)
    accelerator.wait_for_everyone()
    tokenizer = Tokenizer.load(out / TOKENIZER)
    training = TokenizedCorpus.build(corpus.train, tokenizer, config.data.max_length, config.data.labels)
    validation = TokenizedCorpus.build(corpus.validation, tokenizer, config.data.max_length, config.data.labels)
    if training.cut and accelerator.is_main_process:
        warn(f"{training.cut} of {len(training)} texts are longer than {config.data.max_length} tokens and were cut")
    torch.manual_seed(config.seed)
    model = LDEBM(config, tokenizer)
    trainer = Trainer(model, training, validation, out)
    again = resume and trainer.resume()
    if accelerator.is_main_process:
        say(
            f"{'resuming' if again else 'training'} {config.preset or 'a model'} "
            f"on {len(training)} texts of {corpus.name} ({len(validation)} validate), "
            f"{len(tokenizer)} tokens, {config.model.symbols} symbols, "
            f"{str(trainer.dtype).removeprefix('torch.')} on {accelerator.device}, "
            f"{trainer.total_steps} steps, seed {config.seed}; run folder {out}"
        )
    trainer.run()
    best = trainer.averaged
    accelerator.wait_for_everyone()
    load_state(best, out / WEIGHTS)
    if accelerator.is_main_process:
        write_card(best, out, len(training), trainer.seconds)
    return best.eval()


def resolve(config: Config, corpus: Corpus) -> Config:
    """What the corpus decides: texts that are tokenised already are split at their spaces and otherwise kept as they
    are, and where labels teach the symbols there is one symbol a label, and no clustering."""
    data: dict[str, Any] = {"labels": corpus.labels, "source": config.data.source or corpus.name}
    if corpus.tokenised:
        data |= {"tokenizer": "whitespace", "lowercase": False}
    updated = config.model_copy(update={"data": config.data.model_copy(update=data)})
    if corpus.labels is None:
        return updated
    return updated.model_copy(
        update={
            "model": config.model.model_copy(update={"symbols": len(corpus.labels)}),
            "training": config.training.model_copy(update={"clustering_weight": 0.0}),
        }
    )


def _claim(config: Config, corpus: Corpus, out: Path, resume: bool) -> None:
    """Write tokenizer and configuration into a folder that is free, or that holds this very run."""
    started = (out / CONFIG).exists() or newest_checkpoint(out / "checkpoints") is not None
    if started and not resume:
        raise RunError(f"{out} already holds a run; go on with --resume, or give another folder with --out")
    if started:
        _same_run(config, config_from_yaml(out / CONFIG), out)
    elif taken := [name for name in (WEIGHTS, TOKENIZER, METRICS, CARD) if (out / name).exists()]:
        raise RunError(f"{out} is no run folder, but holds {', '.join(taken)}; give another folder with --out")
    if not started or not (out / TOKENIZER).exists():
        data = config.data
        tokenizer = Tokenizer.train(_texts(corpus.train), data.tokenizer, data.vocabulary_size, data.lowercase)
        with atomic_path(out / TOKENIZER) as path:
            tokenizer.save(path)
    # Last: what fails before leaves the folder free.
    with atomic_path(out / CONFIG) as path:
        path.write_text(config_to_yaml(config), encoding="utf-8")


def _texts(rows: datasets.Dataset) -> Iterator[str]:
    for stretch in rows.iter(batch_size=1000):
        yield from stretch["text"]


def _same_run(new: Config, old: Config, out: Path) -> None:
    """Raises RunError where a resumed run would be another one."""
    changed = []
    for section in ("data", "model", "training"):
        before, after = getattr(old, section).model_dump(), getattr(new, section).model_dump()
        changed += [f"{section}.{name}" for name in before if before[name] != after[name] and name not in _FREE]
    if new.seed != old.seed:
        changed.append("seed")
    if changed:
        raise RunError(
            f"{out} holds another run: {', '.join(changed)} differ; repeat its settings or choose another --out"
        )
