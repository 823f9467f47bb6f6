"""Completion on the Penn Treebank's test sentences and on held-out reviews: `results/ptb-completion.json`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.corpora import load_corpus
from ldebm.evaluation.language_model import LanguageModel
from ldebm.model import LDEBM
from ldebm.presets import load_preset
from ldebm.reproduce import language_models, ptb_language_model
from ldebm.reproduce.language_models import EPOCHS
from ldebm.reproduce.ptb_setting import config_of, folder_of
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, BY_DIRECTIONS, LENGTHS, QUICK
from ldebm.reproduce.runs import kept_figures, train_once
from ldebm.tasks import completion_figures

SETS = {
    "ptb": "the Penn Treebank's test split",
    "reviews": "the reviews' validation split, which chose the models' epochs",
}
TEXTS, QUICK_TEXTS = 150, 20
# An encoder that reads texts with blanks, and a latent that the words at hand tell; chosen on validation (docs/log.md).
SETTINGS = ("model.encoder.word_dropout=0.2", "training.rate_weight=0.3", "training.epochs=12")

PROTOCOL = {
    f"{what}_{name}": f"{definition}; {TEXTS} texts of {called}; `{BEST}` with {' '.join(SETTINGS)}; "
    "the row `posterior` is the same model without refinement"
    for name, called in SETS.items()
    for what, definition in completion_figures.DEFINITIONS.items()
}


def reproduce(out: Path, runs: Path, quick: bool) -> Path:
    """Measure (and train, where that has not been done) the model and the language model of its decoder's size on both
    sets. Returns the result file; run folders lie under `runs`, those of the Penn Treebank table among them."""
    command, size = f"ldebm reproduce ptb{' --quick' if quick else ''}", QUICK if quick else "small"
    file = ResultFile(out / f"ptb-completion{'-quick' if quick else ''}.json", command, PROTOCOL)
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

    of = folder_of(_row(name), size, 0, runs)
    return kept_figures(folder_of(f"completion-{name}", size, 0, runs), PROTOCOL, of, measured)


def _trained(name: str, runs: Path, size: str) -> tuple[LDEBM, Mapping[str, list[str]]]:
    """The model of a set, and the set's texts by split."""
    settings = SETTINGS + BY_DIRECTIONS + (LENGTHS[QUICK] if size == QUICK else ())
    corpus = load_corpus(name)
    config = config_of(BEST, size, 0, settings) if name == "ptb" else load_preset(f"best-{size}", settings)
    model = LDEBM.from_pretrained(train_once(config, corpus, folder_of(_row(name), size, 0, runs)))
    splits = {"train": corpus.train, "validation": corpus.validation, "test": corpus.test or corpus.validation}
    return model, {split: texts["text"][:] for split, texts in splits.items()}


def _row(name: str) -> str:
    return f"{BEST}-blanks-{name}"


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
