"""Texts as bags of words, whose order says nothing: a few layers to the latent, and a log-linear decoder over a
background (paper B.2, AG News column; VAMPIRE, arXiv 1906.02242).

Legend: B texts, L tokens, V vocabulary, W the words in it (without marks), D latent dimensions.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldebm.data.batches import TextBatch
from ldebm.data.tokenizer import UNK
from ldebm.errors import UserError
from ldebm.noise import Noise
from ldebm.observation.base import Decoder, Encoder
from ldebm.observation.decoding import sampled
from ldebm.observation.heads import posterior_of
from ldebm.observation.mean_norm import MeanNorm
from ldebm.posterior import Posterior
from ldebm.presets.config import EncoderConfig

WRITTEN = 10  # words that stand for a latent
_SCALE = 0.1  # of embeddings and of what a latent says, at the start
_LENGTH = 3.0  # of a text's weights
_NEVER = -30.0  # log frequency of marks and of the unknown word


class BagEncoder(Encoder[TextBatch]):
    """q(z | x): the sum of the words' embeddings, weighted by their surprise, hidden layers, two linear heads.

    With `word_dropout` that share of a text's words is hidden from it in training; `normalise_means` and `bound` as for
    sequences.
    """

    surprise_V: Tensor

    def __init__(self, config: EncoderConfig, vocabulary: int, latent_size: int) -> None:
        super().__init__()
        self.embedding = nn.EmbeddingBag(vocabulary, config.embedding_size, mode="sum", include_last_offset=True)
        nn.init.normal_(self.embedding.weight, std=_SCALE)
        self.word_dropout = config.word_dropout
        self.register_buffer("surprise_V", torch.ones(vocabulary))
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.embedding_size, config.hidden_size),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.mean = nn.Linear(config.hidden_size, latent_size, bias=not config.normalise_means)
        self.log_variance = nn.Linear(config.hidden_size, latent_size)
        self.norm, self.bound = MeanNorm(latent_size) if config.normalise_means else None, config.bound

    def weigh(self, log_frequency_V: Tensor) -> None:
        """Let rare words count for more than common ones."""
        self.surprise_V.copy_(-log_frequency_V)

    def encode(self, batch: TextBatch) -> Posterior:
        """The posterior of each text; the same for any order of its words."""
        word_BL = batch.tokens_BL > UNK
        if self.training and self.word_dropout:
            word_BL = word_BL & (torch.rand(word_BL.shape, device=word_BL.device) >= self.word_dropout)
        ends = F.pad(word_BL.sum(1).cumsum(0), (1, 0))
        weight_BL = _LENGTH * F.normalize(self.surprise_V[batch.tokens_BL] * word_BL, dim=1)
        features = self.layers(self.embedding(batch.tokens_BL[word_BL], ends, per_sample_weights=weight_BL[word_BL]))
        return posterior_of(self.mean(features), self.log_variance(features), self.norm, self.bound)


class BagDecoder(Decoder[TextBatch]):
    """p(x | z): every word drawn alone, log p(w | z) = background(w) + z . b(w), less the logarithm of the sum."""

    background_V: Tensor

    def __init__(self, vocabulary: int, latent_size: int) -> None:
        super().__init__()
        self.register_buffer("background_V", torch.full((vocabulary,), _NEVER))
        self.weight_VD = nn.Parameter(_SCALE * torch.randn(vocabulary, latent_size) / latent_size**0.5)

    def know_background(self, ids: np.ndarray) -> None:
        """Take the frequencies of words in a corpus' `ids` for the background; marks and unknown words are none."""
        counts_V = np.bincount(ids, minlength=len(self.background_V)).astype(np.float64) + 0.1
        log_V = np.log(counts_V / counts_V[UNK + 1 :].sum())
        log_V[: UNK + 1] = _NEVER
        self.background_V.copy_(torch.from_numpy(log_V))

    def log_likelihood(self, z_BD: Tensor, batch: TextBatch, noise: Noise | None = None) -> Tensor:
        """log p(x | z) of each text's words in their order, in nats, B; without unknown words."""
        del noise
        logits_BV = self._logits(z_BD)
        word_BL = batch.tokens_BL > UNK
        chosen_BL = logits_BV.gather(1, batch.tokens_BL).float()
        return (chosen_BL * word_BL).sum(1) - word_BL.sum(1) * logits_BV.float().logsumexp(1)

    @torch.no_grad()
    def decode(
        self,
        z_BD: Tensor,
        mode: Literal["greedy", "sample", "beam"] = "greedy",
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        **_: object,
    ) -> list[list[int]]:
        """Ten words a latent (all, where there are fewer): those of which it says most more than the corpus does,
        p log(p / background), or, with the mode "sample", random ones. Raises UserError for the mode "beam"."""
        if mode == "beam":
            raise UserError("a bag of words has no order to search; write with the mode greedy or sample")
        log_p_BV = self._logits(z_BD).float().log_softmax(1)
        if mode == "sample":
            choose = sampled(generator, temperature, top_p)
            words_BV = log_p_BV[:, UNK + 1 :]  # never a mark
            return (torch.stack([choose(words_BV) for _ in range(WRITTEN)], 1) + UNK + 1).tolist()
        said_BW = (log_p_BV.exp() * (log_p_BV - self.background_V))[:, UNK + 1 :]
        return (said_BW.topk(min(WRITTEN, said_BW.shape[1]), dim=1).indices + UNK + 1).tolist()

    def _logits(self, z_BD: Tensor) -> Tensor:
        dtype = self.compute_dtype
        return torch.addmm(self.background_V.to(dtype), z_BD.to(dtype), self.weight_VD.to(dtype).T)
