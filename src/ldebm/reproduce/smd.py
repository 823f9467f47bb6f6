"""`ldebm reproduce smd`: responses in the dialogues of SMD and of DailyDialog, and what symbols do to them.

For each row and seed: train (resumable), answer every test turn's context, compare with the true turns, read the turns'
symbols. The definitions stand in `protocol` and go into the result files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from ldebm.data.batches import DialogueBatch, TokenizedDialogues, in_order
from ldebm.data.dialogues import Dialogue, turns_of
from ldebm.data.library import corpus_files
from ldebm.data.tokenizer import Tokenizer
from ldebm.dialogue_model import DialogueModel
from ldebm.evaluation.fluency import known_share
from ldebm.evaluation.language_model import Recipe, cross_entropy
from ldebm.evaluation.word_vectors import Vectors, read_vectors
from ldebm.model import never_written
from ldebm.reproduce import language_models
from ldebm.reproduce.dialogue_setting import (
    BASELINE,
    BASELINE_EPOCHS,
    CORPORA,
    EFFORTS,
    QUICK_EFFORT,
    VECTORS,
    config_of,
    corpus,
    effort_of,
    folder_of,
    stages_of,
    test_dialogues,
    tested_examples,
)
from ldebm.reproduce.response_figures import NEARNESS, OF_BEST, STEERINGS, SYMBOLS, TRIPLE, nearness, of_symbols
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, QUICK
from ldebm.reproduce.runs import kept_figures, train_once
from ldebm.reproduce.sequence_to_sequence import SequenceToSequence
from ldebm.reproduce.table import add_rows
from ldebm.tasks import likelihood_figures
from ldebm.tasks.responding import HEARD, by_consensus, candidates
from ldebm.training.run import resolve
from ldebm.training.validation import validate

PUBLISHED = {  # recalled, unverified; with other word vectors
    "svebm-ib": {"bleu_with_speaker": 12.01, "average": 80.88, "extrema": 51.35, "greedy": 67.12},
    "ldebm-no-clustering": {"bleu_with_speaker": 11.44, "average": 80.16, "extrema": 51.26, "greedy": 66.51},
    BEST: {"bleu_with_speaker": 11.51, "average": 80.88, "extrema": 51.57, "greedy": 67.13},
}
_VALIDATED = ("reconstruction", "rate", "gain", "gain_low")
_OF_BEST = ("bleu", "average", "extrema", "greedy")


def protocol(name: str) -> dict[str, str]:
    """What the figures on a corpus are."""
    effort, quick = EFFORTS[name], QUICK_EFFORT
    return {
        **NEARNESS,
        **{
            f"{each}_best": f"{each} {OF_BEST}; of {effort.drawn} (quick: {quick.drawn}), each greedy from a latent of "
            "its own, without a latent each an ancestral sample"
            for each in _OF_BEST
        },
        "nll_bound": f"upper bound of -log p(turn | context), nats a turn, by importance weighting with "
        f"{effort.samples} posterior samples (quick: {quick.samples}), every normaliser from "
        f"{likelihood_figures.PARTICLES} particles so that 1 / Z is unbiased; exact without a latent",
        "nll_bound_low": "the same with normalisers estimated so that Z is unbiased: lower in expectation; the "
        "difference says how much the normalisers' estimates matter",
        "reconstruction": "-log p(turn | z, context), nats a turn, z from the posterior",
        "rate": "KL of posterior and learned conditional prior, nats a turn, by the middle of the gain's bracket",
        "gain": "what the energy saves over the prior's Gaussian (conditional; SVEBM-IB: N(0, I)), nats a turn, from "
        "above",
        "gain_low": "the same from below",
        **SYMBOLS,
    }


def reproduce(out: Path, runs: Path, seeds: int, quick: bool, jobs: int = 1) -> tuple[Path, Path]:
    """Train and measure every row on SMD: at `small` with every seed, the rows of FULL once at `full` as well; then
    every row on DailyDialog once. Returns the result files, `out`/smd.json and `out`/smd-dailydialog.json; run folders
    lie under `runs`.

    What was trained and measured before is read again, so that an interrupted table goes on where it was.

    Args:
        quick: 200 steps of the size `tiny`; results to files of their own.
        jobs: models trained at a time, each on its share of the cores.
    """
    command = f"ldebm reproduce smd --seeds {seeds}{' --quick' if quick else ''}"
    suffix = "-quick" if quick else ""
    files = []
    for name, of in zip(CORPORA, ("", "-dailydialog"), strict=True):
        file = ResultFile(out / f"smd{of}{suffix}.json", command, protocol(name))
        of_one, folder = partial(figures, name), partial(folder_of, name)
        published = PUBLISHED if name == "smd" else None
        for size, models, n in stages_of(name, seeds, quick):
            seeds_of, floor = dict.fromkeys(models, n), floors(name, size)
            add_rows(file, size, seeds_of, of_one, folder, runs, jobs, floor=floor, published=published)
        files.append(file.path)
    first, second = files
    return first, second


def floors(name: str, size: str) -> dict[str, float]:
    """What true turns in another order score: the responses to other contexts."""
    tokenizer, examples = _tokenizer(name), tested_examples(name, size)
    true = [tokenizer.words(example.turns[-1].text) for example in examples]
    order = np.random.default_rng(0).permutation(len(true))
    known = known_share(true, map(tokenizer.words, corpus(name).train["text"]), TRIPLE)
    speakers = [each.turns[-1].speaker for each in examples]
    return nearness([true[row] for row in order], true, speakers, vectors(name)) | {
        f"known_triples{way.suffix}": known for way in STEERINGS
    }


@cache
def vectors(name: str) -> Vectors:
    """Those of a corpus' words."""
    [path] = corpus_files(name, "word2vec", [VECTORS[name]])
    return read_vectors(path)


def figures(name: str, row: str, size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """The figures of one seed and the seconds of its training."""
    folder = folder_of(name, row, size, seed, runs)
    if row == BASELINE:
        return kept_figures(folder, protocol(name), folder, lambda: _of_baseline(name, size, seed, folder))
    model = trained(name, row, size, seed, runs)
    return kept_figures(folder, protocol(name), folder, lambda: _of_model(model, name, size, seed))


def trained(name: str, row: str, size: str, seed: int, runs: Path) -> DialogueModel:
    """The row's model: read where it has been trained, else trained. Raises RunError as `train_once`."""
    folder = folder_of(name, row, size, seed, runs)
    return DialogueModel.from_pretrained(train_once(config_of(name, row, size, seed), corpus(name), folder))


def _of_model(model: DialogueModel, name: str, size: str, seed: int) -> dict[str, float]:
    examples, effort = tested_examples(name, size), effort_of(name, size)
    contexts = [example.turns[:-1] for example in examples]
    speakers = [example.turns[-1].speaker for example in examples]
    words = model.tokenizer.words
    one = [words(text) for text in model.respond(contexts, speakers, seed=seed)]
    best = [words(texts[0]) for texts in candidates(model, contexts, speakers, effort.drawn, seed=seed)]
    with model.evaluating(torch.float32):
        validated = validate(model, _tokenized(name, size, "test", seed, model.tokenizer), seed)
    found = _near(one, best, examples, model.tokenizer, name) | {
        each: validated[each] for each in _VALIDATED if each in validated
    }
    bounds = likelihood_figures.of_texts(model, examples, effort.samples, seed=seed)
    found |= {each: bounds[each] for each in ("nll_bound", "nll_bound_low")}
    if not model.has_symbols:
        return found
    training = [words(text) for text in corpus(name).train["text"]]
    return found | of_symbols(model, examples, training, effort.contexts, effort.steered, seed)


def _of_baseline(name: str, size: str, seed: int, folder: Path) -> dict[str, float]:
    tokenizer, effort = _tokenizer(name), effort_of(name, size)
    config = resolve(config_of(name, BASELINE, size, seed), corpus(name))
    torch.manual_seed(seed)
    model = SequenceToSequence(config, len(tokenizer))

    def corpora() -> tuple[TokenizedDialogues, TokenizedDialogues]:
        training, validation = (_tokenized(name, size, part, seed, tokenizer) for part in ("train", "validation"))
        return training, validation

    recipe = Recipe(epochs=1 if size == QUICK else BASELINE_EPOCHS[name])
    seconds = language_models.trained_once(folder, model, corpora, recipe, seed)
    test = _tokenized(name, size, "test", seed, tokenizer)
    forbidden, generator = never_written(tokenizer), torch.Generator().manual_seed(seed)
    one: list[list[str]] = [[] for _ in range(len(test))]
    best = list(one)
    for rows, batch in _batches(test):
        greedy = model.respond(batch, "greedy", generator, forbidden)
        draws = (1 + HEARD) * effort.drawn
        sampled = [model.respond(batch, "sample", generator, forbidden) for _ in range(draws)]
        for place, row in enumerate(rows):
            one[row] = tokenizer.words(tokenizer.decode(greedy[place]))
            texts = [tokenizer.words(tokenizer.decode(each[place])) for each in sampled]
            drawn, heard = texts[: effort.drawn], texts[effort.drawn :]
            best[row] = drawn[by_consensus(drawn, heard)[0]]
    examples = tested_examples(name, size)
    turn = float((test.lengths_N - 1).mean())
    nll = cross_entropy(model, test) * turn
    return _near(one, best, examples, tokenizer, name) | {"nll_bound": nll, "train_seconds": seconds}


def _near(
    one: Sequence[Sequence[str]],
    best: Sequence[Sequence[str]],
    examples: Sequence[Dialogue],
    tokenizer: Tokenizer,
    name: str,
) -> dict[str, float]:
    """Of a response to each example's context, and of the best of several."""
    true = [tokenizer.words(example.turns[-1].text) for example in examples]
    speakers = [example.turns[-1].speaker for example in examples]
    of_best = nearness(best, true, speakers, vectors(name))
    return nearness(one, true, speakers, vectors(name)) | {f"{each}_best": of_best[each] for each in _OF_BEST}


@cache
def _tokenizer(name: str) -> Tokenizer:
    data = config_of(name, BEST, "small", 0).data
    return Tokenizer.train(corpus(name).train["text"], data.tokenizer, data.vocabulary_size, data.lowercase)


def _tokenized(name: str, size: str, part: str, seed: int, tokenizer: Tokenizer) -> TokenizedDialogues:
    config = resolve(config_of(name, BEST, size, seed), corpus(name))
    turns = turns_of(test_dialogues(name, size)) if part == "test" else getattr(corpus(name), part)
    return TokenizedDialogues.of_turns(turns, tokenizer, config)


def _batches(test: TokenizedDialogues) -> Iterator[tuple[np.ndarray, DialogueBatch]]:
    for rows in in_order(test.lengths_N, 256):
        yield rows, test.batch(rows)
