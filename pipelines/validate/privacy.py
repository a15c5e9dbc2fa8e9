"""Whether free text says who somebody is: numbers of people, dates of birth, addresses and phones, on a sample.

Counts come out, by column and pattern; the text itself stays where it is.
"""

import polars as pl

from pipelines.base.contracts import Table
from pipelines.validate.suites import Finding, privacy_rules


def scan(table: Table, sample: pl.DataFrame) -> list[Finding]:
    """How many texts of a sample look like something personal.

    Args:
        table: The contract.
        sample: [n_rows] columns of free text. An empty cell is not checked.
    """
    rules = [rule for rule in privacy_rules(table) if rule.about in sample.columns]
    seen = sample.lazy().select(
        *(pl.col(rule.about).count().alias(f"{rule.reason_code} checked") for rule in rules),
        *(
            pl.col(rule.about).str.contains(str(rule.arguments["regex"])).sum().alias(f"{rule.reason_code} failed")
            for rule in rules
        ),
    )
    counts = seen.collect().row(0, named=True) if rules else {}
    return [
        Finding(table.name, code, counts[f"{code} checked"], counts[f"{code} failed"], rule.level, rule.severity)
        for rule in rules
        for code in (rule.reason_code,)
    ]
