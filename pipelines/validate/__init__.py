"""Checks of canonical rows, generated from the contracts and run by Great Expectations, whose only user this is.

`check` takes one table's rows and says which fail and why. Results hold counts and row numbers, never a value.
"""

from pipelines.validate.engine import check
from pipelines.validate.suites import Finding, Outcome

__all__ = ["Finding", "Outcome", "check"]
