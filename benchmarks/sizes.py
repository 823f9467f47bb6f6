"""The sizes of the paper's PTB model, and the floating-point operations its parts need."""

from __future__ import annotations

from dataclasses import dataclass

from ldebm.presets import Config

FORWARD_AND_BACKWARD = 3  # the backward pass of a matrix product is two more: for its input and for its weight
FORWARD_AND_INPUT_GRADIENT = 2  # a chain needs no gradient of the weights


@dataclass(frozen=True)
class Sizes:
    vocabulary: int = 10_000
    embedding: int = 512
    hidden: int = 512
    latent: int = 40
    symbols: int = 20
    width: int = 200
    blocks: int = 12
    levels: int = 6
    steps: int = 50
    max_length: int = 40
    batch: int = 128

    @property
    def encoder_flops(self) -> int:
        """One token forward through both directions of the encoder's GRU."""
        return 2 * self._gru_flops(self.embedding)

    @property
    def decoder_flops(self) -> int:
        """One token forward through the decoder's GRU, which reads the latent at every step."""
        return self._gru_flops(self.embedding + self.latent)

    @property
    def softmax_flops(self) -> int:
        """One token's scores over the vocabulary."""
        return 2 * self.hidden * self.vocabulary

    @property
    def energy_flops(self) -> int:
        """One row forward through the energy, the time branch and its half of the joining layer being cached."""
        square = self.width * self.width
        return 2 * (self.latent * self.width + 2 * square + self.blocks * square + self.width * self.symbols)

    @property
    def langevin_flops(self) -> int:
        """One row, one step: the energy forward and its gradient for the latent."""
        return FORWARD_AND_INPUT_GRADIENT * self.energy_flops

    def _gru_flops(self, inputs: int) -> int:
        return 2 * 3 * self.hidden * (inputs + self.hidden)

    def chain_flops(self, rows: int) -> int:
        return rows * self.steps * self.langevin_flops

    def step_flops(self, tokens: float, rows: int, chain_rows: int) -> dict[str, float]:
        """One training step over `rows` texts of `tokens` tokens in all, BOS (never predicted) and EOS counted."""
        predicted = tokens - rows
        return {
            "encoder": FORWARD_AND_BACKWARD * self.encoder_flops * tokens,
            "decoder": FORWARD_AND_BACKWARD * self.decoder_flops * predicted,
            "softmax": FORWARD_AND_BACKWARD * self.softmax_flops * predicted,
            "langevin": self.chain_flops(chain_rows),
        }

    def generation_flops(self, texts: int, tokens: float) -> dict[str, float]:
        """Drawing `texts` latents through all levels and writing `tokens` tokens in all."""
        return {
            "langevin": self.levels * self.chain_flops(texts),
            "decoder": self.decoder_flops * tokens,
            "softmax": self.softmax_flops * tokens,
        }

    def sequence_products(self, tokens: int) -> list[tuple[int, int, int]]:
        """Matrix products (rows, inputs, outputs) of encoder, decoder and softmax over `tokens` tokens in a batch."""
        gates = 3 * self.hidden
        return [
            (tokens, self.embedding, gates),
            (tokens, self.embedding + self.latent, gates),
            (self.batch, self.hidden, gates),
            (tokens, self.hidden, self.vocabulary),
        ]

    def generation_products(self, texts: int) -> list[tuple[int, int, int]]:
        """Matrix products of one token of every text."""
        return [(texts, self.embedding + self.latent, 3 * self.hidden), (texts, self.hidden, self.vocabulary)]

    def chain_products(self, rows: int) -> list[tuple[int, int, int]]:
        """The matrix product nearly all of a chain consists of."""
        return [(rows, self.width, self.width)]


def sizes_of(config: Config, vocabulary: int) -> Sizes:
    """The sizes of a model that `config` describes."""
    model = config.model
    return Sizes(
        vocabulary=vocabulary,
        embedding=model.encoder.embedding_size,
        hidden=model.encoder.hidden_size,
        latent=model.latent_size,
        symbols=model.symbols,
        width=model.prior.width,
        blocks=model.prior.blocks,
        levels=model.prior.levels,
        steps=model.prior.steps,
        max_length=config.data.max_length,
        batch=config.training.batch_size,
    )
