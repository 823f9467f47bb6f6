"""What the tables of texts share: sizes and lengths of their runs, and the priors that are compared."""

from __future__ import annotations

from collections.abc import Iterable

QUICK = "tiny"  # the size of `--quick`
LENGTHS = {
    QUICK: ("training.epochs=1", "training.max_steps=300"),
    "small": ("training.epochs=4",),
    "full": (),
}  # of every row's training
WITHOUT_ENERGY = ("training.clustering_weight=0", "training.information_weight=0")

# What symbols are clusters of: of what texts are about, or of where latents lie.
BY_WORDS, BY_DIRECTIONS = ("training.clustering_by=words",), ("training.clustering_by=directions",)

BEST, PAPER = "ldebm-best", "ldebm-paper"
PRIORS: dict[str, tuple[str, ...]] = {
    "gaussian": ("model.prior.kind=gaussian", *WITHOUT_ENERGY),
    "svebm": ("model.prior.kind=symbol_vector", *WITHOUT_ENERGY),
    "svebm-ib": ("model.prior.kind=symbol_vector", "training.clustering_weight=0"),
    "ldebm-no-clustering": ("training.clustering_weight=0",),
    BEST: (),
}
FULL = (BEST, "gaussian", "svebm-ib", "ldebm-no-clustering")  # the rows that carry the claim, that with goals first

Stage = tuple[str, tuple[str, ...], int]


def stages(rows: Iterable[str], full: Iterable[str], seeds: int, quick: bool) -> tuple[Stage, ...]:
    """Size, rows and number of seeds of each stage of a table: all rows `small` with every seed, then `full` once."""
    return ((QUICK, tuple(rows), 1),) if quick else (("small", tuple(rows), seeds), ("full", tuple(full), 1))
