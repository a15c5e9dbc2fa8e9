"""Pay as SAP SuccessFactors prints it: OData v2, every slice of every component that comes again and again.

Besides the base pay there is a component that is none.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from infra.sample.pay import CAST, Pay, standing
from infra.sample.vendors.successfactors import OPEN_END, day, metadata, moment, write_pages

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sample.plan import Delivery

Row = dict[str, Any]
FREQUENCIES = {"hour": "HRL", "biweek": "BWK", "month": "MON", "year": "ANN"}


def write_pay(delivery: Delivery, out: Path) -> int:
    """Write EmpPayCompRecurring, the newest slice first.

    Returns:
        The number of slices of base pay.
    """
    slices = standing(CAST, delivery)
    allowance = component(slices[0]) | {"payComponent": "CAR", "paycompvalue": "250"}
    write_pages(out, "EmpPayCompRecurring", delivery, chain(map(component, reversed(slices)), [allowance]))
    return len(slices)


def component(one: Pay) -> Row:
    """A slice of the base pay of a job. The hours of a week are a field of this tenant."""
    return {
        "__metadata": metadata("EmpPayCompRecurring", f"{one.code}/{one.start}/{one.order}"),
        "userId": one.code,
        "payComponent": "BASE",
        "startDate": day(one.start),
        "endDate": day(one.last) if one.last else OPEN_END,
        "seqNumber": str(one.order),
        "paycompvalue": one.amount,
        "currencyCode": one.currency,
        "frequency": FREQUENCIES[one.frequency],
        "customDouble1": one.hours,
        "lastModifiedDateTime": moment(one.entered),
    }
