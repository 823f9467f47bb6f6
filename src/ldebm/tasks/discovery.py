"""What the symbols of a model stand for: their words, closest texts, generated prototypes and labels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from ldebm.evaluation.attributes import symbol_shares
from ldebm.evaluation.word_distributions import divergence_contributions, frequency_ratios, jensen_shannon
from ldebm.tasks.reading import SHOWN_TEMPERATURE, InferredTexts, SymbolModel, infer

Array = npt.NDArray[np.floating]
_NAME_WORDS = 3
_TELLING = 3.0  # times as frequent as in the texts of all other symbols, as words are that say what a text is about
ROUNDING = 1e-9  # nats: a word that is as frequent everywhere contributes less than this


@dataclass(frozen=True)
class CharacteristicWord:
    """A word and its part p(w|k) log(p(w|k) / p(w)) of the divergence of its symbol's words from all words, in nats."""

    word: str
    nats: float


@dataclass(frozen=True)
class SymbolRecord:
    """What one symbol stands for.

    share: share of the texts whose most probable symbol it is. words: first those that are three times as frequent as
    elsewhere and no mere punctuation, then the rest, the most characteristic of each first. nearest: its texts
    whose latents, seen from the mean of all, lie most nearly in the direction of the symbol's: those nearest to its
    mean itself are the least distinct of its texts. prototypes: sampled with the symbol. labels: the labels of its
    labelled texts, as shares that sum to 1, most frequent first. All are empty for a symbol that no text has.
    """

    symbol: int
    share: float
    words: tuple[CharacteristicWord, ...] = ()
    nearest: tuple[str, ...] = ()
    prototypes: tuple[str, ...] = ()
    labels: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class NearDuplicate:
    """Two symbols with nearly the same words: the Jensen-Shannon divergence of their word distributions, in nats."""

    first: int
    second: int
    divergence: float


@dataclass(frozen=True)
class Discovery:
    """All symbols, most frequent first, and how they were read.

    labels: the labels of all labelled texts that were read, against which a symbol's make-up is seen. near_duplicates:
    pairs of used symbols below `duplicate_divergence` nats (0: the same words; log 2: none shared), closest first.
    """

    symbols: tuple[SymbolRecord, ...]
    near_duplicates: tuple[NearDuplicate, ...]
    labels: tuple[tuple[str, float], ...]
    texts_read: int
    texts_given: int
    seed: int
    minimum_count: int
    duplicate_divergence: float

    def to_dict(self) -> dict[str, Any]:
        """For json: make-ups by label as objects, and of a symbol that no text has its number and share only."""
        record = asdict(self)
        record["labels"] = dict(self.labels)
        record["symbols"] = [
            {**asdict(one), "labels": dict(one.labels)} if one.share else {"symbol": one.symbol, "share": 0.0}
            for one in self.symbols
        ]
        return record


def discover(
    model: SymbolModel,
    texts: Sequence[str],
    labels: Sequence[str | None] | None = None,
    seed: int = 0,
    **how: Any,
) -> Discovery:
    """Describe every symbol of the model by the texts that have it; at most 20,000 texts are read, drawn with the seed.

    Args:
        how: as for `describe`.
    """
    return describe(model, infer(model, texts, labels, seed), seed=seed, **how)


def describe(
    model: SymbolModel,
    reading: InferredTexts[str],
    words: int = 8,
    nearest: int = 3,
    prototypes: int = 3,
    seed: int = 0,
    *,
    minimum_count: int = 5,
    duplicate_divergence: float = 0.05,
) -> Discovery:
    """Describe every symbol of the model by texts that were read with it.

    Words are counted with each text's symbol probabilities. A word is listed where it occurs at least `minimum_count`
    times in the texts read and its contribution is above 0. Words rarer than that count as one word when symbols are
    compared.
    """
    means_ND, probabilities_NK = reading.inferred.means_ND, reading.inferred.symbols_NK.astype(np.float64)
    shares_K, symbols_N = symbol_shares(probabilities_NK), probabilities_NK.argmax(axis=1)
    vocabulary, counts_NV = word_counts([model.tokenizer.words(text) for text in reading.texts])
    common_V = counts_NV.sum(axis=0) >= minimum_count
    counts_KV = (counts_NV.T @ probabilities_NK).T
    contributions_KV = np.where(common_V, divergence_contributions(counts_KV), 0)
    spelt_V = np.array([any(map(str.isalnum, word)) for word in vocabulary], dtype=bool)
    telling_KV = (frequency_ratios(counts_KV) >= _TELLING) & spelt_V & (contributions_KV > ROUNDING)

    from_all_ND = means_ND - means_ND.mean(axis=0)
    lengths_N = np.maximum(np.linalg.norm(from_all_ND, axis=1), ROUNDING)

    def describe_one(k: int) -> SymbolRecord:
        its_rows = np.flatnonzero(symbols_N == k)
        if not len(its_rows):
            return SymbolRecord(k, 0.0)
        best = np.lexsort((-contributions_KV[k], ~telling_KV[k]))[:words]
        cosine_n = (
            from_all_ND[its_rows] @ (probabilities_NK[:, k] @ from_all_ND) / lengths_N[its_rows]
        )  # up to a factor
        distinct = dict.fromkeys(reading.texts[row] for row in its_rows[np.argsort(-cosine_n, kind="stable")])
        return SymbolRecord(
            symbol=k,
            share=float(shares_K[k]),
            words=tuple(
                CharacteristicWord(vocabulary[v], float(contributions_KV[k, v]))
                for v in best
                if contributions_KV[k, v] > ROUNDING
            ),
            nearest=tuple(distinct)[:nearest],
            prototypes=tuple(
                # Of another seed each: of one, they would be the same texts with each symbol's words.
                model.generate(
                    prototypes,
                    symbol=k if model.has_symbols else None,
                    mode="sample",
                    temperature=SHOWN_TEMPERATURE,
                    seed=seed + k,
                )
            ),
            labels=_make_up([reading.labels[row] for row in its_rows]),
        )

    return Discovery(
        symbols=tuple(describe_one(int(k)) for k in np.argsort(-shares_K, kind="stable")),
        near_duplicates=_near_duplicates(counts_KV, common_V, np.flatnonzero(shares_K), duplicate_divergence),
        labels=_make_up(reading.labels),
        texts_read=len(reading.texts),
        texts_given=reading.given,
        seed=seed,
        minimum_count=minimum_count,
        duplicate_divergence=duplicate_divergence,
    )


def symbol_names(found: Discovery, labels: Sequence[str] | None) -> dict[int, str]:
    """What to call each symbol: its label where labels taught it, else its first words."""
    return {
        one.symbol: labels[one.symbol]
        if labels is not None and one.symbol < len(labels)
        else ", ".join(word.word for word in one.words[:_NAME_WORDS]) or f"symbol {one.symbol}"
        for one in found.symbols
    }


def word_counts(texts: Sequence[Sequence[str]]) -> tuple[list[str], csr_array]:
    """The distinct words in the order they come, and how often each text has each, [N, V]."""
    columns: dict[str, int] = {}
    column_of_token = [columns.setdefault(word, len(columns)) for text in texts for word in text]
    starts = np.cumsum([0, *(len(text) for text in texts)])
    counts = csr_array((np.ones(len(column_of_token)), column_of_token, starts), shape=(len(texts), len(columns)))
    return list(columns), counts


def _near_duplicates(
    counts_KV: Array, common_V: npt.NDArray[np.bool_], used: npt.NDArray[np.integer], threshold: float
) -> tuple[NearDuplicate, ...]:
    pooled_KW = np.column_stack([counts_KV[:, common_V], counts_KV[:, ~common_V].sum(axis=1)])
    spoken = used[pooled_KW[used].sum(axis=1) > 0]
    divergence_KK = jensen_shannon(pooled_KW[spoken])
    first, second = np.nonzero(np.triu(divergence_KK < threshold, k=1))
    pairs = [
        NearDuplicate(int(spoken[i]), int(spoken[j]), float(divergence_KK[i, j]))
        for i, j in zip(first, second, strict=True)
    ]
    return tuple(sorted(pairs, key=lambda pair: pair.divergence))


def _make_up(labels: Sequence[str | None]) -> tuple[tuple[str, float], ...]:
    """Each label's share among the labels that are there, most frequent first."""
    counts = Counter(label for label in labels if label is not None)
    return tuple((label, count / counts.total()) for label, count in counts.most_common())
