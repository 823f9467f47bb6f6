"""Each answer is the library's own, and what cannot be asked is told."""

import numpy as np
import pytest

from ldebm.errors import UserError
from ldebm.explore import Explorer
from ldebm.explore.answers import MOST_CHARACTERS
from ldebm.model import LDEBM
from ldebm.tasks.interpolation import interpolate
from ldebm.tasks.rewriting import rewrite
from tests.explore.conftest import TEXTS

LONG = "the food was great and we will say so " * 5


def test_every_text_is_read_once_at_the_start(explorer, monkeypatch):
    asked: list[int] = []
    inferred = LDEBM.inferred
    monkeypatch.setattr(LDEBM, "inferred", lambda self, some: asked.append(len(some)) or inferred(self, some))
    Explorer(explorer.model, TEXTS)
    assert asked == [len(TEXTS)]


def test_a_text_has_symbols_a_reconstruction_and_its_nearest_texts(explorer):
    model, text = explorer.model, TEXTS[3]
    found = explorer.read({"text": text})
    [probabilities_K] = model.symbol_probabilities([text])
    assert found["symbols"][0] == {
        "symbol": int(probabilities_K.argmax()),
        "probability": pytest.approx(probabilities_K.max()),
    }
    assert [found["reconstruction"]] == model.reconstruct([text])
    assert found["neighbours"][0]["text"] == text and found["neighbours"][0]["distance"] < 1e-4
    away = np.linalg.norm(explorer.means_ND - model.encode([text]), axis=1)
    assert found["neighbours"][1]["distance"] == pytest.approx(np.unique(away.round(4))[1], abs=1e-3)
    assert len({each["text"] for each in found["neighbours"]}) == 6


def test_texts_are_written_as_the_library_writes_them(explorer):
    asked = {"symbol": 2, "guidance": 3, "temperature": 0, "n": 3, "seed": 4}
    assert explorer.write(asked)["texts"] == explorer.model.generate(3, symbol=2, guidance=3, seed=4)
    warm = explorer.model.generate(8, mode="sample", temperature=0.7)
    assert explorer.write({})["texts"] == warm


def test_a_text_is_rewritten_as_the_library_does(explorer):
    [expected] = rewrite(explorer.model, TEXTS[:1], symbol=1)
    assert explorer.rewrite({"text": TEXTS[0], "symbol": 1}) == {
        "text": expected.text,
        "probability": expected.probability,
        "cut": "",
    }


@pytest.mark.parametrize(
    "question, asked", [("read", {}), ("rewrite", {"symbol": 1}), ("between", {"first": TEXTS[0], "second": LONG})]
)
def test_what_a_text_loses_is_told(explorer, question, asked):
    assert "reads 20 tokens" in explorer.questions[question]({"text": LONG} | asked)["cut"]
    assert explorer.questions[question]({"text": TEXTS[0]} | asked | {"second": TEXTS[1]})["cut"] == ""


def test_the_way_between_two_texts_is_that_of_the_library(explorer):
    found = explorer.between({"first": TEXTS[0], "second": TEXTS[1]})
    assert found["places"] == [vars(place) for place in interpolate(explorer.model, TEXTS[0], TEXTS[1])]


def test_the_page_learns_the_names_of_the_symbols_in_use(explorer):
    about = explorer.about({})
    used = [one.symbol for one in explorer.discovery.symbols if one.share]
    assert [each["symbol"] for each in about["symbols"]] == used and all(each["name"] for each in about["symbols"])
    assert len(about["example"]) == 2


@pytest.mark.parametrize(
    "question, asked, told",
    [
        ("read", {}, "text is empty"),
        ("read", {"text": " "}, "text is empty"),
        ("read", {"text": 5}, "text is empty"),
        ("read", {"text": "a" * (MOST_CHARACTERS + 1)}, "at most 5,000"),
        ("write", {"symbol": 4}, "unknown symbol 4"),
        ("write", {"symbol": "2"}, "symbol must be a whole number"),
        ("write", {"symbol": True}, "symbol must be a whole number"),
        ("write", {"n": 1000}, "n must be a number from 1 to 50"),
        ("write", {"temperature": -1}, "temperature must be"),
        ("write", {"guidance": float("nan")}, "guidance must be"),
        ("rewrite", {"symbol": 1}, "text is empty"),
        ("rewrite", {"text": "a"}, "choose one"),
        ("rewrite", {"text": "a", "symbol": 4}, "unknown symbol 4"),
        ("between", {"first": "a"}, "second is empty"),
    ],
)
def test_what_cannot_be_asked_is_told(explorer, question, asked, told):
    with pytest.raises(UserError, match=told):
        explorer.questions[question](asked)
