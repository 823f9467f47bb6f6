"""The two-dimensional data sets of the LDEBM paper, with their exact densities. N points, K components.

Each is a mixture of K components of equal weight, and a component is the image of a standard normal in the plane: so a
component's standard deviations are counted in that normal's coordinates, and 1 - exp(-4.5) = 0.9889 of a component's
points lie within three of them.
"""

import itertools
import math
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

BLOCK = 4096  # points that are worked on at a time


class Density(ABC):
    """A mixture of `components` equally probable components. Methods on points raise ValueError where these are not
    [N, 2] and finite."""

    name: str
    components: int

    def sample(self, n: int, generator: np.random.Generator) -> tuple[npt.NDArray[np.float32], Integers]:
        """n independent points [n, 2] and the components [n] that they were drawn from, 0 to K - 1."""
        component_N = generator.integers(self.components, size=n)
        points_N2 = self._placed(generator.standard_normal((n, 2)), component_N)
        return points_N2.astype(np.float32), component_N

    def log_density(self, points_N2: npt.NDArray[np.floating]) -> Floats:
        """The log density [N] of the mixture, exact, in nats."""
        log_density_NK, _ = self._all_components(points_N2)
        return logsumexp(log_density_NK, axis=1) - math.log(self.components)

    def component(self, points_N2: npt.NDArray[np.floating]) -> Integers:
        """The most probable component [N] of each point, 0 to K - 1."""
        log_density_NK, _ = self._all_components(points_N2)
        return log_density_NK.argmax(axis=1)

    def distance(self, points_N2: npt.NDArray[np.floating]) -> Floats:
        """Distance [N] to the centre of the most probable component, in its standard deviations (Mahalanobis).

        Data lie within three of them a little more often than 0.9889: a point that strayed far from its own component
        may be near to another.
        """
        log_density_NK, distance_NK = self._all_components(points_N2)
        return np.take_along_axis(distance_NK, log_density_NK.argmax(axis=1)[:, None], axis=1)[:, 0]

    def _all_components(self, points_N2: npt.NDArray[np.floating]) -> tuple[Floats, Floats]:
        p_N2: Floats = np.asarray(points_N2).astype(np.float64)
        if p_N2.ndim != 2 or p_N2.shape[1] != 2:
            raise ValueError(f"needs points in the plane, [N, 2], got an array of shape {p_N2.shape}")
        if not np.isfinite(p_N2).all():
            raise ValueError("needs finite points, some coordinates are infinite or not a number")
        starts = range(0, max(len(p_N2), 1), BLOCK)  # a block even where there are no points
        blocks = [self._components(p_N2[start : start + BLOCK]) for start in starts]
        return np.concatenate([block[0] for block in blocks]), np.concatenate([block[1] for block in blocks])

    @abstractmethod
    def _placed(self, noise_N2: Floats, component_N: Integers) -> Floats:
        """Where each component puts its standard normal noise."""

    @abstractmethod
    def _components(self, points_N2: Floats) -> tuple[Floats, Floats]:
        """Each component's log density [N, K], without its weight, and the distance [N, K] to its centre.

        Minus infinity and infinity are allowed where other components outweigh it beyond counting.
        """


class Gaussians(Density):
    """16 round Gaussians on a 4 x 4 grid, 7.54 apart, of standard deviation 1.41."""

    name = "gaussians"
    components = 16
    scale = 4 / 1.414
    deviation = 0.5 * scale
    centres_K2 = scale * 4 * np.array(list(itertools.product((1, 1 / 3, -1 / 3, -1), repeat=2)))

    def _placed(self, noise_N2: Floats, component_N: Integers) -> Floats:
        return self.centres_K2[component_N] + self.deviation * noise_N2

    def _components(self, points_N2: Floats) -> tuple[Floats, Floats]:
        noise_NK2 = (points_N2[:, None] - self.centres_K2) / self.deviation
        distance_NK = np.linalg.norm(noise_NK2, axis=2)
        return -(distance_NK**2) / 2 - math.log(2 * math.pi * self.deviation**2), distance_NK


class Pinwheel(Density):
    """10 arms, each a Gaussian of features f about (1, 0), turned about the origin by an angle that grows with f_0.

    An arm turns f by 2 pi k / K + rate exp(f_0), clockwise, and scales it. In polar coordinates f = (r, phi) goes to
    the same r and the angle phi - rate exp(r cos phi) - 2 pi k / K. The derivative of that by phi,
    1 + rate exp(f_0) f_1, is the map's Jacobian determinant, the scale apart: it is not constant, and below f_1 =
    -exp(-f_0) / rate (5.9 standard deviations out where it is nearest) the plane is folded over, so that a point can
    come from several f of an arm. Its density is the sum over them; two that meet right at a fold, where the
    determinant is within 0.05 of 0, may be overlooked, which one data point in 10^8 is near enough to.
    """

    name = "pinwheel"
    components = 10
    scale = 8.0
    centre = 1.0
    deviations = (0.3, 0.1)  # radial, tangential
    rate = 0.25
    # The angle grows no further from here on, 13 standard deviations out: no sample gets there, and a point far away
    # would have exponentially many origins.
    last_twist = 5.0
    # Where the origins of a point are bracketed: close enough that no two lie between neighbours, but at a fold.
    scan_G = np.linspace(-1, 1, 241)
    halvings = 36

    def _placed(self, noise_N2: Floats, component_N: Integers) -> Floats:
        f0_N, f1_N = self.centre + self.deviations[0] * noise_N2[:, 0], self.deviations[1] * noise_N2[:, 1]
        angle_N = 2 * math.pi / self.components * component_N + self._twist(f0_N)
        cos_N, sin_N = np.cos(angle_N), np.sin(angle_N)
        return self.scale * np.stack([f0_N * cos_N + f1_N * sin_N, f1_N * cos_N - f0_N * sin_N], axis=1)

    def _components(self, points_N2: Floats) -> tuple[Floats, Floats]:
        radius_N = np.linalg.norm(points_N2, axis=1) / self.scale
        point_R, arm_R, angle_R = self._origins(radius_N, np.arctan2(points_N2[:, 1], points_N2[:, 0]))
        f0_R, f1_R = radius_N[point_R] * np.cos(angle_R), radius_N[point_R] * np.sin(angle_R)
        distance_R = np.hypot((f0_R - self.centre) / self.deviations[0], f1_R / self.deviations[1])
        determinant_R = 1 + np.where(f0_R < self.last_twist, self._twist(f0_R), 0) * f1_R
        unit = 2 * math.pi * math.prod(self.deviations) * self.scale**2
        with np.errstate(divide="ignore"):  # on a fold itself the density is infinite
            log_density_R = -(distance_R**2) / 2 - np.log(np.abs(determinant_R)) - math.log(unit)

        log_density_NK = np.full((len(points_N2), self.components), -np.inf)
        distance_NK = np.full((len(points_N2), self.components), np.inf)
        np.logaddexp.at(log_density_NK, (point_R, arm_R), log_density_R)
        np.minimum.at(distance_NK, (point_R, arm_R), distance_R)
        return log_density_NK, distance_NK

    def _origins(self, radius_N: Floats, direction_N: Floats) -> tuple[Integers, Integers, Floats]:
        """The R origins of the points: for each its point [R], its arm [R] and the angle phi [R] of its f.

        With an arm for every K-th of a turn, the origins under all arms are where the image's angle less the point's,
        counted in K-ths of a turn, is a whole number: the arm's, and K for every full turn. Origins far off the axis
        are left out: one near the axis outweighs them by exp(20) and more.
        """
        arms_a_radian = self.components / (2 * math.pi)

        def arm(angle: Floats, radius: Floats, direction: Floats) -> Floats:
            return (angle - self._twist(radius * np.cos(angle)) - direction) * arms_a_radian

        # As far as an arc of length 5, and at least the spacing of two arms to each side: an origin lies between.
        widest_N = np.clip(5 / np.maximum(radius_N, 0.1), 1 / arms_a_radian, math.pi)
        angle_NG = widest_N[:, None] * self.scan_G
        below_NG = np.floor(arm(angle_NG, radius_N[:, None], direction_N[:, None]))
        point_R, interval_R = np.nonzero(np.diff(below_NG, axis=1))
        low_R, high_R = angle_NG[point_R, interval_R], angle_NG[point_R, interval_R + 1]
        low_below_R, high_below_R = below_NG[point_R, interval_R], below_NG[point_R, interval_R + 1]
        arm_R = np.maximum(low_below_R, high_below_R)
        rising_R = high_below_R > low_below_R
        radius_R, direction_R = radius_N[point_R], direction_N[point_R]
        for _ in range(self.halvings):
            middle_R = (low_R + high_R) / 2
            behind_R = (arm(middle_R, radius_R, direction_R) >= arm_R) == rising_R
            low_R, high_R = np.where(behind_R, low_R, middle_R), np.where(behind_R, middle_R, high_R)
        return point_R, arm_R.astype(np.int64) % self.components, (low_R + high_R) / 2

    def _twist(self, f0: Floats) -> Floats:
        return self.rate * np.exp(np.minimum(f0, self.last_twist))


DENSITIES: dict[str, Density] = {density.name: density for density in (Gaussians(), Pinwheel())}
