"""Figures of generated texts beside those of real ones: what they say about each other, words, variety and length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from ldebm.errors import DataError
from ldebm.evaluation.fluency import (
    copies,
    distinct_n,
    distinct_share,
    length_distance,
    mean_length,
    self_bleu,
    smoothed_kl,
    unigram_kl,
)
from ldebm.evaluation.language_model import JUDGE, JUDGE_DROPOUT, JUDGE_SIZE
from ldebm.tasks.real_texts import JUDGED, SELECTING, RealTexts, Words

VARIETY = 5_000  # texts whose variety is measured: it depends on how many they are

JUDGE_IS = (
    f"one LSTM layer of {JUDGE_SIZE} units, adaptive softmax, dropout {JUDGE_DROPOUT}, Adam at "
    f"{JUDGE.learning_rate} with batches of {JUDGE.batch_size}, at most {JUDGE.epochs} epochs, the rate halved after "
    "an epoch without gain, stopped after the second such in a row"
)
DEFINITIONS = {
    "reverse_perplexity": "perplexity of the real test texts, a token, end marks counted, under the fixed language "
    f"model ({JUDGE_IS}) trained on generated texts ({JUDGED:,} of them, {SELECTING:,} more to choose the epoch, where "
    "so many are asked for), with the real vocabulary; 1 upwards, the floor is that of as many real training texts",
    "reverse_perplexity_ratio": "reverse perplexity over that of real training texts, which is what compares across "
    "language models; the floor is 1",
    "forward_perplexity": "perplexity of the generated texts under the fixed language model of real ones; low is "
    "probable, not varied; the floor is that of real test texts",
    "unigram_kl": "sum over generated words that training has of f_gen log(f_gen / f_train), nats (the published wKL); "
    "the floor is that of the first half of the training texts against the second",
    "smoothed_kl": "KL of word shares, generated against training, half a count added to every word, nats; the floor "
    "is that of the two halves",
    "distinct_1": f"distinct words over words of {VARIETY:,} texts; 0 to 1, the floor is real texts'",
    "distinct_2": f"distinct bigrams over bigrams of {VARIETY:,} texts; 0 to 1, the floor is real texts'",
    "distinct_share": f"distinct texts among {VARIETY:,}; 0 to 1, the floor is real texts'",
    "self_bleu": "mean BLEU-4 of a text against 499 others; 0 to 100, the floor is real texts'",
    "copies": f"share of {VARIETY:,} that are training texts word for word; 0 to 1, the floor is that of test texts",
    "length_distance": f"Wasserstein-1 distance of the lengths of {VARIETY:,} texts to those of training texts, words; "
    "the floor is that of test texts",
    "mean_length": "words a text; the floor is that of training texts",
}


def of_texts(written: Sequence[Words], real: RealTexts, judged: bool = True) -> dict[str, float]:
    """Every figure of DEFINITIONS for generated texts as words; at most 43,000 of them are read.

    Args:
        judged: train a judge on them (minutes), for the reverse perplexity.

    Raises DataError where the texts hold no word, or are fewer than two.
    """
    if len(written) < 2 or not any(written):
        raise DataError(
            f"{len(written)} generated texts without a word: nothing to measure; train the model for longer"
        )
    written = written[: JUDGED + SELECTING]
    found = {"forward_perplexity": real.forward_perplexity(written), **_of_words(written, real)}
    if judged:
        reverse = real.reverse_perplexity(written)
        found |= {"reverse_perplexity": reverse, "reverse_perplexity_ratio": reverse / real.perplexity}
    return found


def floors(real: RealTexts) -> dict[str, float]:
    """What real texts score: training texts where variety counts, test texts where distance from training does, and
    one half of the training texts against the other for word shares."""
    half = len(real.training) // 2
    order = np.random.default_rng(0).permutation(len(real.training))
    shuffled = [real.training[i] for i in order]  # neighbours in a corpus are alike
    first, second = (_counts(part) for part in (shuffled[:half], shuffled[half:]))
    found = _of_words(shuffled, real) | _distances(real.test, real)
    return found | {
        "reverse_perplexity": real.perplexity,
        "reverse_perplexity_ratio": 1.0,
        "forward_perplexity": real.forward_perplexity(real.test),
        "unigram_kl": unigram_kl(first, second),
        "smoothed_kl": smoothed_kl(first, second),
    }


def _of_words(texts: Sequence[Words], real: RealTexts) -> dict[str, float]:
    some, counts = [tuple(words) for words in texts[:VARIETY]], _counts(texts)
    variety: dict[str, Callable[[Sequence[tuple[str, ...]]], float]] = {
        "distinct_1": lambda given: distinct_n(given, 1),
        "distinct_2": lambda given: distinct_n(given, 2),
        "distinct_share": distinct_share,
        "self_bleu": self_bleu,
        "mean_length": mean_length,
    }
    found = {name: score(some) for name, score in variety.items()} | _distances(some, real)
    return found | {"unigram_kl": unigram_kl(counts, real.counts), "smoothed_kl": smoothed_kl(counts, real.counts)}


def _distances(texts: Sequence[Words], real: RealTexts) -> dict[str, float]:
    return {
        "copies": copies([tuple(words) for words in texts], (tuple(words) for words in real.training)),
        "length_distance": length_distance(texts, real.training),
    }


def _counts(texts: Sequence[Words]) -> Counter[str]:
    return Counter(word for words in texts for word in words)
