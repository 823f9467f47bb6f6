"""Two classifiers of texts, unlike the models that they judge and unlike each other.

Neither knows a model's encoder, vocabulary or weights: one is a convolutional network over words (Kim 2014), the other
linear in hashed word n-grams. Classes weigh the same in both, however many texts each has. Texts have spaces between
their tokens.
Legend: N texts, B of a batch, L tokens, E embedding, M maps, K classes, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import scipy.sparse
import torch
import torch.nn.functional as F
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from ldebm.data.batches import TokenizedCorpus, bucketed, in_order
from ldebm.data.tokenizer import PAD, Tokenizer
from ldebm.weights import kept_tensors

WIDTHS, MAPS, EMBEDDING, DROPOUT = (2, 3, 4, 5), 100, 128, 0.5
EPOCHS, BATCH, LEARNING_RATE = 3, 64, 2e-3  # Adam; the rate halves after each epoch
VOCABULARY = 6_000  # ids; rarer words are one, which is so learned
LONGEST = 128  # tokens that are read
_READ_ROWS = 256

NGRAMS, FEATURES, STRENGTH = (1, 3), 2**20, 30.0  # lengths of n-grams, places to hash to, inverse regularisation


class TextClassifier(Protocol):
    """Says which of the classes 0 to K - 1 each text is of, [N] int64."""

    def predict(self, texts: Sequence[str]) -> np.ndarray: ...


class WordConvolutions(nn.Module):
    """log-odds of the classes: words embedded, convolved at several widths, the largest value of each map over the
    text, one linear layer; dropout on words and maps."""

    def __init__(self, vocabulary: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, EMBEDDING, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[PAD] = 0.0
        self.maps = nn.ModuleList(nn.Conv1d(EMBEDDING, MAPS, width, padding=width) for width in WIDTHS)
        self.head = nn.Linear(MAPS * len(WIDTHS), classes)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, tokens_BL: Tensor) -> Tensor:
        """BK, of ids with their marks. Every text lies between zeros as wide as a map, so that further padding adds
        nothing to what the largest value is taken of."""
        embedded_BEL = self.dropout(self.embedding(tokens_BL)).transpose(1, 2)
        largest = [F.relu(each(embedded_BEL)).amax(2) for each in self.maps]
        logits_BK: Tensor = self.head(self.dropout(torch.cat(largest, 1)))
        return logits_BK


class ConvolutionalClassifier:
    """`WordConvolutions` over the frequent words of the texts that it was taught. Source: Kim 2014."""

    def __init__(self, tokenizer: Tokenizer, network: WordConvolutions) -> None:
        self.tokenizer, self.network = tokenizer, network.eval()

    @classmethod
    def read(
        cls,
        texts: Sequence[str],
        classes_N: np.ndarray,
        device: torch.device,
        epochs: int = EPOCHS,
        seed: int = 0,
        keep: Path | None = None,
    ) -> Self:
        """The classifier that these texts and their classes, 0 to K - 1, teach; its weights are read from the file
        `keep` where it lies there, else kept in it. Raises RunError where that file is damaged."""
        tokenizer = Tokenizer.train(texts, "whitespace", VOCABULARY, lowercase=False)
        torch.manual_seed(seed)
        network = WordConvolutions(len(tokenizer), int(classes_N.max()) + 1).to(device)

        def found() -> dict[str, Tensor]:
            corpus = TokenizedCorpus.of_texts(texts, tokenizer, LONGEST)
            return _fit(network, corpus, torch.from_numpy(classes_N), epochs, seed).state_dict()

        network.load_state_dict(kept_tensors(keep, found))
        return cls(tokenizer, network)

    @torch.no_grad()
    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """The most probable class of each text, [N] int64."""
        corpus, device = TokenizedCorpus.of_texts(texts, self.tokenizer, LONGEST), self.network.head.weight.device
        classes_N = np.empty(len(texts), np.int64)
        for index in in_order(corpus.lengths_N, _READ_ROWS):
            classes_N[index] = self.network(corpus.batch(index).tokens_BL.to(device)).argmax(1).cpu().numpy()
        return classes_N


def _fit(
    network: WordConvolutions, corpus: TokenizedCorpus, classes_N: Tensor, epochs: int, seed: int
) -> WordConvolutions:
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=True)
    device = network.head.weight.device
    counts_K = classes_N.bincount()
    weight_K = (len(classes_N) / (len(counts_K) * counts_K)).to(device)  # classes weigh the same, as in the linear one
    for epoch in range(epochs):
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE / 2**epoch
        for index in bucketed(corpus.lengths_N, BATCH, seed, epoch):
            logits_BK = network(corpus.batch(index).tokens_BL.to(device))
            loss = F.cross_entropy(logits_BK, classes_N[index].to(device), weight_K)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network.eval()


class LinearClassifier:
    """Logistic regression on the counts of a text's word 1- to 3-grams, hashed and scaled to length one: coefficients
    are all there is to it."""

    def __init__(self, regression: LogisticRegression) -> None:
        self.regression = regression

    @classmethod
    def read(cls, texts: Sequence[str], classes_N: np.ndarray, seed: int = 0, keep: Path | None = None) -> Self:
        """The classifier that these texts and their two classes, 0 and 1, teach; its coefficients are read from the
        file `keep` where it lies there, else kept in it. Raises RunError where that file is damaged."""
        regression = LogisticRegression(C=STRENGTH, solver="liblinear", class_weight="balanced", random_state=seed)

        def found() -> dict[str, Tensor]:
            regression.fit(_ngrams(texts), classes_N)
            return {name: torch.from_numpy(getattr(regression, name)) for name in ("coef_", "intercept_")}

        kept = kept_tensors(keep, found)
        regression.classes_ = np.unique(classes_N)
        for name, value in kept.items():
            setattr(regression, name, value.numpy())
        return cls(regression)

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """The most probable class of each text, [N] int64."""
        classes_N: np.ndarray = self.regression.predict(_ngrams(texts))
        return classes_N


def _ngrams(texts: Sequence[str]) -> scipy.sparse.csr_matrix:
    """Counts of each text's word n-grams by the place that they are hashed to, NF, rows of length one."""
    hashing = HashingVectorizer(
        token_pattern=r"\S+", lowercase=False, ngram_range=NGRAMS, n_features=FEATURES, alternate_sign=False
    )
    return hashing.transform(texts)
