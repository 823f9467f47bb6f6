"""`train`: a corpus and a configuration in, a run folder and a model out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, overload

import datasets
import numpy as np
import pyarrow
import torch

from ldebm.data.batches import EncodedCorpus, TokenizedCorpus, TokenizedDialogues
from ldebm.data.corpora import Corpus, Points
from ldebm.data.dialogues import DialogueCorpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.dialogue_model import DialogueModel
from ldebm.errors import ConfigError, RunError
from ldebm.evaluation.calibration import temperature
from ldebm.files import atomic_path
from ldebm.model import LDEBM
from ldebm.model_card import write_card
from ldebm.objective import LatentModel
from ldebm.observation import BagDecoder, BagEncoder
from ldebm.point_model import PointModel
from ldebm.presets import Config, config_from_yaml, config_to_yaml
from ldebm.presets.config import TrainingConfig
from ldebm.run_folder import CARD, CONFIG, METRICS, TOKENIZER, WEIGHTS, load_state, write_model
from ldebm.training.board import require_tensorboard
from ldebm.training.checkpoints import newest_checkpoint
from ldebm.training.progress import say, warn
from ldebm.training.pseudo_labels import teach
from ldebm.training.trainer import Trainer, accelerator_for

# Settings that say how long a run goes and where, not what it is: they may change when a run is resumed.
_FREE = {"epochs", "max_steps", "max_minutes", "patience", "save_minutes", "device", "log"}

_WITNESSED = 100  # labels: what words say of one takes 2 MB
_TO_CALIBRATE = 50, 5_000  # labelled texts to validate with: at least, and at most

Watch = Callable[[int, LatentModel[Any]], None]


@overload
def train(
    config: Config, corpus: Corpus, out: str | Path, resume: bool = False, watch: Watch | None = None
) -> LDEBM: ...
@overload
def train(
    config: Config, corpus: DialogueCorpus, out: str | Path, resume: bool = False, watch: Watch | None = None
) -> DialogueModel: ...
@overload
def train(
    config: Config, corpus: Points, out: str | Path, resume: bool = False, watch: Watch | None = None
) -> PointModel: ...
def train(
    config: Config,
    corpus: Corpus | DialogueCorpus | Points,
    out: str | Path,
    resume: bool = False,
    watch: Watch | None = None,
) -> LDEBM | DialogueModel | PointModel:
    """Train on `corpus` and leave a run folder at `out`; returns the model that validated best.

    Args:
        resume: go on from the newest checkpoint in `out`, bit for bit on a CPU; from the start where there is none.
        watch: called with the number of steps and the averaged model after each epoch.

    Raises ConfigError where the preset is for another kind of observation, RunError where `out` already holds a run and
    `resume` is not set, or where it holds another run.
    """
    config, out = resolve(config, corpus), Path(out)
    if config.training.log == "tensorboard":
        require_tensorboard()
    accelerator = accelerator_for(config.training.device)
    if accelerator.is_main_process:
        _claim(config, corpus, out, resume)
    accelerator.wait_for_everyone()
    torch.manual_seed(config.seed)
    model: LDEBM | DialogueModel | PointModel
    training: EncodedCorpus
    validation: EncodedCorpus
    if isinstance(corpus, Points):
        model, training, validation = PointModel(config), corpus.train, corpus.validation
        seen = f"points of {corpus.name}"
    elif isinstance(corpus, DialogueCorpus):
        tokenizer = Tokenizer.load(out / TOKENIZER)
        model = DialogueModel(config, tokenizer)
        training, validation = (
            TokenizedDialogues.of_turns(turns, tokenizer, config) for turns in (corpus.train, corpus.validation)
        )
        seen = f"turns of {corpus.name}, {len(tokenizer)} tokens"
    else:
        tokenizer = Tokenizer.load(out / TOKENIZER)
        data, labels = config.data, config.data.labels
        texts = TokenizedCorpus.build(corpus.train, tokenizer, data.max_length, labels)
        if texts.cut and accelerator.is_main_process:
            warn(f"{texts.cut} of {len(texts)} texts are longer than {data.max_length} tokens and were cut")
        model, training = LDEBM(config, tokenizer), texts
        if isinstance(model.encoder, BagEncoder) and isinstance(model.decoder, BagDecoder):
            model.decoder.know_background(texts.ids)
            model.encoder.weigh(model.decoder.background_V)
        if model.words is not None:
            teach(model.words, texts)
        validation = TokenizedCorpus.build(corpus.validation, tokenizer, data.max_length, labels)
        seen = f"texts of {corpus.name}, {len(tokenizer)} tokens"
        if labels is not None:
            without = _without_label(corpus.train)
            seen += f", {len(texts) - without} with a label and {without} without"
            if len(labels) > _WITNESSED and config.training.pseudo_label_weight > 0 and accelerator.is_main_process:
                warn(
                    f"{len(labels)} labels are more than the {_WITNESSED} that words tell apart beside the latent: the "
                    "latent alone tells these"
                )
    trainer = Trainer(model, training, validation, out, watch)
    again = resume and trainer.resume()
    if accelerator.is_main_process:
        say(
            f"{'resuming' if again else 'training'} {config.preset or 'a model'} "
            f"on {len(training)} {seen} ({len(validation)} validate), {config.model.symbols} symbols, "
            f"{str(trainer.dtype).removeprefix('torch.')} on {accelerator.device}, "
            f"{trainer.total_steps} steps, seed {config.seed}; run folder {out}"
        )
        if too_short := _too_short(trainer, config.training):
            warn(too_short)
    trainer.run()
    best = trainer.averaged
    assert isinstance(best, LDEBM | DialogueModel | PointModel)
    accelerator.wait_for_everyone()
    load_state(best, out / WEIGHTS)
    if isinstance(best, LDEBM) and isinstance(corpus, Corpus) and corpus.labels is not None:
        _choose_temperature(best, corpus, corpus.labels)
        if accelerator.is_main_process:
            write_model(best, out)
    if accelerator.is_main_process:
        write_card(best, out, len(training), trainer.seconds)
    return best.eval()


def _too_short(trainer: Trainer, config: TrainingConfig) -> str:
    """What is wrong with a run whose epochs are over before its rate has warmed up; "" where steps were asked for."""
    if config.max_steps or config.rate_schedule != "warm-up" or trainer.total_steps >= config.rate_steps:
        return ""
    return (
        f"{trainer.total_steps} steps are fewer than the {config.rate_steps} of the warm-up, in which the latent "
        f"learns little: raise training.epochs to {math.ceil(config.rate_steps / trainer.steps_per_epoch)} or more"
    )


def _choose_temperature(model: LDEBM, corpus: Corpus, labels: tuple[str, ...]) -> None:
    """Choose the temperature of p(y | x) by the labels of texts to validate with, where there are enough of them."""
    label_N = corpus.validation["label"][:]
    labelled = [row for row, label in enumerate(label_N) if label in labels]
    least, most = _TO_CALIBRATE
    if len(labelled) < least:
        return
    labelled = labelled[:: -(-len(labelled) // most)]
    model.temperature.fill_(1.0)  # that of a run that has ended before
    probabilities_NK = model.symbol_probabilities(corpus.validation.select(labelled)["text"][:])
    answer_N = np.array([labels.index(label_N[row]) for row in labelled])
    model.temperature.fill_(temperature(np.log(probabilities_NK + 1e-30), answer_N))


def resolve(config: Config, corpus: Corpus | DialogueCorpus | Points) -> Config:
    """What the corpus decides.

    Texts that are tokenised already are split at their spaces and otherwise kept as they are; where labels teach the
    symbols there is one symbol a label, and words witness to a hundred of them; there is no clustering: in its place,
    where some texts have no label, stand the labels that their words give them; a synthetic density has a symbol a
    component.

    Raises ConfigError where the preset is for something else than the corpus holds.
    """
    held = "points" if isinstance(corpus, Points) else "dialogues" if isinstance(corpus, DialogueCorpus) else "texts"
    wanted = {"dialogue": "dialogues", "points": "points"}.get(config.model.observation, "texts")
    if held != wanted:
        raise ConfigError(
            f"the preset {config.preset or 'given'} is for {wanted} here and {corpus.name} holds {held}: choose "
            "best-points or paper-points for points, another size for texts, and the task dialogue for dialogues"
        )
    if held == "points" and config.training.clustering_by == "words":
        raise ConfigError("points have no words: choose another training.clustering_by than words")
    # Words witness to labels alone: it is the corpus that decides.
    config = config.model_copy(update={"model": config.model.model_copy(update={"word_evidence": False})})
    if isinstance(corpus, DialogueCorpus):
        known = _origin(config, corpus) | {"speakers": corpus.speakers}
        return config.model_copy(update={"data": config.data.model_copy(update=known)})
    if isinstance(corpus, Points):
        named = config.data.model_copy(update={"source": config.data.source or corpus.name})
        symbols = config.model.model_copy(update={"symbols": corpus.density.components})
        return config.model_copy(update={"data": named, "model": symbols})
    data = _origin(config, corpus) | {"labels": corpus.labels}
    if corpus.tokenised:
        data |= {"tokenizer": "whitespace", "lowercase": False}
    updated = config.model_copy(update={"data": config.data.model_copy(update=data)})
    if corpus.labels is None:
        return updated
    heard = config.training.pseudo_label_weight > 0 and len(corpus.labels) <= _WITNESSED
    of_labels = {"symbols": len(corpus.labels), "word_evidence": heard}
    weight = config.training.pseudo_label_weight if heard and _without_label(corpus.train) else 0.0
    return updated.model_copy(
        update={
            "model": config.model.model_copy(update=of_labels),
            "training": config.training.model_copy(update={"clustering_weight": weight}),
        }
    )


def _without_label(rows: datasets.Dataset) -> int:
    """How many of the rows have none; rows of the table that were not chosen do not count."""
    column: pyarrow.Table = rows.select_columns("label").with_format("arrow")[:]
    return int(column["label"].null_count)


def _origin(config: Config, corpus: Corpus | DialogueCorpus) -> dict[str, Any]:
    """Where the corpus comes from, as far as the configuration does not say so itself."""
    return {name: value for name, value in corpus.origin.items() if not getattr(config.data, name)}


def _claim(config: Config, corpus: Corpus | DialogueCorpus | Points, out: Path, resume: bool) -> None:
    """Write tokenizer (of texts) and configuration into a folder that is free, or that holds this very run."""
    started = (out / CONFIG).exists() or newest_checkpoint(out / "checkpoints") is not None
    if started and not resume:
        raise RunError(f"{out} already holds a run; go on with --resume, or give another folder with --out")
    if started:
        _same_run(config, config_from_yaml(out / CONFIG), out)
    elif taken := [name for name in (WEIGHTS, TOKENIZER, METRICS, CARD) if (out / name).exists()]:
        raise RunError(f"{out} is no run folder, but holds {', '.join(taken)}; give another folder with --out")
    if not isinstance(corpus, Points) and not (out / TOKENIZER).exists():
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
