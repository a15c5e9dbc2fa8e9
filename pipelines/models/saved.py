"""A saved network, read once a process: to predict and to explain are two questions to the same one.

Reading it and preparing it for its first answer takes longer than most answers.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines.base.digests import sha256_file


def loaded(file: Path) -> Any:  # a Keras model, which has no static type
    """The network in a file: the same object as before while path and bytes are."""
    return _read(file, sha256_file(file))


@lru_cache(maxsize=1)
def _read(file: Path, _sha256: str) -> Any:
    import keras

    return keras.saving.load_model(file, compile=False, safe_mode=True)
