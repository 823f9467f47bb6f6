"""The way out of noise ends at what the model generates."""

import pytest

from ldebm.tasks.chains import LEAST, chains
from tests import tiny


def test_each_chain_has_a_stage_a_level_and_ends_at_the_text_that_is_generated():
    model = tiny.model().eval()
    found = chains(model, 3, seed=5)
    assert [[stage.level for stage in chain] for chain in found] == [[2, 1, 0]] * 3
    assert [chain[-1].text for chain in found] == model.generate(3, seed=5)
    for stage in (stage for chain in found for stage in chain):
        probabilities = [p for _, p in stage.symbols]
        assert probabilities == sorted(probabilities, reverse=True) and min(probabilities) >= LEAST
        assert sum(probabilities) == pytest.approx(1, abs=4 * LEAST)


@pytest.mark.parametrize("kind", ["gaussian", "symbol_vector"])
def test_a_prior_without_levels_has_no_chains(kind):
    assert chains(tiny.model(f"model.prior.kind={kind}"), 2) == []
