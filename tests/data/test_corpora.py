"""Splits, labels, and the corpora with a name."""

import gzip
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import datasets
import numpy as np
import pytest

from ldebm.data import yelp
from ldebm.data.corpora import load_corpus
from ldebm.data.splits import hashed_split
from ldebm.errors import DataError


def texts(dataset: datasets.Dataset | None) -> list[str]:
    assert dataset is not None
    return list(dataset["text"])


def test_split_depends_on_text_and_seed_alone(write) -> None:
    lines = [f"text {i % 900}" for i in range(1000)]  # 100 texts occur twice
    corpus = load_corpus(write("a.txt", "\n".join(lines)))
    backwards = load_corpus(write("b.txt", "\n".join(reversed(lines))))
    more = load_corpus(write("c.txt", "\n".join([*lines, "one more"])))
    other_seed = load_corpus(write("a.txt", "\n".join(lines)), seed=1)
    validation = set(texts(corpus.validation))
    assert validation.isdisjoint(texts(corpus.train))
    assert len(corpus.train) + len(corpus.validation) == 1000
    assert 60 < len(corpus.validation) < 140
    assert set(texts(backwards.validation)) == validation
    assert set(texts(more.validation)) - {"one more"} == validation
    assert set(texts(other_seed.validation)) != validation
    assert corpus.test is None and corpus.labels is None
    assert set(corpus.train["label"]) == {None}


@pytest.mark.parametrize("share", [1e-9, 0.5, 1 - 1e-9, np.nextafter(1, 0)])
def test_both_sides_of_the_split_have_a_text(share: float) -> None:
    for seed in range(20):
        for rows in (["a", "b"], ["a", "b", "b"], ["a", "b", "c", "d"]):
            validates = hashed_split(rows, share, seed, "file")
            assert 0 < validates.sum() < len(rows)


def test_split_share() -> None:
    validates = hashed_split((str(i) for i in range(20_000)), 0.1, 0, "file")
    assert abs(validates.mean() - 0.1) < 0.01


def test_split_column(write) -> None:
    rows = ["a,train", "b,Valid", "c,test", "d,train", ",test", "e,dev", "f,validation"]
    corpus = load_corpus(write("a.csv", "\n".join(["text,part", *rows])), split="part")
    assert texts(corpus.train) == ["a", "d"]
    assert texts(corpus.validation) == ["b", "e", "f"]
    assert texts(corpus.test) == ["c"]
    assert corpus.train.column_names == ["text", "label"]


def test_split_column_without_validation(write) -> None:
    corpus = load_corpus(
        write("a.csv", "text,part\n" + "".join(f"t{i},train\n" for i in range(50)) + "x,test\n"), split="part"
    )
    assert len(corpus.train) + len(corpus.validation) == 50 and len(corpus.validation) >= 1
    assert texts(corpus.test) == ["x"]


def test_labels(write) -> None:
    rows = [
        f'{{"text": "t{i}", "stars": {[1, 5, "null"][i % 3]}, "part": "{"train" if i < 20 else "dev"}"}}'
        for i in range(30)
    ]
    corpus = load_corpus(write("a.jsonl", "\n".join(rows)), label="stars", split="part")
    assert corpus.labels == ("1", "5")
    assert corpus.train["label"][:4] == ["1", "5", None, "1"]
    assert corpus.name == "a"


def test_labels_that_are_only_compared_with_may_be_any(write, caplog) -> None:
    path = write("a.csv", "text,kind\n" + "".join(f"t{i},same\n" for i in range(30)))
    with pytest.raises(DataError, match="at least two different labels"):
        load_corpus(path, label="kind")
    corpus = load_corpus(path, label="kind", learned=False)
    assert corpus.labels is None and set(corpus.train["label"]) == {"same"} and not caplog.records


def test_reviews() -> None:
    corpus = load_corpus("reviews", label="sentiment")
    assert corpus.name == "reviews" and corpus.labels == ("negative", "positive")
    assert len(corpus.train) + len(corpus.validation) == 14_313
    assert 1300 < len(corpus.validation) < 1560
    labels = [*corpus.train["label"], *corpus.validation["label"]]
    assert [labels.count(label) for label in ("negative", "positive", None)] == [6808, 7370, 135]
    assert load_corpus("reviews", label="domain").labels == ("movie", "product")
    with pytest.raises(DataError, match=r"no column 'stars'.*'text', 'domain', 'rating', 'sentiment'"):
        load_corpus("reviews", label="stars")


def test_reviews_are_bundled_with_their_licence() -> None:
    folder = resources.files("ldebm.data") / "bundled"
    content = (folder / "reviews.csv.gz").read_bytes()
    assert len(content) < 2_000_000
    assert content[3] == 0 and content[4:8] == bytes(4), "neither name nor time in the header"
    assert gzip.decompress(content).startswith(b"text,domain,rating,sentiment\n")
    assert "MIT" in (folder / "LICENSE.vaderSentiment.txt").read_text(encoding="utf-8")
    assert "Hutto" in (folder / "README.md").read_text(encoding="utf-8")


def test_ptb(real_data: Path) -> None:
    corpus = load_corpus("ptb")
    assert [len(part) for part in (corpus.train, corpus.validation, corpus.test or [])] == [42_068, 3_370, 3_761]
    assert corpus.train["text"][1] == "pierre <unk> N years old will join the board as a nonexecutive director nov. N"
    with pytest.raises(DataError, match="no column 'topic'"):
        load_corpus("ptb", label="topic")


def test_dailydialog(real_data: Path) -> None:
    corpus = load_corpus("dailydialog", label="act")
    assert [len(part) for part in (corpus.train, corpus.validation, corpus.test or [])] == [87_170, 8_069, 7_740]
    assert corpus.train[0] == {
        "text": "Say , Jim , how about going for a few beers after dinner ?",
        "label": "directive",
    }
    assert corpus.labels == ("commissive", "directive", "inform", "question")
    emotions = load_corpus("dailydialog", label="emotion").test
    assert emotions is not None and 0.81 < np.mean(np.array(emotions["label"]) == "no emotion") < 0.82
    assert len(load_corpus("dailydialog", label="topic").labels or ()) == 10
    with pytest.raises(DataError, match="'text', 'act', 'emotion', 'topic'"):
        load_corpus("dailydialog", label="mood")


def test_yelp(real_data: Path) -> None:
    corpus = load_corpus("yelp", label="sentiment")
    parts = [corpus.train, corpus.validation, corpus.test or []]
    assert [len(part) for part in parts] == [yelp.SUBSTITUTES, 4_000, 1_000] and corpus.tokenised
    assert corpus.labels == yelp.LABELS == ("negative", "positive")
    assert [sum(label == "negative" for label in part["label"]) for part in parts] == [73_123, 2_000, 500]
    assert round(yelp.SUBSTITUTES / yelp.PUBLISHED, 2) == 0.41
    assert max(len(text.split()) for part in parts for text in part["text"]) == 15
    assert set(texts(corpus.train)).isdisjoint(texts(corpus.test))
    with pytest.raises(DataError, match="'text', 'sentiment'"):
        load_corpus("yelp", label="stars")


def test_yelp_has_a_human_rewriting_of_every_test_sentence(real_data: Path) -> None:
    found = yelp.rewritings()
    test = yelp.sentences("test")
    assert [each.text for each in found] == test["text"] and [each.label for each in found] == test["sentiment"]
    folder = real_data / "yelp"
    for number in range(2):  # the same rewritings, tokens and two mended slips aside
        lines = gzip.decompress((folder / f"reference.{number}.gz").read_bytes()).decode().splitlines()
        ours = [each.rewritten for each in found if each.label == yelp.LABELS[number]]
        same = [_letters(line.split("\t")[1]) == _letters(text) for line, text in zip(lines, ours, strict=True)]
        assert sum(same) >= 498


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def test_a_missing_rewriting_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "yelp").mkdir()
    for name, content in (("reference.0", "bad .\tgood ."), ("reference.1", "good .\tbad ."), ("human.txt", "good .")):
        (tmp_path / "yelp" / f"{name}.gz").write_bytes(gzip.compress(f"{content}\n".encode()))
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"human\.txt\.gz, line 1: 1 rewritings of 2 sentences"):
        yelp.rewritings()
    with pytest.raises(DataError, match=r"substitute\.train\.0\.gz.*Set LDEBM_DATA"):
        load_corpus("yelp")


def test_agnews(real_data: Path) -> None:
    corpus = load_corpus("agnews", label="category")
    assert corpus.test is not None
    assert [len(part) for part in (corpus.train, corpus.validation, corpus.test)] == [21_314, 5_000, 7_600]
    assert corpus.labels == ("Business", "Sci/Tech", "Sports", "World")
    counts = Counter(corpus.train["label"])
    assert [counts[label] for label in ("World", "Sports", "Business", "Sci/Tech")] == [6_114, 4_600, 4_556, 6_044]
    assert set(Counter(corpus.validation["label"]).values()) == {1_250}
    assert set(Counter(corpus.test["label"]).values()) == {1_900}
    assert set(load_corpus("agnews").train["label"]) == {None}
    with pytest.raises(DataError, match="'text', 'category'"):
        load_corpus("agnews", label="class")


def test_dialogues_whose_files_disagree_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "daily_dialog" / "train"
    folder.mkdir(parents=True)
    for name, content in (("", "a __eou__ b __eou__"), ("_act", "1"), ("_emotion", "0 0"), ("_topic", "3")):
        (folder / f"dialogues{name}.txt.gz").write_bytes(gzip.compress(f"{content}\n".encode()))
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"dialogues\.txt\.gz, line 1: 2 utterances, 1 acts and 2 emotions"):
        load_corpus("dailydialog")


def test_ptb_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LDEBM_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"ptb\.train\.txt\.gz.*Set LDEBM_DATA"):
        load_corpus("ptb")
    monkeypatch.delenv("LDEBM_DATA")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"is not in \.\./shared/data/ptb"):
        load_corpus("ptb")


def hub(monkeypatch: pytest.MonkeyPatch, answer: datasets.DatasetDict | Exception) -> None:
    def load_dataset(name: str) -> datasets.DatasetDict:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)


def test_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    features = datasets.Features(
        {
            "text": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["bad", "good"]),
            "n": datasets.Value("int64"),
        }
    )
    rows = {"text": [f" t{i}" for i in range(20)], "label": [i % 3 - 1 for i in range(20)], "n": list(range(20))}
    part = datasets.Dataset.from_dict(rows, features=features)
    hub(monkeypatch, datasets.DatasetDict(train=part, test=part.select(range(5)), unsupervised=part))
    corpus = load_corpus("owner/name", label="label")
    assert corpus.name == "name" and corpus.labels == ("bad", "good")
    assert len(corpus.train) + len(corpus.validation) == 20
    assert texts(corpus.test) == ["t0", "t1", "t2", "t3", "t4"]
    assert corpus.test is not None and corpus.test["label"][:3] == [None, "bad", "good"]
    assert set(load_corpus("owner/name").train["label"]) == {None}
    with pytest.raises(DataError, match=r"owner/name \(train\) has no column 'stars'"):
        load_corpus("owner/name", label="stars")
    with pytest.raises(DataError, match=r"owner/name \(train\), row 1, column 'n': expected a string"):
        load_corpus("owner/name", text="n")
    with pytest.raises(DataError, match="brings its own splits"):
        load_corpus("owner/name", split="part")


def test_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    hub(monkeypatch, ConnectionError("no\nnetwork"))
    for name in ("owner/name-v1.0", "name"):
        with pytest.raises(
            DataError, match=rf"'{name}' is no file here .* \(no network\)\. Check the name and the network"
        ):
            load_corpus(name)
    hub(monkeypatch, datasets.DatasetDict(test=datasets.Dataset.from_dict({"text": ["a"]})))
    with pytest.raises(DataError, match="has no split named train, only: test"):
        load_corpus("owner/name")


def test_errors_are_cheap_to_import() -> None:
    heavy = ("torch", "datasets", "numpy")
    code = f"import sys, ldebm.errors, ldebm.data; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
