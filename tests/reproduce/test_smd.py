"""The walk through the dialogue tables, on tiny corpora and tiny models, and its figures on cases known beforehand."""

import gzip
import json

import numpy as np
import pytest

from ldebm.data.dialogues import Dialogue, DialogueCorpus, Turn, examples_of, turns_of
from ldebm.dialogue_model import DialogueModel
from ldebm.reproduce import dialogue_setting, language_models, response_figures, smd, smd_page
from ldebm.reproduce import runs as table_runs
from ldebm.tasks.responses import SHOWN_GUIDANCE
from tests.test_dialogue_model import dialogues

SHOWN = ("sequence-to-sequence", "gaussian", "ldebm-best")


@pytest.fixture
def small(monkeypatch, tmp_path):
    parts = {
        "train": [Dialogue(each.turns, each.turns[0].text.split()[-1]) for each in dialogues(100, 0)],
        "test": [Dialogue(each.turns, each.turns[0].text.split()[-1]) for each in dialogues(20, 1)],
    }
    tables = {part: turns_of(found) for part, found in parts.items()}
    corpus = DialogueCorpus("tiny", tables["train"], tables["test"], tables["test"], ("me", "you"))
    for module in (dialogue_setting, smd):
        monkeypatch.setattr(module, "CORPORA", dict.fromkeys(("smd", "dailydialog"), parts.__getitem__))
        monkeypatch.setattr(module, "corpus", lambda name: corpus)
    monkeypatch.setattr(dialogue_setting, "ROWS", {row: dialogue_setting.ROWS[row] for row in SHOWN})
    monkeypatch.setattr(smd_page, "corpus", lambda name: corpus)
    for module in (smd, dialogue_setting, smd_page):
        monkeypatch.setattr(module, "test_dialogues", lambda name, size: parts["test"])
    monkeypatch.setitem(dialogue_setting.LENGTHS, "tiny", ("training.epochs=1", "training.max_steps=20"))
    (tmp_path / "word2vec").mkdir()
    words = sorted({word for each in parts["train"] for turn in each.turns for word in turn.text.split()})
    lines = "".join(f"{word} {number % 3} {number % 5} 1\n" for number, word in enumerate(words))
    for name in ("smd", "dd"):
        (tmp_path / "word2vec" / f"{name}.txt.gz").write_bytes(gzip.compress(lines.encode()))
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    for cached in (smd.vectors, smd._tokenizer):
        cached.cache_clear()
    yield parts
    for cached in (smd.vectors, smd._tokenizer):
        cached.cache_clear()


def test_rows_are_trained_measured_and_written_once(tmp_path, small, monkeypatch) -> None:
    paths = smd.reproduce(tmp_path / "results", tmp_path / "runs", seeds=1, quick=True)
    assert [path.name for path in paths] == ["smd-quick.json", "smd-dailydialog-quick.json"]
    for path in paths:
        rows = {row["model"]: row["metrics"] for row in json.loads(path.read_text())["rows"]}
        assert list(rows) == list(SHOWN)
        for name, row in rows.items():
            assert 0 <= row["bleu"]["mean"] <= row["bleu_with_speaker"]["mean"] <= 100
            assert -100 <= row["average_best"]["mean"] <= 100 and row["average"]["floor"] > 0
            assert row["nll_bound"]["mean"] > 0
            assert (row["mutual_information"]["mean"] is not None) == (name == "ldebm-best")

    smd_page.write_page(tmp_path / "smd.md", paths, tmp_path / "runs")
    page = (tmp_path / "smd.md").read_text()
    assert "| `ldebm-best` (1 seed) |" in page and "| symbol | share | words | intent | speaker | generated |" in page
    known = small["train"][0].turns[0].text
    monkeypatch.setattr(
        DialogueModel, "respond", lambda _, contexts, speakers, symbol, *how, **more: [known, f"new to {symbol}"]
    )
    smd_page.write_page(tmp_path / "smd.md", (paths[0], tmp_path / "not-yet.json"), tmp_path / "runs")
    page = (tmp_path / "smd.md").read_text()
    assert "## SMD" in page and "## DailyDialog" not in page
    cells = [
        line.split(" | ")[-1].strip(" |") for line in page.split("| generated |")[1].split("\n\n")[0].splitlines()[2:]
    ]
    assert cells and all(cell.startswith("new to ") for cell in cells)  # turns of the corpus are not passed on

    monkeypatch.setattr(table_runs, "train", None)  # nothing is trained or measured again
    monkeypatch.setattr(smd, "_near", None)
    monkeypatch.setattr(language_models, "fit", None)
    again = smd.reproduce(tmp_path / "results", tmp_path / "runs", seeds=1, quick=True)
    assert [json.loads(path.read_text())["rows"] for path in again] == [
        json.loads(path.read_text())["rows"] for path in paths
    ]


def test_the_larger_corpus_has_one_size_and_one_seed() -> None:
    small, full = dialogue_setting.stages_of("smd", 3, quick=False)
    assert small == ("small", tuple(dialogue_setting.ROWS), 3) and full[0] == "full" and full[2] == 1
    assert dialogue_setting.stages_of("dailydialog", 3, quick=False) == ((*small[:2], 1),)
    assert dialogue_setting.config_of("dailydialog", "ldebm-best", "small", 0).training.max_steps == 1500
    assert dialogue_setting.config_of("smd", "ldebm-best", "small", 0).training.max_steps == 0


def test_the_speaker_counts_in_the_published_way_alone() -> None:
    vectors = {"a": np.ones(2, np.float32), "b": np.array([1, -1], np.float32)}
    said, true = [["a", "b", "a", "b", "a"]], [["a", "b", "a", "b", "b"]]
    found = response_figures.nearness(said, true, ["you"], vectors)
    assert found["bleu"] < found["bleu_with_speaker"] < 100
    assert found["distinct_1"] == 0.4 and found["mean_length"] == 5
    assert response_figures.nearness(true, true, ["you"], vectors)["bleu"] == pytest.approx(100)


def test_symbols_that_speak_are_recovered_and_differ() -> None:
    """A model that says its symbol and reads it from what was said; the intent is the symbol of every turn."""

    class Model:
        tokenizer = type("Words", (), {"words": staticmethod(str.split)})

        def symbol_probabilities(self, examples):
            if all(len(example.turns) == 1 for example in examples):  # alone all turns are the same to it
                return np.eye(3)[[0] * len(examples)]
            return np.eye(3)[[int(example.turns[-1].text.split()[-1]) for example in examples]]

        def respond(self, contexts, speakers, symbol, each, seed, guidance):
            """Of several the last one says its symbol; of one alone half do; under guidance all but symbol 0."""
            if guidance > 1:
                assert guidance == SHOWN_GUIDANCE and each > 1
                return [f"it is now and here {max(symbol, 1)}"] * (each * len(contexts))
            says = [place % 2 if each == 1 else place % each == each - 1 for place in range(each * len(contexts))]
            return [f"it is now and here {symbol if right else (symbol + 1) % 3}" for right in says]

    class Mute(Model):
        def symbol_probabilities(self, examples):
            return np.eye(3)[[0] * len(examples)]

    examples = examples_of(
        [
            Dialogue(tuple(Turn(who, f"it is now and here {place % 3}") for who in "ab"), f"topic {place % 3}")
            for place in range(30)
        ],
        previous=5,
    )
    assert [len(example.turns) for example in examples[:4]] == [1, 2, 1, 2]
    training = ["it is now and here 1".split(), "it is now and here 2 now".split()]
    mute = response_figures.of_symbols(Mute(), examples, training, steered=10, drawn=4, seed=0)
    assert mute["symbols_in_use"] == 1 and "recovered" not in mute  # a symbol that never changes earns nothing
    found = response_figures.of_symbols(Model(), examples, training, steered=10, drawn=4, seed=0)
    assert found["recovered_chance"] == pytest.approx(1 / 3) and found["recovered"] == 0.5
    assert found["recovered_best"] == 1 and found["different_across_best"] == 1
    assert found["recovered_guided"] == pytest.approx(2 / 3) == found["different_across_guided"]
    assert found["known_triples_best"] == pytest.approx(11 / 12) and found["known_triples_guided"] == 1
    assert found["bleu_asked_best"] == pytest.approx(100) and found["bleu_asked_guided"] < 99
    assert found["distinct_2_across_best"] == pytest.approx(7 / 15)  # four pairs three times, "here k" once each
    assert found["ami_intent"] == pytest.approx(1) and abs(found["ami_speaker"]) < 0.05
    assert found["ami_intent_alone"] == 0
    assert found["homogeneity_intent"] == pytest.approx(1) and found["homogeneity_intent_chance"] < 0.3
