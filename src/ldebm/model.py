"""LDEBM: the model of texts, and synthesis (Algorithm 2).

Legend: B texts, D latent dimensions, K symbols, N rows of a corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ldebm.data.batches import TextBatch
from ldebm.data.labels import unknown_label
from ldebm.data.tokenizer import PAD, UNK, Tokenizer
from ldebm.errors import UserError
from ldebm.objective import READ_ROWS, WRITE_ROWS, LatentModel
from ldebm.observation import BagDecoder, BagEncoder, SequenceDecoder, SequenceEncoder, WordEvidence
from ldebm.observation.sequence import Mode
from ldebm.posterior import Posterior
from ldebm.presets.config import Config


class LDEBM(LatentModel[Sequence[str]]):
    """An interpretable generative model of texts.

    Args:
        config: sizes and kinds of the parts.
        tokenizer: how texts are cut into tokens.
    """

    encoder: SequenceEncoder | BagEncoder
    decoder: SequenceDecoder | BagDecoder

    def __init__(self, config: Config, tokenizer: Tokenizer) -> None:
        model, vocabulary = config.model, len(tokenizer)
        encoder: SequenceEncoder | BagEncoder
        decoder: SequenceDecoder | BagDecoder
        if model.observation == "bag_of_words":
            encoder = BagEncoder(model.encoder, vocabulary, model.latent_size)
            decoder = BagDecoder(vocabulary, model.latent_size)
        else:
            encoder = SequenceEncoder(model.encoder, vocabulary, model.latent_size)
            decoder = SequenceDecoder(model.decoder, vocabulary, model.latent_size, config.data.max_length)
        super().__init__(config, encoder, decoder)
        self.tokenizer = tokenizer
        self.words = WordEvidence(vocabulary, model.symbols) if model.word_evidence else None

    def symbol_logits(self, batch: TextBatch, posterior: Posterior, context_BC: Tensor | None = None) -> Tensor:
        """log p(y | x) up to a constant, BK: read off the posterior mean, and where labels taught the model off the
        words as well, two witnesses of one text."""
        read_BK = super().symbol_logits(batch, posterior, context_BC)
        return read_BK if self.words is None else read_BK + self.words(batch.tokens_BL)

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
        best_of: int = 1,
        seed: int = 0,
    ) -> list[str]:
        """Write `n` texts (Algorithm 2): latents from the prior, texts from the decoder.

        Args:
            symbol: steer towards one symbol, 0 .. K-1; `label` does the same by name.
            mode: "greedy", "sample" (with `temperature` and `top_p`) or "beam" (with `beams`).
            guidance: weight on log p(symbol | z); 1 samples from p(z | symbol).
            best_of: so many are written for each of the `n`, and kept is the one with the highest p(symbol | text), as
                `symbol_probabilities` reads it.

        Raises UserError for an unknown symbol or label, for both, for either of a prior that has learned no symbols,
        for a `best_of` below one or without either, and for a `guidance` that is negative or not finite.
        """
        chosen, guidance = self.chosen_symbol(symbol, label), self.known_guidance(guidance)
        if best_of < 1:
            raise UserError(f"the best of one text or more can be kept, received best_of={best_of}")
        if best_of > 1:
            if chosen is None:
                raise UserError(
                    f"the best of {best_of} texts is the one that is most surely of a symbol or label: name it"
                )
            several = self.generate(n * best_of, chosen, None, mode, temperature, top_p, beams, guidance, seed=seed)
            return surest(several, self.symbol_probabilities(several)[:, chosen], best_of)
        generator = torch.Generator(self.device).manual_seed(seed)
        texts: list[str] = []
        with self.evaluating():
            for rows in _chunks(n, rows_at_once(WRITE_ROWS, mode, beams)):
                steer = None if chosen is None else torch.full((rows,), chosen, device=self.device)
                z_BD = self.prior.sample(rows, steer, generator, guidance)
                texts.extend(self._write(z_BD, mode, generator, temperature, top_p, beams))
        return texts

    @torch.no_grad()
    def reconstruct(self, texts: Sequence[str], mode: Mode = "greedy", beams: int = 5) -> list[str]:
        """Each text written again from its posterior mean."""
        return self.decode(self.encode(texts), mode, beams)

    @torch.no_grad()
    def decode(self, latents_ND: np.ndarray, mode: Mode = "greedy", beams: int = 5) -> list[str]:
        """The text of each latent [N, D], as `encode` gives them. Raises UserError for another shape."""
        size = self.config.model.latent_size
        if latents_ND.ndim != 2 or latents_ND.shape[1] != size:
            raise UserError(f"latents of shape [texts, {size}] are needed, received {list(latents_ND.shape)}")
        generator = torch.Generator(self.device).manual_seed(0)
        z_ND = torch.from_numpy(latents_ND.astype(np.float32)).to(self.device)
        written: list[str] = []
        with self.evaluating():
            for z_BD in z_ND.split(rows_at_once(WRITE_ROWS, mode, beams)):
                written.extend(self._write(z_BD, mode, generator, 1.0, 1.0, beams))
        return written

    # ---- parts ----------------------------------------------------------------------------------------------------

    def _write(
        self, z_BD: Tensor, mode: Mode, generator: torch.Generator, temperature: float, top_p: float, beams: int
    ) -> list[str]:
        rows = self.decoder.decode(
            z_BD,
            mode,
            generator,
            temperature=temperature,
            top_p=top_p,
            beams=beams,
            forbidden=never_written(self.tokenizer),
        )
        return [self.tokenizer.decode(ids) for ids in rows]

    def batches(self, texts: Sequence[str]) -> Iterator[tuple[np.ndarray, TextBatch]]:
        """Batches of texts of similar length, with the rows they come from."""
        ids = self.tokenizer.encode(texts, self.config.data.max_length)
        order = np.argsort([len(row) for row in ids], kind="stable")
        for start in range(0, len(order), READ_ROWS):
            index = order[start : start + READ_ROWS]
            rows = [torch.tensor(ids[i]) for i in index]
            batch = TextBatch(
                tokens_BL=nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD),
                lengths_B=torch.tensor([len(row) for row in rows]),
                symbols_B=torch.full((len(rows),), -1),
                index_B=torch.from_numpy(index),
            )
            yield index, batch.to(self.device)

    def cut(self, texts: Sequence[str]) -> np.ndarray:
        """Which of the texts are longer than the model reads (`data.max_length`), [N] bool: their ends are lost."""
        most = self.config.data.max_length
        # One id more than the limit shows which texts are longer.
        return np.array([len(ids) > most for ids in self.tokenizer.encode(texts, most + 1)], dtype=bool)

    def chosen_symbol(self, symbol: int | None, label: str | None) -> int | None:
        """The symbol by number, or by its label's name. Raises UserError for a label that the run does not have, for a
        symbol and a label, and as `known_symbol`."""
        if label is not None:
            if symbol is not None:
                raise UserError(f"symbol {symbol} and label {label!r}: choose one of them")
            if self.labels is None:
                raise UserError(f"label {label!r}: this run was trained without labels; choose a symbol instead")
            if label not in self.labels:
                raise UserError(f"{unknown_label(label, self.labels)} Give one of these.")
            symbol = self.labels.index(label)
        return self.known_symbol(symbol)


def surest(texts: Sequence[str], sure_N: np.ndarray, best_of: int) -> list[str]:
    """Of every `best_of` texts in a row the one with the highest number."""
    sure_NW = sure_N.reshape(-1, best_of)
    return [texts[row * best_of + place] for row, place in enumerate(sure_NW.argmax(1))]


def never_written(tokenizer: Tokenizer) -> tuple[int, ...]:
    """Ids that no text should show: the unknown word, where it is a mark of ours and not of the corpus."""
    return () if tokenizer.kind == "whitespace" else (UNK,)


def rows_at_once(most: int, mode: Mode, beams: int) -> int:
    """Texts to write at once so that memory is that of `most` texts of one beam."""
    return max(1, most // beams) if mode == "beam" else most


def _chunks(total: int, most: int) -> Iterator[int]:
    for start in range(0, total, most):
        yield min(most, total - start)
