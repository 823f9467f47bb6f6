from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.measure import Comparison, Timing, interleaved, matrix_rate, report, write_json
from benchmarks.sizes import Sizes

VALID_TOKENS = 128 * 23.1  # methods.md 4


def test_flops_are_those_of_methods_4_1() -> None:
    sizes = Sizes()
    assert sizes.encoder_flops == pytest.approx(6.29e6, rel=0.002)
    assert sizes.decoder_flops == pytest.approx(3.27e6, rel=0.002)
    assert sizes.softmax_flops == pytest.approx(10.24e6, rel=0.002)
    assert sizes.langevin_flops == pytest.approx(2.29e6, rel=0.002)


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (128 * 40, {"encoder": 96.6, "decoder": 49.0, "softmax": 153.4, "langevin": 29.3}),
        (VALID_TOKENS, {"encoder": 55.8, "decoder": 27.7, "softmax": 86.9, "langevin": 29.3}),
    ],
)
def test_step_flops_are_those_of_methods_4_1(tokens: float, expected: dict[str, float]) -> None:
    flops = Sizes().step_flops(tokens, rows=128, chain_rows=256)
    assert {part: value / 1e9 for part, value in flops.items()} == pytest.approx(expected, rel=0.01)


def test_generation_draws_through_all_levels() -> None:
    sizes = Sizes()
    assert sizes.generation_flops(46_000, 0)["langevin"] == pytest.approx(31.6e12, rel=0.002)


def test_interleaved_takes_turns_after_the_warm_up() -> None:
    order: list[str] = []
    timings = interleaved({"plain": lambda: order.append("p"), "fast": lambda: order.append("f")}, repeats=3)
    assert order == ["p", "f", "p", "f", "p", "f", "p", "f"]
    assert [len(timing.seconds) for timing in timings.values()] == [3, 3]


def test_timing_gives_median_and_interquartile_range() -> None:
    timing = Timing((5.0, 1.0, 2.0, 4.0, 3.0))
    assert (timing.median, timing.interquartile_range) == (3.0, 2.0)
    assert Timing((1.0,)).interquartile_range == 0.0


def test_comparison_computes_its_ratios() -> None:
    comparison = Comparison("step", plain=Timing((6.0,)), fast=Timing((1.0,)), flops=2e9, rate=4e9)
    assert (comparison.ratio, comparison.floor_seconds, comparison.floor_ratio) == (6.0, 0.5, 2.0)


def test_matrix_rate_is_a_median_over_products() -> None:
    assert matrix_rate([(64, 64, 64), (8, 8, 8)], bf16=False, repeats=2) > 1e6


def test_report_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    comparison = Comparison("step", plain=Timing((6.0,)), fast=Timing((1.0,)), flops=2e9, rate=4e9)
    report("Training step", [comparison], "at least 6 times")
    assert "6.00" in capsys.readouterr().out
    path = tmp_path / "results" / "step.json"
    write_json(path, comparison.as_json())
    written = json.loads(path.read_text())
    assert {"plain_seconds", "fast_seconds", "ratio", "floor_seconds", "floor_ratio", "repeats"} <= written.keys()
    assert {"cpu", "cores", "torch", "bf16"} == written["machine"].keys()
    write_json(None, written)
