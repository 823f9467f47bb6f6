"""Each verb reads what it should, asks the library for the right thing, and writes what it promises."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

import ldebm

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A csv whose third row has no text."""
    path = tmp_path / "reviews.csv"
    path.write_text('stars,review\n5,"good, really"\n1,bad\n3,\n4,good\n')
    return path


@pytest.fixture
def trained(model: Any, tmp_path: Path) -> Any:
    """The model, as trained on twenty labelled texts."""
    path = tmp_path / "training.csv"
    path.write_text(
        "text,stars\n" + "".join(f"{('good', 'bad')[i % 2]} thing {i},{5 - 4 * (i % 2)}\n" for i in range(20))
    )
    model.config.data.source, model.config.data.label = str(path), "stars"
    return model


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The arguments of load_preset, load_corpus and train, which do nothing."""
    calls: list[tuple[Any, ...]] = []
    answers = {
        "load_preset": SimpleNamespace(seed=7, data=SimpleNamespace(validation_share=0.25)),
        "load_corpus": "the corpus",
        "train": None,
    }

    def stand_in(answer: Any) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            calls.append(arguments)
            return answer

        return called

    for name, answer in answers.items():
        monkeypatch.setitem(vars(ldebm), name, stand_in(answer))
    return calls


def test_train_hands_settings_and_flags_on(run: Run, calls: list[tuple[Any, ...]]) -> None:
    flags = (
        "--text review --label stars --preset paper-tiny --set model.symbols=3 --set seed=1 --seed 2 --epochs 4"
        " --precision bf16 --device cpu --max-minutes 0.5 --resume --out runs/a"
    )
    assert run("train", "reviews.csv", *flags.split()) == (0, "", "")
    (preset, settings, task), corpus, (config, *training) = calls
    assert preset == "paper-tiny" and task == "texts"
    assert settings == [
        "model.symbols=3",
        "seed=1",
        "data.source=reviews.csv",
        "data.text=review",
        "data.label=stars",
        "seed=2",
        "training.precision=bf16",
        "training.device=cpu",
        "training.epochs=4",
        "training.max_minutes=0.5",
    ]
    assert corpus == ("reviews.csv", "review", "stars", None, 0.25, 7)
    assert config.seed == 7
    assert training == ["the corpus", Path("runs/a"), True]


@pytest.mark.parametrize(
    ("source", "name"),
    [("data/reviews.v2.csv.gz", "reviews.v2"), ("ptb", "ptb"), ("owner/name", "name"), ("a.TXT", "a"), ("..", "..")],
)
def test_run_is_named_after_its_source(run: Run, calls: list[tuple[Any, ...]], source: str, name: str) -> None:
    assert run("train", source) == (0, "", "")
    assert calls[2][2:] == (Path("runs") / name, False)


def test_generate_prints_one_text_a_line(run: Run, model: Any) -> None:
    assert run("generate", "runs/a", "-n", 3) == (0, "text 0\ntext 1\ntext 2\n", "")
    assert model.asked == {"symbol": None, "label": None, "mode": "greedy", "guidance": 1.0, "best_of": 1, "seed": 0}
    flags = "--label good --mode sample --temperature 0.5 --top-p 0.9 --guidance 2 --best-of 4 --seed 3"
    run("generate", "runs/a", *flags.split())
    assert model.asked == {
        "symbol": None,
        "label": "good",
        "mode": "sample",
        "temperature": 0.5,
        "top_p": 0.9,
        "guidance": 2.0,
        "best_of": 4,
        "seed": 3,
    }
    run("generate", "runs/a", "--symbol", 2, "--mode", "beam", "--beams", 3)
    assert model.asked == {
        "symbol": 2,
        "label": None,
        "mode": "beam",
        "beams": 3,
        "guidance": 1.0,
        "best_of": 1,
        "seed": 0,
    }


def test_generate_writes_files(run: Run, tmp_path: Path) -> None:
    assert run("generate", "runs/a", "-n", 2, "--out", tmp_path / "texts.txt") == (0, "", "")
    assert (tmp_path / "texts.txt").read_text() == "text 0\ntext 1\n"
    assert run("generate", "runs/a", "-n", 2, "--out", tmp_path / "texts.jsonl") == (0, "", "")
    lines = (tmp_path / "texts.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"text": "text\n0"}, {"text": "text\n1"}]


def test_classify_stands_beside_the_rows_of_the_file(run: Run, reviews: Path) -> None:
    code, out, err = run("classify", "runs/a", reviews, "--text", "review")
    assert (code, err) == (0, "")
    assert list(csv.DictReader(io.StringIO(out))) == [
        {
            "symbol": "1",
            "probability": "0.75",
            "probability_0": "0.25",
            "probability_1": "0.75",
            "probability_2": "0.0",
        },
        {"symbol": "0", "probability": "0.9", "probability_0": "0.9", "probability_1": "0.1", "probability_2": "0.0"},
        {"symbol": "", "probability": "", "probability_0": "", "probability_1": "", "probability_2": ""},
        {
            "symbol": "1",
            "probability": "0.75",
            "probability_0": "0.25",
            "probability_1": "0.75",
            "probability_2": "0.0",
        },
    ]


def test_classify_names_labels_and_knows_the_column_of_the_run(
    run: Run, model: Any, reviews: Path, tmp_path: Path
) -> None:
    model.labels, model.config.data.text = ("negative", "positive"), "review"
    for name in ("out.jsonl", "out.parquet", "out.csv"):
        assert run("classify", "runs/a", reviews, "--out", tmp_path / name) == (0, "", "")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert rows == parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert rows[0] == {
        "symbol": 1,
        "label": "positive",
        "probability": 0.75,
        "probability_negative": 0.25,
        "probability_positive": 0.75,
        "probability_2": 0.0,
    }
    assert set(rows[2].values()) == {None}
    table = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert [row["label"] for row in table] == ["positive", "negative", "", "positive"]


def test_encode_stands_beside_the_rows_of_the_file(run: Run, reviews: Path, tmp_path: Path) -> None:
    for name in ("out.npy", "out.parquet"):
        assert run("encode", "runs/a", reviews, "--text", "review", "--out", tmp_path / name) == (0, "", "")
    latents = np.load(tmp_path / "out.npy")
    assert latents.dtype == np.float32
    np.testing.assert_array_equal(latents, np.array([[12, 1], [3, 0], [np.nan, np.nan], [4, 1]], dtype=np.float32))
    assert parquet.read_table(tmp_path / "out.parquet").to_pylist() == [
        {"latent": [12.0, 1.0]},
        {"latent": [3.0, 0.0]},
        {"latent": None},
        {"latent": [4.0, 1.0]},
    ]


@pytest.mark.parametrize("verb", ["classify", "encode"])
def test_file_without_texts_is_refused(run: Run, tmp_path: Path, verb: str) -> None:
    (tmp_path / "a.csv").write_text("text,stars\n,1\n,2\n")
    out = tmp_path / ("a.jsonl" if verb == "classify" else "a.npy")
    code, _, err = run(verb, "runs/a", tmp_path / "a.csv", "--out", out)
    assert code == 2
    assert err.startswith(f"error: {tmp_path / 'a.csv'} has 2 rows and no text in any: ")
    assert not out.exists()


@pytest.mark.parametrize("verb", ["classify", "discover", "evaluate"])
def test_unknown_column_is_told_with_the_columns_there_are(run: Run, trained: Any, reviews: Path, verb: str) -> None:
    code, out, err = run(verb, "runs/a", reviews, "--text", "reviw")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1 and "'reviw'" in err and "'review'" in err


def test_discover_reads_the_texts_of_the_run(run: Run, trained: Any, tmp_path: Path) -> None:
    code, out, err = run("discover", "runs/a", "--json", tmp_path / "found.json")
    assert (code, err) == (0, "")
    assert "good" in out and "bad" in out and "Symbols that no text has: 2." in out
    found = json.loads((tmp_path / "found.json").read_text())
    assert {one["symbol"] for one in found["symbols"]} == {0, 1, 2}
    assert set(found["labels"]) == {"1", "5"}


def test_discover_reads_a_file(run: Run, trained: Any, reviews: Path, tmp_path: Path) -> None:
    code, _, err = run("discover", "runs/a", reviews, "--text", "review", "--json", tmp_path / "found.json")
    assert (code, err) == (0, "")
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["texts_given"] == 3
    assert found["labels"] == {"5": 1 / 3, "1": 1 / 3, "4": 1 / 3}


def test_evaluate_reads_held_out_texts(run: Run, trained: Any, reviews: Path, tmp_path: Path) -> None:
    code, out, err = run("evaluate", "runs/a", "--samples", 3, "--json", tmp_path / "own.json")
    assert (code, err) == (0, "")
    assert "validation split" in out and "bleu" in out
    document = json.loads((tmp_path / "own.json").read_text())
    assert document["run"] == "runs/a"
    bleu = document["metrics"]["bleu"]
    assert bleu["value"] is None or bleu["value"] >= 0
    assert bleu["definition"] and bleu["floor_or_bound"].startswith("floor: ")
    code, _, err = run("evaluate", "runs/a", reviews, "--text", "review", "--json", tmp_path / "file.json")
    assert (code, err) == (0, "")
    assert json.loads((tmp_path / "file.json").read_text())["texts"] == str(reviews)


def test_log_lines_go_to_stderr(run: Run, trained: Any) -> None:
    path = Path(trained.config.data.source)
    path.write_text(path.read_text() + ",5\n")
    code, _, err = run("discover", "runs/a")
    assert code == 0
    assert err == f"warning: {path}: skipped 1 of 21 rows, their text is empty\n"
