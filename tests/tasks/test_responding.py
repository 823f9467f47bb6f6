"""Choosing among responses, and who speaks next."""

import numpy as np
import pytest

from ldebm.data import Turn
from ldebm.tasks.responding import answering, by_consensus, candidates


def test_the_response_that_agrees_with_the_others_comes_first() -> None:
    texts = [text.split() for text in ("what ?", "it is cold today", "it is very cold", "it is cold today .", "bye")]
    assert by_consensus(texts)[0] == 1  # a part of each of the others that agree
    assert by_consensus(texts)[-2:] == [0, 4]  # nothing in common, as they came
    assert by_consensus([["a"]]) == [0] and by_consensus([[], ["a"], ["a"]])[-1] == 0


def test_candidates_are_the_responses_of_each_context_ranked() -> None:
    class Model:
        tokenizer = type("Words", (), {"words": staticmethod(str.split)})

        def respond(self, contexts, speakers, symbol, **how):
            assert symbol is None and how == {"seed": 3} and speakers == ["me"] * 3 + ["you"] * 3
            return ["yes it is", "no", "yes it was"] if contexts[0] else []

    class Both(Model):
        def respond(self, contexts, speakers, symbol, **how):
            return [*super().respond(contexts, speakers, symbol, **how), "a b", "a c", "a b"]

    context = (Turn("you", "is it ?"),)
    found = candidates(Both(), [context, ()], ["me", "you"], 3, seed=3)
    assert found == [["yes it is", "yes it was", "no"], ["a b", "a c"]]


def test_with_a_symbol_the_response_that_is_most_surely_of_it_comes_first() -> None:
    class Model:
        tokenizer = type("Words", (), {"words": staticmethod(str.split)})

        def respond(self, contexts, speakers, symbol, seed):
            assert symbol == 1 and [len(context) for context in contexts] == [1, 1, 1, 0, 0, 0]
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
