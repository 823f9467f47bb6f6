"""What a text's words say of its label: log odds over words and pairs of neighbours, a witness beside the latent.

The words of a text are no independent witnesses: each text's tf-idf weights have the same length, so that long texts
are no surer than short ones, and the verdict is tempered (`training/pseudo_labels.py` teaches it).
Legend: B texts, L tokens, M words and pairs of a text, F features (the vocabulary's words, then pairs), K labels.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldebm.data.tokenizer import UNK

_PAIRS = 2**19  # places that pairs of words share
_MULTIPLIER = 31_337


class WordEvidence(nn.Module):
    """log p(y | words of x) up to a constant; nothing before it has been taught."""

    said_FK: Tensor
    surprise_F: Tensor
    meant_K: Tensor

    def __init__(self, vocabulary: int, labels: int) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        features = vocabulary + _PAIRS
        self.register_buffer("said_FK", torch.zeros(features, labels))
        self.register_buffer("surprise_F", torch.ones(features))
        self.register_buffer("meant_K", torch.zeros(labels))

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """The log odds of each label, BK; `meant_K`, those of all texts, for a text without a known word."""
        feature_BM, weight_BM = self.weighted(tokens_BL)
        told_BK = torch.einsum("bm,bmk->bk", weight_BM, self.said_FK[feature_BM])
        return told_BK + self.meant_K

    def weighted(self, tokens_BL: Tensor) -> tuple[Tensor, Tensor]:
        """The words and pairs of each text, BM, and how much each tells: its surprise, the text's squares adding up to
        one, and 0 where there is none. A pair with a word that tells nothing tells nothing either."""
        known_BL = (tokens_BL > UNK) & (self.surprise_F[tokens_BL] > 0)
        first_BL, second_BL = tokens_BL[:, :-1], tokens_BL[:, 1:]
        pair_BL = self.vocabulary + (first_BL * _MULTIPLIER + second_BL) % _PAIRS
        feature_BM = torch.cat([tokens_BL, pair_BL], 1)
        there_BM = torch.cat([known_BL, known_BL[:, :-1] & known_BL[:, 1:]], 1)
        return feature_BM, F.normalize(self.surprise_F[feature_BM] * there_BM, dim=1)
