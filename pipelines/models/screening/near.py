"""Which texts are nearly the same: a resume sent again with another date, a sentence more, in another layout. No Keras.

Texts are sets of three words in a row, as `text.words_of` reads them. Of each set some smallest hashes are kept, in
bands: two texts share a band with the probability J^6 each, where J is the share of their threes that both have. Of
texts that share nine threes of ten, 99 in 100 share one of the bands; of texts that share one of four, one in 680.

Source:
    Broder 1997, on the resemblance of documents.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.models.screening import text

BANDS: Final = 6
_ROWS = 6
_WORDS = 3
_SEED = 0


def bands(texts: pl.Series) -> pl.DataFrame:
    """What near duplicates share.

    Args:
        texts: [n_texts] str, every one once.

    Returns:
        [n_texts, 1 + BANDS] the texts under their name, and in `near_0` and so on numbers: texts that are nearly the
        same share at least one in its place. Null for a text of fewer than three words.
    """
    cases = pl.DataFrame({"text": texts}).with_row_index("row")
    words = cases.select("row", word=text.words_of(cases["text"])).explode("word").drop_nulls("word")
    row, code = words["row"].to_numpy(), words["word"].rank("dense").to_numpy().astype(np.uint64)
    is_whole = row[: 1 - _WORDS] == row[_WORDS - 1 :]
    rng = np.random.default_rng(_SEED)

    def odd(count: int) -> npt.NDArray[np.uint64]:
        return rng.integers(0, 2**63, count, dtype=np.uint64) * np.uint64(2) + np.uint64(1)

    parts = [code[n : len(code) - _WORDS + 1 + n] * factor for n, factor in enumerate(odd(_WORDS))]
    three = sum(parts[1:], parts[0])[is_whole]
    three ^= three >> np.uint64(29)  # the high digits of a product tell little of its low ones
    own, begins = np.unique(row[: 1 - _WORDS][is_whole], return_index=True)
    found: dict[str, pl.Series] = {"row": pl.Series(own, dtype=pl.UInt32)}
    for band in range(BANDS):
        least = [np.minimum.reduceat(three * factor, begins) for factor in odd(_ROWS)] if len(own) else []
        mixed = np.sum([one * factor for one, factor in zip(least, odd(_ROWS), strict=False)], axis=0, dtype=np.uint64)
        found[f"near_{band}"] = pl.Series(mixed if len(own) else [], dtype=pl.UInt64)
    joined = cases.join(pl.DataFrame(found), on="row", how="left", maintain_order="left")
    return joined.drop("row").rename({"text": texts.name})
