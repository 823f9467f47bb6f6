"""Clusters of texts by what they say: a mixture of multinomials over words, first words and last words, by EM.

A text's first and last word count once more as features of their own: they tell a question from an order, which its
other words hardly do. What one mixture finds hangs on the texts that it began with. So a committee of mixtures votes
first, each begun and taught by other texts, and its votes count beside the words: what many find is found again.
The clusters teach the symbols; from then on what the model makes of a text is the mixture's prior for it, so that words
and latents decide together.
Legend: N texts, F features, K symbols.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import softmax
from torch import Tensor

from ldebm.data.batches import TokenizedCorpus, TokenizedDialogues
from ldebm.posterior import Posterior
from ldebm.prior.base import Prior

Floats = npt.NDArray[np.floating]
Mixture = tuple[Floats, Floats]  # log p(feature | symbol), KF, and log p(symbol), K
_FIT_TEXTS = 100_000  # the fit sees at most so many texts
_MEMBERS = 10  # of the committee
_MEMBER_TEXTS = 30_000  # each sees at most so many texts
_VOTE = 1.0  # what a vote counts, in words of a text
_STRETCH = 50_000
_ROUNDS = 60
_WARMTH, _COOLING = 8.0, 0.95  # of the first round's shares: without it the texts that began a cluster keep it
_BEFORE = 0.2  # a word of the turns before, in words of a response
_PRIOR_WORDS = 20.0  # words of the whole corpus that every symbol has said beforehand


class WordClustering:
    """Assigns a symbol to every text from its words; from the second time on, from its latent too.

    What there is to go on from is `labels` alone, so that a run can be resumed from them.
    """

    def __init__(self, corpus: TokenizedCorpus, symbols: int, seed: int) -> None:
        self.corpus, self.symbols, self.seed = corpus, symbols, seed
        self.labels: np.ndarray | None = None

    @cached_property
    def features(self) -> sp.csr_matrix:
        """Words and votes of all texts, NF: the slow part, which a run resumed in its last epoch never needs."""
        words_NF = bags(self.corpus, int(self.corpus.ids.max(initial=0)) + 1)
        return with_votes(words_NF, committee(words_NF, self.symbols, self.seed))

    def seen(self, prior: Prior, posterior: Posterior, context_BC: Tensor | None) -> Tensor:
        """log p(y | z), BK."""
        return prior.symbol_logits(posterior.mean_BD, context_BC).log_softmax(-1)

    def assign(self, log_p_NK: np.ndarray | None) -> float:
        """Set `labels`, N, from the words, and from what the model makes of the texts where that is known; returns the
        share of texts whose label changed (nan the first time)."""
        old = self.labels
        if old is None:
            said_KF, prior = fit(self.features, self.symbols, self.seed)
        else:
            said_KF, prior = _said(self.features, _certain(old, self.symbols))
        self.labels = new = _likeliest(self.features, said_KF, prior if log_p_NK is None else log_p_NK)
        return float("nan") if old is None else float(np.mean(new != old))


def bags(corpus: TokenizedCorpus, vocabulary: int) -> sp.csr_matrix:
    """How often each text has each word, and which are its first and last, NF float32: F is three vocabularies."""
    starts = range(0, len(corpus), _STRETCH)
    parts = [_bags(corpus, slice(start, start + _STRETCH), vocabulary) for start in starts]
    found_NF = sp.csr_matrix(sp.vstack(parts)) if parts else sp.csr_matrix((0, 3 * vocabulary), dtype=np.float32)
    return _with_turns_before(found_NF, corpus, vocabulary) if isinstance(corpus, TokenizedDialogues) else found_NF


def _bags(corpus: TokenizedCorpus, texts: slice, vocabulary: int) -> sp.csr_matrix:
    """Those of some texts, T tokens in all."""
    lengths_M = corpus.lengths_N[texts]
    begin = corpus.starts_N[texts][0]
    ids_T = corpus.ids[begin : begin + lengths_M.sum()]
    row_T = np.repeat(np.arange(len(lengths_M)), lengths_M)
    place_T = begin + np.arange(len(ids_T)) - np.repeat(corpus.starts_N[texts], lengths_M)
    left_T = np.repeat(lengths_M, lengths_M) - 1 - place_T
    word_T = (place_T > 0) & (left_T > 0)  # neither begin nor end mark
    chosen = (word_T, word_T & (place_T == 1), word_T & (left_T == 1))
    columns = np.concatenate([ids_T[which] + kind * vocabulary for kind, which in enumerate(chosen)])
    rows = np.concatenate([row_T[which] for which in chosen])
    ones = np.ones(len(rows), np.float32)
    return sp.csr_matrix((ones, (rows, columns)), shape=(len(lengths_M), 3 * vocabulary))


def _with_turns_before(bags_NF: sp.csr_matrix, corpus: TokenizedDialogues, vocabulary: int) -> sp.csr_matrix:
    """The words of the turns that each answers count as well: a response alone seldom says what it is about."""
    answers = [np.flatnonzero(corpus.position_N >= back) for back in range(1, corpus.previous + 1)]
    turn = np.concatenate([rows - back for back, rows in enumerate(answers, start=1)])
    before = sp.csr_matrix((np.ones(len(turn), np.float32), (np.concatenate(answers), turn)), shape=(len(corpus),) * 2)
    words_F = sp.diags_array(np.arange(bags_NF.shape[1]) < vocabulary, dtype=np.float32)  # their ends do not
    return sp.csr_matrix(bags_NF + _BEFORE * (before @ bags_NF @ words_F))


def committee(bags_NF: sp.csr_matrix, symbols: int, seed: int) -> list[Mixture]:
    """Mixtures of the same texts, each begun and taught by others of them."""
    seeds = np.random.SeedSequence(seed).generate_state(_MEMBERS)
    return [fit(bags_NF, symbols, int(each), _MEMBER_TEXTS) for each in seeds]


def with_votes(bags_NF: sp.csr_matrix, members: list[Mixture]) -> sp.csr_matrix:
    """The bags and the symbols that each member gives their texts, as further features."""
    votes = [_VOTE * _certain(_likeliest(bags_NF, *each), len(each[1])) for each in members]
    return sp.csr_matrix(sp.hstack([bags_NF, *votes]))


def fit(bags_NF: sp.csr_matrix, symbols: int, seed: int, most: int = _FIT_TEXTS) -> Mixture:
    """By EM from random texts, no two of them alike where there are as many, with shares that cool down; of more than
    `most` texts so many, drawn."""
    generator = np.random.default_rng(seed)
    if bags_NF.shape[0] > most:
        bags_NF = bags_NF[generator.permutation(bags_NF.shape[0])[:most]]
    keys_N = bags_NF @ generator.normal(size=bags_NF.shape[1])  # equal bags have equal ones
    _, distinct = np.unique(keys_N, return_index=True)
    first = generator.choice(distinct, symbols, replace=len(distinct) < symbols)
    start = sp.csr_matrix((np.ones(symbols), (first, np.arange(symbols))), shape=(bags_NF.shape[0], symbols))
    said_KF, prior_K = _said(bags_NF, start)
    warmth = _WARMTH
    for _ in range(_ROUNDS):
        scores_NK = (log_likelihood(bags_NF, said_KF) + prior_K) / warmth
        said_KF, prior_K = _said(bags_NF, softmax(scores_NK, axis=1))
        warmth = max(1.0, _COOLING * warmth)
    return said_KF, prior_K


def log_likelihood(bags_NF: sp.csr_matrix, said_KF: Floats) -> Floats:
    """log p(words of a text | symbol) in nats, NK, up to what all symbols share."""
    scores: Floats = bags_NF @ said_KF.T
    return scores


def _likeliest(bags_NF: sp.csr_matrix, said_KF: Floats, prior: Floats) -> npt.NDArray[np.int64]:
    """The symbol of each text, N; `prior` is log p(symbol) of all texts, K, or of each, NK."""
    found_N = np.empty(bags_NF.shape[0], np.int64)
    for start in range(0, len(found_N), _STRETCH):
        part = slice(start, start + _STRETCH)
        of_part = prior[part] if prior.ndim == 2 else prior
        found_N[part] = (log_likelihood(bags_NF[part], said_KF) + of_part).argmax(1)
    return found_N


def _certain(labels_N: np.ndarray, symbols: int) -> sp.csr_matrix:
    """Shares of one for each text's label, NK."""
    texts = len(labels_N)
    return sp.csr_matrix((np.ones(texts, np.float32), labels_N, np.arange(texts + 1)), shape=(texts, symbols))


def _said(bags_NF: sp.csr_matrix, shares_NK: Floats | sp.csr_matrix) -> Mixture:
    """The M step: what each symbol says, smoothed by what all say, and how often it is meant."""
    all_F = np.asarray(bags_NF.sum(0), np.float64).ravel() + 0.1
    counts_FK = bags_NF.T @ shares_NK
    counts_KF = np.asarray(counts_FK.todense() if sp.issparse(counts_FK) else counts_FK).T
    counts_KF = counts_KF + _PRIOR_WORDS * all_F / all_F.sum()
    meant_K = np.asarray(shares_NK.sum(0)).ravel() + 1.0
    said_KF = np.log(counts_KF / counts_KF.sum(1, keepdims=True))
    return said_KF.astype(np.float32), np.log(meant_K / meant_K.sum()).astype(np.float32)
