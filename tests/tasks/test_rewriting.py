"""Rewriting: the maximum that is followed against its equation, what a weight does, and what cannot be asked."""

import io
import re

import numpy as np
import pytest
import torch

from ldebm.errors import UserError
from ldebm.model import LDEBM
from ldebm.tasks import rewriting
from ldebm.tasks.rewriting import ENOUGH, WEIGHTS, _climbed, _log_odds, rewrite
from ldebm.training import train
from tests import tiny
from tests.cli.conftest import run

__all__ = ["run"]  # a fixture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run that has learned the two labels of the made-up reviews and writes what it reads."""
    folder = tmp_path_factory.mktemp("rewriting") / "run"
    settings = "training.epochs=60 training.rate_weight=0.05 training.supervised_weight=1 model.latent_size=16".split()
    train(tiny.config(*settings), tiny.corpus(400, labelled=True), folder)
    return folder


@pytest.fixture(scope="module")
def model(folder):
    return LDEBM.from_pretrained(folder)


def test_the_place_found_is_that_of_a_linear_energy(monkeypatch):
    """Of two symbols with logits 0 and a z, at z = m + C^(1/2) u: u = u(x) + weight C^(1/2) a."""
    model = tiny.model().eval()
    reference, size = model.prior.reference, model.config.model.latent_size
    generator = torch.Generator().manual_seed(0)
    root_DD = torch.eye(size) + 0.2 * torch.ones(size, size)
    reference.root_DD.copy_(root_DD)
    slope_D, start_ND = torch.randn(size, generator=generator), torch.randn(3, size, generator=generator)
    logits = lambda z_BD: torch.stack([torch.zeros(len(z_BD)), z_BD @ slope_D], -1)  # noqa: E731
    monkeypatch.setattr(model.prior, "symbol_logits", logits)
    u_ND = start_ND
    for _ in range(5):
        u_ND = _climbed(model, u_ND, start_ND, symbol=1, weight=0.5)
    torch.testing.assert_close(u_ND, start_ND + 0.5 * root_DD @ slope_D, atol=0.02, rtol=0)


def test_log_odds_are_those_of_the_probabilities():
    logits_NK = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    p_N = logits_NK.softmax(-1)[:, 2]
    torch.testing.assert_close(_log_odds(logits_NK, 2), (p_N / (1 - p_N)).log())


def test_a_rewritten_text_says_the_opposite_of_the_same_subject(model):
    texts, labels = tiny.texts(60, seed=5)
    words = {"positive": {"great", "lovely", "smile"}, "negative": {"awful", "broke", "bored"}}
    for label, asked in words.items():
        others = [text for text, has in zip(texts, labels, strict=True) if has != label]
        found = [each.text for each in rewrite(model, others, label=label)]
        said = [set(re.findall(r"\w+", text)) & set.union(*words.values()) for text in found]
        assert np.mean([bool(each) and each <= asked for each in said]) > 0.9
        assert np.mean([a.split()[1] == b.split()[1] for a, b in zip(others, found, strict=True)]) > 0.9


def test_the_least_weight_is_taken_that_makes_a_text_read_as_asked(model, monkeypatch):
    texts, _ = tiny.texts(20, seed=6)
    found = rewrite(model, texts, label="positive")
    assert 0 < max(each.weight for each in found) < WEIGHTS[-1] and all(each.probability >= ENOUGH for each in found)
    for weight in {each.weight for each in found} - {0.0}:
        needing = [text for text, each in zip(texts, found, strict=True) if each.weight == weight]
        monkeypatch.setattr(rewriting, "WEIGHTS", tuple(each for each in WEIGHTS if each < weight))
        assert all(each.probability < ENOUGH for each in rewrite(model, needing, label="positive"))


def test_a_text_that_reads_as_asked_is_only_written_again(model):
    texts, labels = tiny.texts(20, seed=6)
    liked = [text for text, label in zip(texts, labels, strict=True) if label == "positive"]
    assert [each.text for each in rewrite(model, liked, label="positive")] == model.reconstruct(liked)


def test_the_command_goes_as_far_as_the_ladder(run, folder):
    codes = [
        run("rewrite", folder, "a text", "--symbol", "0", "--weight", str(WEIGHTS[-1] + more))[0] for more in (0, 1)
    ]
    assert codes == [0, 2]


def test_a_given_weight_is_where_the_ladder_ends(model, monkeypatch):
    texts, _ = tiny.texts(5, seed=6)
    [moved] = rewrite(model, texts[:1], label="positive", weight=0.25)
    monkeypatch.setattr(rewriting, "ENOUGH", 2.0)  # nothing is ever enough: the whole ladder, the best kept
    monkeypatch.setattr(rewriting, "WEIGHTS", (0.0, 0.03125, 0.0625, 0.125, 0.25))
    [best] = rewrite(model, texts[:1], label="positive")
    assert moved.weight == 0.25 and best.probability >= moved.probability


def test_it_is_the_same_alone_and_among_others(model):
    texts, _ = tiny.texts(10, seed=7)
    assert rewrite(model, texts[3:4], symbol=1)[0].text == rewrite(model, texts, symbol=1)[3].text
    assert rewrite(model, [], symbol=1) == []


def test_the_command_reads_lines_and_tells_probabilities(model, folder, run, monkeypatch):
    texts, _ = tiny.texts(3, seed=8)
    expected = [f"{each.probability:6.1%}  {each.text}" for each in rewrite(model, texts, label="negative")]
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{text}\n" for text in texts)))
    assert run("rewrite", folder, "-", "--label", "negative") == (0, "\n".join([*expected, ""]), "")
    assert run("rewrite", folder, texts[0], "--label", "negative")[1] == f"{expected[0]}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{texts[0]}\n\n  \n{texts[1]}\n"))
    blank = run("rewrite", folder, "-", "--label", "negative")[1]
    assert blank.splitlines() == [expected[0], "", "", expected[1]]


def test_a_text_that_loses_its_end_is_told_with_its_line(folder, run, monkeypatch):
    long = "the food was great and we will say so " * 5
    code, _, error = run("rewrite", folder, long, "--label", "negative")
    assert code == 0 and "the text is longer than 20 tokens" in " ".join(error.split())
    monkeypatch.setattr("sys.stdin", io.StringIO(f"the food was great\n\n{long}\n"))
    code, out, error = run("rewrite", folder, "-", "--label", "negative")
    assert code == 0 and len(out.splitlines()) == 3
    assert " ".join(error.split()).count("longer than") == 1 and "line 3 is longer than 20 tokens" in error


def test_a_text_that_does_not_read_as_asked_is_told_with_its_line(folder, run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\nthe food was awful\n"))
    monkeypatch.setattr(rewriting, "ENOUGH", 1.1)
    code, out, error = run("rewrite", folder, "-", "--label", "positive")
    assert code == 0 and len(out.splitlines()) == 2
    assert "line 2 could not be made to read as asked" in " ".join(error.split())
    assert run("rewrite", folder, "the food was awful", "--label", "positive", "--weight", "0")[2] == ""  # as was asked


def test_what_cannot_be_asked_in_python_is_told(model):
    for weight in (-1.0, 2 * WEIGHTS[-1], float("nan")):
        with pytest.raises(UserError, match="a weight is 0 to 32, received"):
            rewrite(model, ["a text"], symbol=1, weight=weight)
    with pytest.raises(UserError, match="choose one of them"):
        rewrite(model, ["a text"], symbol=1, label="positive")


@pytest.mark.parametrize(
    "flags, told",
    [
        ((), "give --symbol or --label"),
        (("--symbol", "0", "--label", "positive"), "give --symbol or --label"),
        (
            ("--label", "positiv"),
            "labels are negative, positive. Did you mean 'positive'? Give one of these.",
        ),
        (("--symbol", "9"), "unknown symbol 9"),
    ],
)
def test_what_cannot_be_asked_is_told(run, folder, flags, told):
    code, _, error = run("rewrite", folder, "a text", *flags)
    assert code == 2 and told in error


@pytest.mark.parametrize("text, told", [("", "text 1 is empty"), (" ", "text 1 is empty"), ("a \udcff", "not UTF-8")])
def test_what_is_no_text_is_told(run, folder, text, told):
    code, _, error = run("rewrite", folder, text, "--label", "positive")
    assert code == 2 and told in error


def test_a_bag_of_words_is_no_sentence():
    with pytest.raises(UserError, match="writes bags of words"):
        rewrite(tiny.model(preset="best-bag"), ["a text"], symbol=0)


def test_a_prior_without_symbols_has_nothing_to_rewrite_towards():
    with pytest.raises(UserError, match="has not learned symbols"):
        rewrite(tiny.model("model.prior.kind=gaussian"), ["a text"], symbol=0)
    with pytest.raises(UserError, match="choose one"):
        rewrite(tiny.model(), ["a text"])
