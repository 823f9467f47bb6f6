"""Fluency against hand counts, scipy's divergence and sacrebleu's sentence BLEU."""

import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from scipy.stats import entropy

from ldebm.evaluation.fluency import (
    copies,
    distinct_n,
    distinct_share,
    known_share,
    length_distance,
    mean_length,
    self_bleu,
    smoothed_kl,
    unigram_kl,
)


def random_texts(number: int, words: int, seed: int, longest: int = 25) -> list[list[str]]:
    generator = np.random.default_rng(seed)
    weights = 1 / np.arange(1, words + 1)
    return [
        [f"w{i}" for i in generator.choice(words, size=generator.integers(1, longest), p=weights / weights.sum())]
        for _ in range(number)
    ]


def test_distinct_n_by_hand() -> None:
    texts = [list("aab"), list("ab"), list("c")]
    assert distinct_n(texts, 1) == pytest.approx(3 / 6)
    assert distinct_n(texts, 2) == pytest.approx(2 / 3)  # aa, ab, ab: no bigram runs from one text into the next
    assert distinct_n(texts, 3) == 1
    assert distinct_n(texts, 4) == 0
    with pytest.raises(ValueError, match="got 0"):
        distinct_n(texts, 0)


def test_known_share_by_hand() -> None:
    texts, training = [list("abcab"), list("xyz"), list("ab")], [list("abc"), list("zyx"), list("bcab")]
    assert known_share(texts, iter(training), 3) == pytest.approx(3 / 4)  # abc, bca, cab; not xyz
    assert known_share(texts, training, 2) == pytest.approx(5 / 7)  # ab twice in the first; not xy, yz
    assert known_share(texts, training, 6) == 0 and known_share(training, training, 3) == 1


def test_distinct_share_by_hand() -> None:
    assert distinct_share(["a", "b", "a", "a"]) == pytest.approx(2 / 4)
    with pytest.raises(ValueError, match="at least one text"):
        distinct_share([])


@pytest.mark.parametrize(
    "texts",
    [
        [*random_texts(24, words=12, seed=0, longest=9), list("abcde"), list("abcde"), ["a"] * 30, [], list("zz")],
        [["q"] * 1, ["q"] * 2],
        [["q"] * 2, ["q"] * 3, ["q"] * 4],  # the middle one is as far from the shorter as from the longer
    ],
)
def test_self_bleu_is_sacrebleus_sentence_bleu_against_all_others(texts) -> None:
    scorer = BLEU(tokenize="none", effective_order=True, force=True)
    lines = [" ".join(text) for text in texts]
    expected = [scorer.sentence_score(line, lines[:i] + lines[i + 1 :]).score for i, line in enumerate(lines)]
    assert 10 < np.mean(expected) < 90
    for seed in range(6):  # the order in which the texts come makes no difference
        assert self_bleu(texts, seed=seed) == pytest.approx(np.mean(expected))


def test_self_bleu_runs_from_nothing_shared_to_all_the_same() -> None:
    assert self_bleu([list("abcd"), list("efgh"), list("ijkl")]) == 0
    assert self_bleu([list("abcdef")] * 3) == pytest.approx(100)


def test_self_bleu_samples_with_the_seed_and_is_quick() -> None:
    texts = random_texts(2000, words=500, seed=1)
    start = time.perf_counter()
    first = self_bleu(texts, sample=500, seed=3)
    assert time.perf_counter() - start < 10
    assert self_bleu(texts, sample=500, seed=3) == first
    assert self_bleu(texts, sample=500, seed=4) != first
    assert self_bleu(texts, sample=50, seed=3) < first  # fewer others, less to match


def test_self_bleu_needs_two_texts() -> None:
    with pytest.raises(ValueError, match="two texts"):
        self_bleu([["a"]])
    with pytest.raises(ValueError, match="sample of two"):
        self_bleu([["a"], ["b"]], sample=1)


def test_copies_counts_generated_texts_and_streams_the_training_texts() -> None:
    def training() -> Iterator[tuple[str, ...]]:
        yield from [("a", "b"), ("c",), ("a", "b"), ("d", "e")]

    assert copies([("a", "b"), ("a", "b"), ("a",), ("c",), ("c", "d")], training()) == pytest.approx(3 / 5)
    assert copies(["a"], []) == 0
    with pytest.raises(ValueError, match="at least one text"):
        copies([], ["a"])


def test_unigram_kl_is_the_divergence_where_training_has_every_type() -> None:
    generated, training = Counter(a=3, b=5, c=2), Counter(a=10, b=10, c=20, d=7)
    expected = entropy([3, 5, 2, 0], [10, 10, 20, 7])
    assert unigram_kl(generated, training) == pytest.approx(expected)
    assert unigram_kl(training, training) == 0


def test_unigram_kl_skips_types_that_training_lacks_and_keeps_their_mass() -> None:
    assert unigram_kl(Counter(a=1, new=1), Counter(a=1)) == pytest.approx(0.5 * np.log(0.5))  # below 0, as published
    assert unigram_kl(Counter(a=1), Counter(a=1, b=1)) == pytest.approx(np.log(2))
    assert unigram_kl({"a": 1, "b": 0}, {"a": 1, "b": 1}) == pytest.approx(np.log(2))
    for sides in ((Counter(), Counter(a=1)), (Counter(a=1), Counter())):
        with pytest.raises(ValueError, match="both sides"):
            unigram_kl(*sides)


def test_mean_length_by_hand() -> None:
    assert mean_length([list("abc"), [], list("de")]) == pytest.approx(5 / 3)
    with pytest.raises(ValueError, match="at least one text"):
        mean_length([])


def test_smoothed_kl_is_scipys_of_the_counts_and_a_half() -> None:
    generated, real = Counter("aabc"), Counter("abbd")
    p, q = np.array([2.5, 1.5, 1.5, 0.5]) / 6, np.array([1.5, 2.5, 0.5, 1.5]) / 6
    assert smoothed_kl(generated, real) == pytest.approx(entropy(p, q))
    assert smoothed_kl(real, real) == 0
    with pytest.raises(ValueError, match="both sides"):
        smoothed_kl(Counter(), real)


def test_length_distance_by_hand() -> None:
    assert length_distance([list("ab"), list("abcd")], [list("a"), list("abc")]) == pytest.approx(1.0)
    assert length_distance([list("ab")] * 3, [list("xy")]) == 0
    with pytest.raises(ValueError, match="at least one text"):
        length_distance([], [list("a")])
