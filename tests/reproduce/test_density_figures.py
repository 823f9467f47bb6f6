"""The figures: what is written, its size and content, colours that agree, densities against the kernel sum by hand."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from ldebm.reproduce.density_figures import (
    Row,
    density,
    figure_2,
    figure_3,
    figure_a1,
    figure_a2_animation,
    figure_a2_strip,
    figure_density,
    matched_symbols,
)

SVG_LIMIT = 1_500_000
GENERATOR = np.random.default_rng(0)
COMPONENT_N = GENERATOR.integers(16, size=1000)
CENTRES_K2 = np.stack(np.meshgrid([-3, -1, 1, 3], [-3, -1, 1, 3]), -1).reshape(16, 2)
DATA_N2 = CENTRES_K2[COMPONENT_N] + 0.2 * GENERATOR.normal(size=(1000, 2))
EXTENT = (-4.0, 4.0, -4.0, 4.0)
STEPS = (0, 500, 2000)


def row(name: str = "LDEBM", data_N2: np.ndarray = DATA_N2, spread: float = 0.1) -> Row:
    noise_N2 = spread * np.random.default_rng(1).normal(size=data_N2.shape)
    return Row(name, data_N2, data_N2 + noise_N2, data_N2 / 3, data_N2 / 3 + noise_N2)


def training(names: list[str]) -> dict[str, list[Row]]:
    return {name: [row(name, spread=spread) for spread in (3, 1, 0.1)] for name in names}


def probabilities(chains: int, levels: int, symbols: int) -> np.ndarray:
    return np.random.default_rng(2).dirichlet(np.ones(symbols), size=(chains, levels))


def uniform_grid(size: int = 50) -> np.ndarray:
    return np.full((size, size), 1 / 64)


def check_written(paths: tuple[Path, Path], path: Path, size: tuple[int, int]) -> str:
    """Both files stand there alone, hold a figure of `size` pixels and more than one colour; returns the SVG's text."""
    png, svg = paths
    assert (png, svg) == (Path(f"{path}.png"), Path(f"{path}.svg"))
    assert sorted(path.parent.iterdir()) == [png, svg]  # nothing temporary is left
    with Image.open(png) as image:
        assert image.size == pytest.approx(size, abs=1)
        assert np.asarray(image.convert("L")).std() > 10
    text = svg.read_text(encoding="utf-8")
    assert len(text) < SVG_LIMIT
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    width, height = (float(number) for number in root.attrib["viewBox"].split()[2:])
    assert width / height == pytest.approx(size[0] / size[1], rel=0.01)
    return text


def test_figure_2_has_a_row_a_model_and_stays_small_with_as_many_points_as_in_the_paper(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    data_N2 = np.tile(DATA_N2, (10, 1)) + 0.05 * np.random.default_rng(3).normal(size=(10_000, 2))
    rows = [row("LDEBM", data_N2), row("SVEBM", data_N2, spread=3)]
    text = check_written(figure_2(tmp_path / "figure", data_N2, rows), tmp_path / "figure", (1350, 589))
    for expected in ("LDEBM", "SVEBM", "data", "x from posterior z", "prior z", "outside", "Bandwidth 0.0"):
        assert expected in text
    assert dict(matplotlib.rcParams) == before


def test_figure_3_is_the_same_picture_for_a_permuted_labelling(tmp_path: Path) -> None:
    symbol_N = np.random.default_rng(4).permutation(16)[COMPONENT_N]
    assert not np.array_equal(symbol_N, COMPONENT_N)
    written = figure_3(tmp_path / "permuted" / "f", DATA_N2, DATA_N2 / 3, COMPONENT_N, symbol_N)
    text = check_written(written, tmp_path / "permuted" / "f", (1050, 1047))
    assert "true component" in text and "discovered symbol (100.0% agree)" in text
    same = figure_3(tmp_path / "same" / "f", DATA_N2, DATA_N2 / 3, COMPONENT_N, COMPONENT_N)
    for permuted, own in zip(written, same, strict=True):
        assert permuted.read_bytes() == own.read_bytes()


def test_symbols_take_the_numbers_of_their_components_as_far_as_there_are_any() -> None:
    component_N = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    assert matched_symbols(component_N, np.array([2, 2, 2, 0, 0, 0, 1, 1])).tolist() == component_N.tolist()
    # one symbol more than there are components: it takes the number that is left
    assert matched_symbols(component_N, np.array([3, 3, 1, 0, 0, 0, 2, 2])).tolist() == [0, 0, 3, 1, 1, 1, 2, 2]
    # one symbol fewer: 2 stays unused
    assert matched_symbols(component_N, np.array([1, 1, 1, 0, 0, 0, 0, 0])).tolist() == [0, 0, 0, 1, 1, 1, 1, 1]


def test_figure_a1_names_the_symbol_chosen_in_each_chain(tmp_path: Path) -> None:
    chains = probabilities(6, 7, 16)
    text = check_written(figure_a1(tmp_path / "a1", chains), tmp_path / "a1", (1350, 540))
    for symbol in chains[:, -1].argmax(-1):
        assert f"symbol {symbol} " in text
    assert "along 6 sampling chains" in text and "diffusion level t" in text


def test_figure_a2_strip_has_two_rows_a_model_and_a_column_a_step(tmp_path: Path) -> None:
    names = ["LDEBM", "Gaussian prior"]
    written = figure_a2_strip(tmp_path / "a2", STEPS, training(names), names)
    text = check_written(written, tmp_path / "a2", (1350, 1752))
    for expected in ("2,000", *names, "x from prior z", "% outside"):
        assert expected in text


def test_figure_a2_animation_has_a_frame_a_step_and_rests_on_the_last(tmp_path: Path) -> None:
    written = figure_a2_animation(tmp_path / "a2", STEPS, training(["LDEBM"]), ["LDEBM"])
    assert list(tmp_path.iterdir()) == [written] == [tmp_path / "a2.webp"]
    assert written.stat().st_size < 100_000
    durations, pictures = [], []
    with Image.open(written) as image:
        for frame in range(image.n_frames):
            image.seek(frame)
            pictures.append(np.asarray(image.convert("L"), dtype=float))
            durations.append(image.info["duration"])
    assert durations == [333, 333, 2500]
    assert all(np.abs(first - second).mean() > 3 for first, second in itertools.pairwise(pictures))


def test_figure_density_tells_the_integral(tmp_path: Path) -> None:
    grid_GG = density(DATA_N2, EXTENT, bandwidth=0.2, bins=100)
    written = figure_density(tmp_path / "density", 2 * grid_GG, EXTENT, DATA_N2)
    text = check_written(written, tmp_path / "density", (1350, 555))
    assert "learned density, integral 2.0" in text or "learned density, integral 1.9" in text
    assert "1,000 samples, 100.0% shown" in text


def test_density_is_the_sum_of_kernels() -> None:
    points_N2 = np.array([[-1.0, 0.5], [2.0, -1.5], [2.2, -1.5], [40.0, 0.0]])
    extent, bins, bandwidth = (-4.0, 6.0, -4.0, 3.0), 200, 0.4  # not square: rows are y, columns are x
    x_G, y_G = -4 + 10 * (np.arange(bins) + 0.5) / bins, -4 + 7 * (np.arange(bins) + 0.5) / bins
    square_NGG = (x_G[None, None, :] - points_N2[:, 0, None, None]) ** 2
    square_NGG = square_NGG + (y_G[None, :, None] - points_N2[:, 1, None, None]) ** 2
    expected_GG = np.exp(-square_NGG / (2 * bandwidth**2)).mean(0) / (2 * np.pi * bandwidth**2)
    density_GG = density(points_N2, extent, bandwidth, bins)
    assert np.abs(density_GG - expected_GG).max() < 0.05 * expected_GG.max()
    assert density_GG.sum() * 70 / bins**2 == pytest.approx(3 / 4, abs=0.001)  # the fourth point is outside


def test_points_that_all_coincide_are_drawn(tmp_path: Path) -> None:
    point_N2 = np.ones((20, 2))
    figure_2(tmp_path / "collapsed", point_N2, [Row("collapsed", point_N2, point_N2, point_N2, point_N2)])


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda path: row(data_N2=np.zeros((5, 3))), r"from_posterior_N2 of LDEBM must have shape \[points, 2\]"),
        (lambda path: row(data_N2=np.full((5, 2), np.nan)), "NaN"),
        (lambda path: figure_2(path, np.zeros((0, 2)), [row()]), "at least one point, got"),
        (lambda path: figure_2(path, DATA_N2, []), "at least one model, got none"),
        (lambda path: figure_3(path, DATA_N2, DATA_N2[:9], COMPONENT_N, COMPONENT_N), "equally long, got"),
        (lambda path: figure_3(path, DATA_N2, DATA_N2, COMPONENT_N, COMPONENT_N[:9]), "symbol_N must be equally long"),
        (lambda path: figure_3(path, DATA_N2, DATA_N2, COMPONENT_N, COMPONENT_N + 1), "integers from 0 to 15"),
        (lambda path: figure_3(path, DATA_N2, DATA_N2, COMPONENT_N / 2, COMPONENT_N), "component_N must have shape"),
        (lambda path: figure_a1(path, np.ones((7, 16)) / 16), "2 or more levels"),
        (lambda path: figure_a1(path, probabilities(2, 7, 17)), "1 to 16 symbols"),
        (lambda path: figure_a1(path, np.ones((2, 7, 16))), "must hold probabilities"),
        (lambda path: figure_a2_strip(path, STEPS, training(["a"]), ["a", "b"]), r"a row a step \(3\) of b, got 0"),
        (lambda path: figure_a2_animation(path, STEPS[:2], training(["a"]), ["a"]), r"a row a step \(2\) of a, got 3"),
        (lambda path: figure_a2_strip(path, (), {}, []), "at least one model and one step"),
        (lambda path: figure_density(path, uniform_grid()[:9], EXTENT, DATA_N2), "square grid"),
        (lambda path: figure_density(path, -uniform_grid(), EXTENT, DATA_N2), "none below 0"),
        (lambda path: figure_density(path, uniform_grid(), (4, -4, -4, 4), DATA_N2), "left < right"),
    ],
)
def test_what_does_not_fit_is_refused_in_plain_words_and_nothing_is_written(draw, message, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        draw(tmp_path / "figure")
    assert not list(tmp_path.iterdir())
