"""LDEBM: encoder, prior and decoder; the objective (Algorithm 1) and synthesis (Algorithm 2).

Legend: B texts, D latent dimensions, K symbols, N rows of a corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldebm.data.batches import Batch
from ldebm.data.tokenizer import PAD, UNK, Tokenizer
from ldebm.errors import UserError
from ldebm.noise import Noise
from ldebm.observation import SequenceDecoder, SequenceEncoder, fastest_dtype
from ldebm.observation.sequence import Mode
from ldebm.presets.config import Config, TrainingConfig
from ldebm.prior import build_prior

_WRITE_ROWS = 1024  # texts written at once: enough to fill the machine, little memory
_READ_ROWS = 256


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


class LDEBM(nn.Module):
    """An interpretable generative model of texts.

    Args:
        config: sizes and kinds of the parts.
        tokenizer: how texts are cut into tokens.
    """

    def __init__(self, config: Config, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.config, self.tokenizer = config, tokenizer
        model, vocabulary = config.model, len(tokenizer)
        self.encoder = SequenceEncoder(model.encoder, vocabulary, model.latent_size)
        self.prior = build_prior(model)
        self.decoder = SequenceDecoder(model.decoder, vocabulary, model.latent_size, config.data.max_length)

    # ---- training -------------------------------------------------------------------------------------------------

    def forward(
        self, batch: Batch, noise: Noise, encoder_share: float = 1.0, pseudo_symbols_B: Tensor | None = None
    ) -> Losses:
        """Algorithm 1 for one batch: z ~ q(z|x), then reconstruction, rate, contrast and symbol terms.

        Args:
            encoder_share: weight with which the learned energy pulls the encoder.
            pseudo_symbols_B: cluster of each text (geometric clustering), -1 for none.
        """
        posterior = self.encoder.encode(batch)
        mean_BD = posterior.mean_BD
        z_BD = posterior.sample(noise.normal(*mean_BD.shape, device=mean_BD.device))
        log_likelihood_B = self.decoder.log_likelihood(z_BD, batch, noise)
        terms = self.prior.terms(z_BD, posterior, noise, encoder_share)
        # Gradients are averaged over processes: a process with more rows than the others weighs more.
        share = len(batch) * noise.share.processes / noise.total if noise.total else 1.0
        # Where a symbol steers every level, every level's heads learn what the symbols mean.
        logits = [terms.symbol_logits_BK]
        if terms.diffused_logits_NK is not None:
            logits.extend(terms.diffused_logits_NK.split(len(batch)))
        return Losses(
            reconstruction=-log_likelihood_B.mean() * share,
            rate=terms.rate_B.mean() * share,
            contrast=terms.contrast * share,
            information=terms.information,
            clustering=_symbol_loss(logits, pseudo_symbols_B) * share,
            supervised=_symbol_loss(logits, batch.symbols_B) * share,
            diagnostics=terms.diagnostics | {"posterior_variance": posterior.log_variance_BD.detach().exp().mean()},
        )

    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        """Precision of the large matrix products; parameters, latents and energies stay in fp32."""
        for part in (self.encoder, self.prior, self.decoder):
            part.compute_dtype = dtype

    @property
    def device(self) -> torch.device:
        return self.decoder.embedding.weight.device

    @property
    def labels(self) -> tuple[str, ...] | None:
        """The symbols' names where labels taught them, else None."""
        return self.config.data.labels

    # ---- synthesis ------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def generate(
        self,
        n: int,
        symbol: int | None = None,
        label: str | None = None,
        mode: Mode = "greedy",
        temperature: float = 1.0,
        top_p: float = 1.0,
        beams: int = 5,
        guidance: float = 1.0,
        seed: int = 0,
    ) -> list[str]:
        """Write `n` texts (Algorithm 2): latents from the prior, texts from the decoder.

        Args:
            symbol: steer towards one symbol, 0 .. K-1; `label` does the same by name.
            mode: "greedy", "sample" (with `temperature` and `top_p`) or "beam" (with `beams`).
            guidance: weight on log p(symbol | z); 1 samples from p(z | symbol).

        Raises UserError for an unknown symbol or label.
        """
        chosen = self._symbol(symbol, label)
        generator = torch.Generator(self.device).manual_seed(seed)
        texts: list[str] = []
        with self._evaluating():
            for rows in _chunks(n, _rows_at_once(mode, beams)):
                steer = None if chosen is None else torch.full((rows,), chosen, device=self.device)
                z_BD = self.prior.sample(rows, steer, generator, guidance)
                texts.extend(self._write(z_BD, mode, generator, temperature, top_p, beams))
        return texts

    @torch.no_grad()
    def reconstruct(self, texts: Sequence[str], mode: Mode = "greedy", beams: int = 5) -> list[str]:
        """Each text written again from its posterior mean."""
        generator = torch.Generator(self.device).manual_seed(0)
        z_ND = torch.from_numpy(self.encode(texts)).to(self.device)
        written: list[str] = []
        with self._evaluating():
            for z_BD in z_ND.split(_rows_at_once(mode, beams)):
                written.extend(self._write(z_BD, mode, generator, 1.0, 1.0, beams))
        return written

    # ---- reading --------------------------------------------------------------------------------------------------

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Posterior means, [N, D] float32; the same for a text whatever it is encoded with."""
        return self.posterior(texts)[0]

    @torch.no_grad()
    def posterior(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means and variances, [N, D] float32 each."""
        means_ND = np.empty((len(texts), self.config.model.latent_size), np.float32)
        variances_ND = np.empty_like(means_ND)
        with self._evaluating(dtype=torch.float32):
            for index, batch in self._batches(texts):
                posterior = self.encoder.encode(batch)
                means_ND[index] = posterior.mean_BD.cpu().numpy()
                variances_ND[index] = posterior.log_variance_BD.exp().cpu().numpy()
        return means_ND, variances_ND

    @torch.no_grad()
    def symbol_probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """p(y | posterior mean), [N, K] float32."""
        z_ND = torch.from_numpy(self.encode(texts)).to(self.device)
        with self._evaluating():
            found = [self.prior.symbol_logits(z_BD).softmax(-1).cpu().numpy() for z_BD in z_ND.split(_WRITE_ROWS)]
        return np.concatenate(found) if found else np.empty((0, self.config.model.symbols), np.float32)

    # ---- folders --------------------------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str = "auto") -> LDEBM:
        """Read a run folder. Raises RunError where it is not one, or is damaged."""
        from ldebm.run_folder import read_model

        return read_model(Path(folder), device)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.yaml`, `model.safetensors` and `tokenizer.json` into `folder`, each whole or not at all."""
        from ldebm.run_folder import write_model

        write_model(self, Path(folder))

    # ---- parts ----------------------------------------------------------------------------------------------------

    def _write(
        self, z_BD: Tensor, mode: Mode, generator: torch.Generator, temperature: float, top_p: float, beams: int
    ) -> list[str]:
        # Where the unknown word is a mark of ours and not of the corpus, no text should show it.
        forbidden = () if self.tokenizer.kind == "whitespace" else (UNK,)
        rows = self.decoder.decode(
            z_BD, mode, generator, temperature=temperature, top_p=top_p, beams=beams, forbidden=forbidden
        )
        return [self.tokenizer.decode(ids) for ids in rows]

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[np.ndarray, Batch]]:
        """Batches of texts of similar length, with the rows they come from."""
        ids = self.tokenizer.encode(texts, self.config.data.max_length)
        order = np.argsort([len(row) for row in ids], kind="stable")
        for start in range(0, len(order), _READ_ROWS):
            index = order[start : start + _READ_ROWS]
            rows = [torch.tensor(ids[i]) for i in index]
            batch = Batch(
                tokens_BL=nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD),
                lengths_B=torch.tensor([len(row) for row in rows]),
                symbols_B=torch.full((len(rows),), -1),
                index_B=torch.from_numpy(index),
            )
            yield index, batch.to(self.device)

    def _symbol(self, symbol: int | None, label: str | None) -> int | None:
        if label is not None:
            if self.labels is None:
                raise UserError(f"label {label!r}: this run was trained without labels; choose a symbol instead")
            if label not in self.labels:
                raise UserError(f"unknown label {label!r}; the run's labels are {', '.join(self.labels)}")
            return self.labels.index(label)
        symbols = self.config.model.symbols
        if symbol is not None and not 0 <= symbol < symbols:
            raise UserError(f"unknown symbol {symbol}; the run's symbols are 0 to {symbols - 1}")
        return symbol

    def _evaluating(self, dtype: torch.dtype | None = None) -> _Evaluating:
        return _Evaluating(self, dtype)


class _Evaluating:
    """Evaluation mode, and a precision, for the length of a `with`; afterwards everything is as it was."""

    def __init__(self, model: LDEBM, dtype: torch.dtype | None) -> None:
        self.model, self.dtype = model, dtype

    def __enter__(self) -> None:
        self.was_training, self.was_dtype = self.model.training, self.model.decoder.compute_dtype
        self.model.eval()
        if self.dtype is not None:
            self.model.set_compute_dtype(self.dtype)

    def __exit__(self, *_: object) -> None:
        self.model.train(self.was_training)
        self.model.set_compute_dtype(self.was_dtype)


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The precision of matrix products: what is asked for, or for "auto" what the device multiplies fastest."""
    if precision == "auto":
        return fastest_dtype(device)
    return torch.bfloat16 if precision == "bf16" else torch.float32


def choose_device(name: str) -> torch.device:
    """`auto` takes a GPU where there is one. Raises UserError for a device that is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {name!r} is not available here: {str(error).splitlines()[0]}") from None
    return device


def _symbol_loss(logits: list[Tensor], symbol_B: Tensor | None) -> Tensor:
    """Cross-entropy of known symbols at level 0, and the mean of it over the other logits; each text counts 1 / B."""
    if symbol_B is None or bool((symbol_B < 0).all()):
        return logits[0].new_zeros(())
    first, *others = [F.cross_entropy(each_BK, symbol_B, ignore_index=-1, reduction="sum") for each_BK in logits]
    whole = first + torch.stack(others).mean() if others else first
    return whole / len(symbol_B)


def _rows_at_once(mode: Mode, beams: int) -> int:
    return max(1, _WRITE_ROWS // beams) if mode == "beam" else _WRITE_ROWS


def _chunks(total: int, most: int) -> Iterator[int]:
    for start in range(0, total, most):
        yield min(most, total - start)
