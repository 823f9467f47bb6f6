"""The folder of corpora that may not be passed on: LDEBM_DATA, where each lies as its authors published it."""

import os
from collections.abc import Sequence
from pathlib import Path

from ldebm.errors import DataError


def corpus_files(corpus: str, folder: str, names: Sequence[str]) -> list[Path]:
    """The files of a named corpus, in a folder of LDEBM_DATA. Raises DataError where one is not there."""
    place = Path(os.environ.get("LDEBM_DATA", "../shared/data")) / folder
    missing = [name for name in names if not (place / name).is_file()]
    if missing:
        raise DataError(
            f"the corpus {corpus} is not in {place}: no {', '.join(missing)}."
            f" Set LDEBM_DATA to the folder that has the folder {folder} with these files."
        )
    return [place / name for name in names]
