"""The figures of the synthetic sets, from the run folders that `densities` leaves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ldebm.data.corpora import Points, load_points
from ldebm.point_model import PointModel
from ldebm.prior import DiffusionPrior
from ldebm.prior.grid import GridDensity
from ldebm.reproduce import density_figures as figures
from ldebm.reproduce.densities import POINTS, ROWS, WATCHED, folder_of, fresh

CHAINS = 8
SHOWN_REACH = 2.5  # of the plane of latents, in standard deviations
STRIP = 7  # steps shown in the strip; the animation has them all


def draw(pictures: Path, runs: Path, sets: Sequence[str], quick: bool) -> list[Path]:
    """Figures 2, 3, A1, A2 and the density beside its samples, for each set, of the first seed; returns their paths."""
    written: list[Path] = []
    for name in sets:
        stem = f"quick-{name}" if quick else name
        points = load_points(name)
        models = {row: PointModel.from_pretrained(folder_of(row, name, 0, runs, quick), "cpu") for row in ROWS}
        data_N2, component_N = fresh(points, 0)
        rows = [_row(row, model, data_N2) for row, model in models.items()]
        best = models["ldebm-best"]
        symbol_N = best.symbol_probabilities(data_N2).argmax(1)
        written += figures.figure_2(pictures / f"{stem}-figure-2", data_N2, rows)
        written += figures.figure_3(pictures / f"{stem}-figure-3", data_N2, best.encode(data_N2), component_N, symbol_N)
        written += _figure_a1(pictures / f"{stem}-figure-a1", best)
        written += _figure_a2(pictures / f"{stem}-figure-a2", name, points, runs, quick)
        written += _figure_density(pictures / f"{stem}-density", best)
    return written


def _row(name: str, model: PointModel, data_N2: np.ndarray) -> figures.Row:
    mean_N2, variance_N2 = model.posterior(data_N2)
    noise_N2 = np.random.default_rng(0).standard_normal(mean_N2.shape, dtype=np.float32)
    posterior_N2 = mean_N2 + np.sqrt(variance_N2) * noise_N2
    prior_N2 = model.sample_latents(POINTS)
    return figures.Row(name, model.decode(posterior_N2), model.decode(prior_N2), posterior_N2, prior_N2)


def _figure_a1(path: Path, model: PointModel) -> tuple[Path, ...]:
    assert isinstance(model.prior, DiffusionPrior)
    _, chains_CTK = model.prior.descend(CHAINS, torch.Generator().manual_seed(0))
    return figures.figure_a1(path, chains_CTK.numpy())


def _figure_a2(path: Path, name: str, points: Points, runs: Path, quick: bool) -> list[Path]:
    """Every frame that training left, with the posterior of the finished model beside the prior of each."""
    data_N2, _ = fresh(points, 0)
    frames: dict[str, list[figures.Row]] = {}
    steps: list[int] = []
    for row in WATCHED:
        folder = folder_of(row, name, 0, runs, quick)
        last = _row(row, PointModel.from_pretrained(folder, "cpu"), data_N2)
        files = sorted((folder / "frames").glob("*.npy"), key=lambda file: int(file.stem))
        steps = [int(file.stem) for file in files]
        seen = [np.load(file) for file in files]
        frames[row] = [
            figures.Row(row, last.from_posterior_N2, decoded_N2, last.posterior_N2, latents_N2)
            for latents_N2, decoded_N2 in seen
        ]
    shown = np.unique(np.linspace(0, len(steps) - 1, min(STRIP, len(steps))).round().astype(int))
    strip = {row: [each[i] for i in shown] for row, each in frames.items()}
    written = figures.figure_a2_strip(path, [steps[i] for i in shown], strip, WATCHED)
    return [*written, figures.figure_a2_animation(path, steps, frames, WATCHED)]


def _figure_density(path: Path, model: PointModel) -> tuple[Path, ...]:
    """In whitened coordinates, where the grid lies."""
    assert isinstance(model.prior, DiffusionPrior)
    grid = GridDensity(model.prior)
    samples_N2 = model.prior.reference.whiten(torch.from_numpy(model.sample_latents(POINTS))).numpy()
    shown = np.abs(grid.axis_G) <= SHOWN_REACH
    axis_G = grid.axis_G[shown]
    half = (axis_G[1] - axis_G[0]) / 2  # values belong to the middles of cells
    low, high = axis_G[0] - half, axis_G[-1] + half
    density_GG = np.exp(grid.log_density_GG[np.ix_(shown, shown)].T)
    return figures.figure_density(path, density_GG, (low, high, low, high), samples_N2)
