"""Every figure that applies to a trained model, each with its definition and the value it is to be read against."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from ldebm.evaluation.attributes import accuracy, agreement, chance_agreement, majority_share, symbol_shares
from ldebm.evaluation.fluency import copies, distinct_n, distinct_share, mean_length, self_bleu, unigram_kl
from ldebm.evaluation.latent import (
    active_units,
    gaussian_rate,
    latent_mutual_information,
    matched_rate,
    mutual_information,
)
from ldebm.evaluation.reconstruction import bleu, token_accuracy
from ldebm.tasks.reading import Mode, Reading, SymbolModel, infer

Array = npt.NDArray[np.floating]
Tokens = tuple[str, ...]
IN_USE = 0.001  # a symbol is in use where it is the most probable one of a greater share of the texts
LATENT_TEXTS = 2000  # of which I(x; z) is taken

BLEU = "BLEU points"
NATS = "nats"
NATS_A_TEXT = "nats a text"
SHARE = "share"


@dataclass(frozen=True)
class Measurement:
    """One figure: plain name, value, what it is, the floor, bound or real value to read it against, and its unit."""

    name: str
    value: float
    definition: str
    floor_or_bound: str | None
    unit: str


def evaluate(
    model: SymbolModel,
    texts: Sequence[str],
    training_texts: Iterable[str],
    samples: int = 1000,
    seed: int = 0,
    labels: Sequence[str | None] | None = None,
    mode: Mode = "greedy",
) -> list[Measurement]:
    """Measure a model on held-out texts, against the texts it was trained on.

    At most 20,000 of the texts are read, drawn with the seed; the training texts are streamed once. `samples` texts
    are generated with `mode`, but no more than there are held-out texts, since most figures of fluency depend on the
    number of texts: the real texts beside them are as many. A text's tokens are `model.tokenizer.words(text)`. The
    rows of symbols are left out for a model with a single symbol, those of labels where no text has one, and
    `unigram_kl` where a model generates no word at all.
    """
    reading = infer(model, texts, labels, seed)
    means_ND, variances_ND, probabilities_NK = reading.inferred
    return [
        *_reconstruction(model, reading, seed),
        *_latents(means_ND, variances_ND, seed),
        *_symbols(probabilities_NK),
        *_generation(model, reading, training_texts, samples, seed, mode),
        *_labels(model, probabilities_NK, reading, seed),
    ]


def _reconstruction(model: SymbolModel, reading: Reading[str], seed: int) -> list[Measurement]:
    references = [model.tokenizer.words(text) for text in reading.texts]
    hypotheses = [model.tokenizer.words(text) for text in model.reconstruct(reading.texts, mode="greedy")]
    order = np.random.default_rng(seed).permutation(len(references))
    others = [references[i] for i in order]
    another = [hypotheses[i] for i in np.roll(order, 1)]  # at each place the reconstruction of another text
    whole = f"of the greedy reconstruction from the posterior mean, {_number(reading)}"

    def row(name: str, score: Callable[..., float], definition: str, unit: str) -> Measurement:
        floor = f"floor: {score(another, others):.4g}, the reconstructions of other texts"
        return Measurement(name, score(hypotheses, references), f"{definition} {whole}", floor, unit)

    return [
        row("bleu", bleu, "corpus BLEU-4 without smoothing", BLEU),
        row("token_accuracy", token_accuracy, "share of the text's positions with the same token", SHARE),
    ]


def _latents(means_ND: Array, variances_ND: Array, seed: int) -> list[Measurement]:
    dimensions, subsample = means_ND.shape[1], min(LATENT_TEXTS, len(means_ND))
    information = latent_mutual_information(means_ND, variances_ND, texts=LATENT_TEXTS, seed=seed)
    return [
        Measurement(
            "rate",
            gaussian_rate(means_ND, variances_ND),
            "mean KL(q(z|x) || N(0, I))",
            "floor: 0, the posterior ignores the text",
            NATS_A_TEXT,
        ),
        Measurement(
            "rate_matched_gaussian",
            matched_rate(means_ND, variances_ND),
            "mean KL(q(z|x) || N(m, C)), m and C those of the aggregate posterior: the lowest rate of a Gaussian prior",
            "floor: 0, the posterior ignores the text",
            NATS_A_TEXT,
        ),
        Measurement(
            "latent_mutual_information",
            information,
            f"I(x; z), Monte Carlo with the aggregate posterior of {subsample:,} texts",
            f"floor: 0; bound: {math.log(subsample):.3f}, log of the texts (near it, read as 'at least')",
            NATS,
        ),
        Measurement(
            "active_units",
            active_units(means_ND),
            "latent dimensions whose posterior mean has a variance above 0.01 over the texts",
            f"floor: 0; bound: {dimensions}, all dimensions",
            "dimensions",
        ),
    ]


def _symbols(probabilities_NK: Array) -> list[Measurement]:
    symbols = probabilities_NK.shape[1]
    if symbols < 2:
        return []
    shares_K = symbol_shares(probabilities_NK)
    return [
        Measurement(
            "mutual_information",
            mutual_information(probabilities_NK),
            "I(x; y) of text and symbol: H(mean p(y|x)) - mean H(p(y|x))",
            f"floor: 0; bound: {math.log(symbols):.3f}, log of {symbols} symbols",
            NATS,
        ),
        Measurement(
            "symbols_in_use",
            float((shares_K > IN_USE).sum()),
            f"symbols that are the most probable one of more than {IN_USE:.1%} of the texts",
            f"floor: 1; bound: {symbols}, all symbols",
            "symbols",
        ),
        Measurement(
            "largest_symbol_share",
            float(shares_K.max()),
            "share of the texts with the most frequent symbol",
            f"floor: {1 / symbols:.4g}, all symbols equally often; bound: 1",
            SHARE,
        ),
    ]


def _generation(
    model: SymbolModel, reading: Reading[str], training_texts: Iterable[str], samples: int, seed: int, mode: Mode
) -> list[Measurement]:
    def tokens_of(text: str) -> Tokens:
        return tuple(model.tokenizer.words(text))

    count = min(samples, len(reading.texts))
    chosen = np.random.default_rng(seed).choice(len(reading.texts), size=count, replace=False)
    real = [tokens_of(reading.texts[i]) for i in chosen]
    generated = [tokens_of(text) for text in model.generate(count, mode=mode, seed=seed)]

    wanted = {*generated, *real}
    training_counts: Counter[str] = Counter()
    in_training: set[Tokens] = set()
    for text in training_texts:
        tokens = tokens_of(text)
        training_counts.update(tokens)
        if tokens in wanted:
            in_training.add(tokens)

    def pair(name: str, score: Callable[[Sequence[Tokens]], float], definition: str, unit: str) -> list[Measurement]:
        of_real = score(real)
        beside = f"real texts: {of_real:.4g}"
        return [
            Measurement(name, score(generated), f"{definition}, {count:,} {mode} generated texts", beside, unit),
            Measurement(f"{name}_real", of_real, f"{definition}, {count:,} real held-out texts", None, unit),
        ]

    def words_kl(texts: Sequence[Tokens]) -> float:
        return unigram_kl(Counter(word for text in texts for word in text), training_counts)

    rows = [
        *pair("distinct_1", lambda texts: distinct_n(texts, 1), "distinct tokens over tokens", SHARE),
        *pair("distinct_2", lambda texts: distinct_n(texts, 2), "distinct bigrams over bigrams", SHARE),
        *pair("distinct_share", distinct_share, "distinct texts over texts", SHARE),
        *pair("self_bleu", lambda texts: self_bleu(texts, seed=seed), "mean BLEU-4 against at most 499 others", BLEU),
        *pair("copies", lambda texts: copies(texts, in_training), "share that is, word for word, in training", SHARE),
        *pair("mean_length", mean_length, "mean tokens a text", "tokens"),
    ]
    if any(generated):
        definition = "sum of f log(f / f_train) over the tokens that training has, f the share among the texts' tokens"
        rows += pair("unigram_kl", words_kl, definition, NATS)
    return rows


def _labels(model: SymbolModel, probabilities_NK: Array, reading: Reading[str], seed: int) -> list[Measurement]:
    labelled = [i for i, label in enumerate(reading.labels) if label is not None]
    if not labelled or probabilities_NK.shape[1] < 2:
        return []
    labels = [label for label in reading.labels if label is not None]
    symbols = probabilities_NK.argmax(axis=1)[labelled]
    definitions = {
        "homogeneity": "1 - H(label | symbol) / H(label)",
        "completeness": "1 - H(symbol | label) / H(symbol)",
        "v_measure": "harmonic mean of homogeneity and completeness",
        "ami": "mutual information of symbol and label, adjusted for chance",
    }
    scores, chance = asdict(agreement(symbols, labels)), asdict(chance_agreement(symbols, labels, seed=seed))
    of = f"over {len(labels):,} labelled texts at once"
    rows: list[Measurement] = []
    if model.labels is not None:
        predicted = [model.labels[k] if k < len(model.labels) else None for k in symbols]
        floor = majority_share(labels)
        beside = f"floor: {floor:.4g}, always the most frequent label"
        rows = [
            Measurement("accuracy", accuracy(predicted, labels), f"share of right labels, {of}", beside, SHARE),
            Measurement("accuracy_chance", floor, f"share of the most frequent label, {of}", None, SHARE),
        ]
    for name, definition in definitions.items():
        permuted = f"{definition}, {of}, the symbols permuted, mean of 10"
        beside = f"chance: {chance[name]:.4g}, the symbols permuted"
        rows += [
            Measurement(name, scores[name], f"{definition}, {of}", beside, SHARE),
            Measurement(f"{name}_chance", chance[name], permuted, None, SHARE),
        ]
    return rows


def _number(reading: Reading[str]) -> str:
    every = f"{len(reading.texts):,} texts"
    return every if reading.given == len(reading.texts) else f"{every} drawn from {reading.given:,}"
