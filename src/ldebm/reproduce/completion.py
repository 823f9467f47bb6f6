"""Completion on the Penn Treebank's test sentences and on held-out reviews: `results/completion.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.corpora import load_corpus
from ldebm.evaluation.language_model import LanguageModel
from ldebm.model import LDEBM
from ldebm.presets import load_preset
from ldebm.reproduce import language_models, ptb_curves, ptb_language_model
from ldebm.reproduce.language_models import EPOCHS
from ldebm.reproduce.ptb_setting import folder_of, texts_of
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, QUICK
from ldebm.reproduce.runs import kept_figures, train_once
from ldebm.tasks import completion_figures

SETS = {
    "ptb": "the Penn Treebank's test split",
    "reviews": "the reviews' validation split, which chose the models' epochs",
}
TEXTS, QUICK_TEXTS = 250, 20
REVIEW_EPOCHS = 10
# Weight of the rate and free nats: a latent that the words at hand tell; chosen on validation (docs/log.md).
POINT = (1.0, 0.0)

PROTOCOL = {
    f"{what}_{name}": f"{definition}; {TEXTS} texts of {called}; `{BEST}` with a weight of {POINT[0]:g} of its rate; "
    "the row `posterior` is the same model without refinement"
    for name, called in SETS.items()
    for what, definition in completion_figures.DEFINITIONS.items()
}


def reproduce(out: Path, runs: Path, quick: bool) -> Path:
    """Measure (and train, where that has not been done) the model and the language model of its decoder's size on both
    sets. Returns the result file; run folders lie under `runs`, those of the Penn Treebank table among them."""
    command, size = f"ldebm reproduce ptb{' --quick' if quick else ''}", QUICK if quick else "small"
    file = ResultFile(out / f"completion{'-quick' if quick else ''}.json", command, PROTOCOL)
    found = {name: _figures(name, runs, size) for name in SETS}
    for row in completion_figures.ROWS:
        figures = {
            f"{what}_{name}": found[name][f"{row} {what}"] for name in SETS for what in completion_figures.DEFINITIONS
        }
        file.add(row, size, [figures], 0.0)
    return file.path


def _figures(name: str, runs: Path, size: str) -> dict[str, float | None]:
    """Of every row, by "row metric"; kept in a folder of their own."""

    def measured() -> dict[str, float]:
        model, texts = _trained(name, runs, size)
        language_model = _language_model(name, model, texts, runs, size)
        ids = model.tokenizer.encode(texts["test"], model.config.data.max_length)
        blanks = completion_figures.with_blanks(ids[: QUICK_TEXTS if size == QUICK else TEXTS])
        found = completion_figures.compare(model, language_model, blanks)
        return {f"{row} {what}": value for row, each in found.items() for what, value in each.items()}

    of = _point(runs, size) if name == "ptb" else folder_of(name, size, 0, runs)
    return kept_figures(folder_of(f"completion-{name}", size, 0, runs), PROTOCOL, of, measured)


def _trained(name: str, runs: Path, size: str) -> tuple[LDEBM, Mapping[str, list[str]]]:
    """The model of a set, and the set's texts by split."""
    if name == "ptb":
        model = LDEBM.from_pretrained(_point(runs, size))
        return model, {split: texts_of(split) for split in ("train", "validation", "test")}
    corpus, folder = load_corpus("reviews"), folder_of("reviews", size, 0, runs)
    epochs = 1 if size == QUICK else REVIEW_EPOCHS
    settings = [f"training.epochs={epochs}", f"training.rate_weight={POINT[0]}", f"training.free_nats={POINT[1]}"]
    train_once(load_preset(f"best-{size}", settings), corpus, folder)
    held_out = corpus.validation["text"][:]  # it chose the epoch, of both models
    return LDEBM.from_pretrained(folder), {"train": corpus.train["text"][:], "validation": held_out, "test": held_out}


def _point(runs: Path, size: str) -> Path:
    """The run folder of the frontier's LDEBM at POINT, trained where it has not been."""
    return ptb_curves.train_point(BEST, *POINT, size == QUICK, runs)


def _language_model(name: str, model: LDEBM, texts: Mapping[str, list[str]], runs: Path, size: str) -> LanguageModel:
    """A language model of the decoder's size over the model's tokens; that of the Penn Treebank is the table's."""
    if name == "ptb":
        return ptb_language_model.trained(size, runs)[0]

    def corpora() -> tuple[TokenizedCorpus, TokenizedCorpus]:
        longest = model.config.data.max_length
        training, validation = (
            TokenizedCorpus.of_texts(texts[split], model.tokenizer, longest) for split in ("train", "validation")
        )
        return training, validation

    folder, decoder = folder_of(f"language-model-{name}", size, 0, runs), model.config.model.decoder
    epochs = 1 if size == QUICK else EPOCHS
    return language_models.trained(folder, decoder, len(model.tokenizer), model.device, corpora, epochs)[0]
