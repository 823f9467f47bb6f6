"""`ldebm reproduce densities`: the paper's two synthetic sets, with numbers under the pictures.

For each set and row: train (seed by seed, resumable), measure against fresh data, write the row. The definitions stand
in PROTOCOL and go into the result files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ldebm.data.corpora import Points, load_points
from ldebm.evaluation.attributes import agreement, chance_agreement
from ldebm.evaluation.density import (
    components_covered,
    energy_distance,
    energy_distance_floor,
    sliced_wasserstein,
    weights_total_variation,
    within,
)
from ldebm.files import atomic_path
from ldebm.noise import Noise
from ldebm.objective import LatentModel
from ldebm.point_model import PointModel
from ldebm.presets import Config, load_preset
from ldebm.prior import DiffusionPrior, chain_density
from ldebm.prior.grid import GridDensity
from ldebm.prior.log_partition import Effort
from ldebm.prior.reference import log_standard_normal
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.runs import commits_of, in_parallel, kept_figures, mean_seconds, train_once
from ldebm.training.progress import say

SETS = ("gaussians", "pinwheel")
POINTS = 10_000  # drawn from the prior, and fresh from the data
TEST_POINTS = 100  # whose density is bracketed
REPEATS = 4  # pairs of draws that the distances are averaged over
BRACKETED = ("svebm-ib", "ldebm-best")  # whose densities are estimated
INTEGRAL_SIDE, INTEGRAL_REACH = 33, 3.2  # standard deviations; a spacing that resolves arms and components
INTEGRAL_EFFORT = Effort(paths=32, particles=64)  # cheap: what chance adds at a point averages out over the plane
WATCHED = ("svebm-ib", "ldebm-best")  # whose training is filmed
QUICK_EPOCHS = 2  # the first clustering comes after the first

ROWS: dict[str, tuple[str, ...]] = {
    "gaussian": ("model.prior.kind=gaussian", "training.clustering_weight=0"),
    "diffusion": (  # cheap epochs: as many of them as take the energies' time
        "model.prior.kind=denoising",
        "training.epochs=100",
        "training.clustering_weight=0",
    ),
    "svebm-ib": (  # its steps as published for these sets; step size and rate as suit it best (docs/log.md)
        "model.prior.kind=symbol_vector",
        "model.prior.short_run_steps=100",
        "model.prior.short_run_step_size=0.2",
        "model.prior.adjust=false",
        "training.energy_learning_rate=0.0003",
        "training.clustering_weight=0",
    ),
    "ldebm-no-clustering": ("training.clustering_weight=0",),
    "ldebm-best": (),
}
WITHOUT_SYMBOLS = ("gaussian", "diffusion")

PROTOCOL = {
    "energy_distance": "2 E|x - y| - E|x - x'| - E|y - y'| of 10,000 points decoded from the prior (the mean of "
    "p(x | z)) and 10,000 fresh data points, mean of 4 such pairs of draws; 0 or more; the floor is what as many data "
    "points have in expectation",
    "energy_distance_ratio": "energy distance in multiples of its floor",
    "sliced_wasserstein": "Wasserstein-2 distance of the two sets' projections, root mean square over 500 directions, "
    "in the points' units, mean of 4 pairs of draws; 0 or more; the floor is that of data against data",
    "within_3sd": "share of 40,000 of the prior's points within three standard deviations of a component (the most "
    "probable one); 0 to 1; the data row holds the share of data",
    "weights_total_variation": "half the sum of |share of component k in these points - 1/K|; 0 to 1; the floor is "
    "that of data",
    "components_covered": "components that hold at least a tenth of their fair share of the points, counting points "
    "within three standard deviations; at most 16 or 10",
    "homogeneity_component": "1 - H(component | symbol) / H(component) over 10,000 fresh points; 0 to 1",
    "completeness_component": "1 - H(symbol | component) / H(symbol) over 10,000 fresh points; 0 to 1",
    "ami_component": "mutual information of symbol and component adjusted for chance; 0 at chance, at most 1; the "
    "data row holds what the most probable component itself scores",
    "squared_error": "mean squared distance of a fresh point to its reconstruction, in the points' units squared",
    "grid_error": "largest difference between the log densities of 100 fresh points' latents by quadrature on grids of "
    "601 and 301 points a side, nats; 0 where the grid resolves the density (first seed only)",
    "bracket_covers_grid": "share of 100 fresh points' latents whose log density by quadrature lies in the bracket of "
    "Prior.log_density_bounds (first seed only); 0 to 1",
    "bracket_width": "mean width of that bracket, nats",
    "estimated_integral": "integral over the plane of the unbiased estimate of the density: a sum over a grid of 33 "
    "points a side, 3.2 standard deviations to each end, 32 paths a point (ldebm-best, first seed only); 1 for a "
    "density",
    "sample_density_gap": "mean log density, by quadrature, of 10,000 samples of the prior less what exact ones have, "
    "nats; 0 where the sampler draws from the density (first seed only)",
}


def reproduce(out: Path, runs: Path, sets: Sequence[str], seeds: int, quick: bool, jobs: int = 1) -> list[Path]:
    """Train and measure every row of every set. Returns the result files, `out`/densities-SET.json; run folders lie
    under `runs`.

    What was trained and measured before is read again, so that an interrupted table goes on where it was.

    Args:
        quick: two epochs a model, results to `out`/densities-SET-quick.json: every step of the way in minutes, with
            figures that mean little.
        jobs: models trained at a time, each on its share of the cores.
    """
    command = f"ldebm reproduce densities --seeds {seeds}{' --quick' if quick else ''}"
    if jobs > 1:
        command += f" --jobs {jobs}"
        models = [(row, name, seed, runs, quick) for name in sets for row in ROWS for seed in range(seeds)]
        for _ in in_parallel(train_only, models, jobs):
            pass  # all models first: their figures need one process
    written = []
    for name in sets:
        points = load_points(name)
        file = ResultFile(out / f"densities-{name}{'-quick' if quick else ''}.json", command, PROTOCOL)
        floor = _floor(points)
        for row in ROWS:
            found = [figures(row, points, seed, runs, quick) for seed in range(seeds)]
            seconds = mean_seconds(found)
            chance = {} if row in WITHOUT_SYMBOLS else _chance(trained(row, name, 0, runs, quick), points)
            commits = commits_of(folder_of(row, name, seed, runs, quick) for seed in range(seeds))
            file.add(row, "points", found, seconds, chance, floor, commits=commits)
            ratio = np.mean([each["energy_distance_ratio"] for each in found])
            say(f"{name}: {row}: energy distance {ratio:.2f} times its floor, {seconds:.0f} s of training")
        written.append(file.path)
    return written


def config_of(row: str, seed: int, quick: bool) -> Config:
    """The preset `best-points` with what the row changes."""
    settings = [*ROWS[row], f"seed={seed}"]
    if quick:
        settings.append(f"training.epochs={QUICK_EPOCHS}")
    return load_preset("best-points", settings)


def folder_of(row: str, name: str, seed: int, runs: Path, quick: bool) -> Path:
    return runs / f"{name}-{row}-{seed}{'-quick' if quick else ''}"


def trained(row: str, name: str, seed: int, runs: Path, quick: bool) -> PointModel:
    """The row's model, on the CPU: read where it has been trained, else trained (on, where it was interrupted).

    The first seed of the watched rows leaves 10,000 latents of the prior after each epoch in `frames/STEP.npy`. Raises
    RunError where the folder holds a run with other settings.
    """
    folder, config = folder_of(row, name, seed, runs, quick), config_of(row, seed, quick)
    frames = folder / "frames" if row in WATCHED and seed == 0 else None

    def film(step: int, model: LatentModel[Any]) -> None:
        if frames is not None and isinstance(model, PointModel):
            latents_ND = model.sample_latents(POINTS, seed=1)
            with atomic_path(frames / f"{step}.npy") as path:
                np.save(path, np.stack([latents_ND, model.decode(latents_ND)]))

    return PointModel.from_pretrained(train_once(config, load_points(name, seed), folder, film), "cpu")


def train_only(row: str, name: str, seed: int, runs: Path, quick: bool) -> None:
    """As `trained`; what a process of its own can be asked for."""
    trained(row, name, seed, runs, quick)


def figures(row: str, points: Points, seed: int, runs: Path, quick: bool) -> dict[str, float | None]:
    """The figures of one seed and the seconds of its training; kept in the run folder, so measured once a protocol."""
    model = trained(row, points.name, seed, runs, quick)
    folder = folder_of(row, points.name, seed, runs, quick)
    return kept_figures(folder, PROTOCOL, folder, lambda: measure(row, model, points, seed))


def fresh(points: Points, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """10,000 points that no model has seen, and their components."""
    return points.density.sample(POINTS, np.random.default_rng((seed, 2)))


def measure(row: str, model: PointModel, points: Points, seed: int) -> dict[str, float | None]:
    """Every figure of PROTOCOL for one seed; the bracket for the first seed alone."""
    data_N2, component_N = fresh(points, seed)
    posterior_N2, _ = model.posterior(data_N2)
    pairs = [
        (model.decode(model.sample_latents(POINTS, seed=draw)), fresh(points, draw)[0])
        for draw in range(seed * REPEATS, (seed + 1) * REPEATS)
    ]
    distance = float(np.mean([energy_distance(*pair) for pair in pairs]))
    found: dict[str, float | None] = {
        "energy_distance": distance,
        "energy_distance_ratio": distance / energy_distance_floor(data_N2, POINTS),
        "sliced_wasserstein": float(np.mean([sliced_wasserstein(*pair) for pair in pairs])),
        **_against_components(points, np.concatenate([drawn_N2 for drawn_N2, _ in pairs])),
        "squared_error": float(np.square(model.decode(posterior_N2) - data_N2).sum(-1).mean()),
    }
    if row not in WITHOUT_SYMBOLS:
        symbol_N = model.symbol_probabilities(data_N2).argmax(1)
        found |= _agreement(symbol_N, component_N)
    if seed == 0 and row in BRACKETED:
        found |= _density(model, data_N2[:TEST_POINTS])
    return found


def _against_components(points: Points, drawn_N2: np.ndarray) -> dict[str, float]:
    density = points.density
    weights_K = np.full(density.components, 1 / density.components)
    component_N, distance_N = density.component(drawn_N2), density.distance(drawn_N2)
    return {
        "within_3sd": within(distance_N),
        "weights_total_variation": weights_total_variation(component_N, weights_K),
        "components_covered": float(components_covered(component_N, distance_N <= 3.0, density.components)),
    }


def _agreement(symbol_N: np.ndarray, component_N: np.ndarray) -> dict[str, float]:
    found = agreement(symbol_N, [str(component) for component in component_N])
    return {
        "homogeneity_component": found.homogeneity,
        "completeness_component": found.completeness,
        "ami_component": found.ami,
    }


def _density(model: PointModel, data_N2: np.ndarray) -> dict[str, float | None]:
    """How the bracket of the log density of some points' latents stands to the grid's, and the samples to it."""
    z_ND = torch.from_numpy(model.encode(data_N2))
    generator = torch.Generator().manual_seed(0)
    lower_N, upper_N = (end_N.numpy() for end_N in model.prior.log_density_bounds(z_ND, generator))
    grid = GridDensity(model.prior)
    exact_N, coarse_N = grid(z_ND), GridDensity(model.prior, side=301)(z_ND)
    drawn_N = grid(torch.from_numpy(model.sample_latents(POINTS)))
    covers_N = (lower_N <= exact_N) & (exact_N <= upper_N)
    return {
        "grid_error": float(np.abs(exact_N - coarse_N).max()),
        "bracket_covers_grid": float(covers_N.mean()),
        "bracket_width": float((upper_N - lower_N).mean()),
        "estimated_integral": _integral(model.prior, generator) if isinstance(model.prior, DiffusionPrior) else None,
        "sample_density_gap": float(drawn_N.mean()) - grid.mean_log_density(),
    }


def _integral(prior: DiffusionPrior, generator: torch.Generator) -> float:
    """Integral of the estimated density over the plane, in whitened coordinates."""
    axis_G = torch.linspace(-INTEGRAL_REACH, INTEGRAL_REACH, INTEGRAL_SIDE)
    u_ND = torch.cartesian_prod(axis_G, axis_G)
    with torch.no_grad():
        log_ratio_N = chain_density.estimates(prior, u_ND, Noise(generator), INTEGRAL_EFFORT).reverse_B
    return float((log_ratio_N + log_standard_normal(u_ND)).exp().sum() * (axis_G[1] - axis_G[0]) ** 2)


def _chance(model: PointModel, points: Points) -> dict[str, float | None]:
    """What random symbols score whose clusters are as large as the model's."""
    data_N2, component_N = fresh(points, 0)
    labels = [str(component) for component in component_N]
    random = chance_agreement(model.symbol_probabilities(data_N2).argmax(1), labels)
    return {
        "homogeneity_component": random.homogeneity,
        "completeness_component": random.completeness,
        "ami_component": random.ami,
    }


def _floor(points: Points) -> dict[str, float | None]:
    """What data score against data."""
    pairs = [(fresh(points, draw)[0], fresh(points, 1_000_000 + draw)[0]) for draw in range(REPEATS)]
    data_N2, component_N = fresh(points, 0)
    return {
        "energy_distance": energy_distance_floor(data_N2, POINTS),
        "energy_distance_ratio": 1.0,
        "sliced_wasserstein": float(np.mean([sliced_wasserstein(*pair) for pair in pairs])),
        **_against_components(points, np.concatenate([again_N2 for _, again_N2 in pairs])),
        "ami_component": _agreement(points.density.component(data_N2), component_N)["ami_component"],
    }
