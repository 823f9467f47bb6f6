"""From texts to token ids and back: a `tokenizers.Tokenizer` of one of three kinds, kept as tokenizer.json.

whitespace  what stands between spaces is a token, as in the paper's corpora, where the texts are tokenised already
word        words (don't and well-made are one), numbers and runs of one punctuation mark are tokens
bpe         pieces of words, of bytes: there are no unknown words
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self, get_args

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from ldebm.data.detokenize import detokenize
from ldebm.errors import ConfigError, DataError, RunError, shorten

PAD, BOS, EOS, UNK = 0, 1, 2, 3
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")

Kind = Literal["whitespace", "word", "bpe"]

# In this order: initials (J.R.R.), numbers with a point or comma, words, runs of one mark.
_WORD = r"(?:\p{L}\.){2,}|\d+(?:[.,]\d+)+|\w+(?:['’-]\w+)*|([^\w\s])\1*"
# A kind is known by the pre-tokenizer in tokenizer.json, so that nothing has to be kept beside it.
_KINDS: dict[str, Kind] = {"WhitespaceSplit": "whitespace", "Split": "word", "ByteLevel": "bpe"}


class Tokenizer:
    """Ids 0 to 3 are PAD, BOS, EOS and UNK, the others the tokens. Made by `train` or `load`."""

    def __init__(self, tokenizer: tokenizers.Tokenizer, kind: Kind) -> None:
        self._tokenizer = tokenizer
        self._splitter = pre_tokenizers.WhitespaceSplit() if kind == "whitespace" else _word_splitter()
        vocabulary = tokenizer.get_vocab()
        self._strings = sorted(vocabulary, key=vocabulary.__getitem__)
        self.kind = kind

    @classmethod
    def train(cls, texts: Iterable[str], kind: Kind, vocabulary_size: int, lowercase: bool) -> Self:
        """A tokenizer with the most frequent tokens of `texts` (read once): at most `vocabulary_size` ids and PAD.

        Tokens of equal frequency are taken in alphabetical order. Raises ConfigError where the kind is unknown or the
        vocabulary too small for the kind, DataError where the texts have no token.
        """
        if kind not in get_args(Kind):
            raise ConfigError(
                f"unknown kind of tokenizer '{shorten(kind)}'. Choose one of: {', '.join(get_args(Kind))}."
            )
        least = len(SPECIALS) + (len(pre_tokenizers.ByteLevel.alphabet()) - 1 if kind == "bpe" else 0)
        if vocabulary_size < least:
            raise ConfigError(
                f"a {kind} tokenizer needs a vocabulary of at least {least} ids, received {vocabulary_size}."
                " Set data.vocabulary_size to more."
            )
        rest = iter(texts)
        first = next((text for text in rest if text.strip()), None)
        if first is None:
            raise DataError(
                "there is no word in the texts to learn a vocabulary from. Check that the column of the texts is right."
            )
        stream = itertools.chain([first], rest)
        tokenizer, trainer = _untrained(kind, vocabulary_size, lowercase)
        tokenizer.train_from_iterator(_without_specials(stream, lowercase) if kind == "whitespace" else stream, trainer)
        # Training also registers the specials as marks to be found in a text. That is undone: a text that happens to
        # have "</s>" in it must not end there.
        state = json.loads(tokenizer.to_str()) | {"added_tokens": []}
        return cls(tokenizers.Tokenizer.from_str(json.dumps(state)), kind)

    def encode(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """BOS, ids and EOS of each text, at most `max_length`: of a longer one the first max_length - 1, and EOS.

        Raises DataError for a text with bytes that were no characters.
        """
        if max_length < 3:
            raise ValueError(f"max_length must be at least 3 (BOS, a token, EOS), received {max_length}")
        try:
            encodings = self._tokenizer.encode_batch_fast(list(texts))
        except TypeError:
            broken = next((text for text in texts if is_broken(text)), None)
            if broken is None:
                raise
            told = f"a text holds bytes that are not UTF-8: {shorten(broken)!a}. Convert it first."
            raise DataError(told) from None
        rows = [encoding.ids[: max_length - 2] for encoding in encodings]
        # In texts split at spaces, a literal "<s>" finds the special in the vocabulary. Only "<unk>" may mean it.
        return [[BOS, *(max(token, UNK) for token in row), EOS] for row in rows]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids` up to EOS, without BOS and PAD, with spaces as the kind asks for."""
        kept = [int(token) for token in itertools.takewhile(lambda token: token != EOS, ids) if token not in (PAD, BOS)]
        if self.kind == "bpe":
            return str(self._tokenizer.decode(kept)).strip()
        words = [self._strings[token] for token in kept]
        return detokenize(words) if self.kind == "word" else " ".join(words)

    def words(self, text: str) -> list[str]:
        """The words of a text as they stand, known or not, for evaluation; for bpe, those of the kind `word`."""
        normalizer = self._tokenizer.normalizer
        normalized = normalizer.normalize_str(text) if normalizer is not None else text
        return [word for word, _ in self._splitter.pre_tokenize_str(normalized)]

    def __len__(self) -> int:
        """The number of ids, PAD included."""
        return len(self._strings)

    def save(self, path: str | Path) -> None:
        """Write tokenizer.json, which `load` and any program that uses `tokenizers` can read."""
        self._tokenizer.save(str(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The tokenizer that `save` wrote. Raises RunError where the file is missing, damaged or another program's."""
        try:
            state = json.loads(Path(path).read_text(encoding="utf-8"))
            tokenizer = tokenizers.Tokenizer.from_str(json.dumps(state))
            kind = _KINDS[state["pre_tokenizer"]["type"]]
        except FileNotFoundError:
            raise RunError(
                f"{path}: no such file. Check that the folder is a run folder, and train again if it is damaged."
            ) from None
        # A damaged file is bad JSON, JSON of another shape, or refused by `tokenizers`, which raises bare Exceptions.
        except Exception as error:
            raise RunError(
                f"{path} is not a tokenizer of ldebm ({shorten(error)}). Copy it again from the run, or train again."
            ) from None
        ids = tokenizer.get_vocab()
        if [ids.get(special) for special in SPECIALS] != [PAD, BOS, EOS, UNK] or set(ids.values()) != set(
            range(len(ids))
        ):
            raise RunError(
                f"{path} is not a tokenizer of ldebm: its ids are not {' '.join(SPECIALS)} and on without a gap."
                " Copy it again from the run."
            )
        return cls(tokenizer, kind)


def _untrained(kind: Kind, vocabulary_size: int, lowercase: bool) -> tuple[tokenizers.Tokenizer, Any]:
    """A tokenizer of the kind without a vocabulary, and what trains it."""
    settings: dict[str, Any] = {
        "vocab_size": vocabulary_size + 1,
        "special_tokens": list(SPECIALS),
        "show_progress": False,
    }
    if kind == "bpe":
        tokenizer = tokenizers.Tokenizer(models.BPE())
        # The space before a text's first word makes it the same token as elsewhere.
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = decoders.ByteLevel()
        trainer: Any = trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **settings)
    else:
        tokenizer = tokenizers.Tokenizer(models.WordLevel(unk_token=SPECIALS[UNK]))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit() if kind == "whitespace" else _word_splitter()
        trainer = trainers.WordLevelTrainer(**settings)
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    return tokenizer, trainer


def is_broken(text: str) -> bool:
    """Whether it holds a byte that was no character, or half of one."""
    return any("\ud800" <= character <= "\udfff" for character in text)


def _word_splitter() -> Any:
    return pre_tokenizers.Split(tokenizers.Regex(_WORD), behavior="removed", invert=True)


def _without_specials(texts: Iterable[str], lowercase: bool) -> Iterator[str]:
    """The texts without words that are specials: counted as words, they would take a second id."""
    for text in texts:
        words = (text.lower() if lowercase else text).split()
        yield " ".join(word for word in words if word not in SPECIALS)
