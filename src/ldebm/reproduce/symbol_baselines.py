"""Symbols by other means: what a practitioner would use in the model's place, and k-means for a prior without symbols.

Legend: N texts, M test texts, K symbols.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.training.word_mixture import bags, committee, fit, log_likelihood, with_votes

Probabilities = npt.NDArray[np.floating]
_LONGEST = 60  # tokens of a text, as the table's models read them
LEAST_TEXTS = 5  # a word that fewer training texts have is left out


def k_means(
    training: npt.NDArray[np.floating], test: npt.NDArray[np.floating], symbols: int, seed: int
) -> Probabilities:
    """p(y | x) of the test rows, zeros and a one, MK: the nearest of the centres found in the training rows."""
    return _nearest(KMeans(symbols, n_init=3, random_state=seed).fit(training), test, symbols)


def tf_idf_k_means(
    training: Sequence[str], test: Sequence[str], tokenizer: Tokenizer, symbols: int, seed: int
) -> Probabilities:
    """The same on tf-idf weights of the tokenizer's words."""
    words = TfidfVectorizer(analyzer=tokenizer.words, min_df=LEAST_TEXTS, sublinear_tf=True)
    fitted = KMeans(symbols, n_init=1, random_state=seed).fit(words.fit_transform(training))
    return _nearest(fitted, words.transform(test), symbols)


def latent_dirichlet_allocation(
    training: Sequence[str], test: Sequence[str], tokenizer: Tokenizer, symbols: int, seed: int
) -> Probabilities:
    """The topics' shares of the test texts, MK (Blei et al. 2003; online variational inference)."""
    words = CountVectorizer(analyzer=tokenizer.words, min_df=LEAST_TEXTS)
    topics = LatentDirichletAllocation(symbols, learning_method="online", random_state=seed)
    topics.fit(words.fit_transform(training))
    shares: Probabilities = topics.transform(words.transform(test))
    return shares


def word_mixture(
    training: Sequence[str], test: Sequence[str], tokenizer: Tokenizer, symbols: int, seed: int
) -> Probabilities:
    """p(y | words) of the test texts, MK, under the mixture of multinomials that teaches LDEBM its symbols, with the
    committee that votes before it."""
    learned, asked = (
        bags(TokenizedCorpus.of_texts(texts, tokenizer, _LONGEST), len(tokenizer)) for texts in (training, test)
    )
    members = committee(learned, symbols, seed)
    said_KF, prior_K = fit(with_votes(learned, members), symbols, seed)
    shares: Probabilities = softmax(log_likelihood(with_votes(asked, members), said_KF) + prior_K, axis=1)
    return shares


def _nearest(fitted: KMeans, test: npt.ArrayLike, symbols: int) -> Probabilities:
    rows: Probabilities = np.eye(symbols, dtype=np.float32)[fitted.predict(test)]
    return rows
