from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipelines.base import vault
from pipelines.base.errors import SettingsError
from pipelines.base.lake import Lake


def attributes(*rows: tuple[str, str, str], known: int = 1) -> pl.DataFrame:
    moment = datetime(2026, 1, known, tzinfo=UTC)
    return pl.DataFrame(
        [
            {"person_id": person, "attribute_code": attribute, "value_code": value}
            | {"file_id": "f", "source_row": 1, "known_from": moment, "known_from_basis": "source"}
            for person, attribute, value in rows
        ],
        schema_overrides={"known_from": pl.Datetime("us", "UTC")},
    )


@pytest.mark.usefixtures("keys")
def test_the_newest_answer_counts(store):
    lake = Lake(store)
    lake.publish("b1", {}, {"protected": attributes(("p_1", "sex", "female"))}, {})
    lake.publish("b2", {}, {"protected": attributes(("p_1", "sex", "male"), known=3)}, {})
    assert vault.read_protected(store, lake.require())["value_code"].to_list() == ["male"]
    assert vault.read_protected(store, lake.require(), date(2026, 1, 2))["value_code"].to_list() == ["female"]


@pytest.mark.usefixtures("keys")
def test_nothing_of_a_person_is_readable_without_the_key(store, monkeypatch):
    lake = Lake(store)
    lake.publish("b1", {}, {"protected": attributes(("p_1", "sex", "CANARY-VALUE"))}, {})
    for file in store.root.rglob("*"):
        assert not file.is_file() or b"CANARY-VALUE" not in file.read_bytes()
    monkeypatch.delenv("CANDOR_AUDIT_KEY")
    with pytest.raises(SettingsError, match="CANDOR_AUDIT_KEY must hold the audit identity"):
        vault.read_protected(store, lake.require())


@pytest.mark.usefixtures("keys")
def test_a_wrong_key_opens_nothing(store, monkeypatch):
    lake = Lake(store)
    lake.publish("b1", {}, {"protected": attributes(("p_1", "sex", "female"))}, {})
    monkeypatch.setenv("CANDOR_AUDIT_KEY", "44" * 32)
    with pytest.raises(SettingsError, match="does not open it"):
        vault.read_protected(store, lake.require())


def test_missing_and_declined_answers_are_unknown():
    protected = attributes(("p_1", "sex", "female"), ("p_2", "disability", "declined"), ("p_1", "disability", "no"))
    groups = vault.groups(protected, date(2026, 6, 1))
    assert groups.rows() == [("p_1", "no", "female"), ("p_2", "unknown", "unknown")]
    assert groups.columns == ["person_id", "disability", "sex"]


@pytest.mark.parametrize(
    ("born", "group"),
    [("1986-06-01", "40 or over"), ("1986-06-02", "under 40"), ("1986", "40 or over"), ("1987", "under 40")],
)
def test_forty_is_reached_on_the_birthday(born, group):
    assert vault.groups(attributes(("p_1", "birth_date", born)), date(2026, 6, 1))["age_40"].to_list() == [group]


def test_a_birth_date_that_cannot_be_read_is_unknown():
    assert vault.groups(attributes(("p_1", "birth_date", "??")), date(2026, 6, 1))["age_40"].to_list() == ["unknown"]


@pytest.mark.parametrize(
    ("band", "group"),
    [
        ("under 35", "under 40"),
        ("0-35", "under 40"),
        ("30_39", "under 40"),
        ("under 40", "under 40"),
        ("40-49", "40 or over"),
        ("55<=", "40 or over"),
        ("40 or over", "40 or over"),
        ("40+", "40 or over"),
        ("35 to 54", "unknown"),
        ("30-40", "unknown"),
        ("<=40", "unknown"),
        ("under 50", "unknown"),
        ("over 39", "40 or over"),
        (">39", "40 or over"),
        ("≥40", "40 or over"),
        (">= 40", "40 or over"),
        ("=>40", "40 or over"),
        ("40 and up", "40 or over"),
        ("no younger than 40", "40 or over"),
        ("Not  under 40", "40 or over"),
        ("40 ans et plus", "40 or over"),
        ("<=39", "under 40"),
        ("≤39", "under 40"),
        ("=<39", "under 40"),
        ("up to 39", "under 40"),
        ("39 and under", "under 40"),
        ("no older than 39", "under 40"),
        ("<40", "under 40"),
        ("40 and under", "unknown"),
        ("40 or younger", "unknown"),
        ("40 or below", "unknown"),
        ("≤40", "unknown"),
        ("up to 40", "unknown"),
        ("under 41", "unknown"),
        ("no older than 45", "unknown"),
        ("no younger than 39", "unknown"),
        ("≥39", "unknown"),
        ("=>39", "unknown"),
        ("> =39", "unknown"),
        ("over 38", "unknown"),
        ("39+", "unknown"),
        ("not 40 or over", "unknown"),
        ("not 50-60", "unknown"),
        ("under or over 40", "unknown"),
        ("1985-1990", "unknown"),
        ("1985+", "unknown"),
        ("40", "unknown"),
        ("young", "unknown"),
        ("declined", "unknown"),
    ],
)
def test_an_age_band_is_on_a_side_of_forty_only_if_all_of_it_is(band, group):
    found = vault.groups(attributes(("p_1", "age_band", band)), date(2026, 6, 1))
    assert found["age_40"].to_list() == [group]
    assert found["age_band"].to_list() == ["unknown" if band == "declined" else band]


def test_a_birth_date_counts_before_a_band_and_a_band_where_there_is_none():
    known = attributes(
        ("p_1", "age_band", "55<="),
        ("p_1", "birth_year", "2000"),
        ("p_2", "age_band", "55<="),
        ("p_3", "sex", "female"),
    )
    assert vault.groups(known, date(2026, 6, 1))["age_40"].to_list() == ["under 40", "40 or over", "unknown"]


def test_what_somebody_said_about_forty_itself_counts_before_a_birth_date_and_a_band():
    known = attributes(
        ("p_1", "age_40", "40 or over"),
        ("p_1", "age_band", "35 to 54"),
        ("p_2", "age_40", "under 40"),
        ("p_2", "birth_year", "1950"),
        ("p_3", "age_40", "declined"),
        ("p_3", "birth_year", "1950"),
        ("p_4", "age_40", "40+"),
        ("p_5", "age_40", "yes"),
        ("p_6", "age_band", "55<="),
    )
    sides = ["40 or over", "under 40", "40 or over", "40 or over", "yes", "40 or over"]
    assert vault.groups(known, date(2026, 6, 1))["age_40"].to_list() == sides


def test_what_was_said_about_forty_is_enough_alone():
    known = attributes(("p_1", "age_40", "40+"), ("p_2", "age_40", "declined"))
    assert vault.groups(known, date(2026, 6, 1))["age_40"].to_list() == ["40 or over", "unknown"]


def test_from_when_on_somebody_is_forty_is_known_of_births_alone():
    known = attributes(
        ("p_1", "birth_date", "1986-06-01"),
        ("p_2", "birth_year", "1987"),
        ("p_3", "age_band", "35 to 54"),
        ("p_4", "birth_date", "1950-01-01"),
        ("p_4", "age_40", "no"),  # what somebody said about this very question comes first, and is of no day
        ("p_5", "birth_date", "1980-02-03"),
        ("p_5", "age_40", "declined"),
        ("p_6", "birth_date", "??"),
        ("p_7", "birth_date", "1970-01-01"),
        ("p_7", "birth_year", "1971"),
    )
    assert vault.forty(known).rows() == [
        ("p_1", "2026-06-01"),
        ("p_2", "2027"),
        ("p_5", "2020-02-03"),
        ("p_7", "2010-01-01"),
    ]
    assert vault.forty(attributes(("p_1", "age_band", "40+"))).rows() == []
    assert vault.forty(attributes()).columns == ["person_id", "forty_from"]


@pytest.mark.parametrize("born", ["1986-02-28", "1986-03-01", "1988-02-29", "1984-02-29", "1986", "1985-12-31"])
@pytest.mark.parametrize(
    "day", [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 28), date(2028, 2, 29)]
)
def test_forty_from_and_the_side_of_a_day_say_the_same(born, day):
    known = attributes(("p_1", "birth_date", born))
    is_over = day.isoformat() >= vault.forty(known)["forty_from"].item()
    assert vault.groups(known, day)["age_40"].item() == ("40 or over" if is_over else "under 40")
