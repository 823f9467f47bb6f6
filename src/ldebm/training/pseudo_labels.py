"""What words say of labels: naive Bayes learns from the labelled texts, then by EM from all (Nigam et al. 2000), and a
logistic regression on the same words and pairs what tells the labels apart.

The first knows more from few labels, the second from many (Ng & Jordan 2001); the verdict is the product of both. What
it makes of the texts without a label is what the symbols are taught there; it stays with the model as a second witness
(`observation/word_evidence.py`). Naive Bayes is tempered: with every word an independent witness, EM is sure of
whatever it believed first.
Legend: N texts, F features (words and pairs of neighbours), U of them that count, K labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from operator import itemgetter

import numpy as np
import scipy.sparse as sp
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from ldebm.data.batches import TextBatch, TokenizedCorpus
from ldebm.observation.word_evidence import WordEvidence

_ROUNDS = 20  # at most
_FOLDS = 5
_TEMPER = 5.0
_STRENGTH = 10.0  # of a labelled text against the penalty of the regression's weights
_BELIEVED = 0.03  # of a text whose label EM has found, as much as it is sure
_ITERATIONS = 1_000  # at most
_WEIGHTS = 10_000_000  # of the regression at most: L-BFGS keeps some 25 numbers for each
_LEAST = 2  # texts that a word or pair must stand in
_COMMON, _SEVERAL = 0.05, 50  # a word or pair is common that stands in more than that share of the texts, and so many
_ROWS = 1024


def teach(evidence: WordEvidence, corpus: TokenizedCorpus) -> None:
    """Set the evidence of words by EM and regression from the labels that the corpus knows; the same corpus, the same
    evidence.

    EM goes on for as many rounds as find most of the labels of texts whose own is hidden (five-fold cross-validation):
    where labels are not what texts mostly differ in, each round leads further away from them. The same decides whether
    the commonest words count, with the pairs that they stand in: of what a text is about they say nothing. Where every
    text has its label EM has nothing to find: one round.
    """
    texts, labels = len(corpus), evidence.said_FK.shape[1]
    evidence.surprise_F.fill_(1.0)
    stands_F = np.asarray(_weighted(evidence, corpus).sign().sum(0)).ravel()
    surprise_F = np.where(stands_F >= _LEAST, np.log((1 + texts) / (1 + stands_F)) + 1, 0.0)
    length = float(corpus.lengths_N.mean()) ** 0.5  # a text of unit length tells as much as so many words
    rare_F = np.where(stands_F > max(_COMMON * texts, _SEVERAL), 0.0, surprise_F)
    most = _ROUNDS if (corpus.symbols_N < 0).any() else 1
    tried = []
    for each_F in (rare_F, surprise_F) if rare_F.any() else (surprise_F,):
        evidence.surprise_F.copy_(torch.from_numpy(each_F))
        used_U = np.flatnonzero(each_F)
        told_NU = _weighted(evidence, corpus)[:, used_U]
        rounds = partial(_rounds, told_NU, length, labels)
        tried.append((*_best_round(rounds, corpus.symbols_N, most), each_F, used_U, told_NU, rounds))
    _, best, surprise_F, used_U, told_NU, rounds = max(tried, key=itemgetter(0))
    evidence.surprise_F.copy_(torch.from_numpy(surprise_F))
    said_KU, meant_K, shares_NK = next(islice(rounds(corpus.symbols_N), best, None))
    tells_KU, expects_K = _regression(told_NU, shares_NK, corpus.symbols_N >= 0)
    said_KU, meant_K = said_KU + tells_KU, meant_K + expects_K
    evidence.said_FK.zero_()[torch.from_numpy(used_U)] = torch.from_numpy(said_KU - said_KU.mean(0)).T
    evidence.meant_K.copy_(torch.from_numpy(meant_K - meant_K.mean()))


def _rounds(
    told_NU: sp.csr_matrix, length: float, labels: int, symbols_N: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """EM's rounds: what features say KU, what is meant before K, and the shares of the labels NK that follow. The first
    has learned from the labelled texts alone; -1 stands for no label."""
    given_NK = np.zeros((len(symbols_N), labels), np.float32)
    known_N = np.flatnonzero(symbols_N >= 0)
    given_NK[known_N, symbols_N[known_N]] = 1.0
    shares_NK = given_NK
    for _ in range(_ROUNDS):
        told_KU = length * (told_NU.T @ shares_NK).T + 1.0
        said_KU = length / _TEMPER * np.log(told_KU / told_KU.sum(1, keepdims=True))
        meant_K = np.log(shares_NK.sum(0) + 1.0) / _TEMPER
        shares_NK = softmax(told_NU @ said_KU.T + meant_K, axis=1).astype(np.float32)
        shares_NK[known_N] = given_NK[known_N]
        yield said_KU, meant_K, shares_NK


def _best_round(
    rounds: Callable[[np.ndarray], Iterator[tuple[np.ndarray, ...]]], symbols_N: np.ndarray, most: int
) -> tuple[int, int]:
    """How many hidden labels are found at best, and after which round, the last of equals. Every class is shared out
    evenly."""
    known_N = np.flatnonzero(symbols_N >= 0)
    known_N = known_N[np.argsort(symbols_N[known_N], kind="stable")]
    right_R = np.zeros(most, np.int64)
    for fold in range(_FOLDS):
        hidden = known_N[fold::_FOLDS]
        seen_N = symbols_N.copy()
        seen_N[hidden] = -1
        shares = (shares_NK for *_, shares_NK in islice(rounds(seen_N), most))
        right_R += np.array([(shares_NK[hidden].argmax(1) == symbols_N[hidden]).sum() for shares_NK in shares])
    best = int(most - 1 - right_R[::-1].argmax())
    return int(right_R[best]), best


def _regression(told_NU: sp.csr_matrix, shares_NK: np.ndarray, known_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The log odds KU and K that tell the labels apart. A text whose label is only believed counts for little: enough
    where there are few others. Nothing where they would be too many to learn, or no word stands in two texts."""
    believed_N, labels = shares_NK.argmax(1), shares_NK.shape[1]
    tells_KU, expects_K = np.zeros((labels, told_NU.shape[1]), np.float32), np.zeros(labels, np.float32)
    found_K = np.unique(believed_N)
    if len(found_K) > 1 and 0 < len(found_K) * told_NU.shape[1] <= _WEIGHTS:
        weight_N = np.where(known_N, 1.0, _BELIEVED * shares_NK.max(1))
        fitted = LogisticRegression(C=_STRENGTH, max_iter=_ITERATIONS).fit(told_NU, believed_N, weight_N)
        weights, offsets = fitted.coef_, fitted.intercept_
        if len(found_K) == 2:  # one row says both
            weights, offsets = np.concatenate([-weights, weights]) / 2, np.concatenate([-offsets, offsets]) / 2
        tells_KU[found_K], expects_K[found_K] = weights, offsets
    return tells_KU, expects_K


@torch.no_grad()
def pseudo_labels(evidence: WordEvidence, corpus: TokenizedCorpus) -> np.ndarray:
    """p(y | words) of every text without a label, NK float32; zeros for the others, which are taught by their own."""
    device = evidence.said_FK.device
    read = [evidence(batch.tokens_BL.to(device)).softmax(-1).cpu().numpy() for batch in _batches(corpus)]
    shares_NK = np.concatenate(read)
    shares_NK[corpus.symbols_N >= 0] = 0.0
    return shares_NK


def _weighted(evidence: WordEvidence, corpus: TokenizedCorpus) -> sp.csr_matrix:
    """How much each word and pair of a text tells, NF float32."""
    parts = []
    for batch in _batches(corpus):
        feature_BM, weight_BM = (each.numpy() for each in evidence.weighted(batch.tokens_BL))
        row, place = np.nonzero(weight_BM)
        shape = len(batch), len(evidence.surprise_F)
        parts.append(sp.csr_matrix((weight_BM[row, place], (row, feature_BM[row, place])), shape=shape))
    return sp.csr_matrix(sp.vstack(parts))


def _batches(corpus: TokenizedCorpus) -> Iterator[TextBatch]:
    for start in range(0, len(corpus), _ROWS):
        yield corpus.batch(np.arange(start, min(start + _ROWS, len(corpus))))
