"""Every command and every Python snippet of README and docs runs, on a few made-up texts and with tiny models."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

import ldebm
from ldebm import presets
from ldebm.tasks import likelihood_figures, thorough_evaluation
from ldebm.tasks.evaluation_of_runs import evaluate
from tests import tiny
from tests.cli.conftest import run
from tests.test_dialogue_model import dialogues

__all__ = ["run"]  # a fixture

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TOLD_ELSEWHERE = ("log.md", "design.md")  # what was done, and contracts: nothing to type
LONG = ("demo", "reproduce")  # these take minutes; tests/cli, tests/reproduce and tests/tasks start them
SMALL = ["--preset", "best-tiny", "--set", "training.max_steps=10", "--set", "training.precision=fp32"]


def blocks(page: Path, kinds: tuple[str, ...]) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind in kinds]


def commands(page: Path) -> list[list[str]]:
    """The words of every line that begins with ldebm, of those that stand on one line behind each other too; without
    comments and what may be left out."""
    lines = [
        re.sub(r" \[.*?\]|\s#.*", "", line) for block in blocks(page, ("", "console")) for line in block.splitlines()
    ]
    typed = [part for line in lines if line.startswith("ldebm ") for part in line.split("; ")]
    return [shlex.split(part)[1:] for part in typed]


READ = [page for page in PAGES if page.name not in TOLD_ELSEWHERE]
PYTHON = [pytest.param(page, id=page.stem) for page in READ if blocks(page, ("python",))]
TYPED = [pytest.param(page, id=page.stem) for page in READ if commands(page)]


@pytest.fixture(autouse=True)
def somebodys_files(tmp_path, monkeypatch):
    """A folder with the files that the pages speak of."""
    texts, labels = tiny.texts(120)
    with (tmp_path / "reviews.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("review", "stars"), *zip(texts, labels, strict=True)])
    with (tmp_path / "new.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("review",), *((text,) for text in texts[:20])])
    for name, told in (("news.csv", 60), ("test.csv", 120)):
        rows = zip(texts, [*labels[:told], *[""] * (120 - told)], strict=True)
        with (tmp_path / name).open("w", newline="") as file:
            csv.writer(file).writerows([("text", "category"), *rows])
    lines = [[turn._asdict() for turn in each.turns] for each in dialogues(60, 0)]
    (tmp_path / "chats.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (tmp_path / "open.jsonl").write_text("".join(f"{json.dumps(line[:1])}\n" for line in lines[:3]))
    monkeypatch.setattr("sys.stdin", io.StringIO("it is red\n"))  # of who talks to a run
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def nobody_comes(monkeypatch):
    """An explorer is interrupted as soon as it would wait for a browser, at a port that is free."""

    def interrupted(server):
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", interrupted)
    return ("--port", "0")


@pytest.mark.parametrize("page", TYPED)
def test_the_commands_run_in_their_order(page, run, nobody_comes):
    if "runs/demo" in page.read_text(encoding="utf-8"):  # what `ldebm demo` leaves, in seconds
        assert run("train", "reviews", "--out", "runs/demo", *SMALL, "--set", "model.symbols=20")[0] == 0
    for words in commands(page):
        if words[0] in LONG:
            continue
        code, _, err = run(*words, *{"train": SMALL, "explore": nobody_comes}.get(words[0], ()))
        assert code == 0, (words, err)


@pytest.mark.parametrize("page", PYTHON)
def test_the_snippets_run_in_their_order(page, monkeypatch):
    def small(name, settings=(), task="texts"):
        return presets.load_preset("best-tiny", [*settings, *SMALL[3::2]], task)

    monkeypatch.setitem(vars(ldebm), "load_preset", small)
    monkeypatch.setattr("ldebm.estimator.load_preset", small)
    names: dict[str, object] = {}
    for block in blocks(page, ("python",)):
        exec(compile(block, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_between_pages_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not link.startswith("http") and not (page.parent / link).exists()]
    assert missing == []


def test_every_figure_of_evaluate_has_its_line_on_the_page_of_metrics():
    model, (texts, labels) = tiny.model().eval(), tiny.texts(60)
    measured = [each.name for each in evaluate(model, texts, texts, samples=10, labels=labels)]
    thorough = [*thorough_evaluation._OF_TEXTS, *likelihood_figures.definitions(), "prior_distance"]
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    shown = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}
    measured += ["response_bleu", "rate_to_reference"]  # of dialogues
    asked = {name for name in (*measured, *thorough) if not name.endswith(("_real", "_chance"))}
    assert asked <= shown


def test_pages_have_something_to_run():
    assert {"README"} <= {each.id for each in TYPED} & {each.id for each in PYTHON}
