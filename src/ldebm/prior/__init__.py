"""Priors over symbol and latent, interchangeable behind `Prior`."""

from ldebm.errors import ConfigError
from ldebm.presets.config import ModelConfig
from ldebm.prior.base import Prior, PriorTerms
from ldebm.prior.denoising import DenoisingPrior
from ldebm.prior.diffusion import DiffusionPrior
from ldebm.prior.gaussian import GaussianPrior
from ldebm.prior.langevin import Chain, langevin
from ldebm.prior.mixture import MixturePrior
from ldebm.prior.symbol_vector import SymbolVectorPrior

__all__ = [
    "Chain",
    "DenoisingPrior",
    "DiffusionPrior",
    "GaussianPrior",
    "MixturePrior",
    "Prior",
    "PriorTerms",
    "SymbolVectorPrior",
    "build_prior",
    "langevin",
]


def build_prior(config: ModelConfig, context: int = 0) -> Prior:
    """The prior that the configuration names, for contexts of a size. Raises ConfigError where it can have none."""
    prior = config.prior
    if context and prior.kind in ("denoising", "mixture"):
        raise ConfigError(
            f"model.prior.kind={prior.kind} knows no context, which a dialogue has; choose gaussian, symbol_vector or "
            "diffusion"
        )
    if prior.kind == "gaussian":
        return GaussianPrior(config.latent_size, config.symbols, prior.reference == "gaussian", context)
    if prior.kind == "symbol_vector":
        return SymbolVectorPrior(
            config.latent_size,
            config.symbols,
            width=prior.width,
            steps=prior.short_run_steps,
            step_size=prior.short_run_step_size,
            free_bits=prior.free_bits,
            energy_penalty=prior.energy_penalty,
            adjust=prior.adjust,
            context=context,
        )
    if prior.kind == "mixture":
        return MixturePrior(config.latent_size, config.symbols)
    if prior.kind == "denoising":
        return DenoisingPrior(
            config.latent_size, config.symbols, prior.width, prior.denoising_layers, prior.denoising_steps
        )
    return DiffusionPrior(
        config.latent_size,
        config.symbols,
        levels=prior.levels,
        width=prior.width,
        blocks=prior.blocks,
        steps=prior.steps,
        step_size=prior.step_size,
        adjust=prior.adjust,
        reference=prior.reference,
        free_bits=prior.free_bits,
        energy_penalty=prior.energy_penalty,
        condition=prior.condition,
        context=context,
    )
