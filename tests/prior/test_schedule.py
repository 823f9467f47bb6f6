"""The noise schedule against the published table and against its own algebra."""

import pytest
import torch

from ldebm.prior.schedule import NoiseSchedule

# paper.md A.2, T = 6: a, sigma, their products
TABLE = [
    (0.999950, 0.010000, 0.999950, 0.010000),
    (0.946167, 0.323680, 0.946119, 0.323818),
    (0.856290, 0.516495, 0.810152, 0.586219),
    (0.774796, 0.632211, 0.627703, 0.778453),
    (0.700918, 0.713242, 0.439968, 0.898013),
    (0.633956, 0.773369, 0.278921, 0.960314),
    (0.022776, 0.999741, 0.006353, 0.999980),
]


def test_six_levels_are_the_published_table():
    schedule = NoiseSchedule(6, noise_at_zero=True)
    found = torch.stack([schedule.a, schedule.sigma, schedule.a_total, schedule.sigma_total], 1)
    assert torch.allclose(found, torch.tensor(TABLE), atol=1.1e-6)


@pytest.mark.parametrize("levels", [2, 3, 6, 10])
@pytest.mark.parametrize("noise_at_zero", [True, False])
def test_variance_is_preserved_and_products_agree(levels, noise_at_zero):
    schedule = NoiseSchedule(levels, noise_at_zero)
    assert schedule.levels == levels
    assert torch.allclose(schedule.a**2 + schedule.sigma**2, torch.ones(levels + 1), atol=1e-6)
    assert torch.allclose(schedule.a.cumprod(0), schedule.a_total, atol=1e-6)
    if not noise_at_zero:
        assert schedule.a_total[0] == 1 and schedule.sigma_total[0] == 0


def test_two_steps_of_the_process_are_one_longer_step():
    schedule = NoiseSchedule(4, noise_at_zero=False)
    torch.manual_seed(0)
    z = torch.full((200_000, 1), 2.0)
    level = torch.full((len(z),), 1)
    stepped = schedule.step(schedule.diffuse(z, level, torch.randn_like(z)), level, torch.randn_like(z))
    jumped = schedule.diffuse(z, level + 1, torch.randn_like(z))
    assert float(stepped.mean()) == pytest.approx(float(jumped.mean()), abs=0.01)
    assert float(stepped.var()) == pytest.approx(float(jumped.var()), rel=0.02)


def test_one_level_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        NoiseSchedule(1, noise_at_zero=True)
