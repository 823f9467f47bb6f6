"""50 Langevin steps of the paper's energy: two plain chains of half the rows each against the engine's one of all.

`python -m benchmarks.langevin [--json FILE]`
"""

from __future__ import annotations

import torch

from benchmarks.engine import PRESET
from benchmarks.measure import Comparison, arguments, has_bf16, interleaved, matrix_rate, report, write_json
from benchmarks.plain import Energy, Schedule, langevin
from benchmarks.sizes import sizes_of
from ldebm.devices import choose_dtype
from ldebm.noise import Noise
from ldebm.presets import Config, load_preset
from ldebm.prior import DiffusionPrior, build_prior
from ldebm.prior.energy import FoldedEnergy

ROWS_OF_A_TRAINING_STEP = 256
OTHER_ROWS = (128, 1024, 4096)
GOAL = 4.0


def compare(config: Config, rows: int, repeats: int) -> Comparison:
    """Half of the rows at random levels, half at the top one, as in a training step."""
    sizes = sizes_of(config, config.data.vocabulary_size)
    top = sizes.levels - 1
    halves_t = torch.randint(0, top, (rows // 2,)), torch.full((rows // 2,), top)
    halves_z = torch.randn(rows // 2, sizes.latent), torch.randn(rows // 2, sizes.latent)
    level_B, above_BD = torch.cat(halves_t), torch.cat(halves_z)
    energy, schedule = Energy(sizes), Schedule(sizes.levels)
    prior = build_prior(config.model)
    assert isinstance(prior, DiffusionPrior)
    dtype = choose_dtype(config.training.precision, torch.device("cpu"))

    def fast() -> torch.Tensor:
        return prior._chain(FoldedEnergy(prior.energy, dtype), above_BD, level_B, Noise(None)).z_BD

    def plain() -> list[torch.Tensor]:
        halves = zip(halves_z, halves_t, strict=True)
        return [langevin(energy, schedule, z_BD, t_B, sizes.steps) for z_BD, t_B in halves]

    timings = interleaved({"plain": plain, "fast": fast}, repeats)
    rate = matrix_rate(sizes.chain_products(rows), has_bf16())
    return Comparison(f"{rows} rows", timings["plain"], timings["fast"], sizes.chain_flops(rows), rate)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "--rows", type=int, nargs="*", default=OTHER_ROWS, help="besides 256, of which the figure is asked"
    )
    options = parser.parse_args()
    config, all_rows = load_preset(PRESET), (ROWS_OF_A_TRAINING_STEP, *options.rows)
    comparisons = {rows: compare(config, rows, options.repeats) for rows in all_rows}
    goal = f"asked for: at least {GOAL:g} times the plain version at {ROWS_OF_A_TRAINING_STEP} rows"
    report("Langevin chain, 50 steps, paper-full", list(comparisons.values()), goal)
    figures = {str(rows): comparison.as_json() for rows, comparison in comparisons.items()}
    write_json(options.json, {**figures[str(ROWS_OF_A_TRAINING_STEP)], "rows": figures})


if __name__ == "__main__":
    main()
