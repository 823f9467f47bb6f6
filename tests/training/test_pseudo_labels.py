"""Naive Bayes by EM: it finds the labels of texts from a few that are told, and is multinomial naive Bayes where all
are."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.observation import WordEvidence
from ldebm.training import pseudo_labels as module
from ldebm.training.pseudo_labels import pseudo_labels, teach
from tests import tiny

KINDS = ("ball goal team match coach".split(), "bank share price market profit".split())
COMMON = "the of and in on today".split()


def said(n=400, seed=0):
    """Texts of two kinds, each with half of its words common to both, and the kind of each."""
    generator = np.random.default_rng(seed)
    kind_N = generator.integers(2, size=n)
    return [
        " ".join(generator.permutation([*generator.choice(KINDS[kind], 3), *generator.choice(COMMON, 3)]))
        for kind in kind_N
    ], kind_N


def corpus_of(texts, symbol_N):
    """The texts as ids, and evidence of two labels that waits to be taught."""
    tokenizer = Tokenizer.train(texts, "word", 100, lowercase=True)
    plain = TokenizedCorpus.of_texts(texts, tokenizer, 20)
    corpus = TokenizedCorpus(plain.ids, plain.lengths_N, np.asarray(symbol_N, np.int64), 0)
    return corpus, WordEvidence(len(tokenizer), 2)


def two_a_class(kind_N):
    known_N = np.full(len(kind_N), -1)
    for kind in (0, 1):
        known_N[np.flatnonzero(kind_N == kind)[:2]] = kind
    return known_N


def test_two_labels_a_class_label_the_rest():
    texts, kind_N = said()
    known_N = two_a_class(kind_N)
    corpus, evidence = corpus_of(texts, known_N)
    teach(evidence, corpus)
    shares_NK, rest = pseudo_labels(evidence, corpus), known_N < 0
    assert (shares_NK.argmax(1) == kind_N)[rest].mean() > 0.98
    assert shares_NK.dtype == np.float32 and shares_NK[rest].sum(1) == pytest.approx(1)
    assert (shares_NK[~rest] == 0).all()  # their own labels teach them


def test_the_texts_without_a_label_help(monkeypatch):
    """Words that stand in no labelled text are learned from those that stand beside them."""
    texts, kind_N = said()
    known_N = two_a_class(kind_N)
    corpus, evidence = corpus_of(texts, known_N)
    monkeypatch.setattr(module, "_BELIEVED", 1e-9)  # of EM alone
    found = {}
    for rounds in (1, 20):
        monkeypatch.setattr(module, "_ROUNDS", rounds)
        teach(evidence, corpus)
        found[rounds] = (pseudo_labels(evidence, corpus).argmax(1) == kind_N)[known_N < 0].mean()
    assert found[1] < found[20] - 0.03


def test_common_words_count_where_they_find_labels_alone():
    """Labels of what a text is about, or of a word that stands everywhere."""
    generator = np.random.default_rng(0)
    subjects = [[f"{kind}{place}" for place in range(60)] for kind in "ab"]  # none of them common
    kind_N, manner_N = generator.integers(2, size=(2, 2000))
    texts = [
        " ".join([*generator.choice(subjects[kind], 5), *generator.choice(["well", "badly"], 3, p=[share, 1 - share])])
        for kind, share in zip(kind_N, np.where(manner_N, 0.95, 0.05), strict=True)
    ]
    for label_N, common in ((kind_N, False), (manner_N, True)):
        known_N = np.where(np.arange(2000) < 100, label_N, -1)
        corpus, evidence = corpus_of(texts, known_N)
        teach(evidence, corpus)
        counted = evidence.surprise_F[corpus.batch(np.arange(2000)).tokens_BL[:, 6:9].unique()]
        assert bool((counted > 0).all()) == common and bool((counted == 0).all()) != common
        assert (pseudo_labels(evidence, corpus).argmax(1) == label_N)[100:].mean() > 0.9


def test_a_pair_with_a_word_that_tells_nothing_tells_nothing():
    evidence = WordEvidence(10, 2)
    evidence.surprise_F[5] = 0.0
    _, weight_BM = evidence.weighted(torch.tensor([[4, 5, 6, 7]]))
    assert (weight_BM > 0).tolist() == [[True, False, True, True, False, False, True]]


def test_the_same_corpus_teaches_the_same():
    texts, kind_N = said()
    corpus, first = corpus_of(texts, two_a_class(kind_N))
    second = WordEvidence(first.vocabulary, 2)
    teach(first, corpus)
    for _ in range(2):  # whatever it knew before
        teach(second, corpus)
        assert all(torch.equal(mine, other) for mine, other in zip(first.buffers(), second.buffers(), strict=True))


def test_where_all_texts_have_labels_it_is_multinomial_naive_bayes_and_logistic_regression(monkeypatch):
    monkeypatch.setattr(module, "_TEMPER", 1.0)
    texts, kind_N = said(300)
    kind_N[:60] = 0  # some that belong elsewhere, and classes of different sizes
    corpus, evidence = corpus_of(texts, kind_N)
    teach(evidence, corpus)
    told_NF = module._weighted(evidence, corpus) * corpus.lengths_N.mean() ** 0.5
    used = np.flatnonzero(evidence.surprise_F.numpy())
    oracle = MultinomialNB(alpha=1.0).fit(told_NF[:, used], kind_N)
    said_FK = oracle.feature_log_prob_.T - oracle.feature_log_prob_.mean(0)[:, None]
    length = corpus.lengths_N.mean() ** 0.5
    second = LogisticRegression(C=10.0, max_iter=1000).fit(told_NF[:, used] / length, kind_N)
    said_FK = length * said_FK + second.coef_.T * [[-0.5, 0.5]]
    assert evidence.said_FK[used].numpy() == pytest.approx(said_FK, abs=1e-3)
    with torch.no_grad():
        logits_NK = evidence(corpus.batch(np.arange(300)).tokens_BL).numpy()
    expected_NK = oracle.predict_log_proba(told_NF[:, used])
    expected_NK[:, 1] += second.decision_function(told_NF[:, used] / length)
    # The prior differs by one text a class that both would have seen before.
    between = (logits_NK[:, 1] - logits_NK[:, 0]) - (expected_NK[:, 1] - expected_NK[:, 0])
    counts_K = np.bincount(kind_N)
    seen_before = np.diff(np.log(counts_K + 1)) - np.diff(np.log(counts_K))
    assert np.abs(between - seen_before).max() < 1e-3


def test_a_class_that_no_text_is_of_and_labels_of_one_class_alone_are_no_error():
    texts, kind_N = said(60)
    corpus, _ = corpus_of(texts, kind_N)
    for symbols_N, labels in ((kind_N, 3), (np.zeros(60, np.int64), 2)):
        corpus.symbols_N[:] = symbols_N
        evidence = WordEvidence(len(KINDS[0]) * 9, labels)
        teach(evidence, corpus)
        read = evidence(corpus.batch(np.arange(60)).tokens_BL).argmax(1).numpy()
        assert (read == symbols_N).mean() > 0.9


def test_words_and_pairs_of_a_single_text_say_nothing():
    texts, kind_N = said(100)
    corpus, evidence = corpus_of([*texts, "zebra crossing"], [*kind_N, 1])
    teach(evidence, corpus)
    feature_BM, weight_BM = evidence.weighted(corpus.batch(np.array([100])).tokens_BL)
    assert (weight_BM == 0).all() and (evidence.said_FK[feature_BM] == 0).all()


def test_texts_without_a_word_in_common_leave_how_frequent_the_labels_are():
    corpus, evidence = corpus_of([f"only{row} here{row}" for row in range(12)], [0] * 8 + [1] * 4)
    teach(evidence, corpus)
    assert (evidence.said_FK == 0).all() and evidence.meant_K[0] > evidence.meant_K[1]


@pytest.mark.parametrize("told", [30, 60, 100])
def test_labels_that_are_not_what_texts_mostly_differ_in_are_kept(told):
    """Verdicts on films and sandwiches: twenty rounds of EM would end with what the texts are about."""
    tokenizer, (texts, labels) = tiny.tokenizer(), tiny.texts(200, 5)
    made = tiny.corpus(300, labelled=True, told=told)
    evidence = WordEvidence(len(tokenizer), 2)
    teach(evidence, TokenizedCorpus.build(made.train, tokenizer, 20, made.labels))
    read = TokenizedCorpus.of_texts(texts, tokenizer, 20)
    found_N = evidence(read.batch(np.arange(200)).tokens_BL).argmax(1).numpy()
    assert np.mean([made.labels[place] == label for place, label in zip(found_N, labels, strict=True)]) > 0.8


def test_no_text_is_sure_of_its_label_by_few_words():
    """Tempered, or EM would believe for ever what it believed first."""
    texts, kind_N = said()
    corpus, evidence = corpus_of(texts, two_a_class(kind_N))
    teach(evidence, corpus)
    assert np.median(pseudo_labels(evidence, corpus).max(1)) < 0.98


def test_stretches_make_no_difference(monkeypatch):
    texts, kind_N = said()
    corpus, evidence = corpus_of(texts, two_a_class(kind_N))
    teach(evidence, corpus)
    told_NF, shares_NK = module._weighted(evidence, corpus), pseudo_labels(evidence, corpus)
    monkeypatch.setattr(module, "_ROWS", 7)
    assert np.allclose(pseudo_labels(evidence, corpus), shares_NK, atol=1e-6)
    assert abs(module._weighted(evidence, corpus) - told_NF).max() < 1e-6


def test_a_regression_of_too_many_weights_is_left_out(monkeypatch):
    texts, kind_N = said()
    corpus, both = corpus_of(texts, kind_N)
    teach(both, corpus)
    monkeypatch.setattr(module, "_WEIGHTS", 1)
    corpus, bayes = corpus_of(texts, kind_N)
    teach(bayes, corpus)
    read_NK = torch.cat([bayes(batch.tokens_BL) for batch in module._batches(corpus)])
    assert not torch.equal(bayes.said_FK, both.said_FK) and (read_NK.argmax(1).numpy() == kind_N).mean() > 0.98


def test_where_all_have_a_label_one_round_is_enough(monkeypatch):
    texts, kind_N = said()
    corpus, once = corpus_of(texts, kind_N)
    teach(once, corpus)
    begun = []
    rounds = module._rounds

    def counted(*given):
        for each in rounds(*given):
            begun.append(each)
            yield each

    monkeypatch.setattr(module, "_rounds", counted)
    corpus, again = corpus_of(texts, kind_N)
    teach(again, corpus)
    tried = len(begun) - 1  # five folds, with the commonest words and without where some are common, and all texts
    assert tried in (5, 10) and torch.equal(once.said_FK, again.said_FK)
    assert (pseudo_labels(again, corpus) == 0).all()
    read_NK = torch.cat([again(batch.tokens_BL) for batch in module._batches(corpus)])
    assert (read_NK.argmax(1).numpy() == kind_N).mean() > 0.98
