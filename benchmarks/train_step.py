"""A training step of the paper's full model on real PTB batches: the plain version against the engine's.

`python -m benchmarks.train_step [--json FILE]`
"""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.engine import PTB, read_ptb, typical_batches
from benchmarks.measure import Comparison, Timing, arguments, has_bf16, interleaved, matrix_rate, report, write_json
from benchmarks.plain import PlainModel, PlainTrainer, pad_to
from ldebm.data import TextBatch
from ldebm.model import LDEBM
from ldebm.training import Trainer

CHAINS = 2  # a text: at a random level, and at the top
GOAL = 6.0


def engine_trainer(ptb: PTB, labels_N: np.ndarray) -> Trainer:
    """The engine's trainer as it is after its first clustering."""
    trainer = Trainer(LDEBM(ptb.config, ptb.tokenizer), ptb.texts)
    assert trainer.clustering is not None
    trainer.clustering.labels_N = labels_N
    return trainer


def compare(ptb: PTB, batches: list[TextBatch], repeats: int) -> Comparison:
    """Seconds a step, the mean over `batches`."""
    sizes = ptb.sizes
    labels_N = np.random.default_rng(0).integers(sizes.symbols, size=len(ptb.texts))
    fast, plain = engine_trainer(ptb, labels_N), PlainTrainer(PlainModel(sizes))
    padded = [pad_to(batch.tokens_BL, int(ptb.texts.lengths_N.max())) for batch in batches]
    symbols = [torch.from_numpy(labels_N[batch.index_B.numpy()]) for batch in batches]
    timings = interleaved(
        {
            "plain": lambda: [plain.step(*inputs) for inputs in zip(padded, symbols, strict=True)],
            "fast": lambda: [fast.step(batch) for batch in batches],
        },
        repeats,
    )
    tokens = sum(int(batch.lengths_B.sum()) for batch in batches) / len(batches)
    products = [*sizes.sequence_products(round(tokens)), *sizes.chain_products(CHAINS * sizes.batch)]
    return Comparison(
        f"step, {tokens / sizes.batch:.1f} tokens a text",
        plain=_per_step(timings["plain"], len(batches)),
        fast=_per_step(timings["fast"], len(batches)),
        flops=sum(sizes.step_flops(tokens, sizes.batch, CHAINS * sizes.batch).values()),
        rate=matrix_rate(products, has_bf16()),
    )


def _per_step(timing: Timing, steps: int) -> Timing:
    return Timing(tuple(seconds / steps for seconds in timing.seconds))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--batches", type=int, default=4, help="batches a repeat (%(default)s)")
    options = parser.parse_args()
    ptb = read_ptb()
    comparison = compare(ptb, typical_batches(ptb.texts, ptb.sizes.batch, options.batches), options.repeats)
    report("Training step, PTB, paper-full", [comparison], f"asked for: at least {GOAL:g} times the plain version")
    tokens = float(ptb.texts.lengths_N.mean())
    write_json(options.json, {**comparison.as_json(), "batches": options.batches, "tokens_per_text_of_corpus": tokens})


if __name__ == "__main__":
    main()
