"""Days and moments."""

from datetime import UTC, date, datetime, time


def end_of(day: date) -> datetime:
    """The last microsecond of `day`, UTC: "as known on a day" includes the whole day."""
    return datetime.combine(day, time.max, UTC)
