"""Data sets of the Hugging Face hub, through `datasets.load_dataset`."""

import re
from collections.abc import Mapping
from typing import Any

import datasets

from ldebm.data.lines import place
from ldebm.data.splits import PARTS
from ldebm.data.tables import as_string, as_text, choose_roles, quiet
from ldebm.errors import DataError, shorten

# "name" or "owner/name", and no file extension: "reviews.cvs" is a mistyped file. A version (owner/name-v1.0) is fine.
_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)?")
_EXTENSION = re.compile(r".*\.[A-Za-z]\w*")


def is_hub_name(source: str) -> bool:
    """Whether `source`, which names no file, can be the name of a data set on the hub."""
    return bool(_NAME.fullmatch(source)) and not _EXTENSION.fullmatch(source)


def load_hub(source: str, text: str | None, label: str | None) -> dict[str, datasets.Dataset]:
    """The parts (train, validation, test) of a hub data set, with columns `text` and `label` (None unless asked for).

    Class numbers become class names. Raises DataError where the data set cannot be had or has no such columns.
    """
    with quiet():
        try:
            found = datasets.load_dataset(source)
        # The hub fails in as many ways as networks and loading scripts do; to the user they are one.
        except Exception as error:
            raise DataError(
                f"'{source}' is no file here and no corpus of ldebm, and as a hub data set it cannot be loaded"
                f" ({shorten(error, 120)}). Check the name and the network, or give a file."
            ) from None
        parts = {PARTS[name.lower()]: split for name, split in found.items() if name.lower() in PARTS}
        if "train" not in parts:
            raise DataError(
                f"{source} has no split named train, only: {', '.join(found)}. Export the one you want to a file."
            )
        return {part: _as_table(split, f"{source} ({part})", text, label) for part, split in parts.items()}


def _as_table(split: datasets.Dataset, source: str, text: str | None, label: str | None) -> datasets.Dataset:
    roles = choose_roles(split.column_names, source, text, label, None)
    text_column, label_column = roles["text"] or "text", roles["label"]
    kind = split.features.get(label_column)

    def to_strings(record: Mapping[str, Any], row: int) -> dict[str, str | None]:
        value = None if label_column is None else record[label_column]
        if isinstance(kind, datasets.ClassLabel):
            value = None if value is None or value < 0 else kind.int2str(value)  # -1: the class is not given
        text = as_text(record[text_column], place(source, row + 1, unit="row"), text_column)
        return {"text": text, "label": as_string(value)}

    columns = [column for column in (text_column, label_column) if column is not None]
    return split.select_columns(columns).map(
        to_strings,
        with_indices=True,
        remove_columns=columns,
        features=datasets.Features({role: datasets.Value("string") for role in roles}),
    )
