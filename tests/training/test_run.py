"""What a corpus decides of a run, few labels from end to end, and the temperature that is chosen at the end."""

import dataclasses
import re

import datasets
import numpy as np
import pytest
import torch
from scipy.special import softmax

from ldebm.data.corpora import Corpus, load_corpus
from ldebm.evaluation.calibration import temperature
from ldebm.model import LDEBM
from ldebm.training import Trainer, train
from ldebm.training import run as module
from ldebm.training.checkpoints import newest_checkpoint, read_checkpoint
from ldebm.training.run import resolve
from tests import tiny

QUICK = ("training.max_steps=12",)
LEARNS = ("training.epochs=12", "training.learning_rate=0.01", "training.energy_learning_rate=0.003")


@pytest.mark.parametrize(
    "corpus, settings, expected",
    [
        (tiny.corpus(40), (), (False, 1.0)),
        (tiny.corpus(40), ("model.word_evidence=true",), (False, 1.0)),
        (tiny.corpus(40, labelled=True), (), (True, 0.0)),
        (tiny.corpus(40, labelled=True), ("training.pseudo_label_weight=0",), (False, 0.0)),
        (tiny.corpus(40, labelled=True, told=39), ("training.pseudo_label_weight=7",), (True, 7.0)),
        (tiny.corpus(40, labelled=True, told=39), ("training.pseudo_label_weight=0",), (False, 0.0)),
    ],
    ids=["no-labels", "no-labels-whatever-is-asked", "all", "all-alone", "few", "few-alone"],
)
def test_words_are_a_witness_of_labels_and_teach_those_that_are_missing(corpus, settings, expected):
    config = resolve(tiny.config(*settings), corpus)
    assert (config.model.word_evidence, config.training.clustering_weight) == expected
    assert config.model.symbols == (4 if corpus.labels is None else 2)


def test_words_do_not_witness_to_too_many_labels_which_is_told(tmp_path, monkeypatch, capsys):
    corpus, config = tiny.corpus(40, labelled=True, told=39), tiny.config("training.max_steps=1")
    train(config, corpus, tmp_path / "few")
    assert "labels are more than" not in capsys.readouterr().err
    monkeypatch.setattr(module, "_WITNESSED", 1)
    resolved = resolve(config, corpus)
    assert not resolved.model.word_evidence and resolved.training.clustering_weight == 0 and resolved.model.symbols == 2
    train(config, corpus, tmp_path / "many")
    assert "2 labels are more than the 1 that words tell apart" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("told", [12, 8])
def test_texts_without_a_word_in_common_can_be_learned_from(tmp_path, told):
    labels = [*("ab" * 6)[:told], *[None] * (12 - told)]
    texts = datasets.Dataset.from_dict({"text": [f"only{row}" for row in range(12)], "label": labels})
    corpus = Corpus("unique", texts, texts, None, ("a", "b"))
    model = train(tiny.config("training.max_steps=1"), corpus, tmp_path / "run")
    assert model.words is not None and model.symbol_probabilities(["only3"]).sum() == pytest.approx(1)


def test_labels_that_are_missing_elsewhere_do_not_count(tmp_path):
    """Rows that validate, that test, and that have no text lie in the same table as those that train."""
    rows = [f"text {i},{'ab'[i % 2]},train" for i in range(20)]
    rows += ["one,,dev", "two,a,dev", "three,,test", ",,train"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["text,label,part", *rows]))
    corpus = load_corpus(str(path), label="label", split="part")
    assert resolve(tiny.config(), corpus).training.clustering_weight == 0
    path.write_text(path.read_text() + "\nfour,,train")
    corpus = load_corpus(str(path), label="label", split="part")
    assert resolve(tiny.config(), corpus).training.clustering_weight > 0


@pytest.mark.parametrize("preset", ["best-tiny", "best-bag"])
def test_labels_of_a_part_are_enough(tmp_path, capsys, preset):
    small = ("data.vocabulary_size=200", "training.batch_size=32") if preset == "best-bag" else ()
    config = tiny.config(*LEARNS, *small, preset=preset)
    model = train(config, tiny.corpus(300, labelled=True, told=100), tmp_path / "run")
    assert re.search(r"on 300 texts of tiny, \d+ tokens, 100 with a label and 200 without", capsys.readouterr().err)
    texts, labels = tiny.texts(100, 5)
    answers = [model.labels[place] for place in model.symbol_probabilities(texts).argmax(1)]
    assert np.mean([mine == true for mine, true in zip(answers, labels, strict=True)]) > 0.9
    again = LDEBM.from_pretrained(tmp_path / "run", "cpu")
    assert again.words is not None and bool(again.words.said_FK.any())
    assert np.array_equal(again.symbol_probabilities(texts), model.symbol_probabilities(texts))
    assert again.generate(2, label="positive") == model.generate(2, label="positive")
    card = (tmp_path / "run" / "README.md").read_text()
    assert "word_evidence" not in card and "clustering_weight" not in card  # the labels say it, not the user


@pytest.mark.parametrize("preset", ["best-tiny", "best-bag"])
def test_labels_of_all_are_no_worse_than_of_a_part(tmp_path, preset):
    """Words witness to them from the first step on; there is nobody to teach."""
    config = tiny.config("training.max_steps=2", "data.vocabulary_size=200", preset=preset)
    model = train(config, tiny.corpus(300, labelled=True), tmp_path / "run")
    texts, labels = tiny.texts(100, 5)
    answers = [model.labels[place] for place in model.symbol_probabilities(texts).argmax(1)]
    assert np.mean([mine == true for mine, true in zip(answers, labels, strict=True)]) > 0.95
    model.words = None  # what the latent has learned in two steps
    answers = [model.labels[place] for place in model.symbol_probabilities(texts).argmax(1)]
    assert np.mean([mine == true for mine, true in zip(answers, labels, strict=True)]) < 0.9


def test_a_run_that_is_over_before_it_has_warmed_up_says_so(tmp_path, capsys):
    def told(name, *settings):
        train(tiny.config("training.batch_size=20", *settings), tiny.corpus(40), tmp_path / name)
        return " ".join(capsys.readouterr().err.split())

    short = told("short", "training.epochs=1", "training.rate_steps=5")
    assert "2 steps are fewer than the 5 of the warm-up" in short and "raise training.epochs to 3 or more" in short
    assert "warm-up" not in told("enough", "training.epochs=3", "training.rate_steps=5")
    assert "warm-up" not in told("as-asked", "training.max_steps=1", "training.rate_steps=5")
    constant = ("training.epochs=1", "training.rate_steps=5", "training.rate_schedule=constant")
    assert "warm-up" not in told("without", *constant)


def test_both_witnesses_are_heard():
    model = tiny.model("model.word_evidence=true", "model.symbols=2").eval()
    texts = tiny.texts(5)[0]
    without_NK = model.symbol_probabilities(texts)
    model.words.meant_K.copy_(torch.tensor([0.0, 2.0]))
    odds = [np.log(p_NK[:, 1] / p_NK[:, 0]) for p_NK in (without_NK, model.symbol_probabilities(texts))]
    assert odds[1] - odds[0] == pytest.approx(2.0, abs=1e-4)


def test_the_texts_without_a_label_are_taught_their_shares():
    """A step's loss of these is that of the pseudo-labels, and their own labels teach the others."""
    corpus = tiny.corpus(40, labelled=True, told=10)
    config = resolve(tiny.config(), corpus)
    tokenizer = tiny.tokenizer()
    texts = module.TokenizedCorpus.build(corpus.train, tokenizer, 20, corpus.labels)
    model = LDEBM(config, tokenizer)
    module.teach(model.words, texts)
    trainer = Trainer(model, texts)
    assert trainer.clustering is None and trainer.pseudo_labels_NK.shape == (40, 2)
    told, rest = (trainer.step(texts.batch(np.arange(*rows))) for rows in ((0, 10), (10, 40)))
    assert told.supervised > 0 and told.clustering == 0
    assert rest.supervised == 0 and rest.clustering > 0


def digest_of(folder):
    return (folder / "model.safetensors").read_bytes()


@pytest.mark.parametrize("preset", ["best-tiny", "best-bag"])
def test_a_run_with_few_labels_resumes_bit_for_bit(tmp_path, preset):
    corpus = tiny.corpus(120, labelled=True, told=12)
    settings = ("data.vocabulary_size=200", "training.batch_size=32", "training.epochs=4")
    stopped = tmp_path / "parts"
    train(tiny.config(*settings, preset=preset), corpus, tmp_path / "whole")
    calls = []

    def watch(step, model):
        calls.append(step)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny.config(*settings, preset=preset), corpus, stopped, watch=watch)
    tensors, _ = read_checkpoint(newest_checkpoint(stopped / "checkpoints"))
    assert tensors and not any(".words." in name for name in tensors)  # taught anew
    model = train(tiny.config(*settings, preset=preset), corpus, stopped, resume=True)
    assert digest_of(stopped) == digest_of(tmp_path / "whole")
    train(tiny.config(*settings, preset=preset), corpus, stopped, resume=True)  # nothing is left to do
    assert digest_of(stopped) == digest_of(tmp_path / "whole")
    assert float(model.temperature) != 1.0


def test_the_temperature_is_chosen_by_validation_labels_and_kept(tmp_path):
    corpus = tiny.corpus(120, labelled=True)
    model = train(tiny.config(*QUICK), corpus, tmp_path / "run")
    chosen = float(LDEBM.from_pretrained(tmp_path / "run", "cpu").temperature)
    assert chosen == float(model.temperature) != 1.0
    texts, labels = corpus.validation["text"][:], corpus.validation["label"][:]
    warm_NK = model.symbol_probabilities(texts)
    model.temperature.fill_(1.0)
    log_p_NK = np.log(model.symbol_probabilities(texts))
    places = np.array([corpus.labels.index(label) for label in labels])
    assert chosen == pytest.approx(temperature(log_p_NK, places), rel=1e-4)
    assert np.allclose(warm_NK, softmax(log_p_NK / chosen, axis=1), atol=1e-5)


@pytest.mark.parametrize("known", [0, 49])
def test_too_few_labels_to_validate_with_leave_the_temperature_alone(tmp_path, known):
    corpus = tiny.corpus(120, labelled=True)
    labels = [*corpus.validation["label"][:known], *[None] * (50 - known)]
    validation = corpus.validation.remove_columns("label").add_column("label", labels)
    model = train(tiny.config(*QUICK), dataclasses.replace(corpus, validation=validation), tmp_path / "run")
    assert float(model.temperature) == 1.0


def test_a_label_that_only_validates_is_left_out(tmp_path):
    corpus = tiny.corpus(120, labelled=True)
    labels = ["neutral", *corpus.validation["label"][1:]]
    validation = corpus.validation.remove_columns("label").add_column("label", labels)
    assert train(tiny.config(*QUICK), dataclasses.replace(corpus, validation=validation), tmp_path / "run").labels == (
        "negative",
        "positive",
    )
