"""Several responses to a dialogue, the best first, chosen without knowing the true one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from ldebm.data.dialogues import Dialogue, Turn
from ldebm.dialogue_model import DialogueModel


def candidates(
    model: DialogueModel,
    contexts: Sequence[Sequence[Turn]],
    speakers: Sequence[str],
    n: int,
    symbol: int | None = None,
    **how: Any,
) -> list[list[str]]:
    """Responses to each context, `n` of them drawn, each from a latent of its own, and what was drawn again left out;
    the model's choice first: the one that the others agree with most (`by_consensus`), or, where a symbol is asked for,
    the one that is read as that symbol most surely.

    Args:
        symbol, how: as for `DialogueModel.respond`.
    """
    asked = [(context, speaker) for context, speaker in zip(contexts, speakers, strict=True) for _ in range(n)]
    responses = model.respond([context for context, _ in asked], [speaker for _, speaker in asked], symbol, **how)
    sure_N = None if symbol is None or n == 1 else model.symbol_probabilities(answered(asked, responses))[:, symbol]
    ranked = []
    for start in range(0, len(responses), n):
        texts = responses[start : start + n]
        if sure_N is None:
            order = by_consensus([model.tokenizer.words(text) for text in texts])
        else:
            order = np.argsort(-sure_N[start : start + n], kind="stable").tolist()
        ranked.append(list(dict.fromkeys(texts[place] for place in order)))
    return ranked


def answered(asked: Iterable[tuple[Sequence[Turn], str]], responses: Sequence[str]) -> list[Dialogue]:
    """Contexts, each with its response by the speaker who was asked."""
    return [
        Dialogue((*context, Turn(speaker, text))) for (context, speaker), text in zip(asked, responses, strict=True)
    ]


def by_consensus(texts: Sequence[Sequence[str]]) -> list[int]:
    """The places of the texts, first the one that the others agree with most: the mean over the others of sentence
    BLEU (smoothed, orders up to the text's length), which a response of least Bayes risk maximises.

    Source: Kumar & Byrne 2004 (minimum Bayes risk), with the model's own responses as the distribution.
    """
    if len(texts) < 2:
        return list(range(len(texts)))
    scorer = BLEU(tokenize="none", smooth_method="exp", effective_order=True)
    lines = [" ".join(text) for text in texts]
    known: dict[tuple[str, str], float] = {}  # responses often say the same

    def agreement(line: str, other: str) -> float:
        if (line, other) not in known:
            known[line, other] = scorer.sentence_score(line, [other]).score
        return known[line, other]

    scores = [
        np.mean([agreement(line, other) for j, other in enumerate(lines) if j != i]) for i, line in enumerate(lines)
    ]
    return sorted(range(len(texts)), key=lambda place: -scores[place])


def answering(context: Sequence[Turn], speakers: Sequence[str]) -> str:
    """Who speaks next: whoever spoke before the last speaker, else the first of the run's speakers but the last one."""
    if not context:
        return speakers[0]
    last = context[-1].speaker
    earlier = [turn.speaker for turn in reversed(context) if turn.speaker != last and turn.speaker in speakers]
    others = [speaker for speaker in speakers if speaker != last]
    return (earlier or others or list(speakers))[0]
