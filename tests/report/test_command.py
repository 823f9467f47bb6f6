"""`ldebm report` on a run of texts and on one of dialogues."""

import csv
import json

import pytest

from ldebm import LDEBM, load_corpus, load_dialogues, load_preset, train
from ldebm.cli.inputs import columns_of, corpus_of
from ldebm.cli.report import NAME, write
from ldebm.tasks.discovery import describe
from ldebm.tasks.reading import infer
from tests import tiny
from tests.cli.conftest import run
from tests.report.test_page import Parsed
from tests.test_dialogue_model import dialogues

__all__ = ["run"]  # a fixture


@pytest.fixture
def folder(tmp_path):
    """A run on a csv with a column of verdicts that it was not told of."""
    texts, labels = tiny.texts(200)
    with (tmp_path / "reviews.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "verdict"), *zip(texts, labels, strict=True)])
    model = tiny.model(f"data.source={tmp_path / 'reviews.csv'}", "data.text=text")
    model.save_pretrained(tmp_path / "run")
    return tmp_path / "run"


def points_of(page) -> dict[str, list[str]]:
    return json.loads(Parsed(page).scripts[0])


def test_a_run_becomes_a_page_in_its_folder(run, folder) -> None:
    code, out, err = run("report", folder)
    assert (code, out, err) == (0, f"The report is {folder / NAME}: open it in a browser.\n", "")
    points = points_of(folder / NAME)
    assert 150 < len(points["text"]) < 200 and points["labels"] == []
    assert "reviews, validation split" in (folder / NAME).read_text()


def test_every_training_text_is_read_once_and_not_again_where_it_was_already(folder, tmp_path, monkeypatch) -> None:
    model = LDEBM.from_pretrained(folder)
    texts, labels = columns_of(corpus_of(model.config).train)
    reading = infer(model, texts, labels)
    known = reading, describe(model, reading)
    asked: list[int] = []
    inferred = LDEBM.inferred
    monkeypatch.setattr(LDEBM, "inferred", lambda self, some: asked.append(len(some)) or inferred(self, some))
    write(folder, tmp_path / "first.html")
    assert asked.count(len(texts)) == 1
    asked.clear()
    write(folder, tmp_path / "second.html", None, known)
    assert len(texts) not in asked and (tmp_path / "first.html").read_text() == (tmp_path / "second.html").read_text()


def test_symbols_are_compared_with_a_column_that_training_did_not_know(run, folder, tmp_path) -> None:
    page = tmp_path / "shown.html"
    assert run("report", folder, "--label", "verdict", "--out", page)[0] == 0
    assert points_of(page)["labels"] == ["negative", "positive"]
    assert "homogeneity" in page.read_text() and not (folder / NAME).exists()


def test_a_run_that_was_trained_in_python_finds_its_texts_again(run, folder, tmp_path) -> None:
    corpus = load_corpus(str(tmp_path / "reviews.csv"), text="text", label="verdict")
    train(tiny.config("training.max_steps=2"), corpus, tmp_path / "python")
    assert run("report", tmp_path / "python")[0] == 0
    points = points_of(tmp_path / "python" / NAME)
    assert points["labels"] == ["negative", "positive"] and set(points["text"]) <= set(tiny.texts(200)[0])


def test_a_run_on_texts_in_memory_says_that_it_keeps_none(run, tmp_path) -> None:
    train(tiny.config("training.max_steps=2"), tiny.corpus(), tmp_path / "run")
    code, _, err = run("report", tmp_path / "run")
    assert code == 2 and "texts given in memory" in err
    assert "ldebm train" not in (tmp_path / "run" / "README.md").read_text()


def test_a_run_of_dialogues_becomes_a_page_of_responses(run, tmp_path) -> None:
    source = tmp_path / "chats.jsonl"
    lines = [[turn._asdict() for turn in each.turns] for each in dialogues(100, 0)]
    source.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    config = load_preset("best-tiny", [f"data.source={source}", "training.max_steps=2"], "dialogue")
    train(config, load_dialogues(str(source)), tmp_path / "run")
    assert run("report", tmp_path / "run")[0] == 0
    assert set(points_of(tmp_path / "run" / NAME)["text"]) <= {turn["text"] for line in lines for turn in line}


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (("--label", "stars"), "stars"),
        (("--out", "page.pdf"), ".html"),
        (("--out", "reviews.csv/page.html"), "one of its parents is a file"),
    ],
)
def test_what_cannot_be_written_or_read_is_told(run, folder, wish, told, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run("report", folder, *wish)
    assert code == 2 and told in err and "Traceback" not in err
