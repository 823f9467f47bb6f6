"""What generated texts look like as texts: variety, copying, words and length. Read each beside that of real texts."""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from scipy.stats import wasserstein_distance

ORDERS = (1, 2, 3, 4)
Ngram = tuple[str, ...]


def distinct_n(texts: Sequence[Sequence[str]], n: int) -> float:
    """Distinct n-grams over all n-grams of the texts together.

    Range 0 to 1, higher is more varied; 0 where no text has n tokens. It falls with the number of tokens: compare
    equally many texts only. Source: Li et al. 2016.
    """
    if n < 1:
        raise ValueError(f"n is 1 or more, got {n}")
    counts = Counter(ngram for text in texts for ngram in _ngrams(text, n))
    return len(counts) / counts.total() if counts else 0.0


def distinct_share(texts: Sequence[Hashable]) -> float:
    """Distinct texts over all texts. Range above 0 to 1; it falls with the number of texts."""
    _check_any(texts)
    return len(set(texts)) / len(texts)


def self_bleu(texts: Sequence[Sequence[str]], sample: int = 500, seed: int = 0) -> float:
    """Mean BLEU-4 of each text against all others of a random sample.

    Range 0 to 100, lower is more varied; it rises with the size of the sample. Sentence BLEU as sacrebleu recommends
    it: "exp" smoothing, and the orders up to the longest that the text has. Source: Zhu et al. 2018 (Texygen).
    """
    if len(texts) < 2 or sample < 2:
        raise ValueError(f"self-BLEU needs two texts and a sample of two, got {len(texts)} and {sample}")
    chosen = np.random.default_rng(seed).choice(len(texts), size=min(sample, len(texts)), replace=False)
    counts = [Counter(ngram for n in ORDERS for ngram in _ngrams(texts[i], n)) for i in chosen]
    sizes = [len(texts[i]) for i in chosen]

    # an n-gram's highest count, the text that has it, and the highest count of the other texts
    highest: dict[Ngram, tuple[int, int, int]] = {}
    for owner, ngrams in enumerate(counts):
        for ngram, count in ngrams.items():
            first, first_owner, second = highest.get(ngram, (0, -1, 0))
            if count > first:
                highest[ngram] = (count, owner, first)
            elif count > second:
                highest[ngram] = (first, first_owner, count)

    scores = []
    texts_of_size = Counter(sizes)
    for owner, (ngrams, size) in enumerate(zip(counts, sizes, strict=True)):
        correct, total = [0] * len(ORDERS), [0] * len(ORDERS)
        for ngram, count in ngrams.items():
            first, first_owner, second = highest[ngram]
            correct[len(ngram) - 1] += min(count, second if owner == first_owner else first)
            total[len(ngram) - 1] += count
        closest = min((abs(other - size), other) for other, n in texts_of_size.items() if other != size or n > 1)[1]
        scores.append(BLEU.compute_bleu(correct, total, size, closest, smooth_method="exp", effective_order=True).score)
    return math.fsum(scores) / len(scores)


def copies(generated: Sequence[Hashable], training: Iterable[Hashable]) -> float:
    """Share of the generated texts that stand word for word among the training texts.

    Range 0 to 1; the comparison value is the share of real held-out texts that do. The training texts are streamed:
    only the generated ones are held in memory.
    """
    _check_any(generated)
    wanted = set(generated)
    found = {text for text in training if text in wanted}
    return sum(text in found for text in generated) / len(generated)


def known_share(texts: Sequence[Sequence[str]], training: Iterable[Sequence[str]], n: int) -> float:
    """Share of the texts' n-grams that the training texts have, each as often as it is written.

    Range 0 to 1; the comparison value is that of real held-out texts: below it texts are not put together as real ones
    are. 0 where no text has n tokens. The training texts are streamed.
    """
    counts = Counter(ngram for text in texts for ngram in _ngrams(text, n))
    known = {ngram for text in training for ngram in _ngrams(text, n) if ngram in counts}
    return sum(counts[ngram] for ngram in known) / counts.total() if counts else 0.0


def unigram_kl(generated: Mapping[str, int], training: Mapping[str, int]) -> float:
    """The published word-frequency divergence: sum of f_gen log(f_gen / f_train) over the generated types in training.

    In nats; both arguments count tokens by type, and f is a type's share of its side's tokens. Types that training
    lacks are skipped, so it is no true divergence: it can fall below 0. The floor is that of as many real held-out
    texts, above 0 because a sample is finite. Source: the evaluation of Shi et al. 2020 (DGM-VAE), which LDEBM's wKL
    column follows.
    """
    of_generated, of_training = sum(generated.values()), sum(training.values())
    if of_generated == 0 or of_training == 0:
        raise ValueError(f"unigram KL needs tokens on both sides, got {of_generated} generated, {of_training} training")
    return math.fsum(
        count / of_generated * math.log(count / of_generated * of_training / training[word])
        for word, count in generated.items()
        if count and training.get(word, 0)
    )


def smoothed_kl(generated: Mapping[str, int], real: Mapping[str, int]) -> float:
    """KL(generated || real) of word shares, half a count added to every type that either side has, in nats.

    A true divergence: range 0 upwards, and a type that one side lacks costs something. The floor is that of as many
    real texts, above 0 because a sample is finite. Half a count is Jeffreys' prior.
    """
    types = generated.keys() | real.keys()
    if not generated or not real:
        raise ValueError(f"word KL needs tokens on both sides, got {len(generated)} types and {len(real)}")
    counts_2V = np.array([[counts.get(word, 0) + 0.5 for word in types] for counts in (generated, real)])
    p_V, q_V = counts_2V / counts_2V.sum(1, keepdims=True)
    return float((p_V * np.log(p_V / q_V)).sum())


def length_distance(texts: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> float:
    """Wasserstein-1 distance of the texts' lengths, in tokens: how far lengths must move on average. Range 0 upwards;
    the floor is that of as many real texts."""
    _check_any(texts)
    _check_any(others)
    return float(wasserstein_distance([len(text) for text in texts], [len(text) for text in others]))


def mean_length(texts: Sequence[Sequence[str]]) -> float:
    """Mean number of tokens a text."""
    _check_any(texts)
    return sum(len(text) for text in texts) / len(texts)


def _ngrams(tokens: Sequence[str], n: int) -> Iterable[Ngram]:
    return (tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1))


def _check_any(texts: Sequence[object]) -> None:
    if not texts:
        raise ValueError("needs at least one text, got none")
