"""Drawing 1,000 sentences, 6 x 50 Langevin steps and greedy decoding: the plain version against the engine's.

`python -m benchmarks.generate [--run FOLDER] [--json FILE]`

Without a run folder the model is untrained, so no text ends before the longest length: the engine's worst case.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.engine import PRESET, read_ptb
from benchmarks.measure import Comparison, arguments, has_bf16, interleaved, matrix_rate, report, write_json
from benchmarks.plain import PlainModel
from benchmarks.sizes import sizes_of
from ldebm.devices import choose_dtype
from ldebm.model import LDEBM
from ldebm.presets import load_preset
from ldebm.prior import DiffusionPrior

GOAL = 10.0


def load_model(run: Path | None) -> LDEBM:
    """A trained run, or an untrained model; with the paper's Langevin steps and longest text, whatever the run has."""
    if run is not None:
        model = LDEBM.from_pretrained(run, device="cpu")
        paper = sizes_of(load_preset(PRESET), len(model.tokenizer))
        assert isinstance(model.prior, DiffusionPrior)
        model.prior.steps, model.decoder.max_length = paper.steps, paper.max_length
        return model
    ptb = read_ptb()
    model = LDEBM(ptb.config, ptb.tokenizer)
    model.set_compute_dtype(choose_dtype(ptb.config.training.precision, model.device))
    return model


def compare(model: LDEBM, texts: int, repeats: int) -> tuple[Comparison, float]:
    """The timings, and how many tokens the engine's texts have."""
    tokenizer = model.tokenizer
    sizes = sizes_of(model.config, len(tokenizer))
    sizes = replace(sizes, steps=model.prior.steps, max_length=model.decoder.max_length)
    plain_model = PlainModel(sizes)
    plain_model.generate(100)
    written = model.generate(texts, seed=1)
    timings = interleaved(
        {
            "plain": lambda: [tokenizer.decode(ids) for ids in plain_model.generate(texts).tolist()],
            "fast": lambda: model.generate(texts),
        },
        repeats,
        warmup=0,
    )
    tokens = sum(min(len(tokenizer.words(text)) + 1, sizes.max_length - 1) for text in written)
    products = [*sizes.generation_products(texts), *sizes.chain_products(texts)]
    comparison = Comparison(
        f"{texts} texts, {tokens / texts:.1f} tokens each",
        timings["plain"],
        timings["fast"],
        flops=sum(sizes.generation_flops(texts, tokens).values()),
        rate=matrix_rate(products, has_bf16()),
    )
    return comparison, tokens / texts


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "--run", type=Path, metavar="FOLDER", help="a trained run of paper-full's sizes, for its texts end"
    )
    parser.add_argument("--texts", type=int, default=1000, help="texts to draw (%(default)s)")
    options = parser.parse_args()
    comparison, tokens = compare(load_model(options.run), options.texts, options.repeats)
    title = f"Drawing texts, {'untrained paper-full' if options.run is None else options.run}"
    report(title, [comparison], f"asked for: at least {GOAL:g} times the plain version")
    write_json(options.json, {**comparison.as_json(), "texts": options.texts, "tokens_per_text": tokens})


if __name__ == "__main__":
    main()
