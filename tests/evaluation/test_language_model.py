"""The judge against an exact language model, its own plain computation, and its promises about training."""

import math

import datasets
import numpy as np
import pytest
import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.evaluation.language_model import LanguageModel, Recipe, cross_entropy, fit

WORDS = [f"w{i}" for i in range(6)]


def markov(texts, seed):
    """Texts of a first-order chain whose entropy is known: after word i comes i + 1 or i + 2, or the end."""
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(texts):
        word, text = int(generator.integers(6)), []
        while True:
            text.append(WORDS[word])
            step = generator.choice(3, p=[0.2, 0.4, 0.4])
            if step == 0:
                break
            word = (word + step) % 6
        rows.append(" ".join(text))
    return rows


@pytest.fixture(scope="module")
def corpora():
    tokenizer = Tokenizer.train(WORDS, "whitespace", 100, False)

    def of(texts):
        return TokenizedCorpus.build(
            datasets.Dataset.from_dict({"text": texts, "label": [None] * len(texts)}), tokenizer, 1000, None
        )

    return len(tokenizer), [of(markov(count, seed)) for seed, count in enumerate((3000, 500, 2000))]


def entropy(corpus):
    """Nats a token of the chain above on these texts' lengths: a uniform first word, then one of three ways on."""
    tokens = float((corpus.lengths_N - 1).sum())
    steps = -(0.2 * math.log(0.2) + 0.8 * math.log(0.4))
    return (len(corpus) * math.log(6) + (tokens - len(corpus)) * steps) / tokens


def test_a_judge_finds_the_entropy_of_a_markov_chain(corpora) -> None:
    vocabulary, (training, validation, test) = corpora
    torch.manual_seed(0)
    model = LanguageModel(vocabulary, 32, 0.0)
    found = cross_entropy(fit(model, training, validation, Recipe(epochs=10, learning_rate=0.01), 0), test)
    assert found == pytest.approx(entropy(test), abs=0.03)


def test_the_likelihood_is_that_of_the_library_whatever_shares_the_batch(corpora) -> None:
    vocabulary, (_, validation, _) = corpora
    torch.manual_seed(0)
    model = LanguageModel(vocabulary, 16, 0.5).eval()
    batch = validation.batch(np.arange(20))
    found = model.log_likelihood(batch).detach()
    for row in range(20):
        ids = batch.tokens_BL[row, : batch.lengths_B[row]]
        states, _ = model.lstm(model.embedding(ids[None, :-1]))
        log_p_LV = model.softmax.log_prob(states[0]).detach()
        assert log_p_LV.exp().sum(-1) == pytest.approx(np.ones(len(ids) - 1), abs=1e-5)
        exact = log_p_LV.gather(1, ids[1:, None]).sum()
        assert float(found[row]) == pytest.approx(float(exact), abs=1e-4)


def test_a_text_goes_on_from_the_id_that_it_is_given(corpora) -> None:
    vocabulary, (training, validation, _) = corpora
    torch.manual_seed(0)
    model = fit(LanguageModel(vocabulary, 16, 0.0), training, validation, Recipe(epochs=1, learning_rate=0.01), 0)
    first, count = int(training.ids[1]), 4000
    texts = model.eval().sample(count, torch.Generator().manual_seed(0), 50, first=first)
    begun = np.bincount([text[0] if text else 2 for text in texts], minlength=vocabulary) / count
    states, _ = model.lstm(model.embedding(torch.tensor([[1, first]])))
    after_V = model.softmax.log_prob(states[0, -1:]).exp()[0].detach().numpy()
    assert np.abs(begun - after_V).max() < 0.03
    plain = np.bincount([text[0] for text in model.sample(count, None, 50) if text], minlength=vocabulary) / count
    assert np.abs(plain - after_V).max() > 0.1


def test_samples_are_as_probable_as_the_model_says(corpora) -> None:
    vocabulary, (training, validation, _) = corpora
    torch.manual_seed(0)
    model = fit(LanguageModel(vocabulary, 16, 0.0), training, validation, Recipe(epochs=2, learning_rate=0.01), 0)
    texts = model.eval().sample(4000, torch.Generator().manual_seed(0), 1000)
    ids = [[1, *text, 2] for text in texts]
    corpus = TokenizedCorpus(
        np.concatenate(ids).astype(np.int32), np.array([len(row) for row in ids]), np.zeros(4000, np.int64), 0
    )
    # The share of texts that are one given short text against its probability.
    for text in sorted({tuple(row) for row in texts if len(row) == 1})[:3]:
        share = np.mean([tuple(row) == text for row in texts])
        batch = corpus.batch(np.array([[tuple(row) for row in texts].index(text)]))
        probability = float(model.log_likelihood(batch).detach().exp())
        assert share == pytest.approx(probability, abs=4 * math.sqrt(share / 4000))
    assert max(len(text) for text in model.sample(50, torch.Generator().manual_seed(0), 5)) <= 3


def test_training_repeats_keeps_the_best_epoch_and_stops(corpora, monkeypatch) -> None:
    vocabulary, (_, validation, test) = corpora
    losses = iter([2.0, 1.0, 1.5, 1.2, 0.1])
    kept = {}

    def fake(model, corpus):
        loss = next(losses)
        kept[loss] = {name: value.clone() for name, value in model.state_dict().items()}
        return loss

    monkeypatch.setattr("ldebm.evaluation.language_model.cross_entropy", fake)
    torch.manual_seed(0)
    model = fit(LanguageModel(vocabulary, 8, 0.2), validation, test, Recipe(epochs=9), 0)
    assert sorted(kept) == [1.0, 1.2, 1.5, 2.0]  # two worse epochs in a row end it
    assert all(torch.equal(value, kept[1.0][name]) for name, value in model.state_dict().items())
    monkeypatch.undo()
    again = []
    for _ in range(2):
        torch.manual_seed(0)
        again.append(cross_entropy(fit(LanguageModel(vocabulary, 8, 0.2), validation, test, Recipe(epochs=1), 0), test))
    assert again[0] == again[1]
