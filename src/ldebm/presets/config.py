"""The typed configuration of a run. A field's comment says what it is and its unit; the presets say which values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Share = Annotated[float, Field(ge=0.0, lt=1.0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataConfig(_Section):
    """Where the texts come from and how they are cut into tokens."""

    source: str = ""  # a path, a named corpus or a hub name; filled in by `train`
    text: str | None = None  # column of the text
    label: str | None = None  # column of the label; rows without one are unlabelled
    split: str | None = None  # column that names the split
    labels: tuple[str, ...] | None = None  # names of the symbols where labels teach them; filled in by `train`
    speakers: tuple[str, ...] = ()  # of dialogues; filled in by `train`
    validation_share: float = Field(0.1, gt=0.0, lt=1.0)
    max_length: int = Field(40, ge=3)  # tokens, begin and end marks counted; longer texts are cut
    vocabulary_size: int = Field(10_000, ge=5)  # ids without padding
    tokenizer: Literal["whitespace", "word", "bpe"] = "word"
    lowercase: bool = True


class EncoderConfig(_Section):
    """Bidirectional GRU to a diagonal Gaussian posterior (paper B.2)."""

    embedding_size: PositiveInt = 512
    hidden_size: PositiveInt = 512  # a direction
    dropout: Share = 0.0  # on the embeddings
    word_dropout: Share = 0.0  # share of words that are blanks to the encoder in training, as in completion
    pooling: bool = False  # mean and maximum over the text, and its length, beside the last states (methods 3.2)
    normalise_means: bool = False  # batch-normalised posterior means and variances below one (methods 3.2, BN-VAE)
    bound: float = Field(0.0, ge=0.0)  # of means that are not normalised: they lie within +- it; 0: none

    @model_validator(mode="after")
    def _means_have_one_scale(self) -> EncoderConfig:
        if self.normalise_means and self.bound:
            raise ValueError(f"normalised means need no bound, received {self.bound:g}: set model.encoder.bound=0")
        return self


class DecoderConfig(_Section):
    """GRU with the latent at every step and the output tied to the embedding (paper B.2)."""

    hidden_size: PositiveInt = 512  # also the size of the tied embedding
    dropout: Share = 0.0  # on the inputs and on the outputs
    word_dropout: Share = 0.0  # share of input words hidden from the decoder in training
    latent_to_output: bool = False  # the latent also enters the softmax directly


class ContextConfig(_Section):
    """What a response answers: previous turns, read by a GRU over words and one over turns (after paper B.2)."""

    turns: PositiveInt = 5  # previous ones, at most
    embedding_size: PositiveInt = 200
    hidden_size: int = Field(512, ge=2, multiple_of=2)  # also the size of the context
    dropout: Share = 0.3  # on the embeddings
    alone: Share = 0.0  # share of responses that encoder and decoder get without it in training; the prior has it


class PointsConfig(_Section):
    """Layers between points of the plane and latents (paper B.2, synthetic column)."""

    width: PositiveInt = 200
    layers: PositiveInt = 2  # hidden ones, in encoder and decoder each
    scale: PositiveFloat = 1.0  # points are divided by it on the way in and multiplied on the way out
    variance: PositiveFloat = 0.01  # of the Gaussian likelihood, in the points' own units squared
    normalise_means: bool = False  # as for texts


class PriorConfig(_Section):
    """The prior over symbol and latent: `gaussian`, `symbol_vector` (SVEBM), `diffusion` (LDEBM); to compare with,
    `denoising`, a diffusion network without an energy, and `mixture`, a Gaussian a symbol."""

    kind: Literal["gaussian", "symbol_vector", "diffusion", "denoising", "mixture"] = "diffusion"
    width: PositiveInt = 200  # of the energy network
    blocks: PositiveInt = 12  # residual blocks of the diffusion energy
    steps: PositiveInt = 50  # Langevin steps a level, of the diffusion prior
    step_size: PositiveFloat = 2e-3  # recovery: delta of A.3; gaussian: share of the level's variance
    short_run_steps: PositiveInt = 40  # Langevin steps of the symbol-vector prior
    short_run_step_size: PositiveFloat = 0.5  # s of A.3
    denoising_layers: PositiveInt = 3
    denoising_steps: PositiveInt = 200  # from noise to latent
    levels: int = Field(6, ge=2, le=500)  # T; the published schedule is cut from a thousand
    reference: Literal["recovery", "gaussian"] = (
        "recovery"  # as published, or a tilt of the Gaussian chain (methods 2.4)
    )
    free_bits: float = Field(0.0, ge=0.0)  # nats a dimension below which the published rate stops acting
    adjust: bool = False  # Metropolis-adjusted chains: they sample the density itself, in training and in use
    energy_penalty: float = Field(0.0, ge=0.0)  # on F^2 of positives and negatives
    condition: Literal["last", "all"] = "last"  # the levels at which a symbol conditions the chain


class ModelConfig(_Section):
    """The three parts of the model."""

    latent_size: PositiveInt = 40
    symbols: int = Field(20, ge=2)
    observation: Literal["sequence", "bag_of_words", "dialogue", "points"] = "sequence"
    encoder: EncoderConfig = EncoderConfig()  # of texts
    decoder: DecoderConfig = DecoderConfig()  # of texts
    context: ContextConfig = ContextConfig()  # of dialogues
    points: PointsConfig = PointsConfig()
    prior: PriorConfig = PriorConfig()
    word_evidence: bool = False  # words are a second witness of the label; filled in by `train` where labels teach


class TrainingConfig(_Section):
    """The objective's weights, the optimiser and the run's length."""

    epochs: PositiveInt = 60
    max_steps: int = Field(0, ge=0)  # 0: no limit
    max_minutes: float = Field(0.0, ge=0.0)  # of training in all; 0: no limit
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 1e-3  # encoder and decoder
    energy_learning_rate: PositiveFloat = 1e-4
    learning_rate_schedule: Literal["constant", "cosine"] = "constant"
    warm_up_steps: int = Field(0, ge=0)  # of the learning rates
    clip: PositiveFloat = 0.5  # norm of the gradient of encoder and decoder
    energy_clip: PositiveFloat = 10.0
    energy_weight_decay: float = Field(0.0, ge=0.0)
    rate_weight: float = Field(0.1, ge=0.0)  # beta
    free_nats: float = Field(0.0, ge=0.0)  # nats a text up to which the batch's mean rate costs nothing
    rate_schedule: Literal["constant", "warm-up", "cyclical"] = "constant"
    rate_steps: int = Field(0, ge=0)  # length of the warm-up, or of one cycle
    encoder_share_from: int = Field(0, ge=0)  # step from which the energy starts to pull the encoder (methods 2.5)
    encoder_share_to: int = Field(0, ge=0)  # step from which it pulls with its full weight
    contrast_weight: float = Field(1.0, ge=0.0)  # of the energy's loss; matters beside the symbol terms and the clip
    information_weight: float = Field(0.05, ge=0.0)
    clustering_weight: float = Field(0.05, ge=0.0)  # 0: no clustering
    clustering_dimensions: PositiveInt = 3  # of the whitened PCA
    clustering_by: Literal["directions", "places", "modes", "words"] = (
        "directions"  # k-means on the unit sphere, as published; k-means; the basins of the density's modes; of texts,
        # mixtures of multinomials over their words, which vote
    )
    supervised_weight: float = Field(1.0, ge=0.0)
    pseudo_label_weight: float = Field(0.0, ge=0.0)  # of labels that words give to texts without; 0: words say nothing
    ema: float = Field(0.0, ge=0.0, lt=1.0)  # decay of the averaged weights that are evaluated and kept; 0: none
    patience: int = Field(0, ge=0)  # epochs without a better validation objective before stopping; 0: never
    save_minutes: PositiveFloat = 5.0  # between checkpoints within an epoch
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    log: Literal["jsonl", "tensorboard"] = "jsonl"  # tensorboard: for it as well

    @model_validator(mode="after")
    def _schedules_are_whole(self) -> TrainingConfig:
        if self.rate_schedule != "constant" and self.rate_steps == 0:
            raise ValueError(f"rate_schedule={self.rate_schedule!r} needs rate_steps, received 0")
        if self.encoder_share_to < self.encoder_share_from:
            raise ValueError("encoder_share_to must not come before encoder_share_from")
        return self


class Config(_Section):
    """Everything that decides a run."""

    preset: str = ""
    seed: int = Field(0, ge=0, lt=2**31)
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()

    @model_validator(mode="after")
    def _free_nats_are_of_a_rate(self) -> Config:
        prior = self.model.prior
        if self.training.free_nats and prior.kind == "diffusion" and prior.reference == "recovery":
            raise ValueError(
                "free_nats needs a rate in nats, which reference='recovery' has not; received free_nats "
                f"{self.training.free_nats:g}; ask for reference='gaussian' or use free_bits"
            )
        return self
