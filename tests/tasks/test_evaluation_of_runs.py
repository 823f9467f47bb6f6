"""The figures of a model whose every answer is known."""

import math
from collections import Counter

import pytest

from ldebm.evaluation.fluency import unigram_kl
from ldebm.tasks import reading
from ldebm.tasks.evaluation_of_runs import evaluate


def values(measurements) -> dict[str, float]:
    assert len({one.name for one in measurements}) == len(measurements)
    assert all(math.isfinite(one.value) for one in measurements)
    assert all(type(one.value) is float and one.definition and one.unit for one in measurements)
    return {one.name: one.value for one in measurements}


def test_the_figures_of_the_known_model(model, corpus) -> None:
    texts, _ = corpus
    found = values(evaluate(model, texts, iter(texts), samples=90))
    topics = [model.topics([text])[0] for text in texts]
    shares = [topics.count(k) / 300 for k in range(3)]
    entropy = -sum(share * math.log(share) for share in shares)
    words = sum(len(text.split()) for text in texts)

    assert found["token_accuracy"] == pytest.approx(1 - 300 / words)  # the last word of each text is missing
    assert 50 < found["bleu"] < 100
    assert found["mutual_information"] == pytest.approx(entropy)
    assert found["symbols_in_use"] == 3
    assert found["largest_symbol_share"] == pytest.approx(max(shares))
    assert found["active_units"] == 1
    assert found["latent_mutual_information"] == pytest.approx(entropy, abs=0.05)
    assert entropy < found["rate_matched_gaussian"] < found["rate"]

    generated = [text.split() for text in model.generate(90)]
    assert found["distinct_share"] == pytest.approx(6 / 90)
    assert found["distinct_1"] == pytest.approx(8 / (90 * 5))  # the is here 0 1 and three nouns
    assert found["distinct_2"] == pytest.approx(9 / (90 * 4))  # three the-noun, three noun-is, is-here, here-0, here-1
    assert found["mean_length"] == 5
    assert found["self_bleu"] == pytest.approx(100)
    assert found["copies"] == 0
    counts = Counter(word for text in generated for word in text)
    assert found["unigram_kl"] == pytest.approx(unigram_kl(counts, Counter(" ".join(texts).split())))

    assert found["copies_real"] == 1  # the training texts were the same
    assert found["distinct_share_real"] > 0.5
    assert found["distinct_1_real"] > found["distinct_1"]
    assert found["self_bleu_real"] < found["self_bleu"]
    assert 0 < found["unigram_kl_real"] < 0.2
    assert 7 < found["mean_length_real"] < 13


def test_all_held_out_texts_against_themselves_have_no_word_divergence(model, corpus) -> None:
    found = values(evaluate(model, corpus[0], corpus[0], samples=1000))
    assert found["unigram_kl_real"] == pytest.approx(0, abs=1e-12)


def test_generated_and_real_texts_are_equally_many(model, corpus) -> None:
    rows = {one.name: one for one in evaluate(model, corpus[0][:40], ["a"], samples=1000, seed=7, mode="sample")}
    assert model.generated == [(40, None, "sample", 7)]
    assert "40 sample generated texts" in rows["distinct_1"].definition
    assert "40 real held-out texts" in rows["distinct_1_real"].definition
    assert rows["distinct_1"].floor_or_bound == f"real texts: {rows['distinct_1_real'].value:.4g}"


def test_floors_and_bounds_stand_beside_the_figures(model, corpus) -> None:
    rows = {one.name: one for one in evaluate(model, corpus[0], corpus[0], samples=20)}
    floor = float(rows["token_accuracy"].floor_or_bound.split()[1].rstrip(","))
    assert 0 < floor < rows["token_accuracy"].value - 0.1
    assert f"bound: {math.log(4):.3f}" in rows["mutual_information"].floor_or_bound
    assert f"bound: {math.log(300):.3f}" in rows["latent_mutual_information"].floor_or_bound
    assert "bound: 3," in rows["active_units"].floor_or_bound
    assert "300 texts" in rows["bleu"].definition


def test_labels_bring_agreement_with_its_chance(model, corpus) -> None:
    texts, labels = corpus
    found = values(evaluate(model, texts, texts, samples=20, labels=labels))
    for name in ("homogeneity", "completeness", "v_measure", "ami"):
        assert found[name] == pytest.approx(1)
        assert abs(found[f"{name}_chance"]) < 0.1
    assert "accuracy" not in found


def test_texts_without_a_label_do_not_count(supervised_model, corpus) -> None:
    texts, labels = corpus
    some = [label if i % 3 else None for i, label in enumerate(labels)]
    rows = {one.name: one for one in evaluate(supervised_model, texts, texts, samples=20, labels=some)}
    assert rows["accuracy"].value == 1
    assert rows["homogeneity"].value == pytest.approx(1)
    assert "200 labelled texts" in rows["accuracy"].definition
    kept = [label for label in some if label]
    assert rows["accuracy_chance"].value == pytest.approx(kept.count("animals") / 200)
    none = values(evaluate(supervised_model, texts, texts, samples=20, labels=[None] * 300))
    assert "homogeneity" not in none


def test_a_symbol_beyond_the_labels_is_a_wrong_prediction(supervised_model, corpus) -> None:
    texts, labels = corpus
    supervised_model.labels = ("food", "driving")  # the texts about food have symbol 2
    found = values(evaluate(supervised_model, texts, texts, samples=20, labels=labels))
    assert found["accuracy"] == pytest.approx(labels.count("driving") / 300)


def test_a_single_symbol_has_no_figures_of_symbols(single_symbol_model, corpus) -> None:
    texts, labels = corpus
    found = values(evaluate(single_symbol_model, texts, texts, samples=20, labels=labels))
    assert not {"mutual_information", "symbols_in_use", "largest_symbol_share", "homogeneity"} & set(found)
    assert "bleu" in found


def test_a_model_that_says_nothing_is_measured(model, corpus, monkeypatch) -> None:
    monkeypatch.setattr(model, "generate", lambda n, **_: [""] * n)
    found = values(evaluate(model, corpus[0], corpus[0], samples=20))
    assert (found["mean_length"], found["distinct_1"], found["distinct_share"]) == (0, 0, 1 / 20)
    assert "unigram_kl" not in found


def test_at_most_the_limit_of_texts_is_read(model, corpus, monkeypatch) -> None:
    monkeypatch.setattr(reading.infer, "__defaults__", (None, 0, 100))
    rows = {one.name: one for one in evaluate(model, corpus[0], corpus[0], samples=20)}
    assert max(model.read) == 100
    assert "100 texts drawn from 300" in rows["bleu"].definition
