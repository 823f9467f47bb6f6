"""The model card that a run folder carries as its README.md, and the hub shows as the model's page."""

from __future__ import annotations

import platform
import shlex
from pathlib import Path
from typing import Any

import torch

from ldebm import __version__, metrics_log
from ldebm.dialogue_model import DialogueModel
from ldebm.files import write_atomically
from ldebm.model import LDEBM
from ldebm.point_model import PointModel
from ldebm.presets import Config, settings_beside_preset
from ldebm.run_folder import CARD, METRICS

_FLAGS = {"data.text": "--text", "data.label": "--label", "data.split": "--split", "seed": "--seed"}
_FOUND = ("data.source", "data.labels", "data.speakers", "model.word_evidence")  # what the corpus says, not the user
_OF_LABELS = ("model.symbols", "training.clustering_weight")  # what labels decide
_LIMITS = {
    "texts": "It knows the words and the kinds of text it was trained on and nothing else; what it writes may be "
    "wrong, and may repeat phrases of its training texts. Its symbols are what a training found: another seed finds "
    "somewhat others. Measure it on texts of your own (`ldebm evaluate`) before you rely on it.",
    "turns": "It answers as the speakers of its training dialogues did, and knows nothing else; what it says may be "
    "wrong. Measure it on dialogues of your own (`ldebm evaluate`) before you rely on it.",
    "points": "It is a model of a synthetic density, to compare methods with.",
}


def write_card(model: LDEBM | DialogueModel | PointModel, folder: Path, examples: int, seconds: float) -> None:
    """Write `README.md` and keep it as `model.card`: what the model was trained on and how, how well it does on
    validation data, how to use it and what not to expect."""
    found = _best_validation(folder / METRICS)
    config = model.config
    rows = [
        ("reconstruction", "nats each, from a sample of the posterior", found.get("reconstruction")),
        ("rate_to_reference", "nats each, KL(q(z|x) || the prior's Gaussian)", found.get("rate_to_reference")),
        (
            "gain_low",
            "nats each that the energy saves over that Gaussian, from below in expectation",
            found.get("gain_low"),
        ),
        ("bleu", "BLEU of 500 greedy reconstructions from the posterior mean", found.get("bleu")),
        ("squared_error", "mean squared distance of a point to its reconstruction", found.get("squared_error")),
        ("mutual_information", "I(z; y) in nats", found.get("mutual_information")),
        ("active_units", f"of {config.model.latent_size} latent dimensions", found.get("active_units")),
        ("accuracy", "share of validation texts whose label is found", found.get("accuracy")),
    ]
    table = "\n".join(f"| {name} | {value:.3f} | {what} |" for name, what, value in rows if value is not None)
    names = "" if model.labels is None else f": {', '.join(model.labels)}"
    seen, tokens, use = "points", "", "sample_latents(5)"
    if isinstance(model, LDEBM):
        seen, tokens, use = "texts", f"; {len(model.tokenizer)} tokens", "generate(5)"
    if isinstance(model, DialogueModel):
        speaker = config.data.speakers[0]
        seen, tokens, use = "turns", f"; {len(model.tokenizer)} tokens", f"respond([[]], [{speaker!r}])"
    model.card = f"""---
library_name: ldebm
tags: [ldebm, energy-based-model, latent-diffusion, text-generation]
---

# LDEBM on {config.data.source or "texts given in memory"}

A latent diffusion energy-based model (Yu et al., ICML 2022), trained from scratch with ldebm {__version__}, preset
`{config.preset}`, seed {config.seed}, on {examples} {seen} in {seconds / 60:.1f} minutes
(torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}).
{config.model.symbols} symbols{names}{tokens}.

| validation | value | what it is |
|---|---|---|
{table}

```python
from ldebm import {type(model).__name__}
model = {type(model).__name__}.from_pretrained("{folder.as_posix()}")
print(model.{use})
```

{_how_made(config)}The {seen} themselves are not stored here. `config.yaml` holds every setting.

{_LIMITS[seen]}
"""
    write_atomically(folder / CARD, model.card)


def _how_made(config: Config) -> str:
    """The command that trains this model again; nothing where it is of no preset, or of texts in memory."""
    if not config.preset or not config.data.source:
        return ""
    words = ["ldebm", "train", config.data.source, "--preset", config.preset]
    if config.model.observation == "dialogue":
        words += ["--task", "dialogue"]
    for setting in settings_beside_preset(config):
        name, _, value = setting.partition("=")
        if name in _FOUND or (name in _OF_LABELS and config.data.labels is not None):
            continue
        words += [_FLAGS[name], value] if name in _FLAGS else ["--set", setting]
    return f"Made by:\n\n```\n{shlex.join(words)}\n```\n\n"


def _best_validation(path: Path) -> dict[str, Any]:
    """The validation entry with the lowest objective: that of the kept weights."""
    validations = [
        entry for entry in metrics_log.read(path) if entry["kind"] == "validation" and entry["objective"] is not None
    ]
    return min(validations, key=lambda entry: entry["objective"], default={})
