"""From words and punctuation marks back to a text that reads well."""

from collections.abc import Iterable

QUOTES = {'"', "''", "``"}  # the same mark opens and closes
_CLOSERS = set(".,!?;:%)]}…’'”»")  # no space before
_OPENERS = {"(", "[", "{", "$", "£", "€", "#", "“", "‘", "«"}  # no space after
_JOINERS = {"/", "@", "_"}  # no space on either side


def detokenize(words: Iterable[str]) -> str:
    """The words as one text, with spaces where English puts them: `so ( " good " ) .` becomes `so ("good").`"""
    text = ""
    glued = True  # whether the next word follows without a space
    open_quotes: set[str] = set()
    for word in words:
        if word in QUOTES:
            closes = word in open_quotes
            open_quotes ^= {word}
            glues_left, glues_right = closes, not closes
        else:
            glues_left = word in _JOINERS or _CLOSERS.issuperset(word)
            glues_right = word in _JOINERS or word in _OPENERS
        text += word if glued or glues_left else " " + word
        glued = glues_right
    return text
