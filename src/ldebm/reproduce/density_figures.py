"""The paper's two-dimensional figures from plain arrays: densities, symbols, diffusion chains and training.

Each function writes `path`.png and `path`.svg (the animation one `path`.webp) and returns their paths. Densities are
histograms smoothed by a Gaussian whose standard deviation, the bandwidth, is in the units of the points. Panels that
are to be compared share their plane and their colour scale, which goes with the square root of the density so that
thin bridges between modes show. The share of the points that a panel cuts off is written into it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import CenteredNorm, PowerNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from PIL import Image
from scipy.ndimage import gaussian_filter

from ldebm.files import atomic_path
from ldebm.reproduce.pictures import DOTS_PER_INCH, STYLE, AnyPath, save
from ldebm.training.clustering import match

Array = np.ndarray
Frames = Mapping[str, Sequence["Row"]]
Extent = tuple[float, float, float, float]  # left, right, bottom, top

DENSITY_COLOURS = "magma"
# Nine of Paul Tol's "muted" colours and seven more that stay apart in lightness for colour-blind readers. No sixteen
# colours do so fully, so the symbols are numbered as well.
SYMBOL_COLOURS = (
    "#332288 #88ccee #cc6677 #117733 #ddcc77 #aa4499 #44aa99 #882255 #999933 #0078f0 #c32d00 #333333 #cf8cff #00e0a8 "
    "#ee7733 #9a9a9a"
).split()

BANDWIDTH_SHARE = 1 / 100  # of a panel's side


@dataclass(frozen=True)
class Row:
    """A model's points, each array of shape [N, 2]: decoded from posterior and prior latents, and these latents."""

    name: str
    from_posterior_N2: Array
    from_prior_N2: Array
    posterior_N2: Array
    prior_N2: Array

    def __post_init__(self) -> None:
        for field in ("from_posterior_N2", "from_prior_N2", "posterior_N2", "prior_N2"):
            _check_points(f"{field} of {self.name}", getattr(self, field))


def figure_2(path: AnyPath, data_N2: Array, rows: Sequence[Row]) -> tuple[Path, Path]:
    """One row of densities a model: data, x from posterior z, x from prior z, posterior z, prior z.

    All data-space panels share the plane and colour scale of the data; a model's two latent panels share one plane and
    the colour scale of its posterior. Raises ValueError for other shapes than [N, 2], NaN, or no rows.
    """
    _check_points("data_N2", data_N2)
    if not rows:
        raise ValueError("figure 2 needs at least one model, got none")
    data_view = _View.of(data_N2)
    latent_views = [_View.of(row.posterior_N2, row.prior_N2) for row in rows]
    titles = ("data", "x from posterior z", "x from prior z", "posterior z", "prior z")
    with matplotlib.rc_context(STYLE):
        figure, axes_RC = _sheet(len(rows), 5, titles, left=0.3, bottom=0.3, column_breaks=(2,))
        for axes_C, row, latent_view in zip(axes_RC, rows, latent_views, strict=True):
            axes_C[0].set_ylabel(row.name, weight="bold")
            columns = (data_N2, row.from_posterior_N2, row.from_prior_N2, row.posterior_N2, row.prior_N2)
            for axes, points_N2, view in zip(axes_C, columns, [data_view] * 3 + [latent_view] * 2, strict=True):
                view.draw(axes, points_N2)
        latents = ", ".join(f"{view.bandwidth:.2g} ({row.name})" for view, row in zip(latent_views, rows, strict=True))
        _footnote(figure, f"Kernel densities. Bandwidth {data_view.bandwidth:.2g} in data space; latents: {latents}.")
        return save(figure, path)


def figure_3(
    path: AnyPath, points_N2: Array, latents_N2: Array, component_N: Array, symbol_N: Array
) -> tuple[Path, Path]:
    """Data points and their inferred latents, coloured by true component (top) and by discovered symbol (bottom).

    A symbol takes the number and colour of the component that it is matched to. Components and symbols are integers
    from 0 to 15. Raises ValueError for others and for arrays that do not fit one another.
    """
    _check_points("points_N2", points_N2)
    _check_points("latents_N2", latents_N2)
    for name, label_N in (("component_N", component_N), ("symbol_N", symbol_N)):
        sizes = len(points_N2), len(latents_N2), len(label_N)
        if len(set(sizes)) > 1:
            raise ValueError(f"points_N2, latents_N2 and {name} must be equally long, got {sizes}")
        if label_N.ndim != 1 or label_N.dtype.kind not in "iu" or not 0 <= label_N.min() <= label_N.max() < 16:
            raise ValueError(f"{name} must have shape [points] and hold integers from 0 to 15: there are 16 colours")
    matched_N = matched_symbols(component_N, symbol_N)
    agreement = float(np.mean(matched_N == component_N))
    labelings = {"true component": component_N, f"discovered symbol ({agreement:.1%} agree)": matched_N}
    with matplotlib.rc_context(STYLE):
        figure, axes_RC = _sheet(2, 2, ("data x", "inferred z"), width=7, left=0.28)
        for axes_C, (name, label_N) in zip(axes_RC, labelings.items(), strict=True):
            axes_C[0].set_ylabel(name)
            for axes, shown_N2 in zip(axes_C, (points_N2, latents_N2), strict=True):
                _scatter(axes, shown_N2, label_N)
        return save(figure, path)


def matched_symbols(component_N: Array, symbol_N: Array) -> Array:
    """The symbols [N], renumbered so that as many as can be have the number of their component."""
    numbers = int(max(component_N.max(), symbol_N.max())) + 1
    return match(symbol_N, component_N, numbers)[symbol_N]


def figure_a1(path: AnyPath, chains: Array) -> tuple[Path, Path]:
    """p(y | z_t) along diffusion chains: probabilities [chains, levels from noise to clean, symbols].

    One panel a chain, one line a symbol; the symbol most probable at the last level is bold and named. Raises
    ValueError for another shape, a single level, more symbols than colours (16), or what are no probabilities.
    """
    if chains.ndim != 3 or 0 in chains.shape or chains.shape[1] < 2 or chains.shape[2] > len(SYMBOL_COLOURS):
        raise ValueError(f"chains must have shape [chains, 2 or more levels, 1 to 16 symbols], got {chains.shape}")
    number, levels, symbols = chains.shape
    if not (np.all(chains >= 0) and np.allclose(chains.sum(-1), 1, atol=1e-3)):
        raise ValueError("chains must hold probabilities: none below 0, and each level's symbols sum to 1")
    rows, columns = math.ceil(number / 4), min(4, number)
    level_T = np.arange(levels)[::-1]
    with matplotlib.rc_context(STYLE):
        figure, axes_RC = _sheet(rows, columns, (), left=0.5, top=0.52, bottom=0.45, gap=0.26, height_share=0.62)
        for axes in axes_RC.flat[number:]:
            axes.remove()
        for index, (axes, probability_TK) in enumerate(zip(axes_RC.flat, chains, strict=False)):
            chosen = int(probability_TK[-1].argmax())
            for symbol, colour in enumerate(SYMBOL_COLOURS[:symbols]):
                bold = {"linewidth": 2.4, "marker": "o", "markersize": 3.5, "zorder": 3} if symbol == chosen else {}
                axes.plot(level_T, probability_TK[:, symbol], color=colour, **{"linewidth": 0.9, **bold})
            axes.set(title=f"symbol {chosen}", xlim=(levels - 0.85, -0.15), ylim=(-0.04, 1.04))
            axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
            below = index + columns >= number  # no panel stands under this one, which therefore bears the numbers
            axes.set_xticks(np.arange(0, levels, max(1, levels // 7)), None if below else [])
            axes.set_yticks((0, 0.5, 1), ("0", "½", "1") if index % columns == 0 else [])
        title = f"Symbol probabilities along {number} sampling chains, noise at left; bold: the symbol finally chosen"
        figure.suptitle(title, y=1 - 0.08 / figure.get_figheight(), size=10)
        figure.supxlabel("diffusion level t", y=0.06 / figure.get_figheight(), size=9)
        figure.supylabel(r"$p(y\,|\,z_t)$", x=0.06 / figure.get_figwidth(), size=9)
        return save(figure, path)


def figure_a2_strip(path: AnyPath, steps: Sequence[int], frames: Frames, names: Sequence[str]) -> tuple[Path, Path]:
    """Densities as training goes on: for each model x from prior z above prior z, one column a step.

    `frames[name]` holds a Row a step. Planes and colour scales are those of the last step. Raises ValueError where a
    model or a step is missing.
    """
    data_view, latent_views = _training_views(steps, frames, names)
    with matplotlib.rc_context(STYLE):
        titles = [f"{step:,}" for step in steps]
        breaks = range(1, 2 * len(names) - 1, 2)
        figure, axes_RC = _sheet(2 * len(names), len(steps), titles, left=0.52, row_breaks=breaks)
        inch = 1 / figure.get_figwidth()
        figure.text(0.1 * inch, axes_RC[0, 0].get_position().y1, "step", va="bottom")
        for name, axes_2C in zip(names, axes_RC.reshape(len(names), 2, -1), strict=True):
            middle = (axes_2C[0, 0].get_position().y1 + axes_2C[1, 0].get_position().y0) / 2
            figure.text(0.16 * inch, middle, name, weight="bold", rotation=90, ha="center", va="center")
            _draw_priors(axes_2C, frames[name], data_view, [latent_views[name]] * len(steps))
        return save(figure, path)


def figure_a2_animation(path: AnyPath, steps: Sequence[int], frames: Frames, names: Sequence[str]) -> Path:
    """The panels of `figure_a2_strip` as an animated `path`.webp, a column a model, three steps a second.

    It repeats for ever and rests on the last step. Raises ValueError as `figure_a2_strip` does.
    """
    data_view, latent_views = _training_views(steps, frames, names)
    images = []
    with matplotlib.rc_context(STYLE):
        for index, step in enumerate(steps):
            figure, axes_RC = _sheet(2, len(names), names, width=0.3 + 2 * len(names), left=0.3, top=0.48)
            figure.text(0.5, 1 - 0.06 / figure.get_figheight(), f"step {step:,}", ha="center", va="top")
            rows = [frames[name][index] for name in names]
            _draw_priors(axes_RC, rows, data_view, [latent_views[name] for name in names])
            figure.set_dpi(DOTS_PER_INCH[".webp"])
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
    durations = [333] * (len(steps) - 1) + [2500]  # milliseconds
    target = Path(f"{path}.webp")  # an eighth of the size of a GIF
    with atomic_path(target) as temporary:
        images[0].save(temporary, save_all=True, append_images=images[1:], duration=durations, loop=0, quality=65)
    return target


def figure_density(path: AnyPath, grid_GG: Array, extent: Extent, samples_N2: Array) -> tuple[Path, Path]:
    """A learned density beside that of samples, in one colour scale, and the difference.

    `grid_GG` holds exp(log p) at the centres of G x G equal cells that fill `extent` (left, right, bottom, top): a row
    is a y, from the bottom, and a column an x, from the left. The grid is smoothed for the difference as the samples
    are, so that what is left is not the smoothing's. Raises ValueError for another shape, NaN, negative densities or an
    empty extent.
    """
    _check_points("samples_N2", samples_N2)
    if grid_GG.ndim != 2 or grid_GG.shape != grid_GG.T.shape or not grid_GG.size:
        raise ValueError(f"grid_GG must be a square grid, got shape {grid_GG.shape}")
    if not (np.isfinite(grid_GG).all() and grid_GG.min() >= 0 and grid_GG.max() > 0):
        raise ValueError("grid_GG must hold densities: finite, none below 0 and one above 0")
    left, right, bottom, top = extent
    if not (left < right and bottom < top):
        raise ValueError(f"extent must be (left, right, bottom, top), with left < right and bottom < top, got {extent}")
    cell = (right - left) * (top - bottom) / grid_GG.size
    bandwidth = BANDWIDTH_SHARE * max(right - left, top - bottom)
    sampled_GG = density(samples_N2, extent, bandwidth, len(grid_GG))
    difference_GG = _smooth(grid_GG, extent, bandwidth) - sampled_GG
    panels = {
        f"learned density, integral {grid_GG.sum() * cell:.3f}": grid_GG,
        f"{len(samples_N2):,} samples, {_share_inside(samples_N2, extent):.1%} shown": sampled_GG,
        f"learned \N{MINUS SIGN} samples, total variation {np.abs(difference_GG).sum() * cell / 2:.3f}": difference_GG,
    }
    norm = PowerNorm(0.5, 0, max(grid_GG.max(), sampled_GG.max()))
    height_share = (top - bottom) / (right - left)
    with matplotlib.rc_context(STYLE):
        figure, axes_RC = _sheet(1, 3, list(panels), left=0.18, bottom=0.66, gap=0.2, height_share=height_share)
        for axes, image_GG in zip(axes_RC[0], panels.values(), strict=True):
            axes.imshow(image_GG, norm=norm, cmap=DENSITY_COLOURS, origin="lower", extent=extent)
        difference = axes_RC[0, 2].images[0]
        difference.set(norm=CenteredNorm(), cmap="PuOr")
        _colour_bar(figure, axes_RC[0, :2], ScalarMappable(norm, DENSITY_COLOURS))
        _colour_bar(figure, axes_RC[0, 2:], difference)
        _footnote(figure, f"Density per unit area. Bandwidth {bandwidth:.2g}; for the difference both are smoothed.")
        return save(figure, path)


def density(points_N2: Array, extent: Extent, bandwidth: float, bins: int = 200) -> Array:
    """The points' kernel density per unit area on a grid [bins, bins] over `extent`: rows are y, columns are x.

    `bandwidth` is the standard deviation of the Gaussian kernel in the points' units. Points outside count in the
    total, so the grid integrates to about the share of the points inside.
    """
    left, right, bottom, top = extent
    x_N, y_N = points_N2.T
    counts_GG, _, _ = np.histogram2d(y_N, x_N, bins=bins, range=((bottom, top), (left, right)))
    cell = (right - left) * (top - bottom) / bins**2
    return _smooth(counts_GG / (len(points_N2) * cell), extent, bandwidth)


@dataclass(frozen=True)
class _View:
    """What density panels that are compared share: a square plane, a bandwidth, the density of the brightest colour."""

    extent: Extent
    bandwidth: float
    brightest: float

    @classmethod
    def of(cls, reference_N2: Array, *others_N2: Array) -> _View:
        """A view that shows all these points but for stray ones, and whose colours are as the reference needs them."""
        extent = _square(np.concatenate([reference_N2, *others_N2]))
        bandwidth = BANDWIDTH_SHARE * (extent[1] - extent[0])
        return cls(extent, bandwidth, float(density(reference_N2, extent, bandwidth).max()))

    def draw(self, axes: Axes, points_N2: Array) -> None:
        image_GG = density(points_N2, self.extent, self.bandwidth)
        norm = PowerNorm(0.5, 0, self.brightest)
        axes.imshow(image_GG, norm=norm, cmap=DENSITY_COLOURS, origin="lower", extent=self.extent)
        outside = 1 - _share_inside(points_N2, self.extent)
        if outside >= 0.005:
            axes.text(0.97, 0.03, f"{outside:.0%} outside", transform=axes.transAxes, ha="right", color="white", size=7)


def _training_views(steps: Sequence[int], frames: Frames, names: Sequence[str]) -> tuple[_View, dict[str, _View]]:
    """The view of data space and, by name, those of the models' latents, as the last step needs them."""
    if not names or not steps:
        raise ValueError(f"training is drawn from at least one model and one step, got {len(names)} and {len(steps)}")
    for name in names:
        if name not in frames or len(frames[name]) != len(steps):
            raise ValueError(f"frames must hold a row a step ({len(steps)}) of {name}, got {len(frames.get(name, ()))}")
    last = {name: frames[name][-1] for name in names}
    data_view = _View.of(np.concatenate([row.from_posterior_N2 for row in last.values()]))
    return data_view, {name: _View.of(row.posterior_N2, row.prior_N2) for name, row in last.items()}


def _draw_priors(axes_2C: Array, rows: Sequence[Row], data_view: _View, latent_views: Sequence[_View]) -> None:
    """One column of panels a row: x from prior z above prior z."""
    axes_2C[0, 0].set_ylabel("x from prior z")
    axes_2C[1, 0].set_ylabel("prior z")
    for axes_2, row, latent_view in zip(axes_2C.T, rows, latent_views, strict=True):
        data_view.draw(axes_2[0], row.from_prior_N2)
        latent_view.draw(axes_2[1], row.prior_N2)


def _scatter(axes: Axes, points_N2: Array, label_N: Array) -> None:
    """A cloud in the labels' colours, and each label's number at the point of it that is nearest to its median."""
    x_N, y_N = points_N2.T
    axes.scatter(x_N, y_N, s=3, c=np.array(SYMBOL_COLOURS)[label_N], linewidths=0, alpha=0.7, rasterized=True)
    for label in np.unique(label_N):
        own_N2 = points_N2[label_N == label]
        x, y = own_N2[np.square(own_N2 - np.median(own_N2, axis=0)).sum(1).argmin()]
        number = axes.text(x, y, f"{label}", size=8, weight="bold", ha="center", va="center")
        number.set_path_effects([withStroke(linewidth=2, foreground="white")])
    left, right, bottom, top = _square(points_N2)
    axes.set(xlim=(left, right), ylim=(bottom, top))


def _smooth(grid_GG: Array, extent: Extent, bandwidth: float) -> Array:
    left, right, bottom, top = extent
    cells_2 = bandwidth * len(grid_GG) / np.array([top - bottom, right - left])
    return gaussian_filter(grid_GG, cells_2, mode="constant")


def _square(points_N2: Array) -> Extent:
    """The plane that shows all but the outermost thousandth of the points on each side, with a margin."""
    low_2, high_2 = np.quantile(points_N2, (0.001, 0.999), axis=0)
    half = 0.58 * float((high_2 - low_2).max()) or 1.0  # points that all coincide have no size
    x, y = (float(middle) for middle in (low_2 + high_2) / 2)
    return x - half, x + half, y - half, y + half


def _share_inside(points_N2: Array, extent: Extent) -> float:
    left, right, bottom, top = extent
    x_N, y_N = points_N2.T
    return float(np.mean((left <= x_N) & (x_N <= right) & (bottom <= y_N) & (y_N <= top)))


def _check_points(name: str, points_N2: Array) -> None:
    if points_N2.ndim != 2 or points_N2.shape[1] != 2 or not len(points_N2):
        raise ValueError(f"{name} must have shape [points, 2] with at least one point, got {points_N2.shape}")
    if not np.isfinite(points_N2).all():
        raise ValueError(f"{name} holds NaN or infinite values")


def _sheet(
    rows: int,
    columns: int,
    titles: Sequence[str],
    *,
    left: float,
    top: float = 0.26,
    bottom: float = 0.08,
    width: float = 9,
    height_share: float = 1,
    gap: float = 0.06,
    row_breaks: Collection[int] = (),
    column_breaks: Collection[int] = (),
) -> tuple[Figure, Array]:
    """A figure of `width` inches with panels [rows, columns] without ticks, `height_share` times as high as wide.

    `titles` stand over the columns. Margins and gaps are in inches; the gaps behind `row_breaks` and `column_breaks`
    are three times as wide.
    """
    gaps_R = np.array([gap * (3 if row in row_breaks else 1) for row in range(rows - 1)])
    gaps_C = np.array([gap * (3 if column in column_breaks else 1) for column in range(columns - 1)])
    side = (width - left - 0.08 - gaps_C.sum()) / columns
    height = top + bottom + gaps_R.sum() + rows * side * height_share
    figure = Figure((width, height), facecolor="white")
    axes_RC = np.empty((rows, columns), object)
    for row, column in np.ndindex(rows, columns):
        x = left + column * side + gaps_C[:column].sum()
        y = height - top - (row + 1) * side * height_share - gaps_R[:row].sum()
        box = (x / width, y / height, side / width, side * height_share / height)
        axes_RC[row, column] = figure.add_axes(box, xticks=(), yticks=())
    for axes, title in zip(axes_RC[0], titles, strict=False):
        axes.set_title(title)
    return figure, axes_RC


def _colour_bar(figure: Figure, axes_C: Array, mappable: ScalarMappable) -> None:
    """A bar right under some panels of a row, as wide as they are together."""
    first, last = axes_C[0].get_position(), axes_C[-1].get_position()
    inch = 1 / figure.get_figheight()
    bar = figure.add_axes((first.x0, first.y0 - 0.17 * inch, last.x1 - first.x0, 0.09 * inch))
    figure.colorbar(mappable, cax=bar, orientation="horizontal", ticks=MaxNLocator(5)).outline.set_visible(False)


def _footnote(figure: Figure, text: str) -> None:
    figure.text(0.05 / figure.get_figwidth(), 0.06 / figure.get_figheight(), text, size=7.5, color="#777777")
