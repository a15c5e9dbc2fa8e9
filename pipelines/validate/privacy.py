"""Whether free text says who somebody is: numbers of people, dates of birth, addresses and phones, on a sample.

Counts come out, by column and pattern; the text itself stays where it is.
"""

from dataclasses import replace

import polars as pl

from pipelines.base.contracts import Table
from pipelines.validate.engine import seen
from pipelines.validate.suites import ROW, Finding, privacy_rules


def scan(table: Table, sample: pl.DataFrame) -> list[Finding]:
    """How many texts of a sample look like something personal.

    Args:
        table: The contract.
        sample: [n_rows] columns of free text. An empty cell is not checked.
    """
    about = {rule.reason_code: rule.about for rule in privacy_rules(table) if rule.about in sample.columns}
    rules = [rule for rule in privacy_rules(table) if rule.reason_code in about]
    found = seen(table.name, rules, sample.with_row_index(ROW).cast({ROW: pl.Int64}))
    return [replace(finding, checked=sample[about[finding.reason_code]].count()) for finding in found]
