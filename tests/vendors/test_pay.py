"""What people are paid, whichever vendor printed it, and who may ask."""

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from babel.core import get_global

from infra.sample import careers
from infra.sample.vendors import successfactors_pay, workday_pay
from pipelines.base import known
from pipelines.base.catalog import FAMILIES
from pipelines.base.contracts import TABLES
from pipelines.base.currencies import ENDED, IN_USE
from pipelines.base.errors import ContractError
from pipelines.base.lake import Lake
from pipelines.base.pseudonyms import pseudonym
from pipelines.models import features
from pipelines.validate import check, engine
from tests.vendors.printed import VENDORS, canonical

PERIODS = {"2024-01": 7, "2024-02": 8}
"""Slices, by hand: one of the first, three of the second, two of the third, one of the last; one more of the first."""
WRITERS = {"workday": workday_pay, "successfactors": successfactors_pay}
MADE = {"file_id": "f", "source_row": 1}


def pay(vendor, period, folder, monkeypatch):
    """What a vendor's file of a month becomes."""
    assert WRITERS[vendor].write_pay(careers.cut(period), folder / "exports") == PERIODS[period]
    return canonical(folder, [VENDORS / vendor / f"{vendor}_pay.yaml"], monkeypatch)["base_pay"]


def of(number: str, scheme: str, prefix: str) -> str:
    return pseudonym(bytes.fromhex("11" * 32), scheme, pl.Series([number]), prefix)[0]


@pytest.mark.parametrize("period", PERIODS)
def test_pay_of_workday_and_of_successfactors_is_the_same(keys, tmp_path, monkeypatch, period):
    ours, theirs = (pay(vendor, period, tmp_path / vendor, monkeypatch) for vendor in WRITERS)
    assert set(ours.columns) == {*TABLES["base_pay"].schema, "known_from", "known_from_basis"}
    assert len(ours) == PERIODS[period]
    assert ours.equals(theirs)


def test_pay_is_kept_to_the_last_place_and_makes_a_year(keys, store, tmp_path, monkeypatch):
    lake = Lake(store)
    for period in PERIODS:
        made = pay("workday", period, tmp_path / period, monkeypatch)
        lake.publish(period, {"base_pay": made.with_columns(pl.lit(MADE[name]).alias(name) for name in MADE)}, {}, {})
    numbers = ("000101", "000102", "000108", "000110")
    agreed = [
        {"person_id": of(number, "workday_worker", "p"), "is_given": number != "000110"}
        | {"known_from": datetime(2020, 1, 1, tzinfo=UTC), "known_from_basis": "source", **MADE}
        for number in numbers
    ]
    lake.publish("agreed", {"consents": pl.DataFrame(agreed)}, {}, {})

    def asked(on: date, by: date) -> dict[str, list[object]]:
        found = known.pay(lake, lake.require(), on=on, known=by)
        columns = ["assignment_key", "amount", "currency_code", "frequency_code", "annual_amount"]
        return {key: cells for key, *cells in found.select(columns).rows()}

    jobs = {name: of(name, "assignment", "j") for name in ("000101-1", "000102-1", "000108-1", "000108-2")}
    january, day = date(2024, 1, 31), date(2024, 1, 15)
    told = asked(day, january)
    assert told == {
        jobs["000101-1"]: [Decimal("5200.5000"), "USD", "month", Decimal("62406.0000")],
        jobs["000102-1"]: [Decimal("52000.0000"), "USD", "year", Decimal("52000.0000")],
        # 21.3755 an hour, 24 hours a week, 52 weeks.
        jobs["000108-1"]: [Decimal("21.3755"), "USD", "hour", Decimal("26676.6240")],
        jobs["000108-2"]: [Decimal("30.0000"), "USD", "hour", None],
    }
    assert asked(day, date(2024, 2, 29))[jobs["000101-1"]][0] == Decimal("5600.0000")


def test_no_family_may_be_given_what_people_are_paid(store):
    lake = Lake(store)
    barred = {name for name, table in TABLES.items() if not table.is_for_models}
    assert barred == {"base_pay"}
    assert not {name for family in FAMILIES for name in features(family).TABLES} & barred
    pays = [name for name, table in TABLES.items() if any(column.kind == "money" for column in table.columns)]
    assert {*pays} <= barred, "money stands in tables that are for no model"
    row = {"person_id": "p_" + "a" * 32, "is_given": True, "known_from": datetime(2024, 1, 1, tzinfo=UTC)}
    lake.publish("a", {"consents": pl.DataFrame([{**row, "known_from_basis": "source", **MADE}])}, {}, {})
    with pytest.raises(ContractError, match=r"for models; base_pay is not"):
        known.read_people(lake, lake.require(), iter(["consents", "base_pay"]), date(2024, 1, 31))


@pytest.mark.filterwarnings("ignore")  # Great Expectations warns about pandas and marshmallow internals
@pytest.mark.parametrize("large", [False, True])
def test_pay_below_nothing_and_pay_in_no_currency_go_to_quarantine(keys, tmp_path, monkeypatch, large):
    made = pay("workday", "2024-01", tmp_path, monkeypatch).sort("person_id", "assignment_key", "valid_from", "amount")
    assert made["valid_from"].min() > date(2002, 5, 15), "the last day of DEM, as CLDR has it"
    place = pl.int_range(pl.len())
    wrong = made.with_columns(
        amount=pl.when(place == 2).then(-pl.col("amount")).otherwise(pl.col("amount")),
        currency_code=pl.coalesce(
            pl.when(place == row).then(pl.lit(code))
            for row, code in ((3, "Dollars"), (4, "DEM"), (5, "DEM"), (6, "XAU"), (1, "ZWG"))
        ).fill_null(pl.col("currency_code")),
        valid_from=pl.when(place == 5).then(date(2002, 5, 15)).otherwise(pl.col("valid_from")),
    )
    monkeypatch.setattr(engine, "LARGE", 1 if large else 100)
    failed = check(TABLES["base_pay"], wrong, {}).failed
    codes = {3: "unknown_code:currency_code", 4: "ended:currency_code", 6: "unknown_code:currency_code"}
    assert sorted(failed.filter(pl.col("reason_code").str.ends_with("y_code") | (pl.col("row") == 2)).rows()) == [
        (2, "out_of_range:amount"),
        *codes.items(),
    ]


def test_currencies_are_those_of_iso_and_end_when_they_ended():
    """The Unicode CLDR, as Babel has it, says which are money where, and since and until when."""
    ends = {}
    for spans in get_global("territory_currencies").values():
        for code, _, end, is_tender in spans:
            if is_tender:
                ends[code] = max(ends.get(code, date.min), date(*end) if end else date.max)
    today = {code for code, end in ends.items() if end > date(2026, 1, 31)}
    assert today - {*IN_USE} == {"BGN"}, "which ended after that edition"
    # Of ISO 4217 too, and money nowhere: what pay and loans are reckoned in.
    assert {*IN_USE} - today == {"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "SVC", "USN", "UYI", "UYW", "VED"}
    assert {code: ends[code] for code in ENDED if code != "BGN"} == {c: end for c, end in ENDED.items() if c != "BGN"}


def test_what_pay_makes_in_a_year_goes_by_how_often_it_comes(store):
    often = {"hour": 52 * 10, "day": 260, "week": 52, "biweek": 26, "semimonth": 24, "month": 12, "year": 1}
    schema = {**TABLES["base_pay"].schema, "known_from": pl.Datetime("us", "UTC"), "known_from_basis": pl.String}
    person, since = "p_" + "a" * 32, {"known_from": datetime(2024, 1, 1, tzinfo=UTC), "known_from_basis": "source"}
    rows = [
        {"person_id": person, "assignment_key": name, "valid_from": date(2024, 1, 1), "seq_in_day": 0, **since}
        | {"amount": Decimal("0.0001"), "currency_code": "EUR", "frequency_code": name, "weekly_hours": 10.0}
        for name in often
    ]
    lake = Lake(store)
    made = [
        pl.lit(value).cast(pl.Int64 if name == "source_row" else pl.String).alias(name) for name, value in MADE.items()
    ]
    lake.publish("p", {"base_pay": pl.DataFrame(rows, schema=schema).with_columns(made)}, {}, {})
    agreed = pl.DataFrame([{"person_id": person, "is_given": True, **since}]).with_columns(made)
    lake.publish("a", {"consents": agreed}, {}, {})
    found = known.pay(lake, lake.require(), on=date(2024, 2, 1), known=date(2024, 2, 1))
    told = dict(found.select("frequency_code", "annual_amount").rows())
    assert told == {name: Decimal(times) / 10_000 for name, times in often.items()}
