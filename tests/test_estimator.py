"""The estimator does what scikit-learn's users and tools expect of one."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator

from ldebm import LDEBMTextModel
from ldebm.data.splits import hashed_split
from ldebm.errors import RunError, UserError
from tests import tiny

QUICK = {"preset": "best-tiny", "symbols": 4, "settings": ("training.precision=fp32", "training.max_steps=20")}
LEARNS = {"preset": "best-tiny", "settings": ("training.precision=fp32", "training.learning_rate=0.02"), "epochs": 40}
TEXTS, LABELS = tiny.texts(240)


@pytest.fixture(scope="module")
def found():
    return LDEBMTextModel(**QUICK).fit(TEXTS)


@pytest.fixture(scope="module")
def taught():
    """Two texts in three have no label."""
    return LDEBMTextModel(**LEARNS).fit(TEXTS, [label if i % 3 == 0 else None for i, label in enumerate(LABELS)])


@pytest.mark.filterwarnings("ignore:Can't test estimator")
def test_the_checks_that_scikit_learn_chooses_for_texts_pass():
    """It leaves out those for numbers in a matrix, as for its own vectorizers."""
    chosen = list(estimator_checks_generator(LDEBMTextModel(**QUICK)))
    assert chosen
    for estimator, check in chosen:
        check(estimator)


@pytest.mark.parametrize(
    "name",
    "do_not_raise_errors_in_init_or_set_params estimator_repr estimator_tags_renamed get_feature_names_out_error "
    "get_params_invariance mixin_order no_attributes_set_in_init parameters_default_constructible set_params "
    "valid_tag_types".split(),
)
def test_the_checks_of_scikit_learn_that_need_no_data_pass(name):
    getattr(estimator_checks, f"check_{name}")("LDEBMTextModel", LDEBMTextModel(**QUICK))


def test_fitting_changes_no_parameter_and_is_the_same_again(found):
    model = LDEBMTextModel(**QUICK)
    before = dict(vars(model))
    first = model.fit(TEXTS).transform(TEXTS)
    assert vars(model).items() >= before.items()
    assert np.array_equal(model.fit(TEXTS).transform(TEXTS), first)


def test_a_text_is_read_the_same_alone_and_in_any_order(found):
    for method in (found.transform, found.predict_proba):
        whole = method(TEXTS[:20])
        assert np.allclose(method(TEXTS[:20][::-1])[::-1], whole, atol=1e-5)
        assert np.allclose(np.vstack([method([text]) for text in TEXTS[:20]]), whole, atol=1e-5)


def test_texts_become_latents_and_latents_texts(found):
    z_ND = found.transform(TEXTS[:5])
    assert z_ND.shape == (5, 8) and z_ND.dtype == np.float32
    assert found.inverse_transform(z_ND).tolist() == found.model_.reconstruct(TEXTS[:5])
    assert found.get_feature_names_out().tolist() == [f"ldebmtextmodel{i}" for i in range(8)]


def test_without_labels_classes_are_symbols(found):
    assert not found.supervised_ and found.n_symbols_ == 4 and found.classes_.tolist() == [0, 1, 2, 3]
    assert np.array_equal(found.predict(TEXTS), found.predict_proba(TEXTS).argmax(1))
    assert np.allclose(found.predict_proba(TEXTS).sum(1), 1, atol=1e-5)
    assert len(found.generate(3, symbol=1, mode="sample")) == 3


def test_missing_labels_are_learned_from_as_well(taught):
    assert taught.supervised_ and taught.classes_.tolist() == ["negative", "positive"]
    fresh, labels = tiny.texts(100, seed=9)
    assert taught.score(fresh, labels) > 0.9
    predicted = taught.predict(fresh)
    assert taught.score(fresh, labels) == pytest.approx(np.mean(predicted == np.array(labels)))
    half = [label if i % 2 else np.nan for i, label in enumerate(labels)]  # scored where it is known
    assert taught.score(fresh, half) == pytest.approx(np.mean((predicted == np.array(labels))[1::2]))
    assert len(taught.generate(2, label="positive")) == 2


def test_few_labels_go_the_way_of_few_labels(taught):
    """The texts without a label are taught by naive Bayes, which stays as a second witness; where all have one, it
    teaches none."""
    assert taught.model_.words is not None and bool(taught.model_.words.said_FK.any())
    assert taught.model_.config.training.clustering_weight > 0
    of_all = LDEBMTextModel(**QUICK).fit(TEXTS, LABELS).model_
    assert of_all.words is not None and of_all.config.training.clustering_weight == 0


def test_probabilities_are_tempered_by_the_labels_that_validate():
    settings = ("training.precision=fp32", "training.learning_rate=0.02", "training.max_steps=60")
    model = LDEBMTextModel("best-tiny", settings=settings, validation_share=0.4).fit(TEXTS, LABELS)
    chosen = float(model.model_.temperature)
    tempered_NK = model.predict_proba(TEXTS)
    model.model_.temperature.fill_(1.0)
    log_p_NK = np.log(model.predict_proba(TEXTS))
    assert chosen != 1.0 and np.allclose(softmax(log_p_NK / chosen, axis=1), tempered_NK, atol=1e-4)


def test_a_class_of_a_single_text_is_a_class():
    y = ["rare", *LABELS[1:]]
    model = LDEBMTextModel(**QUICK).fit(TEXTS, y)
    assert model.classes_.tolist() == ["negative", "positive", "rare"]
    assert model.predict_proba(TEXTS[:3]).shape == (3, 3)
    few = LDEBMTextModel(**QUICK).fit(TEXTS, [*y[:20], *[None] * 220])
    assert few.n_symbols_ == 3 and np.isfinite(few.predict_proba(TEXTS)).all()


def test_a_class_is_learned_though_its_text_would_be_set_aside(caplog):
    aside = np.flatnonzero(hashed_split(TEXTS, 0.1, 0, "the texts given to fit"))
    y = np.array(LABELS, dtype=object)
    y[aside[0]], y[aside[1]] = "rare", "too"
    model = LDEBMTextModel(**LEARNS).fit(TEXTS, y)
    assert model.classes_.tolist() == ["negative", "positive", "rare", "too"] and "not learned" not in caplog.text
    assert model.model_.words is not None and bool(model.model_.words.said_FK.any(0).all())


def test_a_class_that_alone_watches_the_training_is_none_and_told(caplog):
    texts = ["the film was good", "the film was bad", "the film was long"]
    [watches] = np.flatnonzero(hashed_split(texts, 0.1, 0, "the texts given to fit"))
    y = np.array(["a", "b", "c"])
    model = LDEBMTextModel(**QUICK).fit(texts, y)
    assert model.classes_.tolist() == np.delete(y, watches).tolist() and model.n_symbols_ == 2
    assert f"no text to train on has the label '{y[watches]}', so it is not learned" in caplog.text
    with pytest.raises(ValueError, match="two classes or more are needed among the texts to train on"):
        LDEBMTextModel(**QUICK).fit(texts, np.arange(3) == watches)


@pytest.mark.parametrize("unknown", ["yes", 1])
def test_a_score_by_other_labels_alone_is_refused(taught, unknown):
    with pytest.raises(ValueError, match="none of the labels in y is known; the model's are negative, positive"):
        taught.score(TEXTS, [unknown] * len(TEXTS))


def test_labels_are_compared_by_value():
    """A missing one makes a column of whole numbers one of floats."""
    y = pd.Series([float(label == "positive") if i % 3 == 0 else np.nan for i, label in enumerate(LABELS)])
    model = LDEBMTextModel(**LEARNS).fit(TEXTS, y)
    assert model.score(TEXTS, [int(label == "positive") for label in LABELS]) > 0.8
    assert model.generate(2, label=1) == model.generate(2, symbol=1)
    with pytest.raises(ValueError, match=r"unknown label 2; the model's are 0\.0, 1\.0"):
        model.generate(1, label=2)


def test_a_score_without_labels_is_a_bound_that_prefers_the_texts_it_knows(found):
    assert found.score(TEXTS[:50]) > found.score(["yesterday yesterday great phone the end day plot"] * 5)


@pytest.mark.parametrize(
    "classes, missing", [([2, 10], np.nan), ([False, True], None), (["b", "a"], ""), (["b", "a"], pd.NA)]
)
def test_classes_keep_their_type_and_order(classes, missing):
    y = [missing if i % 5 == 0 else classes[label == "positive"] for i, label in enumerate(LABELS)]
    model = LDEBMTextModel(**QUICK).fit(TEXTS, y)
    assert model.classes_.tolist() == sorted(classes)
    assert set(model.predict(TEXTS).tolist()) <= set(classes)


def test_any_kind_of_column_gives_the_same_model(found):
    for column in (np.array(TEXTS), np.array(TEXTS, dtype=object), pd.Series(TEXTS, index=range(5, 245)), tuple(TEXTS)):
        assert np.array_equal(LDEBMTextModel(**QUICK).fit(column).transform(column[:3]), found.transform(TEXTS[:3]))


def test_a_polars_series_is_a_column(found):
    polars = pytest.importorskip("polars")
    assert np.array_equal(found.transform(polars.Series(TEXTS[:3])), found.transform(TEXTS[:3]))


def test_it_stands_in_a_pipeline_a_grid_and_a_cross_validation():
    pipeline = make_pipeline(LDEBMTextModel(**QUICK), LogisticRegression())
    assert pipeline.fit(TEXTS, LABELS).predict(TEXTS).shape == (240,)
    grid = GridSearchCV(LDEBMTextModel(**QUICK), {"symbols": [2, 4]}, cv=2, error_score="raise").fit(TEXTS)
    assert grid.best_estimator_.n_symbols_ in (2, 4) and np.isfinite(grid.best_score_)
    scores = cross_val_score(LDEBMTextModel(**QUICK), TEXTS, LABELS, cv=2, error_score="raise")
    assert scores.shape == (2,) and (scores > 0).all()


def test_it_is_the_same_after_cloning_and_pickling(found):
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.predict_proba(TEXTS), found.predict_proba(TEXTS))
    assert clone(found).get_params() == found.get_params()


def test_a_random_state_may_be_a_generator():
    first, second = (
        LDEBMTextModel(**QUICK, random_state=np.random.RandomState(seed)).fit(TEXTS).transform(TEXTS[:2])
        for seed in (0, 0)
    )
    assert np.array_equal(first, second)


def test_the_run_is_kept_where_it_is_asked_for_and_never_overwritten(tmp_path, capfd):
    model = LDEBMTextModel(**QUICK, folder=tmp_path / "run", verbose=True)
    model.fit(TEXTS)
    assert "training best-tiny on" in capfd.readouterr().err
    assert (tmp_path / "run" / "model.safetensors").exists()
    with pytest.raises(RunError, match="already holds a run"):
        model.fit(TEXTS)


def test_it_is_silent_unless_asked(capfd):
    LDEBMTextModel(**QUICK).fit(TEXTS)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "X, y, told",
    [
        ("one text", None, "put a single text into a list"),
        (5, None, "received int"),
        ([], None, "no texts"),
        (["a", None], None, "text 1 is of type NoneType"),
        ([["a"], ["b"]], None, "text 0 is of type list"),
        (pd.DataFrame({"text": ["a", "b"]}), None, "choose a column"),
        ({"a": 1, "b": 2}, None, "received dict"),
        (["a", "b"], np.array([["x"], ["y"]]), "one column of labels"),
        (["a", "b"], ["x"], "received 1 for 2 texts"),
        (["a", "b"], ["x", "x"], "one class, 'x'"),
        (["a", "b"], [None, np.nan], "no label at all"),
    ],
)
def test_what_cannot_be_learned_from_is_told(X, y, told):
    with pytest.raises(ValueError, match=told):
        LDEBMTextModel(**QUICK).fit(X, y)


def test_settings_and_order_of_calls_are_checked(taught):
    with pytest.raises(UserError, match="epocs"):
        LDEBMTextModel("best-tiny", settings=("training.epocs=1",)).fit(TEXTS)
    for method in ("transform", "inverse_transform", "predict", "predict_proba", "score", "generate"):
        with pytest.raises(NotFittedError):
            getattr(LDEBMTextModel(), method)(3 if method == "generate" else TEXTS)
    with pytest.raises(ValueError, match="give y"):
        taught.score(TEXTS)
