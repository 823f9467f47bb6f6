"""Several responses to a dialogue, the best first, chosen without knowing the true one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.chrf import CHRF

from ldebm.data.dialogues import Dialogue, Turn
from ldebm.dialogue_model import DialogueModel

HEARD = 2  # samples of what else might be said, beside each response to choose from


def candidates(
    model: DialogueModel,
    contexts: Sequence[Sequence[Turn]],
    speakers: Sequence[str],
    n: int,
    symbol: int | None = None,
    seed: int = 0,
    **how: Any,
) -> list[list[str]]:
    """Responses to each context, `n` of them drawn, each from a latent of its own, and what was drawn again left out;
    the model's choice first: the one that agrees most with all that it might say (`by_consensus`), or, where a symbol
    is asked for, the one that is read as that symbol most surely.

    Args:
        symbol, seed, how: as for `DialogueModel.respond`.
    """
    drawn = _by_context(n, model.respond(contexts, speakers, symbol=symbol, each=n, seed=seed, **how))
    if n == 1:
        return drawn
    if symbol is None:
        # Greedy responses are shorter than what people say; samples are not.
        more = HEARD * n
        heard = _by_context(more, model.respond(contexts, speakers, mode="sample", each=more, seed=seed + 1))
        words = model.tokenizer.words
        orders = [
            by_consensus([words(text) for text in texts], [words(text) for text in others])
            for texts, others in zip(drawn, heard, strict=True)
        ]
    else:
        asked = [one for one in zip(contexts, speakers, strict=True) for _ in range(n)]
        dialogues = answered(asked, [text for texts in drawn for text in texts])
        sure_N = model.symbol_probabilities(dialogues)[:, symbol]
        orders = np.argsort(-sure_N.reshape(len(contexts), n), kind="stable").tolist()
    return [list(dict.fromkeys(texts[place] for place in order)) for texts, order in zip(drawn, orders, strict=True)]


def _by_context(each: int, responses: list[str]) -> list[list[str]]:
    """So many responses to every context."""
    return [responses[start : start + each] for start in range(0, len(responses), each)]


def answered(asked: Iterable[tuple[Sequence[Turn], str]], responses: Sequence[str]) -> list[Dialogue]:
    """Contexts, each with its response by the speaker who was asked."""
    return [
        Dialogue((*context, Turn(speaker, text))) for (context, speaker), text in zip(asked, responses, strict=True)
    ]


def by_consensus(texts: Sequence[Sequence[str]], heard: Sequence[Sequence[str]] = ()) -> list[int]:
    """The places of the texts, first the one that agrees most with all texts and with what else was heard: the mean
    chrF, which a response of least Bayes risk maximises. chrF counts what was missed more than what was added, so that
    the least said is not the safest.

    Source: Kumar & Byrne 2004 (minimum Bayes risk), with the model's own responses as the distribution; Popovic 2015.
    """
    scorer, lines = CHRF(), [" ".join(text) for text in texts]
    evidence = Counter([*lines, *(" ".join(text) for text in heard)])  # responses often say the same
    risk = {
        line: -sum(scorer.sentence_score(line, [other]).score * times for other, times in evidence.items())
        for line in set(lines)
    }
    return sorted(range(len(texts)), key=lambda place: risk[lines[place]])


def answering(context: Sequence[Turn], speakers: Sequence[str]) -> str:
    """Who speaks next: whoever spoke before the last speaker, else the first of the run's speakers but the last one."""
    if not context:
        return speakers[0]
    last = context[-1].speaker
    earlier = [turn.speaker for turn in reversed(context) if turn.speaker != last and turn.speaker in speakers]
    others = [speaker for speaker in speakers if speaker != last]
    return (earlier or others or list(speakers))[0]
