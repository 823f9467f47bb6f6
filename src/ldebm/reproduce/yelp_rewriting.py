"""Rewriting of the test sentences into the other label, beside people's rewritings and doing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ldebm.data.yelp import Rewritten, rewritings
from ldebm.evaluation.reconstruction import bleu
from ldebm.model import LDEBM
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, QUICK
from ldebm.reproduce.runs import commits_of, kept_figures
from ldebm.reproduce.yelp_setting import LABELS, TAUGHT, folder_of, real_texts, trained
from ldebm.tasks import control_figures
from ldebm.tasks.rewriting import rewrite

COPY, HUMAN, DRAWN = "copy", "human", "drawn"
_OF_TEXTS = control_figures.definitions(LABELS)
PROTOCOL = {
    "accuracy": f"share of the 1,000 test sentences that have the other label after rewriting, by "
    f"{control_figures.CLASSIFIERS['']}; 0 to 1, `{COPY}` leaves them as they are, `{HUMAN}` is people's, `{DRAWN}` is "
    f"written by `{BEST}` of the other label alone; {TAUGHT}",
    **{f"accuracy_{label}": f"accuracy of those that were asked for as {label}" for label in LABELS},
    "accuracy_second": f"accuracy, by {control_figures.CLASSIFIERS['_second']}",
    "bleu_source": "corpus BLEU-4 (sacrebleu, no smoothing, on words) against the sentences that were rewritten; 0 to "
    f"100, 100 where nothing is changed and that of `{DRAWN}` where nothing is left of them",
    "bleu_human": "the same against people's rewritings, one each",
    "label_perplexity": _OF_TEXTS["label_perplexity"],
    "perplexity_ratio": _OF_TEXTS["perplexity_ratio"],
}


def reproduce(out: Path, runs: Path, size: str) -> Path:
    """Write `out`/yelp-rewriting.json: what `ldebm-best` of a size, its first seed, makes of the sentences."""
    quick = size == QUICK
    command = f"ldebm reproduce yelp{' --quick' if quick else ''}"
    file = ResultFile(out / f"yelp-rewriting{'-quick' if quick else ''}.json", command, PROTOCOL)
    pairs = rewritings()[:: 10 if quick else 1]
    for row, texts in ((COPY, [pair.text for pair in pairs]), (HUMAN, [pair.rewritten for pair in pairs])):
        file.add(row, size, [_figures(texts, pairs, size, runs)], 0.0)
    model = trained(BEST, size, 0, runs)
    for row in (DRAWN, BEST):
        kept = folder_of(f"rewriting-{row}", size, 0, runs)
        measure = partial(_measure, row, model, pairs, size, runs)
        found = kept_figures(kept, PROTOCOL, folder_of(BEST, size, 0, runs), measure)
        file.add(row, size, [found], 0.0, commits=commits_of([kept]))
    return file.path


def _measure(row: str, model: LDEBM, pairs: Sequence[Rewritten], size: str, runs: Path) -> dict[str, float]:
    return _figures(_written(row, model, pairs), pairs, size, runs)


def _written(row: str, model: LDEBM, pairs: Sequence[Rewritten]) -> list[str]:
    """Each sentence with the other label, in their order."""
    found = [""] * len(pairs)
    for label in LABELS:
        places = [place for place, pair in enumerate(pairs) if pair.label == label]
        if row == DRAWN:
            texts = model.generate(len(places), label=_other(label))
        else:
            asked = [pairs[place].text for place in places]
            texts = [each.text for each in rewrite(model, asked, label=_other(label))]
        for place, text in zip(places, texts, strict=True):
            found[place] = text
    return found


def _figures(texts: Sequence[str], pairs: Sequence[Rewritten], size: str, runs: Path) -> dict[str, float]:
    real = real_texts(size, runs)
    by_label = {
        _other(label): [text for text, pair in zip(texts, pairs, strict=True) if pair.label == label]
        for label in LABELS
    }
    perplexity, words = real.perplexity_of(by_label), [text.split() for text in texts]
    found = real.accuracies(by_label) | real.accuracies(by_label, "_second")
    found |= {
        "bleu_source": bleu(words, [pair.text.split() for pair in pairs]),
        "bleu_human": bleu(words, [pair.rewritten.split() for pair in pairs]),
        "label_perplexity": perplexity,
        "perplexity_ratio": perplexity / real.perplexity,
    }
    return {name: value for name, value in found.items() if name in PROTOCOL}


def _other(label: str) -> str:
    [other] = (each for each in LABELS if each != label)
    return other
