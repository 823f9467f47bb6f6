"""Schedules as pure functions of the step."""

import pytest

from ldebm.presets import load_preset
from ldebm.training.schedules import encoder_share, learning_rate_factor, rate_weight


def training(*settings):
    return load_preset("paper-tiny", [f"training.{setting}" for setting in settings]).training


def test_constant_is_constant():
    config = training("rate_weight=0.3")
    assert [learning_rate_factor(config, step, 100) for step in (0, 50, 100)] == [1.0, 1.0, 1.0]
    assert [rate_weight(config, step) for step in (0, 99)] == [0.3, 0.3]
    assert encoder_share(config, 0) == 1.0


def test_cosine_falls_from_one_to_a_twentieth_after_its_warm_up():
    config = training("learning_rate_schedule=cosine", "warm_up_steps=10")
    assert learning_rate_factor(config, 0, 1000) == pytest.approx(0.1)
    factors = [learning_rate_factor(config, step, 1000) for step in range(10, 1001)]
    assert factors == sorted(factors, reverse=True)
    assert factors[0] == pytest.approx(1.0, abs=1e-3) and factors[-1] == pytest.approx(0.05)
    assert learning_rate_factor(config, 500, 1000) == pytest.approx(0.525, abs=1e-3)


def test_warm_up_of_the_rate():
    config = training("rate_weight=0.2", "rate_schedule=warm-up", "rate_steps=10")
    assert rate_weight(config, 4) == pytest.approx(0.1)
    assert rate_weight(config, 9) == rate_weight(config, 1000) == pytest.approx(0.2)


def test_cycles_are_zero_for_half_rise_for_a_quarter_and_hold():
    config = training("rate_weight=1.0", "rate_schedule=cyclical", "rate_steps=100")
    assert [rate_weight(config, step) for step in (0, 49, 50, 62, 75, 99, 100)] == pytest.approx(
        [0, 0, 0, 0.48, 1, 1, 0]
    )


def test_the_energy_pulls_the_encoder_later():
    config = training("encoder_share_from=10", "encoder_share_to=20")
    assert [encoder_share(config, step) for step in (0, 10, 15, 20, 99)] == [0.0, 0.0, 0.5, 1.0, 1.0]
