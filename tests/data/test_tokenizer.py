"""Round trips, special tokens, and vocabularies that are the same everywhere."""

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldebm.data.corpora import load_corpus
from ldebm.data.detokenize import detokenize
from ldebm.data.tokenizer import BOS, EOS, PAD, SPECIALS, UNK, Kind, Tokenizer
from ldebm.errors import ConfigError, DataError, RunError

# The machine may be busy with training: how long an example takes says nothing.
ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXTS = ["the cat sat on the mat .", "the dog ate the <unk> !", "Don't stop , it's well-made ."]
KINDS: tuple[Kind, ...] = ("whitespace", "word", "bpe")


def trained(kind: Kind, lowercase: bool = False, texts: list[str] = TEXTS) -> Tokenizer:
    return Tokenizer.train(iter(texts), kind, 300, lowercase)


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip_of_texts_and_of_the_file(kind: Kind, tmp_path: Path) -> None:
    tokenizer = trained(kind)
    tokenizer.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    for other in (loaded, pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert len(other) == len(tokenizer) and other.kind == kind
        assert other.encode(TEXTS, 50) == tokenizer.encode(TEXTS, 50)
        assert other.words("Don't, é") == tokenizer.words("Don't, é")
    for text, ids in zip(TEXTS, tokenizer.encode(TEXTS, 50), strict=True):
        assert ids[0] == BOS and ids[-1] == EOS and PAD not in ids and ids.count(EOS) == 1
        read = tokenizer.decode([*ids, PAD, PAD])
        assert read == {"word": detokenize(tokenizer.words(text))}.get(kind, text) or kind == "word"


def test_special_ids() -> None:
    for kind in KINDS:
        tokenizer = trained(kind)
        assert tokenizer.encode([""], 10) == [[BOS, EOS]]
        assert tokenizer.decode([BOS, EOS, 5]) == tokenizer.decode([]) == ""


def test_unknown_words() -> None:
    tokenizer = trained("whitespace")
    assert tokenizer.encode(["zebra <unk> the"], 10)[0][1:3] == [UNK, UNK]
    assert tokenizer.decode([BOS, UNK, EOS]) == "<unk>"
    assert tokenizer.words("zebra <unk> the") == ["zebra", "<unk>", "the"]
    assert UNK not in trained("bpe").encode(["zebra é 😀"], 50)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_cannot_smuggle_in_a_special(kind: Kind) -> None:
    tokenizer = trained(kind, texts=[*TEXTS, "</s> <pad> <s> </s> a</s>"] * 3)
    ids = tokenizer.encode(["the <pad> <s> </s> the</s>"], 50)[0]
    assert not {PAD, BOS, EOS} & set(ids[1:-1])


@pytest.mark.parametrize("kind", KINDS)
def test_truncation(kind: Kind) -> None:
    tokenizer = trained(kind)
    whole = tokenizer.encode(["the cat sat on the mat ."], 50)[0]
    assert tokenizer.encode(["the cat sat on the mat ."], len(whole)) == [whole]
    for limit in range(3, len(whole)):
        assert tokenizer.encode(["the cat sat on the mat ."], limit) == [[*whole[: limit - 1], EOS]]
    with pytest.raises(ValueError, match="at least 3"):
        tokenizer.encode(["a"], 2)


def test_vocabulary_is_by_frequency_then_alphabet() -> None:
    tokenizer = Tokenizer.train(["b c a a", "<unk> <unk> <unk> d"], "whitespace", 6, False)
    assert len(tokenizer) == 7
    assert [tokenizer.decode([i]) for i in range(3, 7)] == ["<unk>", "a", "b", "c"]


def test_lowercase() -> None:
    tokenizer = trained("word", lowercase=True)
    assert tokenizer.encode(["THE Cat"], 9) == tokenizer.encode(["the cat"], 9)
    assert tokenizer.words("THE Zebra") == ["the", "zebra"]
    assert trained("word").words("THE Zebra") == ["THE", "Zebra"]


def test_words_of_the_kind_word() -> None:
    text = "I don't like it... It's ''well-made'': $3,000.50 in the 21st U.S. café!!! (so?!) ज़रूर 😀"
    apart = "I don't like it ... It's '' well-made '' : $ 3,000.50 in the 21st U.S. café !!! ( so ? ! ) ज़रूर 😀"
    assert trained("word").words(text) == apart.split()


@pytest.mark.parametrize(
    "text",
    [
        "I don't like it... It's ''well-made'': $3,000.50, in the U.S. or not!!!",
        'He said "so (what)?" and left; 50% of it, 7/10.',
        "“Quoted” text [with] marks – and dashes.",
        "the films' best",
    ],
)
def test_decoded_words_read_well(text: str) -> None:
    tokenizer = trained("word", texts=[text])
    assert tokenizer.decode(tokenizer.encode([text], 100)[0]) == text


@ANY_SPEED
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_encoded_and_decoded(text: str) -> None:
    for kind in KINDS:
        tokenizer = _ANY[kind]
        ids = tokenizer.encode([text], 12)[0]
        assert 2 <= len(ids) <= 12 and max(ids) < len(tokenizer) and min(ids[1:-1], default=UNK) >= UNK
        tokenizer.decode(ids)
        tokenizer.words(text)


_ANY = {kind: trained(kind) for kind in KINDS}


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="unknown kind of tokenizer 'chars'"):
        Tokenizer.train(TEXTS, "chars", 100, False)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="at least 259 ids, received 258"):
        Tokenizer.train(TEXTS, "bpe", 258, False)
    with pytest.raises(ConfigError, match="at least 4"):
        Tokenizer.train(TEXTS, "word", 1, False)
    with pytest.raises(DataError, match="no word in the texts"):
        Tokenizer.train(["", "  "], "word", 100, False)
    for kind in KINDS:
        assert len(Tokenizer.train(TEXTS * 20, kind, 259, False)) <= 260


def test_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(RunError, match="no such file"):
        Tokenizer.load(path)
    trained("word").save(path)
    state = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = state["model"]["vocab"]
    gap = {**vocabulary, "one more": len(vocabulary) + 5}
    swapped = {**vocabulary, SPECIALS[BOS]: EOS, SPECIALS[EOS]: BOS}
    broken = [state | {"model": state["model"] | {"vocab": v}} for v in (gap, swapped, {})]
    broken += [state | {"pre_tokenizer": None}, state | {"pre_tokenizer": {"type": "Whitespace"}}, {}, [], 5]
    for content in [*map(json.dumps, broken), "", "{", path.read_text(encoding="utf-8")[:-50]]:
        path.write_text(content, encoding="utf-8")
        with pytest.raises(RunError, match="is not a tokenizer of ldebm"):
            Tokenizer.load(path)
    path.write_bytes(b"\xff\xfe\0")
    with pytest.raises(RunError):
        Tokenizer.load(path)
    with pytest.raises(RunError):
        Tokenizer.load(tmp_path)


@pytest.mark.parametrize("kind", ["word", "bpe"])
def test_the_same_in_a_fresh_process(kind: Kind, tmp_path: Path) -> None:
    corpus = load_corpus("reviews")
    texts = corpus.validation["text"][:]
    Tokenizer.train(texts, kind, 2000, True).save(tmp_path / "here.json")
    (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    code = (
        "import json, sys; from pathlib import Path; from ldebm.data.tokenizer import Tokenizer\n"
        "folder = Path(sys.argv[1])\n"
        "texts = json.loads((folder / 'texts.json').read_text(encoding='utf-8'))\n"
        f"Tokenizer.train(texts, {kind!r}, 2000, True).save(folder / 'there.json')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    here, there = (json.loads((tmp_path / f"{place}.json").read_text(encoding="utf-8")) for place in ("here", "there"))
    assert here == there and len(here["model"]["vocab"]) == 2001


def test_ptb_vocabulary(real_data: Path) -> None:
    corpus = load_corpus("ptb")
    tokenizer = Tokenizer.train(corpus.train["text"], "whitespace", 10_000, False)
    assert len(tokenizer) == 10_001
    ids = tokenizer.encode(["pierre <unk> N years old"], 40)[0]
    assert ids[2] == UNK and ids.count(UNK) == 1
    assert tokenizer.decode(ids) == "pierre <unk> N years old"
