"""Run folders of a table: trained several at a time, their figures measured once."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import torch
from filelock import FileLock, Timeout

from ldebm import metrics_log
from ldebm.data.corpora import Corpus, Points
from ldebm.data.dialogues import DialogueCorpus
from ldebm.errors import RunError
from ldebm.files import write_atomically
from ldebm.objective import LatentModel
from ldebm.presets import Config, config_from_yaml
from ldebm.provenance import commit
from ldebm.run_folder import CONFIG, METRICS, WEIGHTS
from ldebm.training import train
from ldebm.training.run import resolve

FINISHED, FIGURES, LOCK = "finished", "figures.json", "lock"
Result = TypeVar("Result")
Watch = Callable[[int, LatentModel[Any]], None]


def in_parallel(
    work: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], jobs: int
) -> Generator[Result, None, None]:
    """What `work`, a module's function, gives for each of the arguments, in their order and as soon as it is there.

    Where `jobs` is more than 1 that many are called at a time, in processes of their own, each with its share of the
    cores. What one raises is raised at once, and ends the others that have not begun.
    """
    if jobs == 1:
        yield from (work(*each) for each in arguments)
        return
    threads = max(1, torch.get_num_threads() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _begin, (threads,)) as pool:
        begun = [pool.submit(work, *each) for each in arguments]
        waiting = set(begun)
        try:
            for each in begun:
                while not each.done():
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for one in finished:
                        one.result()  # an error is told at once, whoever's turn it is
                yield each.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _begin(threads: int) -> None:
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """A killed table must not leave processes behind that write into the run folders of the next."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def train_once(
    config: Config, corpus: Corpus | DialogueCorpus | Points, folder: Path, watch: Watch | None = None
) -> Path:
    """Train the model into its folder (on, where it was interrupted), or find it there finished; returns the folder.

    Raises RunError where the folder holds a finished run with other settings, or another process is training there.
    """
    if not (folder / FINISHED).exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / LOCK, timeout=0):
                train(config, corpus, folder, resume=True, watch=watch)
        except Timeout:
            raise RunError(f"{folder} is being trained by another process: wait for it or stop it") from None
        (folder / FINISHED).touch()
    elif config_from_yaml(folder / CONFIG) != resolve(config, corpus):
        raise RunError(f"{folder} was trained with other settings; remove it, or give another folder with --runs")
    return folder


def kept_figures(
    folder: Path, protocol: Mapping[str, str], of: Path, measure: Callable[[], Mapping[str, float | None]]
) -> dict[str, float | None]:
    """The figures of a run folder and `train_seconds`; kept in `folder`, so measured once a protocol and once for the
    weights that lie in the folder `of`."""
    kept, key = folder / FIGURES, {"protocol": dict(protocol), "weights": _digest(of / WEIGHTS)}
    if kept.exists():
        known = json.loads(kept.read_text(encoding="utf-8"))
        if all(known.get(name) == value for name, value in key.items()):
            return dict(known["figures"])
    found = dict(measure())
    if (folder / METRICS).exists():
        found["train_seconds"] = float(metrics_log.read(folder / METRICS)[-1]["seconds"])
    key["weights"] = _digest(of / WEIGHTS)  # measuring may have trained
    write_atomically(kept, json.dumps({**key, "commit": commit(), "figures": found}, indent=2))
    return found


def commits_of(folders: Iterable[Path]) -> list[str]:
    """Of the code that measured the figures kept in these folders."""
    known = [json.loads((folder / FIGURES).read_text(encoding="utf-8")) for folder in folders]
    return sorted({each.get("commit", "unknown") for each in known})


def mean_seconds(found: Sequence[dict[str, float | None]]) -> float:
    """Of the seeds' training; taken out of their figures, of which it is none."""
    return fmean(each.pop("train_seconds") or 0.0 for each in found) if found else 0.0


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
