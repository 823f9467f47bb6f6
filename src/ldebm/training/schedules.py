"""How learning rates, the rate's weight and the energy's pull on the encoder change over a run."""

from __future__ import annotations

import math

from ldebm.presets.config import TrainingConfig

_LEAST = 0.05  # share of the learning rate that is left at the end of a cosine


def learning_rate_factor(config: TrainingConfig, step: int, total_steps: int) -> float:
    """Linear warm-up, then constant or half a cosine down to a twentieth at `total_steps`."""
    warm = min(1.0, (step + 1) / config.warm_up_steps) if config.warm_up_steps else 1.0
    if config.learning_rate_schedule == "constant":
        return warm
    return warm * cosine(min(1.0, step / max(1, total_steps)))


def cosine(done: float) -> float:
    """Half a cosine from one to a twentieth; `done` is the share of the run."""
    return _LEAST + (1 - _LEAST) * 0.5 * (1 + math.cos(math.pi * done))


def rate_weight(config: TrainingConfig, step: int) -> float:
    """beta at a step: constant, linear warm-up over `rate_steps`, or cycles that are zero for half of `rate_steps`,
    rise for a quarter and hold for a quarter (cyclical annealing, paper B.2)."""
    if config.rate_schedule == "constant":
        return config.rate_weight
    if config.rate_schedule == "warm-up":
        return config.rate_weight * min(1.0, (step + 1) / config.rate_steps)
    place = (step % config.rate_steps) / config.rate_steps
    return config.rate_weight * min(1.0, max(0.0, 4 * (place - 0.5)))


def encoder_share(config: TrainingConfig, step: int) -> float:
    """Weight of the energy's pull on the encoder: the energy learns first, or training diverges (methods 2.5)."""
    if step >= config.encoder_share_to:
        return 1.0
    span = config.encoder_share_to - config.encoder_share_from
    return max(0.0, (step - config.encoder_share_from) / span) if span else 0.0
