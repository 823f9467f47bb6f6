"""Choosing among responses, and who speaks next."""

import numpy as np
import pytest
import sacrebleu

from ldebm.data import Turn
from ldebm.tasks.responding import answering, by_consensus, candidates


def test_the_response_that_agrees_with_the_others_comes_first() -> None:
    texts = [text.split() for text in ("what ?", "it is cold today", "it is very cold", "it is cold today .", "bye")]
    assert by_consensus(texts)[0] == 3  # says all of another, and a part of the third
    assert {*by_consensus(texts)[-2:]} == {0, 4}  # no word in common
    assert by_consensus([["a"]]) == [0] and by_consensus([[], ["a"], ["a"]])[-1] == 0


def test_what_else_was_heard_counts_as_well_and_what_is_missing_more_than_what_is_too_much() -> None:
    texts = [text.split() for text in ("yes", "no it is cold", "yes")]
    assert by_consensus(texts) == [0, 2, 1]
    assert by_consensus(texts, [["it", "was", "cold"]] * 4) == [1, 0, 2]
    assert by_consensus([["cold"], ["it", "is", "cold", "here"]], [["it", "is", "cold"]]) == [1, 0]


def test_agreement_is_the_mean_chrf_that_sacrebleu_tells() -> None:
    texts, heard = [["a", "cat"], ["the", "cat", "sat"], ["a", "dog"]], [["the", "cat"], ["cats"], ["the", "cat"]]
    lines, others = ([" ".join(text) for text in each] for each in (texts, [*texts, *heard]))
    means = [np.mean([sacrebleu.sentence_chrf(line, [other]).score for other in others]) for line in lines]
    assert by_consensus(texts, heard) == np.argsort(-np.array(means)).tolist()


class _Drawing:
    """Says what it is told to, and keeps how it was asked."""

    tokenizer = type("Words", (), {"words": staticmethod(str.split)})

    def __init__(self, said, heard):
        self.said, self.heard, self.asked = said, heard, []

    def respond(self, contexts, speakers, each, symbol=None, mode="greedy", seed=0):
        self.asked.append((list(speakers), each, symbol, mode, seed))
        return self.heard if mode == "sample" else self.said


def test_candidates_are_the_responses_of_each_context_ranked() -> None:
    said = ["yes it is", "no", "yes it was", "a b", "a c", "a b"]
    model = _Drawing(said, [*["yes it is so"] * 6, *["a b"] * 6])
    found = candidates(model, [(Turn("you", "is it ?"),), ()], ["me", "you"], 3, seed=3)
    assert found == [["yes it is", "yes it was", "no"], ["a b", "a c"]]
    assert model.asked == [(["me", "you"], 3, None, "greedy", 3), (["me", "you"], 6, None, "sample", 4)]
    model.heard = [*["no"] * 6, *["a c"] * 6]  # it was the samples that decided
    found = candidates(model, [(Turn("you", "is it ?"),), ()], ["me", "you"], 3, seed=3)
    assert [texts[0] for texts in found] == ["no", "a c"]


def test_one_response_is_told_as_it_was_drawn() -> None:
    model = _Drawing(["yes"], None)
    assert candidates(model, [()], ["me"], 1, seed=2) == [["yes"]] and len(model.asked) == 1


def test_with_a_symbol_the_response_that_is_most_surely_of_it_comes_first() -> None:
    class Model:
        tokenizer = type("Words", (), {"words": staticmethod(str.split)})

        def respond(self, contexts, speakers, symbol, each, seed):
            assert symbol == 1 and each == 3 and [len(context) for context in contexts] == [1, 0]
            return ["no", "yes it is", "well", "well", "yes", "well"]

        def symbol_probabilities(self, examples):
            """Of symbol 1 as far as it says yes, in the turn that was asked for."""
            assert [each.turns[-1].speaker for each in examples] == ["me"] * 3 + ["you"] * 3
            sure = [{"yes": 0.9, "well": 0.4, "no": 0.1}[each.turns[-1].text.split()[0]] for each in examples]
            return np.array([[1 - each, each] for each in sure])

    found = candidates(Model(), [(Turn("you", "is it ?"),), ()], ["me", "you"], 3, symbol=1, seed=0)
    assert found == [["yes it is", "well", "no"], ["yes", "well"]]


@pytest.mark.parametrize(
    ("spoken", "expected"),
    [("", "a"), ("a", "b"), ("ab", "a"), ("bac", "a"), ("ax", "a"), ("x", "a"), ("bb", "a"), ("cbc", "b")],
)
def test_whoever_is_not_the_last_speaker_responds(spoken, expected) -> None:
    assert answering([Turn(speaker, "hm") for speaker in spoken], ("a", "b", "c")) == expected
