"""Reading texts: files and named corpora (`corpora`), their tokens (`tokenizer`) and batches of them (`batches`).

The names in `__all__` are imported when first used: a tokenizer does not need `datasets`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ldebm.data.batches import (
        Batch,
        EncodedCorpus,
        PointBatch,
        PointCorpus,
        TextBatch,
        TokenizedCorpus,
        bucketed,
        in_order,
    )
    from ldebm.data.corpora import Corpus, Points, load_corpus, load_points, load_texts
    from ldebm.data.dialogues import Dialogue, DialogueCorpus, Turn, load_dialogues
    from ldebm.data.tokenizer import Tokenizer

__all__ = [
    "Batch",
    "Corpus",
    "Dialogue",
    "DialogueCorpus",
    "EncodedCorpus",
    "PointBatch",
    "PointCorpus",
    "Points",
    "TextBatch",
    "TokenizedCorpus",
    "Tokenizer",
    "Turn",
    "bucketed",
    "in_order",
    "load_corpus",
    "load_dialogues",
    "load_points",
    "load_texts",
]

_HOMES = {
    "Batch": "batches",
    "Corpus": "corpora",
    "Dialogue": "dialogues",
    "DialogueCorpus": "dialogues",
    "EncodedCorpus": "batches",
    "PointBatch": "batches",
    "PointCorpus": "batches",
    "Points": "corpora",
    "TextBatch": "batches",
    "TokenizedCorpus": "batches",
    "Tokenizer": "tokenizer",
    "Turn": "dialogues",
    "bucketed": "batches",
    "in_order": "batches",
    "load_corpus": "corpora",
    "load_dialogues": "dialogues",
    "load_points": "corpora",
    "load_texts": "corpora",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"ldebm.data.{_HOMES[name]}"), name)
