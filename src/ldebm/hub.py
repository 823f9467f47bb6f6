"""Models on the Hugging Face hub: a run folder's model there and back."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ldebm.errors import RunError, shorten
from ldebm.presets import config_to_yaml

if TYPE_CHECKING:
    from ldebm.objective import LatentModel

_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*")


def is_model_name(folder: Path) -> bool:
    """Whether what is no folder here can be a model on the hub, owner/name. Not below runs/, where runs lie, nor where
    there is a folder of the owner's name: then it is a mistyped run folder, which is nobody else's business."""
    mistyped = folder.parent.name == "runs" or folder.parent.exists()
    return bool(_NAME.fullmatch(folder.as_posix())) and not mistyped


def fetch(name: str) -> Path:
    """The folder, in the hub's own cache, that holds the model. Raises RunError where it cannot be had."""
    import huggingface_hub

    from ldebm.run_folder import CARD, CONFIG, TOKENIZER, WEIGHTS

    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS, TOKENIZER, CARD]))
    # The hub fails in as many ways as networks do; to the user they are one.
    except Exception as error:
        raise RunError(
            f"{name} is not a folder here, and as a model on the hub it cannot be had ({shorten(error, 120)}); give "
            "the run folder that `ldebm train --out` wrote, or check the name and the network"
        ) from None


def push(model: LatentModel[Any], name: str, private: bool | None, token: str | None, message: str) -> str:
    """Upload what `save_pretrained` writes; returns the address. Raises RunError where it cannot be done."""
    import huggingface_hub

    api = huggingface_hub.HfApi(token=token)
    with tempfile.TemporaryDirectory() as folder:
        _save(model, Path(folder), name)
        try:
            name = api.create_repo(name, private=private, exist_ok=True).repo_id
            done = api.upload_folder(repo_id=name, folder_path=folder, commit_message=message)
        except Exception as error:
            raise RunError(
                f"the model could not be uploaded to {name} ({shorten(error, 120)}); check the name and the network, "
                "and log in with `hf auth login` or give a token"
            ) from None
    return str(done)


def _save(model: LatentModel[Any], folder: Path, name: str) -> None:
    """As `save_pretrained`, for others: the card reads it from the hub, and nothing tells where files lie here."""
    from ldebm.run_folder import CARD, CONFIG

    model.save_pretrained(folder)
    source = model.config.data.source
    named = model.config.data.model_copy(update={"source": Path(source).name})
    (folder / CONFIG).write_text(config_to_yaml(model.config.model_copy(update={"data": named})), "utf-8")
    if model.card is not None:
        card = re.sub(r'from_pretrained\(".*"\)', f'from_pretrained("{name}")', model.card)
        (folder / CARD).write_text(card.replace(source, named.source) if source else card, "utf-8")
