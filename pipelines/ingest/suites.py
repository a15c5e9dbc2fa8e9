"""What a feed's files are held against, read off its declaration and written as a suite of Great Expectations.

A file that is cut, or of another layout, has to be held while it is read, before any of its rows counts: readers and
`plausible` judge it, without Great Expectations. What stands as `$PARAMETER` they take from its manifest, its trailer,
records passed over or the files before it. What rows are held against is read off the contracts (`python -m
pipelines.validate --suites`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipelines.base.contracts import LISTED
from pipelines.ingest import feeds as declared
from pipelines.ingest.feeds import Feed, options
from pipelines.ingest.filled import EMPTIED, RESHAPED
from pipelines.ingest.plausible import GAINED, LOST, OLDER
from pipelines.ingest.read import recorded
from pipelines.ingest.rules import Rule

Severity = Literal["hold", "quarantine", "warn"]
_COUNT: Final = "expect_table_row_count_to_be_between"


@dataclass(frozen=True, slots=True)
class Asked:
    """One expectation on files of a feed."""

    reason_code: str
    kind: str
    """Great Expectations' word for it."""
    arguments: Mapping[str, Any]
    level: Literal["file", "raw"] = "file"
    severity: Severity = "hold"

    def to_json(self) -> dict[str, Any]:
        """As Great Expectations writes it."""
        meta = {"reason_code": self.reason_code, "level": self.level, "severity": self.severity}
        return {"type": self.kind, "kwargs": dict(self.arguments), "meta": meta}


def asked(feed: Feed) -> list[Asked]:
    """What is asked of every file of a feed before its rows count, as far as its declaration says so.

    Args:
        feed: Its declaration.

    Returns:
        Of level `file`: header, manifest, trailer, number and age of a full file. Of level `raw`: how far required
        columns are filled, how long identifiers are, what they look like, and codes of cells that are listed.

    Raises:
        SettingsError: The options are none of its dialect.
    """
    return [*_of_layout(feed), *_of_counts(feed), *_of_trailer(feed), *_of_columns(feed), *_of_codes(feed)]


def _of_layout(feed: Feed) -> list[Asked]:
    found = []
    if feed.required:
        names = {"column_set": sorted(feed.required), "exact_match": False}
        found.append(Asked("missing_required_column", "expect_table_columns_to_match_set", names))
    if feed.header:
        agreed = {"column_list": list(feed.header)}
        found.append(Asked("other_header", "expect_table_columns_to_match_ordered_list", agreed))
    return found


def _of_counts(feed: Feed) -> list[Asked]:
    found = []
    if feed.ready is not None and feed.ready.manifest is not None:
        digest = {"column": "sha256", "value_set": _given("manifest_sha256")}
        found.append(Asked("other_bytes_than_manifest", "expect_column_values_to_be_in_set", digest))
        records = {"value": _given("manifest_records")}
        found.append(Asked("other_records_than_manifest", "expect_table_row_count_to_equal", records))
    if feed.full is not None:
        least = {"min_value": _given(f"records_before * {1 - feed.full.may_lose:g}")}
        most = {"max_value": _given(f"records_before * {1 + feed.full.may_gain:g}")}
        later = {"column": "extracted_at", "min_value": _given("extracted_at_before")}
        found += [Asked(LOST, _COUNT, least), Asked(GAINED, _COUNT, most)]
        found.append(Asked(OLDER, "expect_column_values_to_be_between", later))
    return found


def _of_trailer(feed: Feed) -> list[Asked]:
    """That there are as many rows as the trailer says, and that its totals are their sums."""
    if feed.dialect != "recorded":
        return []
    want: recorded.Options = options(recorded.Options, feed)
    if want.trailer is None:
        return []
    found = [Asked("trailer_mismatch", "expect_table_row_count_to_equal", {"value": _given(_told_rows(want))})]
    for name in want.trailer.totals:
        total = dict.fromkeys(("min_value", "max_value"), _given(f"trailer_total.{name}"))
        found.append(Asked("trailer_mismatch", "expect_column_sum_to_be_between", {"column": name, **total}))
    return found


def _told_rows(want: recorded.Options) -> str:
    """What a trailer says of the rows: one that counts all records counts those too that never become any."""
    if want.trailer is None or want.trailer.counts == "details":
        return "trailer_records"
    around = 1 if want.header is None else 2
    return f"trailer_records - {around}" + (" - passed_over" if want.others else "")


def _of_columns(feed: Feed) -> list[Asked]:
    if feed.dialect == "documents":  # each is a file of its own
        return []
    found = []
    for name in sorted({*feed.required} & feed.reads()):
        filled = {"column": name, "mostly": _given(f"filled_before - {feed.may_empty:g}")}
        found.append(Asked(EMPTIED, "expect_column_values_to_not_be_null", filled, "raw"))
    for name in feed.ids:
        # Of six and eight characters before, seven are wrong: no least and most.
        lengths = {"regex_list": _given("^.{lengths_before}$"), "match_on": "any"}
        share = {"column": name, **lengths, "mostly": round(1 - feed.may_reshape, 6)}
        found.append(Asked(RESHAPED, "expect_column_values_to_match_regex_list", share, "raw"))
    for one in feed.rows:
        if one.like is not None and one.reject:
            form = {"column": one.column, "regex": f"^(?:{one.like})$"}
            found.append(Asked(one.reason, "expect_column_values_to_match_regex", form, "raw", "quarantine"))
    return found


def _of_codes(feed: Feed) -> list[Asked]:
    return [
        Asked(
            f"unlisted_code:{table.table}.{name}",
            "expect_column_values_to_be_in_set",
            {"column": rule.from_, "value_set": sorted(rule.codes), "mostly": LISTED},
            "raw",
            "warn",
        )
        for table in feed.tables
        for name, rule in table.columns.items()
        if rule.codes
        and rule.from_ in feed.reads() & table.reads()  # one column, which is the source's
        and _is_asked_of_cells(rule)
    ]


def _is_asked_of_cells(rule: Rule) -> bool:
    """Whether a map of codes is of the cells of a column as they stand, and what it does not list is counted.

    What is put together, cut out of a text or chosen by other columns is no cell; of it no expectation on one is true.
    """
    is_changed = rule.trim or rule.html or rule.extract is not None or rule.absent is not None or bool(rule.override)
    return not is_changed and rule.otherwise in ("reject", "null")


def _given(name: str) -> dict[str, str]:
    """A value that the file's surroundings give."""
    return {"$PARAMETER": name}


def suites() -> str:
    """The suites of all feeds, as JSON."""
    feeds = declared.load(declared.folder())
    said = {
        name: {"name": name, "expectations": [one.to_json() for one in asked(feed)]} for name, feed in feeds.items()
    }
    return json.dumps(said, indent=1, ensure_ascii=False)
