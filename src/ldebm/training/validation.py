"""What a model does on held-out texts, in nats a text, and plain warnings where something is wrong.

Legend: N texts, D latent dimensions, K symbols.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ldebm.data.batches import DialogueBatch, EncodedCorpus, PointCorpus, TokenizedCorpus, in_order
from ldebm.dialogue_model import DialogueModel
from ldebm.evaluation.latent import active_units, mutual_information
from ldebm.evaluation.reconstruction import bleu
from ldebm.model import LDEBM
from ldebm.noise import Noise
from ldebm.objective import LatentModel
from ldebm.point_model import PointModel

_GAIN_ROWS = 256
_BLEU_ROWS = 500
_ROWS = 128  # at once: every token of each has the vocabulary's log-odds


@torch.no_grad()
def validate(model: LatentModel[Any], corpus: EncodedCorpus, seed: int) -> dict[str, Any]:
    """Reconstruction (from a sample of the posterior), rate to the prior's Gaussian, gains of the energy, information,
    active units, scale of each latent dimension, shares of the symbols, and BLEU of 500 greedy reconstructions (of
    points: the mean squared distance to the reconstruction).

    The model is put in evaluation mode. `rate` is KL(q || reference) less the middle of the gain's bracket.
    """
    model.eval()
    generator = torch.Generator(model.device).manual_seed(seed)
    totals = {"reconstruction": 0.0, "rate_to_reference": 0.0}
    means, variances, latents, contexts, probabilities = [], [], [], [], []
    right = known = 0
    for index in in_order(corpus.lengths_N, _ROWS):
        batch = corpus.batch(index).to(model.device)
        context_BC = model.context_of(batch)
        posterior = model.infer(batch, context_BC)
        noise = Noise(generator).normal(*posterior.mean_BD.shape, device=model.device)
        z_BD = posterior.sample(noise)
        totals["reconstruction"] -= float(model.log_likelihood(z_BD, batch, None, context_BC).sum())
        totals["rate_to_reference"] += float(model.prior.rate_to_reference(posterior, context_BC).sum())
        logits_BK = model.symbol_logits(batch, posterior, context_BC)
        means.append(posterior.mean_BD.cpu().numpy())
        variances.append(posterior.log_variance_BD.exp().cpu().numpy())
        probabilities.append(logits_BK.softmax(-1).cpu().numpy())
        latents.append(z_BD)
        if context_BC is not None:
            contexts.append(context_BC)
        right += int((logits_BK.argmax(-1) == batch.symbols_B).sum())
        known += int((batch.symbols_B >= 0).sum())
    found: dict[str, Any] = {name: total / len(corpus) for name, total in totals.items()}
    means_ND, probabilities_NK = np.concatenate(means), np.concatenate(probabilities)
    found["rate_to_standard"] = float(
        0.5 * np.mean(np.sum(means_ND**2 + (v := np.concatenate(variances)) - 1 - np.log(v), axis=1))
    )
    z_ND = torch.cat(latents)
    rows = torch.randperm(len(z_ND), generator=generator, device=model.device)[:_GAIN_ROWS]
    found |= model.prior.gains(z_ND[rows], generator, torch.cat(contexts)[rows] if contexts else None)
    found["rate"] = found["rate_to_reference"] - (found.get("gain", 0.0) + found.get("gain_low", 0.0)) / 2
    found["mutual_information"] = mutual_information(probabilities_NK)
    found["active_units"] = active_units(means_ND)
    found["largest_symbol_share"] = float(
        np.bincount(probabilities_NK.argmax(1), minlength=probabilities_NK.shape[1]).max() / len(means_ND)
    )
    found["latent_scale"] = [round(float(scale), 4) for scale in z_ND.std(0, correction=min(1, len(z_ND) - 1))]
    if known:
        found["accuracy"] = right / known
    if isinstance(model, LDEBM | DialogueModel) and isinstance(corpus, TokenizedCorpus):
        read_ND = [torch.from_numpy(means_ND).to(model.device)] + ([torch.cat(contexts)] if contexts else [])
        found["bleu"] = _bleu(model, corpus, torch.cat(read_ND, -1), seed)
    if isinstance(model, PointModel) and isinstance(corpus, PointCorpus):
        gap_NX = model.decode(means_ND) - corpus.points_NX[np.concatenate(in_order(corpus.lengths_N, _ROWS))]
        found["squared_error"] = float(np.square(gap_NX).sum(-1).mean())
    return found


def warnings_of(found: dict[str, Any], train: dict[str, float], symbols_learned: bool) -> list[str]:
    """Plain words for what is wrong, if anything is."""
    notes = []
    if found["rate_to_reference"] < 1.0 or found["active_units"] == 0:
        notes.append(
            f"the posterior has collapsed (rate {found['rate_to_reference']:.2f} nats, {found['active_units']} active "
            "units): the decoder ignores the latent; lower training.rate_weight or raise model.decoder.word_dropout"
        )
    scale = train.get("chain_scale", 1.0)
    if not np.isfinite(scale) or scale > 5.0:
        notes.append(
            f"the Langevin chains diverge (their scale is {scale:.1f} times that of the latents): "
            "lower model.prior.step_size or training.energy_learning_rate"
        )
    if symbols_learned and found["largest_symbol_share"] > 0.95:
        notes.append(
            f"one symbol takes {found['largest_symbol_share']:.0%} of the texts: raise training.information_weight "
            "or training.clustering_weight, or ask for other model.symbols"
        )
    return notes


def _bleu(model: LDEBM | DialogueModel, corpus: TokenizedCorpus, read_ND: torch.Tensor, seed: int) -> float:
    """BLEU of greedy reconstructions from what the decoder reads, the posterior mean and a context, on the ids as
    words."""
    order = np.concatenate(in_order(corpus.lengths_N, _ROWS))
    chosen = np.random.default_rng(seed).permutation(len(order))[:_BLEU_ROWS]
    batch = corpus.batch(order[chosen])
    references = [
        [str(token) for token in row[1 : length - 1]]
        for row, length in zip(batch.tokens_BL.tolist(), batch.lengths_B.tolist(), strict=True)
    ]
    read_BD = read_ND[torch.from_numpy(chosen)]
    if isinstance(batch, DialogueBatch):
        rows = model.decoder.decode(read_BD, context=batch.to(model.device))
    else:
        rows = model.decoder.decode(read_BD)
    return bleu([[str(token) for token in row] for row in rows], references)
