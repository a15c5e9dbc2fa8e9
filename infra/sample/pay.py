"""What some of the people in `careers` are paid, written by hand in the same way: versions of what a source thought."""

from __future__ import annotations

from dataclasses import dataclass

from infra.sample.structures import Version, standing

__all__ = ["CAST", "Pay", "standing"]


@dataclass(frozen=True, slots=True)
class Pay(Version):
    """What somebody is paid in a job from a day on; `code` is the number of the job."""

    order: int = 1
    """Of the changes of a day."""
    amount: str = ""
    currency: str = "USD"
    frequency: str = "month"
    hours: str | None = None
    """Of a week, of whoever is paid by the hour."""

    @property
    def person(self) -> str:
        """The number of the worker."""
        return self.code.partition("-")[0]


_FIRST, _LATE, _SPLIT = "2020-03-01T08:30:00.000Z", "2024-02-20T08:30:00.000Z", "2023-09-01T08:30:00.000Z"

CAST = (
    # A raise of January that is entered in February.
    Pay("000101-1", "2020-03-02", None, _FIRST, _LATE, amount="5200.50"),
    Pay("000101-1", "2020-03-02", "2023-12-31", _LATE, amount="5200.50"),
    Pay("000101-1", "2024-01-01", None, _LATE, amount="5600"),
    # Two raises on one day.
    Pay("000102-1", "2021-05-03", "2023-08-31", _SPLIT, amount="48000", frequency="year"),
    Pay("000102-1", "2023-09-01", "2023-09-01", _SPLIT, amount="49000", frequency="year"),
    Pay("000102-1", "2023-09-01", None, _SPLIT, order=2, amount="52000", frequency="year"),
    # By the hour, to four places; and by the hour of nobody knows how many.
    Pay("000108-1", "2022-03-01", None, _FIRST, amount="21.3755", frequency="hour", hours="24"),
    Pay("000108-2", "2023-04-03", None, _FIRST, amount="30", frequency="hour"),
    # In another country, where pay comes in thirds of nothing.
    Pay("000110-2", "2022-01-01", None, _FIRST, amount="0.3333", currency="EUR", frequency="biweek"),
)
