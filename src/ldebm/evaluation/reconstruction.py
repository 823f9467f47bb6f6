"""How well a text comes back from its latent."""

from collections.abc import Sequence

from sacrebleu.metrics.bleu import BLEU


def bleu(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """Corpus BLEU-4 of tokens as they are, one reference a hypothesis.

    100 * brevity penalty * geometric mean of the clipped 1- to 4-gram precisions, counted over the corpus.
    Range 0 to 100; the floor is the score against other texts of the corpus. No smoothing, where sacrebleu's default is
    "exp": a corpus without a matching 4-gram scores 0, as in multi-bleu.perl.
    Source: Papineni et al. 2002, computed by sacrebleu (Post 2018) with tokenize="none".
    """
    _check_pairs(hypotheses, references)
    identifiers: dict[str, str] = {}  # a token becomes its number: sacrebleu's split at white space changes none

    def line(tokens: Sequence[str]) -> str:
        return " ".join(identifiers.setdefault(token, str(len(identifiers))) for token in tokens)

    scorer = BLEU(tokenize="none", smooth_method="none", force=True)
    return scorer.corpus_score([line(text) for text in hypotheses], [[line(text) for text in references]]).score


def token_accuracy(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> float:
    """Share of the references' positions at which the hypothesis has the same token.

    Range 0 to 1. A position behind the hypothesis' end counts as wrong; tokens behind the reference's end are not
    counted. The floor is the score against other texts of the corpus.
    """
    _check_pairs(hypotheses, references)
    positions = sum(len(reference) for reference in references)
    if positions == 0:
        raise ValueError("token accuracy needs a reference with at least one token, all are empty")
    same = sum(
        token == expected
        for hypothesis, reference in zip(hypotheses, references, strict=True)
        for token, expected in zip(hypothesis, reference, strict=False)
    )
    return same / positions


def _check_pairs(hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> None:
    if len(hypotheses) != len(references) or not references:
        raise ValueError(f"needs one hypothesis a reference, got {len(hypotheses)} and {len(references)}")
