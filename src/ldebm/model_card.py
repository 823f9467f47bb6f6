"""The model card that a run folder carries as its README.md."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from ldebm import metrics_log
from ldebm.dialogue_model import DialogueModel
from ldebm.files import write_atomically
from ldebm.model import LDEBM
from ldebm.point_model import PointModel
from ldebm.run_folder import CARD, METRICS


def write_card(model: LDEBM | DialogueModel | PointModel, folder: Path, examples: int, seconds: float) -> None:
    """Write `README.md`: what the model was trained on, how well it does on validation data, how to use it."""
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
    write_atomically(
        folder / CARD,
        f"""# LDEBM on {config.data.source}

A latent diffusion energy-based model (Yu et al., ICML 2022), trained with ldebm, preset `{config.preset}`,
seed {config.seed}, on {examples} {seen} in {seconds / 60:.1f} minutes
(torch {torch.__version__}, {platform.machine()}).
{config.model.symbols} symbols{names}{tokens}.

| validation | value | what it is |
|---|---|---|
{table}

```python
from ldebm import {type(model).__name__}
model = {type(model).__name__}.from_pretrained("{folder.name}")
print(model.{use})
```

The {seen} themselves are not stored here. `config.yaml` holds every setting, `metrics.jsonl` the course of training.
""",
    )


def _best_validation(path: Path) -> dict[str, Any]:
    """The validation entry with the lowest objective: that of the kept weights."""
    validations = [
        entry for entry in metrics_log.read(path) if entry["kind"] == "validation" and entry["objective"] is not None
    ]
    return min(validations, key=lambda entry: entry["objective"], default={})
