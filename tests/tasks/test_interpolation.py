"""The way between two texts: its ends, its course, and the energy on it against the closed form of a Gaussian."""

import math

import numpy as np
import pytest

from ldebm.errors import DataError
from ldebm.tasks.interpolation import great_circle, interpolate
from tests import tiny

ENDS = "the food was great", "this phone broke yesterday"


def test_the_ends_are_the_two_texts_as_the_model_reads_them():
    model = tiny.model().eval()
    way = interpolate(model, *ENDS, places=5)
    assert len(way) == 5
    assert [way[0].text, way[-1].text] == model.reconstruct(ENDS)
    assert [way[0].symbol, way[-1].symbol] == model.symbol_probabilities(ENDS).argmax(-1).tolist()


def test_the_energy_under_a_gaussian_prior_is_its_negative_log_density():
    model = tiny.model("model.prior.kind=gaussian").eval()
    way = interpolate(model, *ENDS, places=3)
    z_ND = great_circle(*model.encode(ENDS), 3)
    exact_N = 0.5 * (z_ND**2 + math.log(2 * math.pi)).sum(-1)
    assert [place.energy_low for place in way] == pytest.approx(exact_N, abs=1e-4)
    assert [place.energy_high for place in way] == pytest.approx(exact_N, abs=1e-4)


def test_the_energy_under_a_learned_prior_is_a_bracket():
    way = interpolate(tiny.model().eval(), *ENDS, places=3)
    assert all(place.energy_low < place.energy_high for place in way)


def test_a_prior_without_a_density_gives_no_energy():
    model = tiny.model(preset="paper-tiny").eval()
    assert {(place.energy_low, place.energy_high) for place in interpolate(model, *ENDS, places=3)} == {(None, None)}


def test_a_great_circle_turns_and_grows_evenly():
    first, second = np.array([2.0, 0.0, 0.0]), np.array([0.0, 4.0, 0.0])
    way = great_circle(first, second, 4)
    assert np.allclose(np.linalg.norm(way, axis=1), [2, 8 / 3, 10 / 3, 4])
    assert np.allclose(np.degrees(np.arctan2(way[:, 1], way[:, 0])), [0, 30, 60, 90])


@pytest.mark.parametrize("second", [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
def test_where_no_circle_is_told_apart_the_way_is_straight(second):
    way = great_circle(np.array([1.0, 0.0]), np.array(second), 3)
    assert np.allclose(way, np.linspace([1.0, 0.0], second, 3))


def test_a_way_has_two_ends():
    with pytest.raises(DataError, match="received 1 places"):
        interpolate(tiny.model(), *ENDS, places=1)
