"""When a clock runs out."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np

from pipelines.base.errors import SettingsError
from pipelines.fairness.law.packs import Clock, Pack

_MONTHS: Final = {"months": 1, "years": 12}


def due(clock: Clock, moment: datetime, pack: Pack) -> datetime:
    """The moment by which something must be done, or from which it may be.

    Args:
        clock: The span.
        moment: When its trigger happened or will happen.
        pack: Whose holidays count, for business days.

    Returns:
        The end of the span, or its start for a clock that ends with its trigger; at the same time of day. A month after
        31 January is the last of February.

    Raises:
        SettingsError: The pack's holidays do not reach that far: silence would read as no holiday.
    """
    amount = clock.amount if clock.side == "after" else -clock.amount
    if clock.unit == "hours":
        return moment + timedelta(hours=amount)
    if clock.unit == "days":
        return moment + timedelta(days=amount)
    if clock.unit == "business_days":
        return _moved(moment, _business_day(moment.date(), amount, pack))
    return _moved(moment, _months_away(moment.date(), amount * _MONTHS[clock.unit]))


def day_due(pack: Pack, code: str, day: date) -> date:
    """The day on which the clock of a duty runs out that something on a day starts or ends.

    Raises:
        SettingsError: The pack has no such clock, or its holidays do not reach that far.
    """
    clock = next((duty.clock for duty in pack.duties if duty.code == code), None)
    if clock is None:
        clocks = [duty.code for duty in pack.duties if duty.clock is not None]
        raise SettingsError(f"A duty must have a clock; {pack.code}/{code} has none. Use one of {clocks}.")
    return due(clock, datetime.combine(day, time(), UTC), pack).date()


def next_due(pack: Pack, code: str, day: date) -> date:
    """The day, `day` or later, on which a yearly clock of a duty runs out next.

    Raises:
        SettingsError: The pack has no such clock.
    """
    clock = next((duty.clock for duty in pack.duties if duty.code == code), None)
    if clock is None or clock.every_year_on is None:
        yearly = [duty.code for duty in pack.duties if duty.clock is not None and duty.clock.every_year_on is not None]
        raise SettingsError(f"A duty must be due every year; {pack.code}/{code} is not. Use one of {yearly}.")
    ends = (day_due(pack, code, clock.trigger_in(year)) for year in range(day.year - 1, day.year + 2))
    return next(end for end in ends if end >= day)


def _business_day(day: date, amount: int, pack: Pack) -> date:
    """So many business days away, counted from the last business day not after `day`: the earlier, safer reading."""
    found: date = np.busday_offset(day, amount, roll="backward", holidays=list(pack.holidays)).astype(object)
    first, last = min(day, found), max(day, found)
    if not (pack.holidays_from and pack.holidays_until and pack.holidays_from <= first and last <= pack.holidays_until):
        raise SettingsError(
            f"Business days need all holidays from {first} to {last}; {pack.code} has those from {pack.holidays_from} "
            f"to {pack.holidays_until}. Add the years to the pack."
        )
    return found


def _months_away(day: date, months: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def _moved(moment: datetime, day: date) -> datetime:
    return moment.replace(year=day.year, month=day.month, day=day.day)
