"""Clusters by words: what a text says is counted right, EM finds who says what, and latents have their say."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from ldebm.data.batches import TokenizedCorpus, TokenizedDialogues
from ldebm.data.corpora import load_points
from ldebm.data.dialogues import DialogueCorpus, turns_of
from ldebm.data.tokenizer import Tokenizer
from ldebm.errors import ConfigError
from ldebm.presets import load_preset
from ldebm.training import train, word_mixture
from ldebm.training.run import resolve
from ldebm.training.word_mixture import WordClustering, bags, committee, fit, log_likelihood, with_votes
from tests import tiny
from tests.test_dialogue_model import dialogues

KINDS = (("where is the {} ?", "do you see the {} ?"), ("bring me the {} now", "give us the {} now"))
NOUNS = ("cat", "car", "soup", "road", "bread", "phone")


def said(n=400, seed=0):
    """Texts of two kinds that share their nouns, and the kind of each."""
    generator = np.random.default_rng(seed)
    kind_N = generator.integers(2, size=n)
    return [KINDS[kind][generator.integers(2)].format(generator.choice(NOUNS)) for kind in kind_N], kind_N


def corpus_of(texts, longest=20):
    tokenizer = Tokenizer.train(texts, "word", 200, lowercase=True)
    return TokenizedCorpus.of_texts(texts, tokenizer, longest), tokenizer


def test_a_bag_counts_words_and_knows_the_ends():
    corpus, tokenizer = corpus_of(["a b b c", "c"])
    size = len(tokenizer)
    found_NF = bags(corpus, size).toarray()
    a, b, c = (tokenizer.encode([word], 9)[0][1] for word in "abc")
    expected = np.zeros((2, 3 * size))
    expected[0, [a, c]], expected[0, b] = 1, 2
    expected[0, size + a] = expected[0, 2 * size + c] = 1
    expected[1, c] = expected[1, size + c] = expected[1, 2 * size + c] = 1
    assert (found_NF == expected).all()


def test_the_turns_before_a_response_count_too():
    turns, tokenizer = corpus_of(["a b", "c", "b b", "a"])
    position_N = np.array([0, 1, 2, 0])
    dialogues = TokenizedDialogues(turns, np.zeros(4, np.int64), position_N, previous=1)
    size = len(tokenizer)
    alone_NF, found_NF = bags(turns, size).toarray(), bags(dialogues, size).toarray()
    assert (found_NF[[0, 3]] == alone_NF[[0, 3]]).all()
    assert found_NF[1:3, :size] == pytest.approx(alone_NF[1:3, :size] + 0.2 * alone_NF[:2, :size])
    assert (found_NF[:, size:] == alone_NF[:, size:]).all()


def test_a_text_without_words_or_cut_short_is_a_text():
    corpus, tokenizer = corpus_of(["a b c d e f", "a", ""], longest=5)
    assert bags(corpus, len(tokenizer)).sum(1).ravel().tolist() == [[3 + 2, 1 + 2, 0]]


def test_em_finds_the_two_kinds():
    texts, kind_N = said()
    corpus, _ = corpus_of(texts)
    clustering = WordClustering(corpus, 2, seed=0)
    assert np.isnan(clustering.assign(None))
    assert adjusted_rand_score(kind_N, clustering.labels) > 0.95


def test_what_a_symbol_says_is_a_distribution_near_the_counts():
    """One symbol: the counts of all texts, which the smoothing leaves as they are."""
    corpus, tokenizer = corpus_of(said()[0])
    bags_NF = bags(corpus, len(tokenizer))
    said_KF, prior_K = fit(bags_NF, 1, seed=0)
    counts_F = np.asarray(bags_NF.sum(0)).ravel()
    assert np.exp(said_KF).sum() == pytest.approx(1, abs=1e-4) and prior_K == pytest.approx([0])
    assert np.exp(said_KF[0]) == pytest.approx(counts_F / counts_F.sum(), abs=1e-4)
    assert (said_KF > -20).all()  # what nobody has said is improbable, not impossible


def test_the_likelihood_is_that_of_a_multinomial():
    bags_NF = sp.csr_matrix(np.array([[2, 0, 1], [0, 1, 0]], np.float32))
    said_KF = np.log(np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]], np.float32))
    expected = [[np.log(0.5**2 * 0.25), np.log(0.2**2 * 0.6)], [np.log(0.25), np.log(0.2)]]
    assert log_likelihood(bags_NF, said_KF) == pytest.approx(np.array(expected), rel=1e-5)


def test_a_vote_is_a_feature_beside_the_words():
    bags_NF = sp.csr_matrix(np.array([[2, 0, 1], [0, 1, 0]], np.float32))
    said_KF, even_K = np.log(np.array([[0.5, 0.25, 0.25], [0.2, 0.6, 0.2]], np.float32)), np.log(np.full(2, 0.5))
    found_NF = with_votes(bags_NF, [(said_KF, even_K), (said_KF[::-1], even_K)]).toarray()
    assert found_NF.tolist() == [[2, 0, 1, 1, 0, 0, 1], [0, 1, 0, 0, 1, 1, 0]]


def subjects(n=1500):
    """Bags of texts on twelve subjects, of which neighbours share words, among words of none; the subject of each."""
    generator = np.random.default_rng(0)
    subject_N = generator.integers(12, size=n)
    of_subject = subject_N[:, None] * 10 + generator.integers(15, size=(n, 8))
    words_NT = np.where(generator.random((n, 8)) < 0.35, of_subject, generator.integers(200, size=(n, 8)))
    corpus, tokenizer = corpus_of([" ".join(f"w{word}" for word in words) for words in words_NT])
    return bags(corpus, len(tokenizer)), subject_N


def test_members_of_a_committee_differ_and_are_the_seeds_own():
    bags_NF, _ = subjects()
    first, again, other = (committee(bags_NF, 12, seed) for seed in (0, 0, 1))
    assert all((a[0] == b[0]).all() for a, b in zip(first, again, strict=True))
    found = {each[0].tobytes() for each in (*first, *other)}
    assert len(found) == len(first) + len(other) > 2


def test_what_a_committee_finds_is_right_more_often_and_hangs_less_on_the_seed():
    bags_NF, subject_N = subjects()
    alone, together = [], []
    for seed in range(4):
        for found, features_NF in ((alone, bags_NF), (together, with_votes(bags_NF, committee(bags_NF, 12, seed)))):
            said_KF, prior_K = fit(features_NF, 12, seed)
            found.append((log_likelihood(features_NF, said_KF) + prior_K).argmax(1))
    steady = [
        np.mean(list(itertools.starmap(adjusted_rand_score, itertools.combinations(of, 2)))) for of in (alone, together)
    ]
    right = [np.mean([adjusted_rand_score(subject_N, each) for each in of]) for of in (alone, together)]
    assert steady[1] > steady[0] + 0.1 and right[1] > right[0]


def test_labels_keep_their_names_and_the_model_has_its_say():
    texts, _ = said()
    corpus, _ = corpus_of(texts)
    clustering = WordClustering(corpus, 2, seed=0)
    clustering.assign(None)
    first_N = clustering.labels
    unsure_NK = np.full((len(texts), 2), np.log(0.5), np.float32)
    assert clustering.assign(unsure_NK) < 0.02
    sure_NK = unsure_NK.copy()
    sure_NK[:10] = np.where(np.eye(2)[1 - first_N[:10]], 0, -1e3)  # of ten texts the model is sure of the contrary
    clustering.assign(sure_NK)
    assert (clustering.labels[:10] != first_N[:10]).all() and (clustering.labels[10:] == first_N[10:]).mean() > 0.98


def test_it_goes_on_from_its_labels_alone():
    """As after an interruption: the same labels, then the same step."""
    texts, _ = said()
    corpus, _ = corpus_of(texts)
    whole, resumed = (WordClustering(corpus, 3, seed=0) for _ in range(2))
    whole.assign(None)
    resumed.labels = whole.labels
    log_p_NK = np.log(np.random.default_rng(1).dirichlet(np.ones(3), len(texts))).astype(np.float32)
    assert whole.assign(log_p_NK) == resumed.assign(log_p_NK)
    assert (whole.labels == resumed.labels).all()


def test_fewer_texts_than_symbols_do_not_break_it():
    corpus, _ = corpus_of(["a b", "c"])
    clustering = WordClustering(corpus, 5, seed=0)
    clustering.assign(None)
    assert clustering.labels.shape == (2,) and set(clustering.labels) <= set(range(5))


def test_equal_texts_do_not_make_symbols_that_nobody_has():
    corpus, _ = corpus_of(["a b"] * 50 + ["c d", "e f", "g h"])
    clustering = WordClustering(corpus, 4, seed=0)
    clustering.assign(None)
    assert len(set(clustering.labels)) == 4


def test_stretches_make_no_difference(monkeypatch):
    corpus, tokenizer = corpus_of(said(20)[0])
    whole_NF = bags(corpus, len(tokenizer)).toarray()
    monkeypatch.setattr(word_mixture, "_STRETCH", 7)
    assert (bags(corpus, len(tokenizer)).toarray() == whole_NF).all()


def test_dialogues_are_clustered_by_words_too(tmp_path, monkeypatch):
    found, assign = [], WordClustering.assign

    def spied(clustering, seen):
        changed = assign(clustering, seen)
        found.append((type(clustering.features), len(set(clustering.labels))))
        return changed

    monkeypatch.setattr(WordClustering, "assign", spied)
    turns = [turns_of(dialogues(60, seed)) for seed in (0, 1)]
    config = load_preset("best-tiny", ["training.clustering_by=words", "training.max_steps=4"], "dialogue")
    train(config, DialogueCorpus("tiny", *turns, None, ("me", "you")), tmp_path / "run")
    assert found and all(kind is sp.csr_matrix and symbols > 1 for kind, symbols in found)


def test_points_have_no_words(tmp_path):
    with pytest.raises(ConfigError, match="points have no words"):
        resolve(load_preset("best-points", ["training.clustering_by=words"]), load_points("pinwheel"))


def test_the_symbols_of_a_run_learn_them(tmp_path):
    settings = ("training.clustering_by=words", "model.symbols=6", "training.epochs=30", "model.latent_size=16")
    corpus = tiny.corpus(400)
    model = train(tiny.config(*settings), corpus, tmp_path / "run")
    taught = WordClustering(TokenizedCorpus.of_texts(corpus.train["text"], model.tokenizer, 20), 6, seed=0)
    taught.assign(None)
    symbols_N = model.symbol_probabilities(corpus.train["text"]).argmax(-1)
    assert adjusted_rand_score(taught.labels, symbols_N) > 0.4
