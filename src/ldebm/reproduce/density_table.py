"""docs/densities.md: the result files of the synthetic sets as tables, their definitions, and the figures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ldebm.files import write_atomically
from ldebm.reproduce.markdown import definitions, made_by, table

# Result name -> heading and format. The first table is about samples, the second about symbols and the density.
SAMPLES = {
    "energy_distance_ratio": ("energy distance, multiples of its floor", ".2f"),
    "sliced_wasserstein": ("sliced Wasserstein-2", ".3f"),
    "within_3sd": ("within 3 sd", ".1%"),
    "weights_total_variation": ("weights, total variation", ".3f"),
    "components_covered": ("components covered", ".1f"),
    "squared_error": ("squared error of reconstruction", ".3f"),
}
SYMBOLS = {
    "ami_component": ("adjusted mutual information", ".3f"),
    "homogeneity_component": ("homogeneity", ".3f"),
    "completeness_component": ("completeness", ".3f"),
    "bracket_covers_grid": ("bracket holds the grid (first seed)", ".0%"),
    "bracket_width": ("its width, nats", ".3f"),
    "estimated_integral": ("integral of the estimate (first seed)", ".3f"),
    "sample_density_gap": ("log density of samples less exact ones' (first seed)", ".3f"),
}
GOALS = {
    "energy_distance_ratio": "at most 2, and the least of SVEBM-IB's, LDEBM's without clustering and its own",
    "within_3sd": "97 % (Gaussians)",
    "weights_total_variation": "at most 0.05",
    "components_covered": "all",
    "ami_component": "0.95 (Gaussians), 0.90 (pinwheel)",
    "bracket_covers_grid": "95 %",
    "bracket_width": "at most 0.05",
    "estimated_integral": "0.98 to 1.02",
}
FIGURES = {
    "figure-2.png": "Densities: data, x decoded from posterior z, x decoded from prior z, posterior z, prior z; a "
    "row a model (the paper's Figure 2).",
    "figure-3.png": "Points and their latents by true component, and by discovered symbol (Figure 3).",
    "density.png": "The learned density exp(log p), by quadrature, beside 10,000 samples of the prior.",
    "figure-a1.png": "p(y | z_t) along eight chains, from noise to latent: when the symbol is decided (Figure A1).",
    "figure-a2.png": "Prior samples as training goes on (Figure A2).",
    "figure-a2.webp": "The same as an animation.",
}


def write_page(page: Path, results: Sequence[Path], pictures: Path) -> None:
    """Write `page` from result files as `reproduce` leaves them and the pictures drawn into `pictures`."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in results]
    link = os.path.relpath(pictures, page.parent)
    parts = [
        "# Densities one can see",
        "Two sets of points in the plane, five priors behind one encoder and decoder. Figures are means over seeds "
        "± their standard deviation; `data` is what data score against data, `chance` what random symbols score "
        "whose clusters are as large as the full model's.",
        made_by(found[0], results),
    ]
    for each in found:
        name = each["name"].removeprefix("densities-").removesuffix("-quick")
        stem = f"quick-{name}" if each["name"].endswith("-quick") else name
        parts += [
            f"## {name.capitalize()}",
            table(each["rows"], SAMPLES, "data", GOALS, "at most 600"),
            table(each["rows"], SYMBOLS, "data", GOALS),
        ]
        for file, what in FIGURES.items():
            if (pictures / f"{stem}-{file}").exists():
                parts += [what, f"![{what}]({link}/{stem}-{file})"]
    parts.append("## What the columns mean")
    parts.append(definitions(found[0]["protocol"]))
    write_atomically(page, "\n\n".join(parts) + "\n")
