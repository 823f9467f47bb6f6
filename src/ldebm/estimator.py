"""`LDEBMTextModel`: the model as a scikit-learn estimator of texts.

Legend: N texts, D latent dimensions, K symbols.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import datasets
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted

from ldebm.data.corpora import Corpus
from ldebm.data.labels import labels_of
from ldebm.data.splits import hashed_split
from ldebm.errors import shorten
from ldebm.presets import load_preset
from ldebm.tasks import likelihood_figures
from ldebm.training import train
from ldebm.training.progress import quiet

_SCORE_SAMPLES = 10  # posterior samples of the bound of log p(x): `score` is asked for often, and compares
_NAME = "the texts given to fit"


class LDEBMTextModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator):
    """Learns symbols of texts, or their labels where some have one, and writes texts.

    `X` is a sequence, array or series of strings everywhere. Without `y` the symbols are found; with it they are its
    classes, and texts whose label is missing (None, NaN or "") are learned from as well.

    Args:
        preset: of texts, as `load_preset` knows them.
        symbols: K, where no labels say it.
        epochs, max_minutes: when training ends at the latest; None: as the preset says.
        settings: more of them, as "training.batch_size=64"; those above win.
        validation_share: of the texts, chosen by their hash, that training is watched with.
        folder: keep the run folder here; None: it is not kept. A folder that holds a run is refused.
        random_state: an int gives the same model again.
        verbose: tell the course of training on standard error.

    Attributes:
        model_: the trained `LDEBM`.
        classes_: [K] the labels, in their own type, or 0 .. K-1. A label whose single text is all there is to watch the
            training with is not learned, which a warning says, and is none of them; nor is one of blank texts alone.
        supervised_: whether labels taught the symbols.
        n_symbols_: K.

    Raises ValueError for texts that are none and for labels that are too few, and the library's UserError for settings.
    """

    def __init__(
        self,
        preset: str = "best-small",
        *,
        symbols: int = 20,
        epochs: int | None = None,
        max_minutes: float | None = None,
        settings: Sequence[str] = (),
        validation_share: float = 0.1,
        folder: str | Path | None = None,
        random_state: int | np.random.RandomState | None = 0,
        verbose: bool = False,
    ) -> None:
        self.preset = preset
        self.symbols = symbols
        self.epochs = epochs
        self.max_minutes = max_minutes
        self.settings = settings
        self.validation_share = validation_share
        self.folder = folder
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Iterable[str], y: Iterable[Any] | None = None) -> Self:
        """Train from scratch. Texts without a character are left out."""
        texts = _texts(X)
        labels, classes = _labels(y, len(texts))
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31)
        asked = {
            "model.symbols": self.symbols,
            "training.epochs": self.epochs,
            "training.max_minutes": self.max_minutes,
            "data.validation_share": self.validation_share,
            "seed": seed,
        }
        config = load_preset(
            self.preset, [*self.settings, *(f"{name}={value}" for name, value in asked.items() if value is not None)]
        )
        corpus, classes = _corpus(texts, labels, classes, self.validation_share, int(seed))
        place = tempfile.TemporaryDirectory() if self.folder is None else nullcontext(str(self.folder))
        with place as folder, nullcontext() if self.verbose else quiet():
            self.model_ = train(config, corpus, Path(folder) / "run" if self.folder is None else folder)
        self.supervised_ = classes is not None
        self.n_symbols_ = self.model_.config.model.symbols
        self.classes_ = np.arange(self.n_symbols_) if classes is None else classes
        return self

    def transform(self, X: Iterable[str]) -> npt.NDArray[np.float32]:
        """Posterior means, [N, D]."""
        check_is_fitted(self)
        return self.model_.encode(_texts(X))

    def inverse_transform(self, X: npt.NDArray[np.floating]) -> npt.NDArray[np.object_]:
        """The text of each latent [N, D], as an array of strings. Raises UserError for another shape."""
        check_is_fitted(self)
        return np.array(self.model_.decode(np.asarray(X)), dtype=object)

    def predict(self, X: Iterable[str]) -> npt.NDArray[Any]:
        """The most probable class, or symbol, of each text, [N]."""
        best_N = self.predict_proba(X).argmax(axis=1)
        found: npt.NDArray[Any] = self.classes_[best_N]
        return found

    def predict_proba(self, X: Iterable[str]) -> npt.NDArray[np.float32]:
        """p(y | x), [N, K], in the order of `classes_`."""
        check_is_fitted(self)
        return self.model_.symbol_probabilities(_texts(X))

    def score(self, X: Iterable[str], y: Iterable[Any] | None = None) -> float:
        """Share of right classes among the labelled texts, a label that is none of `classes_` counting as missed; of a
        model that had no labels a lower bound of the mean log p(x), nats a text. More is better. Raises ValueError
        where labels are needed, where all are unknown, and where the prior has no density.
        """
        check_is_fitted(self)
        texts = _texts(X)
        if not self.supervised_:
            return -likelihood_figures.of_texts(self.model_, texts, _SCORE_SAMPLES)["nll_bound"]
        if y is None:
            raise ValueError("the model was fitted with labels, and received none to score with; give y")
        rows, known = _known(y, len(texts))
        if set(known.tolist()).isdisjoint(self.classes_.tolist()):
            raise ValueError(f"none of the labels in y is known; {self._those_known()}, of type {self.classes_.dtype}")
        return float(np.mean(self.predict([texts[row] for row in rows]) == known))

    def generate(self, n: int, label: Any = None, symbol: int | None = None, **how: Any) -> list[str]:
        """Write `n` texts, of a class or with a symbol where one is asked for; `how` as `LDEBM.generate` takes it."""
        check_is_fitted(self)
        if label is not None:
            found = np.flatnonzero(self.classes_ == label)
            if not self.supervised_ or not len(found):
                raise ValueError(f"unknown label {label!r}; {self._those_known()}")
            symbol = int(found[0])
        return self.model_.generate(n, symbol=symbol, **how)

    def _those_known(self) -> str:
        known = shorten(", ".join(map(str, self.classes_)), 300)
        return f"the model's are {known if self.supervised_ else 'none: it was fitted without labels'}"

    @property
    def _n_features_out(self) -> int:
        return self.model_.config.model.latent_size

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = False, True
        tags.target_tags.required = False
        return tags


def _texts(X: Iterable[str]) -> list[str]:
    """The texts as a list. Raises ValueError for what is no sequence of strings."""
    if isinstance(X, str | Mapping) or not isinstance(X, Iterable):
        raise ValueError(f"a sequence of texts is needed, received {type(X).__name__}; put a single text into a list")
    if getattr(X, "ndim", 1) != 1:
        raise ValueError(f"one column of texts is needed, received {X.ndim} dimensions; choose a column")  # type: ignore[attr-defined]
    texts = list(X)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"text {row} is of type {type(text).__name__}, not str; fill missing texts with ''")
    if not texts:
        raise ValueError("no texts were given; give at least one")
    return [str(text) for text in texts]


def _known(y: Iterable[Any], texts: int) -> tuple[list[int], npt.NDArray[Any]]:
    """The rows that have a label, and these labels as an array. Raises ValueError for labels that do not fit."""
    if getattr(y, "ndim", 1) != 1:
        raise ValueError(f"one column of labels is needed, received {y.ndim} dimensions; choose a column")  # type: ignore[attr-defined]
    given = list(y)
    if len(given) != texts:
        raise ValueError(f"one label a text is needed, received {len(given)} for {texts} texts")
    rows = [row for row, label in enumerate(given) if not _missing(label)]
    if not rows:
        raise ValueError("y has no label at all; give some (`fit` without y finds symbols without labels)")
    return rows, np.asarray([given[row] for row in rows])


def _labels(y: Iterable[Any] | None, texts: int) -> tuple[list[str | None], npt.NDArray[Any] | None]:
    """Each text's label as a string, None where it is missing, and the sorted classes in their own type."""
    labels: list[str | None] = [None] * texts
    if y is None:
        return labels, None
    rows, known = _known(y, texts)
    classes, class_of = np.unique(known, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"two classes or more are needed, received one class, {str(classes[0])!r}")
    for row, each in zip(rows, class_of, strict=True):
        labels[row] = str(classes[each])
    return labels, classes


def _missing(label: Any) -> bool:
    """None, NaN, pandas' NA or an empty string; -1 is a label like any other."""
    return label is None or type(label).__name__ in ("NAType", "NaTType") or label == "" or label != label


def _corpus(
    texts: list[str], labels: list[str | None], classes: npt.NDArray[Any] | None, share: float, seed: int
) -> tuple[Corpus, npt.NDArray[Any] | None]:
    """The texts as a corpus, and the classes among those to train on. Raises ValueError where these are fewer than two,
    DataError where they are too many."""
    filled = [row for row, text in enumerate(texts) if text.strip()]
    kept = [texts[row].strip() for row in filled]
    columns = {"text": kept, "label": [labels[row] for row in filled]}
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.Value("string")})
    table = datasets.Dataset.from_dict(columns, features)
    aside, label_N = hashed_split(kept, share, seed, _NAME), np.array(columns["label"], dtype=object)
    for label in sorted(set(label_N[aside]) - {*label_N[~aside], None}):
        [first, *_] = np.flatnonzero(aside & (label_N == label))
        aside[first] = aside.sum() == 1  # a class is learned from one of its texts at least, if others are left aside
    train, validation = (table.select(np.flatnonzero(rows)) for rows in (~aside, aside))
    names = None
    if classes is not None:
        trains, validates = (part.with_format("arrow")[:]["label"] for part in (train, validation))
        if len(trains.drop_null().unique()) < 2:
            raise ValueError("two classes or more are needed among the texts to train on; give more labels")
        learned = labels_of(trains, validates, "y")
        classes = classes[[str(each) in learned for each in classes]]
        names = tuple(str(each) for each in classes)
    return Corpus(_NAME, train, validation, None, names), classes
