"""Who is who, and who agreed: the same human as candidate, worker and learner; consent."""

from collections.abc import Mapping

import polars as pl


def representatives(links: pl.DataFrame) -> dict[str, str]:
    """One pseudonym to stand for all linked ones.

    Args:
        links: [n_links] person_id, linked_person_id.

    Returns:
        Pseudonym -> the smallest pseudonym of its connected group; unlinked people are absent.
    """
    parent: dict[str, str] = {}

    def root(person: str) -> str:
        while parent.setdefault(person, person) != person:
            parent[person] = parent[parent[person]]
            person = parent[person]
        return person

    for left, right in links.select("person_id", "linked_person_id").iter_rows():
        first, second = sorted((root(left), root(right)))
        parent[second] = first
    return {person: root(person) for person in parent}


def resolve(frame: pl.DataFrame, who: Mapping[str, str], columns: tuple[str, ...] = ("person_id",)) -> pl.DataFrame:
    """`frame` with every linked pseudonym replaced by its representative.

    Args:
        frame: [n_rows] any table.
        who: From `representatives`.
        columns: Columns that hold pseudonyms; absent ones are passed over.
    """
    present = [name for name in columns if name in frame.columns]
    if not who or not present:
        return frame
    old, new = pl.Series(list(who), dtype=pl.String), pl.Series(list(who.values()), dtype=pl.String)
    return frame.with_columns(pl.col(name).replace(old, new) for name in present)


def consenting(consents: pl.DataFrame) -> pl.Series:
    """People who gave consent and withdrew it nowhere. Silence is not consent.

    Args:
        consents: [n_rows] person_id (resolved), is_given; a linked human may have several rows.

    Returns:
        [n_people] str, sorted.
    """
    agreed = consents.group_by("person_id").agg(pl.col("is_given").all() & pl.col("is_given").is_not_null().all())
    return agreed.filter("is_given")["person_id"].sort()
