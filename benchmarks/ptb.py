"""The engine's figures on PTB, from a run folder: reconstruction, word distribution and variety of prior samples.

`python -m benchmarks.ptb runs/ptb [--json results/engine.json]`
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.measure import write_json
from ldebm import metrics_log
from ldebm.data.corpora import load_corpus
from ldebm.evaluation.fluency import copies, distinct_share, mean_length, unigram_kl
from ldebm.evaluation.reconstruction import bleu, token_accuracy
from ldebm.model import LDEBM
from ldebm.run_folder import METRICS

SAMPLES, COMPARED = 10_000, 5_000

PROTOCOL = {
    "bleu": "corpus BLEU-4 (sacrebleu, no smoothing, on the tokenizer's words) of greedy "
    "reconstructions from the posterior mean against all 3,761 test sentences, uncut; 0 to 100",
    "token_accuracy": "share of test positions with the same token in the greedy reconstruction",
    "unigram_kl": "sum over generated types that training has of f_gen log(f_gen / f_train), nats, 10,000 greedy prior "
    "samples; the floor is that of the first half of the training text against the second",
    "unigram_kl_sampled": "the same for 5,000 samples at temperature 1",
    "distinct_share": "distinct texts among the first 5,000 greedy prior samples; the floor is that of 5,000 training "
    "sentences",
    "copies": "share of the 5,000 that are training sentences",
    "mean_length": "tokens a greedy prior sample; the floor is that of the training text",
}


def counts(texts: Iterable[list[str]]) -> Counter[str]:
    return Counter(itertools.chain.from_iterable(texts))


def measure(model: LDEBM) -> dict[str, dict[str, float | None]]:
    """Every figure of PROTOCOL: its value, and its floor where it has one."""
    corpus = load_corpus("ptb")
    assert corpus.test is not None

    def words(texts: Iterable[str]) -> list[list[str]]:
        return [model.tokenizer.words(text) for text in texts]

    training, test = words(corpus.train["text"]), words(corpus.test["text"])
    half = len(training) // 2
    train_counts = counts(training)
    written = words(model.reconstruct(corpus.test["text"]))
    greedy = model.generate(SAMPLES, seed=0)
    sampled = model.generate(COMPARED, mode="sample", seed=1)

    def figure(value: float, floor: float | None = None) -> dict[str, float | None]:
        return {"mean": value, "sd": None, "chance": None, "floor": floor}

    return {
        "bleu": figure(bleu(written, test)),
        "token_accuracy": figure(token_accuracy(written, test)),
        "unigram_kl": figure(
            unigram_kl(counts(words(greedy)), train_counts),
            unigram_kl(counts(training[:half]), counts(training[half:])),
        ),
        "unigram_kl_sampled": figure(unigram_kl(counts(words(sampled)), train_counts)),
        "distinct_share": figure(
            distinct_share(greedy[:COMPARED]), distinct_share([" ".join(text) for text in training[:COMPARED]])
        ),
        "copies": figure(copies(greedy[:COMPARED], (" ".join(text) for text in training))),
        "mean_length": figure(mean_length(words(greedy)), mean_length(training)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="the run folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    options = parser.parse_args()
    model = LDEBM.from_pretrained(options.run)
    figures = measure(model)
    table = Table("figure", "value", "floor", title=f"PTB, {model.config.preset}, seed {model.config.seed}")
    for name, each in figures.items():
        table.add_row(name, f"{each['mean']:.4f}", "" if each["floor"] is None else f"{each['floor']:.4f}")
    Console().print(table)
    entries = metrics_log.read(options.run / METRICS)
    row = {
        "model": "ldebm-best",
        "size": model.config.preset.rpartition("-")[2],
        "seeds": 1,
        "seed": model.config.seed,
        "train_seconds": entries[-1]["seconds"],
        "train_steps": entries[-1]["step"],
        "metrics": figures,
        "published": {"bleu": 11.16, "unigram_kl": 0.06},
        "published_note": "recalled, unverified",
    }
    write_json(
        options.json,
        {
            "name": "engine",
            "command": f"ldebm train ptb --preset {model.config.preset} && python -m benchmarks.ptb {options.run}",
            "protocol": PROTOCOL,
            "rows": [row],
        },
    )


if __name__ == "__main__":
    main()
