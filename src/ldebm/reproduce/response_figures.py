"""Figures of responses: how near they are to the true ones, and what symbols do to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ldebm.data.dialogues import Dialogue
from ldebm.dialogue_model import DialogueModel
from ldebm.evaluation.attributes import agreement, chance_agreement, symbol_shares
from ldebm.evaluation.fluency import distinct_n, known_share, mean_length
from ldebm.evaluation.latent import mutual_information
from ldebm.evaluation.reconstruction import bleu
from ldebm.evaluation.word_vectors import Vectors, similarity
from ldebm.tasks.evaluation_of_runs import IN_USE
from ldebm.tasks.responding import HEARD, answered, candidates
from ldebm.tasks.responses import SHOWN_GUIDANCE

NEARNESS = {
    "bleu": "corpus BLEU-4 (sacrebleu, no smoothing, on words) of the responses to all test turns; 0 to 100",
    "bleu_with_speaker": "the published way: the speaker's mark counts as a first word on both sides, always right",
    "average": "cosine of the mean word vectors (GloVe, 50 dimensions) of response and true turn, times 100",
    "extrema": "cosine of their vector extrema, times 100",
    "greedy": "greedy matching of their words, times 100",
    "distinct_1": "distinct words over all words of the responses",
    "distinct_2": "distinct pairs of words over all pairs",
    "mean_length": "words a response",
}
OF_BEST = (
    f"of the response that agrees most (chrF) with the model's others and with {HEARD} times as many samples, chosen "
    "without the true one"
)
TRIPLE = 3


class Steering(NamedTuple):
    """How a response with a symbol is asked for: of several the one most surely of it, at a weight of guidance."""

    suffix: str
    several: bool
    guidance: float
    heading: str

    @property
    def definition(self) -> str:
        several = "; of several responses each, the one most surely of its symbol" if self.several else ""
        return several + (f", at guidance {self.guidance:g}" if self.guidance > 1 else "")


STEERINGS = (
    Steering("", False, 1.0, ""),
    Steering("_best", True, 1.0, ", best of several"),
    Steering("_guided", True, SHOWN_GUIDANCE, ", best of several, guided"),
)
_STEERED = {
    "recovered": "share of the responses to a symbol that are read as that symbol again, over the symbols in use, two "
    "or more",
    "distinct_2_across": "distinct pairs of words over all pairs of the responses that one context gets from all "
    "symbols, mean over contexts",
    "different_across": "distinct responses over all responses that one context gets from all symbols",
    "known_triples": "share of the responses' word triples that turns of the training set have, what steering costs in "
    "language; floor: that of the true turns",
    "bleu_asked": "bleu of the responses to the symbol that the true turn has, what steering can gain",
}
ATTRIBUTES = ("intent", "speaker")
SYMBOLS = {
    "mutual_information": "I(x; y) of turn and symbol, nats",
    **{
        f"ami_{name}": f"mutual information of symbol and {name}, adjusted for chance; at most 1" for name in ATTRIBUTES
    },
    "ami_intent_alone": "ami_intent of the symbols of turns that are read alone, without what was said before",
    **{f"homogeneity_{name}": f"1 - H({name} | symbol) / H({name}), 0 to 1" for name in ATTRIBUTES},
    **{f"homogeneity_{name}_chance": f"homogeneity_{name} of permuted symbols" for name in ATTRIBUTES},
    "symbols_in_use": f"symbols of more than {IN_USE:.1%} of the turns",
    "recovered_chance": "one over the symbols in use",
    **{f"{name}{way.suffix}": what + way.definition for way in STEERINGS for name, what in _STEERED.items()},
}


def nearness(
    responses: Sequence[Sequence[str]], true: Sequence[Sequence[str]], speakers: Sequence[str], vectors: Vectors
) -> dict[str, float]:
    """NEARNESS of the responses, words each, to the true turns."""
    marked = [
        [[f"<{speaker}>", *text] for speaker, text in zip(speakers, texts, strict=True)] for texts in (responses, true)
    ]
    near = {name: 100 * value for name, value in asdict(similarity(responses, true, vectors)).items()}
    return {
        "bleu": bleu(responses, true),
        "bleu_with_speaker": bleu(*marked),
        **near,
        "distinct_1": distinct_n(responses, 1),
        "distinct_2": distinct_n(responses, 2),
        "mean_length": mean_length(responses),
    }


def of_symbols(
    model: DialogueModel,
    examples: Sequence[Dialogue],
    training: Sequence[Sequence[str]],
    steered: int,
    drawn: int,
    seed: int,
) -> dict[str, float]:
    """SYMBOLS of a model, over the turns; of `steered` of them, chosen with the seed, what each symbol makes of them,
    as STEERINGS say, `drawn` being several.

    Args:
        training: the training turns, words each.
    """
    probabilities = model.symbol_probabilities(examples)
    symbols = probabilities.argmax(-1)
    found = {"mutual_information": mutual_information(probabilities)}
    known = {"intent": [str(each.label) for each in examples], "speaker": [each.turns[-1].speaker for each in examples]}
    for name in ATTRIBUTES:
        scores, chance = agreement(symbols, known[name]), chance_agreement(symbols, known[name])
        found |= {
            f"ami_{name}": scores.ami,
            f"homogeneity_{name}": scores.homogeneity,
            f"homogeneity_{name}_chance": chance.homogeneity,
        }
    alone = model.symbol_probabilities([replace(example, turns=example.turns[-1:]) for example in examples]).argmax(-1)
    found["ami_intent_alone"] = agreement(alone, known["intent"]).ami
    used = np.flatnonzero(symbol_shares(probabilities) > IN_USE)
    found |= {"symbols_in_use": float(len(used)), "recovered_chance": 1 / len(used)}
    if len(used) < 2:
        return found  # nothing to tell apart
    rows = np.random.default_rng(seed).permutation(len(examples))[:steered]
    chosen = [examples[row] for row in rows]
    for way in STEERINGS:
        n = drawn if way.several else 1
        answers = {symbol: _steered(model, chosen, symbol, n, way.guidance, seed) for symbol in used.tolist()}
        of_way = _figures_of_answers(model, chosen, symbols[rows], answers, training)
        found |= {f"{name}{way.suffix}": value for name, value in of_way.items()}
    return found


def _steered(
    model: DialogueModel, examples: Sequence[Dialogue], symbol: int, n: int, guidance: float, seed: int
) -> list[str]:
    """The first of `n` responses with the symbol in the place of each example's last turn."""
    contexts, speakers = [each.turns[:-1] for each in examples], [each.turns[-1].speaker for each in examples]
    ranked = candidates(model, contexts, speakers, n, symbol=symbol, seed=seed, guidance=guidance)
    return [texts[0] for texts in ranked]


def _figures_of_answers(
    model: DialogueModel,
    examples: Sequence[Dialogue],
    true_symbols: npt.NDArray[np.integer],
    answers: Mapping[int, Sequence[str]],
    training: Sequence[Sequence[str]],
) -> dict[str, float]:
    """_STEERED of the answers that the examples' contexts get to each symbol."""
    asked, words = [(each.turns[:-1], each.turns[-1].speaker) for each in examples], model.tokenizer.words
    right = [
        float((model.symbol_probabilities(answered(asked, texts)).argmax(-1) == symbol).mean())
        for symbol, texts in answers.items()
    ]
    across = [[tuple(words(text)) for text in texts] for texts in zip(*answers.values(), strict=True)]
    wanted = [(words(answers[symbol][row]), row) for row, symbol in enumerate(true_symbols) if symbol in answers]
    true = [words(examples[row].turns[-1].text) for _, row in wanted]
    return {
        "recovered": float(np.mean(right)),
        "distinct_2_across": float(np.mean([distinct_n(texts, 2) for texts in across])),
        "different_across": float(np.mean([len(set(texts)) / len(texts) for texts in across])),
        "known_triples": known_share([text for texts in across for text in texts], training, TRIPLE),
        "bleu_asked": bleu([text for text, _ in wanted], true),
    }
