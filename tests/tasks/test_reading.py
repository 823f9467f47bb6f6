"""Which texts are read."""

import datasets
import numpy as np
import pytest

from ldebm.errors import DataError
from ldebm.tasks.reading import infer, read


def test_few_texts_are_all_read_in_their_order() -> None:
    reading = read(["c", "a", "b"], ["x", None, "y"])
    assert (reading.texts, reading.labels, reading.given) == (["c", "a", "b"], ["x", None, "y"], 3)
    assert read(["c", "a"]).labels == [None, None]


def test_of_many_a_random_part_is_read_each_with_its_label() -> None:
    column = datasets.Dataset.from_dict(
        {"text": [str(i) for i in range(1000)], "label": [f"l{i}" for i in range(1000)]}
    )
    reading = read(column["text"], column["label"], seed=1, limit=50)
    rows = [int(text) for text in reading.texts]
    assert len(set(rows)) == 50
    assert rows == sorted(rows)
    assert max(rows) > 500
    assert reading.labels == [f"l{row}" for row in rows]
    assert reading.given == 1000
    assert read(column["text"], seed=1, limit=50).texts == reading.texts
    assert read(column["text"], seed=2, limit=50).texts != reading.texts
    assert read(column["text"], limit=50).labels == [None] * 50


def test_texts_are_inferred_once_and_a_part_of_them_keeps_its_rows(model, corpus) -> None:
    texts, labels = corpus
    whole = infer(model, texts, labels)
    assert (whole.texts, whole.labels, whole.given) == (texts, labels, 300)
    before = len(model.read)
    part = whole.drawn(40, seed=1)
    assert len(model.read) == before and part.given == 300  # the model was not asked
    assert part.texts == read(texts, labels, seed=1, limit=40).texts
    again = infer(model, part.texts, part.labels)
    assert again.labels == part.labels
    assert all(np.array_equal(*pair) for pair in zip(part.inferred, again.inferred, strict=True))
    assert whole.drawn(300).texts == texts
    assert len(infer(model, texts, limit=50).inferred.means_ND) == 50


def test_nothing_to_read_and_labels_that_do_not_fit_are_the_users_errors() -> None:
    with pytest.raises(DataError, match="got none"):
        read([])
    with pytest.raises(DataError, match="got 1 labels for 2 texts"):
        read(["a", "b"], ["x"])
