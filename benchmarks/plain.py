"""LDEBM's training step and sampler straight from the paper, no thought spent on speed: what the engine is up against.

fp32, every text padded to the longest of the corpus, the gradient of each Langevin step by autograd, spectral
normalisation inside the loop, two chains one after the other, the whole vocabulary's log-softmax at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.parametrizations import spectral_norm

from benchmarks.sizes import Sizes

PAD, BOS = 0, 1

LogDensity = Callable[[Tensor, Tensor], Tensor]  # of a latent at a level, a number a row


@dataclass(frozen=True)
class Weights:
    """Loss weights, learning rates and clipping of the paper's PTB column."""

    kl: float = 0.1
    mutual_information: float = 0.05
    classification: float = 0.05
    free_bits: float = 1.0
    learning_rate: float = 1e-3
    energy_learning_rate: float = 1e-4
    clip: float = 0.5
    energy_clip: float = 10.0


class Schedule(nn.Module):
    """z_{t+1} = a[t+1] z_t + sigma[t+1] noise, and z_t = a_bar[t] z + sigma_bar[t] noise."""

    a: Tensor
    sigma: Tensor
    a_bar: Tensor
    sigma_bar: Tensor
    a_previous: Tensor
    pull: Tensor
    step: Tensor

    def __init__(self, levels: int, step_scale: float = 2e-3) -> None:
        super().__init__()
        keep = 1 - torch.linspace(1e-4, 2e-2, 1000, dtype=torch.float64)
        gap = 1000 // (2 * (levels - 1))
        indices = torch.tensor([gap * level for level in range(levels)] + [999])
        a_bar = keep.sqrt().cumprod(0)[indices]
        a = torch.cat([a_bar[:1], a_bar[1:] / a_bar[:-1]])
        sigma, sigma_bar = (1 - a**2).sqrt(), (1 - a_bar**2).sqrt()
        a_previous, pull = a.clone(), torch.ones(levels, dtype=torch.float64)
        a_previous[-1], pull[-1] = 1, 0  # the top level is a marginal energy, not a recovery step
        step = (sigma_bar[:-1] / sigma_bar[0] * step_scale).sqrt() * sigma[1:]
        buffers = {"a": a, "sigma": sigma, "a_bar": a_bar, "sigma_bar": sigma_bar}
        for name, values in {**buffers, "a_previous": a_previous, "pull": pull, "step": step}.items():
            self.register_buffer(name, values.float())

    def noised(self, z_BD: Tensor, t_B: Tensor) -> Tensor:
        """z_t given z."""
        return self.a_bar[t_B, None] * z_BD + self.sigma_bar[t_B, None] * torch.randn_like(z_BD)

    def pair(self, z_BD: Tensor, t_B: Tensor) -> tuple[Tensor, Tensor]:
        """The rescaled z_t that the energy sees, and z_{t+1}."""
        z_t_BD = self.noised(z_BD, t_B)
        above_BD = self.a[t_B + 1, None] * z_t_BD + self.sigma[t_B + 1, None] * torch.randn_like(z_BD)
        return self.a_previous[t_B + 1, None] * z_t_BD, above_BD


class Energy(nn.Module):
    """The time-conditioned symbol-vector network; its log-density is the log-sum-exp over the symbols."""

    table: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        width = sizes.width
        self.latent = nn.Sequential(_linear(sizes.latent, width), nn.LeakyReLU(0.2), _linear(width, width))
        self.time = nn.Sequential(_linear(width, width), nn.LeakyReLU(0.2), _linear(width, width))
        self.join = _linear(2 * width, width)
        self.blocks = nn.ModuleList(_linear(width, width) for _ in range(sizes.blocks))
        self.head = _linear(width, sizes.symbols)
        self.register_buffer("table", _sinusoids(sizes.levels, width))

    def logits(self, z_BD: Tensor, t_B: Tensor) -> Tensor:
        joined = torch.cat([self.latent(z_BD), self.time(self.table[t_B])], dim=-1)
        h_BH = self.join(F.leaky_relu(joined, 0.2))
        for block in self.blocks:
            h_BH = h_BH + block(F.leaky_relu(h_BH, 0.2))
        logits_BK: Tensor = self.head(F.leaky_relu(h_BH, 0.2))
        return logits_BK

    def forward(self, z_BD: Tensor, t_B: Tensor) -> Tensor:
        return self.logits(z_BD, t_B).logsumexp(dim=-1)


def langevin(energy: LogDensity, schedule: Schedule, above_BD: Tensor, t_B: Tensor, steps: int) -> Tensor:
    """A chain for the rescaled z_t given z_{t+1}, started at z_{t+1}."""
    step_B1, sigma_B1, pull_B1 = schedule.step[t_B, None], schedule.sigma[t_B + 1, None], schedule.pull[t_B, None]
    y_BD = above_BD.detach()
    for _ in range(steps):
        y_BD = y_BD.requires_grad_()
        with torch.enable_grad():
            recovery_B = ((y_BD - pull_B1 * above_BD) ** 2 / (2 * sigma_B1**2)).sum(dim=-1)
            log_density_B = energy(y_BD, t_B) / step_B1.squeeze(-1) ** 2 - recovery_B
            (gradient_BD,) = torch.autograd.grad(log_density_B.sum(), y_BD)
        y_BD = (y_BD + 0.5 * step_B1**2 * gradient_BD + step_B1 * torch.randn_like(y_BD)).detach()
    return y_BD


class Encoder(nn.Module):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding, padding_idx=PAD)
        self.gru = nn.GRU(sizes.embedding, sizes.hidden, batch_first=True, bidirectional=True)
        self.mean = nn.Sequential(nn.LeakyReLU(0.01), nn.Linear(2 * sizes.hidden, sizes.latent))
        self.log_variance = nn.Sequential(nn.LeakyReLU(0.01), nn.Linear(2 * sizes.hidden, sizes.latent))

    def forward(self, tokens_BL: Tensor) -> tuple[Tensor, Tensor]:
        _, last_2BH = self.gru(self.embedding(tokens_BL))
        summary_BH = torch.cat([last_2BH[0], last_2BH[1]], dim=-1)
        return self.mean(summary_BH), self.log_variance(summary_BH)


class Decoder(nn.Module):
    """A GRU that starts from the latent and reads it again at every step; its output weights are its embedding."""

    def __init__(self, sizes: Sizes, dropout: float = 0.3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sizes.vocabulary, sizes.embedding, padding_idx=PAD)
        self.gru = nn.GRU(sizes.embedding + sizes.latent, sizes.hidden, batch_first=True)
        self.start = nn.Linear(sizes.latent, sizes.hidden, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, z_BD: Tensor, tokens_BL: Tensor, state_1BH: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the token after each, and the GRU's last state."""
        if state_1BH is None:
            state_1BH = self.start(z_BD).unsqueeze(0)
        z_BLD = z_BD.unsqueeze(1).expand(-1, tokens_BL.shape[1], -1)
        inputs_BLE = torch.cat([self.dropout(self.embedding(tokens_BL)), z_BLD], dim=-1)
        outputs_BLH, state_1BH = self.gru(inputs_BLE, state_1BH)
        logits_BLV = F.linear(self.dropout(outputs_BLH), self.embedding.weight)
        return F.log_softmax(logits_BLV, dim=-1), state_1BH

    def greedy(self, z_BD: Tensor, max_length: int) -> Tensor:
        token_B1 = torch.full((len(z_BD), 1), BOS)
        state_1BH, written = None, []
        for _ in range(max_length):
            log_probability_B1V, state_1BH = self(z_BD, token_B1, state_1BH)
            token_B1 = log_probability_B1V.argmax(dim=-1)
            written.append(token_B1)
        return torch.cat(written, dim=1)


class PlainModel(nn.Module):
    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder, self.decoder, self.energy = Encoder(sizes), Decoder(sizes), Energy(sizes)
        self.schedule = Schedule(sizes.levels)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1)

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """Latents from the prior: down all levels, a chain at each."""
        z_BD = torch.randn(n, self.sizes.latent)
        for level in reversed(range(self.sizes.levels)):
            t_B = torch.full((n,), level)
            y_BD = langevin(self.energy, self.schedule, z_BD, t_B, self.sizes.steps)
            z_BD = y_BD / self.schedule.a_previous[level + 1]
        return z_BD

    @torch.no_grad()
    def generate(self, n: int, batch: int = 100) -> Tensor:
        """`n` texts as rows of token ids, greedily decoded."""
        self.eval()
        sizes = [min(batch, n - start) for start in range(0, n, batch)]
        return torch.cat([self.decoder.greedy(self.sample(size), self.sizes.max_length) for size in sizes])


class PlainTrainer:
    def __init__(self, model: PlainModel, weights: Weights = Weights()) -> None:
        self.model, self.weights = model.train(), weights
        self.energy_parameters = list(model.energy.parameters())
        self.other_parameters = [*model.encoder.parameters(), *model.decoder.parameters()]
        groups = [
            {"params": self.other_parameters, "lr": weights.learning_rate},
            {"params": self.energy_parameters, "lr": weights.energy_learning_rate},
        ]
        self.optimizer = torch.optim.Adam(groups)

    def step(self, tokens_BL: Tensor, symbols_B: Tensor) -> float:
        """One update; `symbols_B` are the pseudo-labels of geometric clustering."""
        loss = self.loss(tokens_BL, symbols_B)
        self.optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(self.other_parameters, self.weights.clip)
        clip_grad_norm_(self.energy_parameters, self.weights.energy_clip)
        self.optimizer.step()
        return loss.item()

    def loss(self, tokens_BL: Tensor, symbols_B: Tensor) -> Tensor:
        model, weights = self.model, self.weights
        mean_BD, log_variance_BD = model.encoder(tokens_BL)
        z_BD = mean_BD + (0.5 * log_variance_BD).exp() * torch.randn_like(mean_BD)
        log_probability_BLV, _ = model.decoder(z_BD, tokens_BL[:, :-1])
        log_probability_NV, target_N = log_probability_BLV.flatten(0, 1), tokens_BL[:, 1:].flatten()
        nll = F.nll_loss(log_probability_NV, target_N, ignore_index=PAD, reduction="sum")
        kl = self.negative_entropy(log_variance_BD) + self.prior_cross_entropy(z_BD) + self.contrast(z_BD.detach())
        information, classification = self.symbol_terms(z_BD, symbols_B)
        return (
            nll / len(tokens_BL)
            + weights.kl * kl
            - weights.mutual_information * information
            + weights.classification * classification
        )

    def negative_entropy(self, log_variance_BD: Tensor) -> Tensor:
        """Of the posterior, only in the dimensions that carry more than the free bits."""
        per_dimension_BD = -0.5 * (1 + log_variance_BD)
        return (per_dimension_BD * (per_dimension_BD > self.weights.free_bits)).sum(dim=-1).mean()

    def prior_cross_entropy(self, z_BD: Tensor) -> Tensor:
        """What the prior says of the posterior's sample, at a random level and the top one; moves the encoder alone."""
        schedule, energy = self.model.schedule, self.model.energy
        t_B, top_B = self._levels(len(z_BD))
        with _frozen(energy):
            y_BD, _ = schedule.pair(z_BD, t_B)
            top_BD, _ = schedule.pair(z_BD, top_B)
            lower_B = self._level_weight(t_B) * energy(y_BD, t_B)
            upper_B = self._level_weight(top_B) * (energy(top_BD, top_B) - 0.5 * (top_BD**2).sum(dim=-1))
        return -(lower_B + upper_B).mean()

    def contrast(self, z_BD: Tensor) -> Tensor:
        """The energy's loss: posterior samples against a chain's ends, at a random level and at the top one."""
        schedule, energy, steps = self.model.schedule, self.model.energy, self.model.sizes.steps
        total = torch.zeros(())
        for t_B in self._levels(len(z_BD)):
            positive_BD, above_BD = schedule.pair(z_BD, t_B)
            negative_BD = langevin(energy, schedule, above_BD, t_B, steps)
            difference_B = energy(positive_BD, t_B) - energy(negative_BD, t_B)
            total = total - (self._level_weight(t_B) * difference_B).mean()
        return total

    def symbol_terms(self, z_BD: Tensor, symbols_B: Tensor) -> tuple[Tensor, Tensor]:
        """Mutual information of latent and symbol over the batch, and the cross-entropy of the pseudo-labels."""
        schedule = self.model.schedule
        lowest_B = torch.zeros(len(z_BD), dtype=torch.long)
        logits_BK = self.model.energy.logits(schedule.a[1] * schedule.noised(z_BD, lowest_B), lowest_B)
        probability_BK = logits_BK.softmax(dim=-1)
        information = _entropy(probability_BK.mean(dim=0)) - _entropy(probability_BK).mean()
        return information, F.cross_entropy(logits_BK, symbols_B)

    def _levels(self, rows: int) -> tuple[Tensor, Tensor]:
        """A random level below the top for each row, and the top."""
        top = self.model.sizes.levels - 1
        return torch.randint(0, top, (rows,)), torch.full((rows,), top)

    def _level_weight(self, t_B: Tensor) -> Tensor:
        sigma = self.model.schedule.sigma
        return sigma[1] / sigma[t_B + 1]


def pad_to(tokens_BL: Tensor, length: int) -> Tensor:
    """The batch as the plain version reads it: padded to the longest of the corpus."""
    return F.pad(tokens_BL, (0, length - tokens_BL.shape[1]), value=PAD)


def _linear(inputs: int, outputs: int) -> nn.Module:
    return spectral_norm(nn.Linear(inputs, outputs))


def _sinusoids(levels: int, width: int) -> Tensor:
    frequencies = torch.exp(-math.log(10_000) * torch.arange(width // 2) / (width // 2))
    angles = torch.arange(levels)[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _entropy(probability: Tensor) -> Tensor:
    return -(probability * (probability + 1e-15).log()).sum(dim=-1)


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
