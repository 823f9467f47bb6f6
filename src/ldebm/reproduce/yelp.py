"""`ldebm reproduce yelp`: sentences with a sentiment that is asked for, and what that costs them.

For each row and seed: train with labels (resumable), write sentences of each label, have them judged by those who share
nothing with the model, write the row. The definitions stand in PROTOCOL and go into the result file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ldebm.evaluation.latent import mutual_information
from ldebm.evaluation.reconstruction import bleu
from ldebm.model import LDEBM
from ldebm.reproduce import yelp_language_model
from ldebm.reproduce.language_models import SECONDS
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import PAPER, stages
from ldebm.reproduce.runs import kept_figures
from ldebm.reproduce.table import add_rows
from ldebm.reproduce.yelp_setting import (
    EFFORTS,
    FULL,
    GUIDED,
    LABELS,
    ROWS,
    SVEBM,
    TAUGHT,
    folder_of,
    real_texts,
    texts_of,
    trained,
    written,
)
from ldebm.tasks import control_figures
from ldebm.tasks.control_figures import ByLabel
from ldebm.tasks.thorough_evaluation import MODES

WRONG, HELD_OUT = "real-wrong-label", "real-held-out"
AS_PUBLISHED = 1_280  # sentences that published accuracies are of
BEST_OF = 4
GUIDANCES = (1.0, 2.0, 3.0, 5.0, 8.0, 16.0, 32.0)
MOST_PERPLEXITY = 1.1  # times that of real sentences of dev
_CHOICE_SEED = 1_000  # the texts that a weight is chosen by are not those that are measured

_ACCURACIES = ("accuracy", *(f"accuracy_{label}" for label in reversed(LABELS)))
PUBLISHED = {  # recalled, unverified; by a classifier of the encoder's own family, trained on the published set
    row: dict(zip((f"{name}_{AS_PUBLISHED}" for name in _ACCURACIES), values, strict=True))
    for row, values in {SVEBM: (0.901, 0.951, 0.852), PAPER: (0.990, 0.988, 0.991)}.items()
}
_OF_TEXTS = control_figures.definitions(LABELS) | {
    f"{name}_{AS_PUBLISHED}": f"{name} of the first {AS_PUBLISHED:,} texts, as many of each label; the number that is "
    "published"
    for name in _ACCURACIES
}
PROTOCOL = {
    "guidance": f"weight of log p(label | z) in drawing latents; in rows that end in `-guided` the one of "
    f"{', '.join(f'{each:g}' for each in GUIDANCES)} whose {EFFORTS['small'].points:,} greedy texts (not those that "
    f"are measured) have the highest accuracy, of those with a label_perplexity of at most {MOST_PERPLEXITY} times "
    "that of dev's sentences; where none has, the one with the lowest",
    **{name: f"{what}; of greedy texts, {TAUGHT}" for name, what in _OF_TEXTS.items()},
    **{f"{name}_sampled": f"{name} of ancestral samples" for name in _OF_TEXTS},
    **{
        f"{name}_best": f"{name} of the best of {BEST_OF} greedy texts (language model: ancestral samples): the one "
        "with the highest p(label | text), as the row itself reads it"
        for name in _OF_TEXTS
    },
    "accuracy_reading": "share of the 1,000 test sentences whose label is the most probable one given the sentence, "
    "p(label | posterior mean) (language model: by Bayes' rule); 0 to 1",
    "mutual_information": f"I(x; y) of test sentence and label, nats; 0 to log {len(LABELS)} = "
    f"{math.log(len(LABELS)):.2f}",
    "bleu": "corpus BLEU-4 (sacrebleu, no smoothing, on words) of greedy reconstructions from the posterior mean "
    "against the test sentences; 0 to 100",
}
CHANCE = {name: 1 / len(LABELS) for name in PROTOCOL if name.startswith("accuracy")}


def reproduce(out: Path, runs: Path, seeds: int, quick: bool, jobs: int = 1, full: bool = True) -> Path:
    """Train and measure every row: at `small` with every seed, with `full` the rows of FULL once at that size as well.
    Returns the result file, `out`/yelp.json; run folders lie under `runs`.

    What was trained and measured before is read again, so that an interrupted table goes on where it was.

    Args:
        quick: 300 steps of the size `tiny`, judges of 4,000 texts a label; results to `out`/yelp-quick.json.
        jobs: models trained at a time, each on its share of the cores.
    """
    command = f"ldebm reproduce yelp --seeds {seeds}{' --quick' if quick else ''}"
    file = ResultFile(out / f"yelp{'-quick' if quick else ''}.json", command, PROTOCOL)
    plan = stages((*ROWS, *GUIDED), FULL, seeds, quick)
    for size, models, n in [stage for stage in plan if full or stage[0] != "full"]:
        real = real_texts(size, runs)
        floor = control_figures.of_real(real, EFFORTS[size].texts)
        floor |= {f"{name}{way}": value for name, value in floor.items() for way in ("_sampled", "_best")}
        file.add(WRONG, size, [control_figures.of_wrong_labels(real)], 0.0, CHANCE, floor)
        if held_out := control_figures.of_held_out(real):
            file.add(HELD_OUT, size, [held_out], 0.0, CHANCE, floor)
        runs_of, plain = dict.fromkeys(models, n), {yelp_language_model.ROW: 1}
        runs_of = runs_of | plain if size == "full" else plain | runs_of  # at `full` the rows with goals come first
        add_rows(
            file,
            size,
            runs_of,
            measured,
            folder_of,
            runs,
            jobs,
            derived=GUIDED,
            chance=CHANCE,
            floor=floor,
            published=PUBLISHED,
        )
    return file.path


def measured(row: str, size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """As `figures`; a run's guided texts are measured by the same process and kept."""
    found = figures(row, size, seed, runs)
    for guided, of in GUIDED.items():
        if of == row:
            figures(guided, size, seed, runs)
    return found


def figures(row: str, size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """The figures of one seed and the seconds of its training; a row of GUIDED has none of its own."""
    folder = folder_of(row, size, seed, runs)
    if row == yelp_language_model.ROW:
        return kept_figures(folder, PROTOCOL, folder, lambda: _of_language_model(seed, size, runs))
    of = GUIDED.get(row, row)
    model = trained(of, size, seed, runs)

    def found() -> dict[str, float]:
        guidance = chosen_guidance(model, seed, size, runs) if row in GUIDED else 1.0
        return measure(model, guidance, seed, size, runs) | {
            SECONDS: 0.0
        }  # unless the folder has a training of its own

    return kept_figures(folder, PROTOCOL, folder_of(of, size, seed, runs), found)


def measure(model: LDEBM, guidance: float, seed: int, size: str, runs: Path) -> dict[str, float]:
    """Every figure of PROTOCOL."""
    found, count = {"guidance": guidance}, EFFORTS[size].texts
    for mode, suffix in MODES:
        found |= _of_texts(written(model, count, mode, seed, guidance), suffix, size, runs)
    found |= _of_texts(written(model, count, "greedy", seed, guidance, best_of=BEST_OF), "_best", size, runs)
    test = _test_texts()
    again = [text.split() for text in model.reconstruct(test)]
    found["bleu"] = bleu(again, [text.split() for text in test])
    return found | _of_reading(model.symbol_probabilities(test))


def _of_language_model(seed: int, size: str, runs: Path) -> dict[str, float]:
    model, seconds = yelp_language_model.trained(size, runs)
    count = EFFORTS[size].texts
    found = _of_texts(yelp_language_model.written(model, count, seed), "_sampled", size, runs)
    best = yelp_language_model.best_written(model, count, BEST_OF, seed)
    found |= _of_texts(best, "_best", size, runs)
    return found | _of_reading(yelp_language_model.label_probabilities(model, _test_texts())) | {SECONDS: seconds}


def _of_texts(texts: ByLabel, suffix: str, size: str, runs: Path) -> dict[str, float]:
    real = real_texts(size, runs)
    first = real.accuracies({label: those[: AS_PUBLISHED // len(LABELS)] for label, those in texts.items()})
    found = control_figures.of_texts(texts, real) | {f"{name}_{AS_PUBLISHED}": each for name, each in first.items()}
    return {f"{name}{suffix}": value for name, value in found.items()}


def _of_reading(probabilities_NK: np.ndarray) -> dict[str, float]:
    """What p(label | text) of the test sentences says of their labels; labels are in order."""
    true_N = np.repeat(np.arange(len(LABELS)), [len(texts) for texts in texts_of("test").values()])
    return {
        "accuracy_reading": float((probabilities_NK.argmax(-1) == true_N).mean()),
        "mutual_information": mutual_information(probabilities_NK),
    }


def _test_texts() -> list[str]:
    """The test sentences, those of each label together."""
    return [text for texts in texts_of("test").values() for text in texts]


def chosen_guidance(model: LDEBM, seed: int, size: str, runs: Path) -> float:
    """The weight of GUIDANCES that PROTOCOL tells."""
    real, tried = real_texts(size, runs), {}
    for guidance in GUIDANCES:
        texts = written(model, EFFORTS[size].points, "greedy", _CHOICE_SEED + seed, guidance)
        tried[guidance] = real.accuracies(texts)["accuracy"], real.perplexity_of(texts)
    return choice(tried, MOST_PERPLEXITY * real.perplexity_of(texts_of("validation")))


def choice(tried: Mapping[float, tuple[float, float]], most: float) -> float:
    """Of weights with their accuracy and perplexity: the smallest one of the highest accuracy among those of at most so
    high a perplexity; where there are none, that of the lowest perplexity."""
    allowed = [weight for weight, (_, perplexity) in tried.items() if perplexity <= most]
    if allowed:
        return max(sorted(allowed), key=lambda weight: tried[weight][0])
    return min(tried, key=lambda weight: tried[weight][1])
