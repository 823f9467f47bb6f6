"""What is found of a model whose every answer is known."""

import json

import numpy as np
import pytest

from ldebm.tasks import reading
from ldebm.tasks.discovery import SymbolRecord, discover


def test_symbols_come_by_share_with_their_words_and_without_function_words(model, corpus) -> None:
    texts, labels = corpus
    found = discover(model, texts)
    assert [symbol.symbol for symbol in found.symbols] == [0, 1, 2, 3]
    assert [symbol.share for symbol in found.symbols[:3]] == [
        labels.count(name) / 300 for name in ("animals", "driving", "food")
    ]
    for symbol, topic in zip(found.symbols, ({"cat", "dog", "fur"}, {"car", "road", "fuel"}), strict=False):
        assert {word.word for word in symbol.words[:3]} == topic  # "the" and "and" are twice as frequent
        assert [word.nats for word in symbol.words] == sorted((word.nats for word in symbol.words), reverse=True)
        assert all(word.nats > 0 for word in symbol.words)
    assert len(discover(model, texts, words=2).symbols[0].words) == 2


def test_texts_of_a_model_without_symbols_are_not_steered(model, monkeypatch) -> None:
    monkeypatch.setattr(model, "has_symbols", False)
    discover(model, ["the cat is fat"] * 3, prototypes=2)
    assert [symbol for _, symbol, _, _ in model.generated] == [None]


def test_symbols_are_ordered_by_share_not_by_number(model) -> None:
    texts = ["the soup is hot"] * 3 + ["the cat is fat"] * 5 + ["the car is fast"]
    assert [symbol.symbol for symbol in discover(model, texts).symbols] == [0, 2, 1, 3]


def test_words_come_first_that_the_other_texts_hardly_have_and_marks_last(model) -> None:
    """ "the" and "!" tell nothing of cats, however much more often they are said of them."""
    texts = ["the the the cat !"] * 9 + ["the cat !"] + ["the car stops and the bus stops ."] * 10
    words = discover(model, texts).symbols[0].words
    assert [word.word for word in words] == ["cat", "the", "!"]
    assert words[1].nats > words[0].nats > 0


def test_rare_words_are_not_listed(model) -> None:
    texts = [*["the cat runs"] * 6, "the cat purrs", *["the car runs"] * 6]

    def listed(minimum: int) -> set[str]:
        return {word.word for word in discover(model, texts, minimum_count=minimum).symbols[0].words}

    assert listed(1) == {"cat", "purrs"}
    assert listed(2) == {"cat"}
    assert listed(7) == {"cat"}
    assert listed(8) == set()


def test_words_are_counted_by_probability(model, monkeypatch) -> None:
    texts = ["cat purrs"] * 5 + ["cat barks"] * 5
    soft = np.array([[0.9, 0.1, 0, 0]] * 5 + [[0.6, 0.4, 0, 0]] * 5)  # symbol 0 is the most probable everywhere
    monkeypatch.setattr(model, "symbol_probabilities", lambda texts: soft)
    words = discover(model, texts).symbols[0].words
    assert [word.word for word in words] == ["purrs"]
    share = 0.9 / (2 * (0.9 + 0.6))
    assert words[0].nats == pytest.approx(share * np.log(share / 0.25))


def test_the_nearest_texts_are_distinct_and_lie_in_the_symbols_direction(model) -> None:
    lengths = [2, 4, 4, 5, 9]  # dimension 1 of the latent; their mean is 4.8
    texts = ["cat " + "x " * (n - 1) for n in lengths] + ["car"] * 4
    assert discover(model, texts).symbols[0].nearest == tuple("cat " + "x " * (n - 1) for n in (5, 4, 2))
    assert discover(model, texts).symbols[1].nearest == ("car",)
    assert len(discover(model, texts, nearest=1).symbols[0].nearest) == 1


def test_the_symbols_direction_is_weighted_by_probability_and_its_texts_are_its_own(model, monkeypatch) -> None:
    texts = ["a", "b", "c", "d", "far", "opposite"]
    means = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1], [-4, 2], [4, -2]])
    monkeypatch.setattr(model, "posterior", lambda texts: (means + 5, means))
    soft = np.array([[0.6, 0.4], [0.6, 0.4], [1.0, 0.0], [0.4, 0.6], [0.6, 0.4], [0.6, 0.4]])
    monkeypatch.setattr(model, "symbol_probabilities", lambda texts: soft)
    assert discover(model, texts).symbols[0].nearest == ("far", "c", "b")  # of symbol 0 it is (-0.4, 0.2)
    soft[[0, 2]] = soft[[2, 0]]
    assert discover(model, texts).symbols[0].nearest == ("a", "opposite", "b")  # and now (0.4, 0.2)


def test_prototypes_are_generated_with_the_symbol_and_the_seed(model, corpus) -> None:
    found = discover(model, corpus[0], prototypes=2, seed=5)
    assert model.generated == [(2, 0, "sample", 5), (2, 1, "sample", 6), (2, 2, "sample", 7)]
    assert found.symbols[1].prototypes == ("the car is here 0", "the car is here 1")


def test_make_up_by_label_leaves_out_texts_without_one(model) -> None:
    texts = ["cat"] * 5 + ["car"] * 3
    found = discover(model, texts, ["x", "x", "y", "x", None, "z", None, None])
    assert found.symbols[0].labels == (("x", 0.75), ("y", 0.25))
    assert found.symbols[1].labels == (("z", 1.0),)
    assert found.labels == (("x", 0.6), ("y", 0.2), ("z", 0.2))
    assert discover(model, texts).symbols[0].labels == ()


def test_an_unused_symbol_is_listed_and_short(model, corpus) -> None:
    found = discover(model, corpus[0])
    assert found.symbols[-1] == SymbolRecord(3, 0.0)
    assert found.to_dict()["symbols"][-1] == {"symbol": 3, "share": 0.0}


def test_near_duplicates_are_pairs_of_symbols_with_the_same_words(model, monkeypatch) -> None:
    texts = ["the cat sat"] * 20 + ["the cat ran"] * 20 + ["the car ran"] * 20
    thirds = np.eye(4)[[0, 1] * 20 + [2] * 20]
    monkeypatch.setattr(model, "symbol_probabilities", lambda texts: thirds)
    found = discover(model, texts)
    assert [(pair.first, pair.second) for pair in found.near_duplicates] == [(0, 1)]
    assert found.near_duplicates[0].divergence == pytest.approx(0)
    pairs = discover(model, texts, duplicate_divergence=0.7).near_duplicates
    assert (pairs[0].first, pairs[0].second) == (0, 1)
    assert {(pair.first, pair.second) for pair in pairs} == {(0, 1), (0, 2), (1, 2)}


def test_rare_words_do_not_hide_near_duplicates(model, monkeypatch) -> None:
    texts = [f"cat sat n{i}" for i in range(40)]  # a third of the words occur once
    monkeypatch.setattr(model, "symbol_probabilities", lambda texts: np.eye(4)[[0, 1] * 20])
    assert discover(model, texts).near_duplicates[0].divergence == pytest.approx(0)
    assert discover(model, texts, minimum_count=1).near_duplicates == ()


def test_the_record_says_how_it_was_read_and_is_json(model, corpus, monkeypatch) -> None:
    monkeypatch.setattr(reading.infer, "__defaults__", (None, 0, 100))
    found = discover(model, *corpus, seed=2)
    record = json.loads(json.dumps(found.to_dict()))
    assert (record["texts_read"], record["texts_given"], record["seed"]) == (100, 300, 2)
    assert (record["minimum_count"], record["duplicate_divergence"]) == (5, 0.05)
    assert max(model.read) == 100
    assert record["symbols"][0]["labels"] == {"animals": 1.0}
    assert record["symbols"][0]["words"][0].keys() == {"word", "nats"}
    assert set(record["labels"]) == {"animals", "driving", "food"}


def test_a_symbol_whose_texts_have_no_words_is_described(model, monkeypatch) -> None:
    texts = ["cat"] * 5 + [""] * 2
    monkeypatch.setattr(model, "symbol_probabilities", lambda texts: np.eye(4)[[0] * 5 + [1] * 2])
    monkeypatch.setattr(model, "posterior", lambda texts: (np.zeros((7, 3)), np.ones((7, 3))))
    found = discover(model, texts)
    assert found.symbols[1].words == ()
    assert found.symbols[1].nearest == ("",)
    assert found.near_duplicates == ()
