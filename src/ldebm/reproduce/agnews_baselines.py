"""AG News by other means: what a practitioner would use in the model's place (methods 3.4).

Legend: N training documents, M documents to label, V words, K classes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.corpora import Corpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.observation import WordEvidence
from ldebm.presets import load_preset
from ldebm.training.pseudo_labels import teach

Probabilities = npt.NDArray[np.floating]
_ROUNDS, _SURE, _SHARE = 10, 0.9, 0.5
_ROWS = 1024


def logistic_regression(corpus: Corpus, asked: list[str]) -> Probabilities:
    """p(y | x) of the asked documents, MK, from tf-idf weights of words; learned from the labelled documents,
    but how rare a word is from all."""
    labels, train = _labels(corpus), corpus.train["text"][:]
    words = TfidfVectorizer(sublinear_tf=True)
    weights_NV, known_N = words.fit_transform(train), labels >= 0
    model = LogisticRegression(C=10.0, max_iter=1000).fit(weights_NV[known_N], labels[known_N])
    found: Probabilities = model.predict_proba(words.transform(asked))
    return found


def self_training(corpus: Corpus, asked: list[str]) -> Probabilities:
    """Multinomial naive Bayes, then ten rounds in which the documents whose label it gives a probability above 0.9
    teach it at half weight."""
    labels, train = _labels(corpus), corpus.train["text"][:]
    words = CountVectorizer()
    counts_NV = words.fit_transform(train)
    taught, weight_N = labels, np.where(labels >= 0, 1.0, _SHARE)
    for _ in range(_ROUNDS + 1):
        rows = np.flatnonzero(taught >= 0)
        model = MultinomialNB().fit(counts_NV[rows], taught[rows], weight_N[rows])
        p_NK = model.predict_proba(counts_NV)
        taught = np.where(labels >= 0, labels, np.where(p_NK.max(1) > _SURE, p_NK.argmax(1), -1))
    found: Probabilities = model.predict_proba(words.transform(asked))
    return found


@torch.no_grad()
def words_alone(corpus: Corpus, asked: list[str]) -> Probabilities:
    """What teaches LDEBM and stays with it as a second witness, alone: naive Bayes by EM and a logistic regression."""
    assert corpus.labels is not None
    data = load_preset("best-bag").data
    tokenizer = Tokenizer.train(corpus.train["text"][:], data.tokenizer, data.vocabulary_size, data.lowercase)
    evidence = WordEvidence(len(tokenizer), len(corpus.labels))
    teach(evidence, TokenizedCorpus.build(corpus.train, tokenizer, data.max_length, corpus.labels))
    read = TokenizedCorpus.of_texts(asked, tokenizer, data.max_length)
    rows = [np.arange(start, min(start + _ROWS, len(read))) for start in range(0, len(read), _ROWS)]
    logits_MK = torch.cat([evidence(read.batch(index).tokens_BL) for index in rows])
    found: Probabilities = softmax(logits_MK.numpy(), axis=1)
    return found


def _labels(corpus: Corpus) -> npt.NDArray[np.integer]:
    """Places of the training documents' labels, -1 where a document has none."""
    assert corpus.labels is not None
    return np.array([-1 if label is None else corpus.labels.index(label) for label in corpus.train["label"]])
