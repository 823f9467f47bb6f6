"""Encoder, prior and decoder together, and the objective they are trained by (Algorithm 1), whatever is observed.

Legend: B examples, D latent dimensions, K symbols, N rows, C size of a context.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, Self, TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldebm.data.batches import Batch
from ldebm.errors import UserError
from ldebm.noise import Noise
from ldebm.observation import Decoder, Encoder
from ldebm.posterior import Posterior
from ldebm.presets.config import Config, TrainingConfig
from ldebm.prior import build_prior

WRITE_ROWS = 1024  # examples written at once: enough to fill the machine, little memory
READ_ROWS = 256

Seen = TypeVar("Seen", bound=Sized)  # what a user gives: texts, or an array of points


class Inferred(NamedTuple):
    """What a model infers of N examples, float32 each: posterior means and variances [N, D], p(y | x) [N, K]."""

    means_ND: np.ndarray
    variances_ND: np.ndarray
    symbols_NK: np.ndarray


@dataclass(frozen=True)
class Losses:
    """The objective's parts as means over the batch, in nats, and detached numbers worth logging."""

    reconstruction: Tensor
    rate: Tensor
    contrast: Tensor
    information: Tensor
    clustering: Tensor
    supervised: Tensor
    diagnostics: dict[str, Tensor]

    def total(self, weights: TrainingConfig, rate_weight: float) -> Tensor:
        """What is minimised: the negative ELBO with a weighted rate, the energy's contrast, and the symbol terms."""
        return (
            self.reconstruction
            + rate_weight * self.rate
            + weights.contrast_weight * self.contrast
            - weights.information_weight * self.information
            + weights.clustering_weight * self.clustering
            + weights.supervised_weight * self.supervised
        )

    def parts(self) -> dict[str, Tensor]:
        names = ("reconstruction", "rate", "contrast", "information", "clustering", "supervised")
        return {name: getattr(self, name) for name in names}


class LatentModel(nn.Module, abc.ABC, Generic[Seen]):
    """Encoder q(z | x), prior p(y, z) and decoder p(x | z): `LDEBM` for texts, `PointModel` for points; given a context
    each for `DialogueModel`."""

    temperature: Tensor

    def __init__(self, config: Config, encoder: Encoder[Any], decoder: Decoder[Any], context: int = 0) -> None:
        super().__init__()
        self.register_buffer("temperature", torch.ones(()))  # of p(y | x), chosen by labels of validation texts
        self.config = config
        self.card: str | None = None  # what the run says of itself, in Markdown
        self.encoder = encoder
        self.prior = build_prior(config.model, context)
        self.decoder = decoder

    def context_of(self, batch: Any) -> Tensor | None:
        """What the examples are responses to, BC; None for a model without contexts."""
        del batch
        return None

    def heard(self, batch: Any, context_BC: Tensor | None, noise: Noise) -> tuple[Any, Tensor | None]:
        """What encoder and decoder get of a batch and its contexts: all of it, but for some responses in training."""
        del noise
        return batch, context_BC

    def infer(self, batch: Any, context_BC: Tensor | None = None) -> Posterior:
        """q(z | x), or q(z | x, c)."""
        del context_BC
        return self.encoder.encode(batch)

    def log_likelihood(
        self, z_BD: Tensor, batch: Any, noise: Noise | None = None, context_BC: Tensor | None = None
    ) -> Tensor:
        """log p(x | z), or log p(x | z, c), in nats, B."""
        del context_BC
        return self.decoder.log_likelihood(z_BD, batch, noise)

    def symbol_logits(self, batch: Any, posterior: Posterior, context_BC: Tensor | None = None) -> Tensor:
        """log p(y | x) up to a constant, BK: read off the posterior mean."""
        del batch
        return self.prior.symbol_logits(posterior.mean_BD, context_BC)

    def forward(
        self, batch: Batch, noise: Noise, encoder_share: float = 1.0, pseudo_symbols_B: Tensor | None = None
    ) -> Losses:
        """Algorithm 1 for one batch: z ~ q(z|x), then reconstruction, rate, contrast and symbol terms.

        Args:
            encoder_share: weight with which the learned energy pulls the encoder.
            pseudo_symbols_B: cluster of each text, -1 for none; or shares of the symbols, BK.
        """
        context_BC = self.context_of(batch)
        heard, heard_BC = self.heard(batch, context_BC, noise)
        posterior = self.infer(heard, heard_BC)
        mean_BD = posterior.mean_BD
        z_BD = posterior.sample(noise.normal(*mean_BD.shape, device=mean_BD.device))
        log_likelihood_B = self.log_likelihood(z_BD, heard, noise, heard_BC)
        terms = self.prior.terms(z_BD, posterior, noise, encoder_share, context_BC)
        # Gradients are averaged over processes: a process with more rows than the others weighs more.
        share = len(batch) * noise.share.processes / noise.total if noise.total else 1.0
        logits = terms.logits_of_levels
        return Losses(
            reconstruction=-log_likelihood_B.mean() * share,
            rate=terms.rate_B.mean() * share,
            contrast=terms.contrast * share,
            information=terms.information,
            clustering=symbol_loss(logits, pseudo_symbols_B) * share,
            supervised=symbol_loss(logits, batch.symbols_B) * share,
            diagnostics=terms.diagnostics | {"posterior_variance": posterior.log_variance_BD.detach().exp().mean()},
        )

    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        """Precision of the large matrix products; parameters, latents and energies stay in fp32."""
        for part in (self.encoder, self.prior, self.decoder):
            part.compute_dtype = dtype

    @property
    def device(self) -> torch.device:
        return next(self.decoder.parameters()).device

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The symbols' names where labels taught them, else None."""
        return self.config.data.labels

    @property
    def has_symbols(self) -> bool:
        """Whether the prior learns what its symbols mean."""
        return self.prior.has_symbols

    def known_symbol(self, symbol: int | None) -> int | None:
        """The symbol to steer by, or none. Raises UserError where it is not of 0 to K-1, or none is learned."""
        symbols = self.config.model.symbols
        if symbol is not None and not self.has_symbols:
            raise UserError(
                "this run's prior has not learned symbols, so no symbol or label can steer it; choose a run of another"
            )
        if symbol is not None and not 0 <= symbol < symbols:
            raise UserError(f"unknown symbol {symbol}; the run's symbols are 0 to {symbols - 1}")
        return symbol

    @staticmethod
    def known_guidance(guidance: float) -> float:
        """The weight to steer by. Raises UserError where it is negative or no finite number."""
        if not (math.isfinite(guidance) and guidance >= 0):
            raise UserError(f"guidance is a weight of 0 or more, received {guidance}")
        return guidance

    def encode(self, examples: Seen) -> np.ndarray:
        """Posterior means, [N, D] float32; the same for an example whatever it is encoded with."""
        return self.posterior(examples)[0]

    def posterior(self, examples: Seen) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means and variances, [N, D] float32 each."""
        return self.inferred(examples)[:2]

    def symbol_probabilities(self, examples: Seen) -> np.ndarray:
        """p(y | x), [N, K] float32: of the posterior mean, a response's given its context too, and of the words where
        labels taught them."""
        return self.inferred(examples).symbols_NK

    @torch.no_grad()
    def inferred(self, examples: Seen) -> Inferred:
        """Posterior and symbols of every example, read once."""
        model = self.config.model
        latents, symbols = (len(examples), model.latent_size), (len(examples), model.symbols)
        found = Inferred(np.empty(latents, np.float32), np.empty(latents, np.float32), np.empty(symbols, np.float32))
        with self.evaluating(dtype=torch.float32):
            for index, batch in self.batches(examples):
                context_BC = self.context_of(batch)
                posterior = self.infer(batch, context_BC)
                symbols_BK = (self.symbol_logits(batch, posterior, context_BC) / self.temperature).softmax(-1)
                parts = posterior.mean_BD, posterior.log_variance_BD.exp(), symbols_BK
                for whole, part in zip(found, parts, strict=True):
                    whole[index] = part.cpu().numpy()
        return found

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str = "auto") -> Self:
        """Read a run folder, or a model on the hub (owner/name).

        Raises RunError where it is not one, is damaged, or holds a model of something else.
        """
        from ldebm.run_folder import read_model

        return read_model(cls, Path(folder), device)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write configuration, weights, for texts the tokenizer, and the card of a trained model into `folder`, each
        whole or not at all."""
        from ldebm.run_folder import write_model

        write_model(self, Path(folder))

    def push_to_hub(
        self, name: str, private: bool | None = None, token: str | None = None, message: str = "Upload with ldebm"
    ) -> str:
        """Upload the model to owner/name on the Hugging Face hub, which is made where it is not there; returns the
        address of the upload. Training texts are not part of it. Raises RunError where it cannot be done.

        Args:
            private: of a new one; None: as the account has it.
            token: None: that of the machine's login.
        """
        from ldebm.hub import push

        return push(self, name, private, token, message)

    @abc.abstractmethod
    def batches(self, examples: Seen) -> Iterator[tuple[np.ndarray, Batch]]:
        """Batches on the model's device, each with the rows that it holds."""

    def evaluating(self, dtype: torch.dtype | None = None) -> _Evaluating:
        """A context in evaluation mode, and in a precision where one is given."""
        return _Evaluating(self, dtype)


class _Evaluating:
    """Evaluation mode, and a precision, for the length of a `with`; afterwards everything is as it was."""

    def __init__(self, model: LatentModel, dtype: torch.dtype | None) -> None:
        self.model, self.dtype = model, dtype

    def __enter__(self) -> None:
        self.was_training, self.was_dtype = self.model.training, self.model.decoder.compute_dtype
        self.model.eval()
        if self.dtype is not None:
            self.model.set_compute_dtype(self.dtype)

    def __exit__(self, *_: object) -> None:
        self.model.train(self.was_training)
        self.model.set_compute_dtype(self.was_dtype)


def symbol_loss(logits: list[Tensor], symbol_B: Tensor | None) -> Tensor:
    """Cross-entropy of known symbols, or of shares of them BK, at level 0, and the mean of it over the other logits;
    each text counts 1 / B."""
    if symbol_B is None or bool((symbol_B < 0).all()):
        return logits[0].new_zeros(())
    first, *others = [F.cross_entropy(each_BK, symbol_B, ignore_index=-1, reduction="sum") for each_BK in logits]
    whole = first + torch.stack(others).mean() if others else first
    return whole / len(symbol_B)
