"""`ldebm reproduce densities`: the paper's two synthetic sets, with numbers under the pictures.

For each set and row: train (seed by seed, resumable), measure against fresh data, write the row. The definitions stand
in PROTOCOL and go into the result files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ldebm import metrics_log
from ldebm.data.corpora import Points, load_points
from ldebm.errors import RunError
from ldebm.evaluation.attributes import agreement, chance_agreement
from ldebm.evaluation.density import (
    components_covered,
    energy_distance,
    sliced_wasserstein,
    weights_total_variation,
    within,
)
from ldebm.files import atomic_path
from ldebm.objective import LatentModel
from ldebm.point_model import PointModel
from ldebm.presets import Config, config_from_yaml, load_preset
from ldebm.prior import DiffusionPrior, SymbolVectorPrior
from ldebm.prior.grid import GridDensity
from ldebm.reproduce.results import ResultFile
from ldebm.run_folder import CONFIG, METRICS
from ldebm.training import train
from ldebm.training.progress import say
from ldebm.training.run import resolve

SETS = ("gaussians", "pinwheel")
POINTS = 10_000  # drawn from the prior, and fresh from the data
TEST_POINTS = 200  # whose density is bracketed
WATCHED = ("svebm-ib", "ldebm-best")  # whose training is filmed
QUICK_EPOCHS = 1

SYMBOL_VECTOR = ("model.prior.kind=symbol_vector", "training.clustering_weight=0")
ROWS: dict[str, tuple[str, ...]] = {
    "gaussian": ("model.prior.kind=gaussian", "training.clustering_weight=0"),
    "diffusion": ("model.prior.kind=denoising", "training.clustering_weight=0"),
    "svebm-ib": SYMBOL_VECTOR,
    "ldebm-no-clustering": ("training.clustering_weight=0",),
    "ldebm-best": (),
}
WITHOUT_SYMBOLS = ("gaussian", "diffusion")

PROTOCOL = {
    "energy_distance": "2 E|x - y| - E|x - x'| - E|y - y'| of 10,000 points decoded from the prior and 10,000 fresh "
    "data points; 0 or more; the floor is that of data against data",
    "energy_distance_ratio": "energy distance in multiples of its floor",
    "sliced_wasserstein": "Wasserstein-2 distance of the two sets' projections, root mean square over 500 directions, "
    "in the points' units; 0 or more; the floor is that of data against data",
    "within_3sd": "share of the prior's points within three standard deviations of a component (the most probable "
    "one); 0 to 1; the floor column holds the data's own share",
    "weights_total_variation": "half the sum of |share of component k - 1/K|; 0 to 1; the floor is that of data",
    "components_covered": "components that hold at least a tenth of their fair share of the points, counting points "
    "within three standard deviations; at most 16 or 10",
    "homogeneity_component": "1 - H(component | symbol) / H(component) over 10,000 fresh points; 0 to 1",
    "completeness_component": "1 - H(symbol | component) / H(symbol) over 10,000 fresh points; 0 to 1",
    "ami_component": "mutual information of symbol and component adjusted for chance; 0 at chance, at most 1; the "
    "floor column holds what the most probable component itself scores",
    "squared_error": "mean squared distance of a fresh point to its reconstruction, in the points' units squared",
    "grid_integral": "integral of the latent density, by quadrature on a grid; 1 if the grid resolves it",
    "bracket_covers_grid": "share of 200 fresh points' latents whose log density by quadrature lies in the bracket of "
    "Prior.log_density_bounds (first seed only); 0 to 1",
    "bracket_width": "mean width of that bracket, nats",
}


@dataclass(frozen=True)
class Trained:
    """A model of one seed with what training it took."""

    model: PointModel
    seconds: float


def reproduce(out: Path, runs: Path, sets: Sequence[str], seeds: int, quick: bool) -> None:
    """Train and measure every row of every set; results to `out`/densities-SET.json, run folders under `runs`.

    Args:
        quick: one epoch a model: every step of the way in minutes, with figures that mean little.
    """
    command = f"ldebm reproduce densities --seeds {seeds}{' --quick' if quick else ''}"
    for name in sets:
        file = ResultFile(out / f"densities-{name}.json", command, PROTOCOL)
        for row in ROWS:
            points = load_points(name)
            trained = [fitted(row, name, seed, runs, quick) for seed in range(seeds)]
            found = [measure(row, each.model, points, seed) for seed, each in enumerate(trained)]
            seconds = float(np.mean([each.seconds for each in trained]))
            file.add(row, "points", found, seconds, *_chance_and_floor(row, trained[0].model, points))
            ratio = np.mean([each["energy_distance_ratio"] for each in found])
            say(f"{name}: {row}: energy distance {ratio:.2f} times its floor, {seconds:.0f} s of training")


def config_of(row: str, seed: int, quick: bool) -> Config:
    """The preset `best-points` with what the row changes."""
    settings = [*ROWS[row], f"seed={seed}"]
    if quick:
        settings.append(f"training.epochs={QUICK_EPOCHS}")
    return load_preset("best-points", settings)


def folder_of(row: str, name: str, seed: int, runs: Path, quick: bool) -> Path:
    return runs / f"{name}-{row}-{seed}{'-quick' if quick else ''}"


def fitted(row: str, name: str, seed: int, runs: Path, quick: bool) -> Trained:
    """The row's model, read where it has been trained, else trained (on, where it was interrupted).

    The first seed of the watched rows leaves 10,000 latents of the prior after each epoch in `frames/STEP.npy`.
    """
    folder, config, points = (
        folder_of(row, name, seed, runs, quick),
        config_of(row, seed, quick),
        load_points(name, seed),
    )
    done = folder / "finished"
    if done.exists():
        if config_from_yaml(folder / CONFIG) != resolve(config, points):
            raise RunError(f"{folder} was trained with other settings; remove it, or give another folder with --runs")
    else:
        frames = folder / "frames" if row in WATCHED and seed == 0 else None

        def film(step: int, model: LatentModel[Any]) -> None:
            if frames is not None and isinstance(model, PointModel):
                latents_ND = model.sample_latents(POINTS, seed=1)
                with atomic_path(frames / f"{step}.npy") as path:
                    np.save(path, np.stack([latents_ND, model.decode(latents_ND)]))

        train(
            config_of(row, seed, quick), load_points(name, seed), folder, resume=(folder / METRICS).exists(), watch=film
        )
        done.touch()
    return Trained(PointModel.from_pretrained(folder), float(metrics_log.read(folder / METRICS)[-1]["seconds"]))


def fresh(points: Points, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """10,000 points that no model has seen, and their components."""
    return points.density.sample(POINTS, np.random.default_rng((seed, 2)))


def measure(row: str, model: PointModel, points: Points, seed: int) -> dict[str, float | None]:
    """Every figure of PROTOCOL for one seed; the bracket for the first seed alone."""
    data_N2, component_N = fresh(points, seed)
    again_N2, _ = fresh(points, seed + 1_000_000)
    drawn_N2 = model.decode(model.sample_latents(POINTS, seed=seed))
    posterior_N2, _ = model.posterior(data_N2)
    distance = energy_distance(drawn_N2, data_N2)
    found: dict[str, float | None] = {
        "energy_distance": distance,
        "energy_distance_ratio": distance / energy_distance(again_N2, data_N2),
        "sliced_wasserstein": sliced_wasserstein(drawn_N2, data_N2),
        **_against_components(points, drawn_N2),
        "squared_error": float(np.square(model.decode(posterior_N2) - data_N2).sum(-1).mean()),
    }
    if row not in WITHOUT_SYMBOLS:
        symbol_N = model.symbol_probabilities(data_N2).argmax(1)
        found |= _agreement(symbol_N, component_N)
    if isinstance(model.prior, SymbolVectorPrior | DiffusionPrior):
        grid = GridDensity(model.prior)
        found["grid_integral"] = grid.integral
        if seed == 0:
            found |= _bracket(model, grid, data_N2[:TEST_POINTS])
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


def _bracket(model: PointModel, grid: GridDensity, data_N2: np.ndarray) -> dict[str, float]:
    """How the bracket of the log density of some points' posterior means stands to the grid's."""
    z_ND = torch.from_numpy(model.encode(data_N2))
    lower_N, upper_N = model.prior.log_density_bounds(z_ND, torch.Generator().manual_seed(0))
    exact_N = grid(z_ND)
    covers_N = (lower_N.numpy() <= exact_N) & (exact_N <= upper_N.numpy())
    return {"bracket_covers_grid": float(covers_N.mean()), "bracket_width": float((upper_N - lower_N).mean())}


def _chance_and_floor(
    row: str, model: PointModel, points: Points
) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """What random symbols score, and what data score against data."""
    data_N2, component_N = fresh(points, 0)
    again_N2, again_component_N = fresh(points, 1_000_000)
    chance: dict[str, float | None] = {}
    if row not in WITHOUT_SYMBOLS:
        labels = [str(component) for component in component_N]
        random = chance_agreement(model.symbol_probabilities(data_N2).argmax(1), labels)
        chance = {"homogeneity_component": random.homogeneity, "completeness_component": random.completeness}
        chance["ami_component"] = random.ami
    floor: dict[str, float | None] = {
        "energy_distance": energy_distance(again_N2, data_N2),
        "energy_distance_ratio": 1.0,
        "sliced_wasserstein": sliced_wasserstein(again_N2, data_N2),
        **_against_components(points, again_N2),
        "ami_component": _agreement(points.density.component(again_N2), again_component_N)["ami_component"],
    }
    return chance, floor
