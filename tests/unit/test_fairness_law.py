"""The packs themselves are under test too: dates and spans are those of the specification."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from pipelines.base.errors import SettingsError
from pipelines.fairness.law import Clock, Duty, banned, current, day_due, due, everywhere, library, next_due, standing
from pipelines.fairness.law import packs as packs_module

INCIDENTS = ("serious_incident", "serious_incident_death", "serious_incident_widespread")
EVE, NEW_YEAR = date(2026, 12, 31), date(2027, 1, 1)
PLACES = ("US-NY-NYC", "US-IL", "US-CO", "EU-DE")


def duty(pack, code):
    return next(item for item in current(pack, date(2028, 6, 1)).duties if item.code == code)


def noon(*day):
    return datetime(*day, 12, tzinfo=UTC)


def test_the_laws_of_the_specification_are_there():
    assert {pack.code for pack in library()} == {
        "eu-ai-act",
        "eu-gdpr",
        "us-ca-cppa-admt",
        "us-ca-feha-ads",
        "us-co-sb24-205",
        "us-co-sb26-189",
        "us-il-bipa",
        "us-il-hb3773",
        "us-il-video",
        "us-nyc-ll144",
        "us-ugesp",
    }


def test_what_is_asked_on_new_years_eve_and_on_new_years_day_differs_by_colorado():
    before, after = (set(standing(PLACES, day).duties) for day in (EVE, NEW_YEAR))
    assert before < after
    assert {name.split("/")[0] for name in after - before} == {"us-co-sb26-189"}
    assert len(after - before) == 7


def test_without_people_in_colorado_new_year_changes_nothing():
    places = ("US-NY-NYC", "US-IL", "EU-DE")
    assert standing(places, EVE).duties == standing(places, NEW_YEAR).duties


def test_californias_notice_and_appeal_start_at_new_year_and_its_attestation_later():
    new = set(standing(["US-CA"], NEW_YEAR).duties) - set(standing(["US-CA"], EVE).duties)
    assert new == {f"us-ca-cppa-admt/{code}" for code in ("pre_use_notice", "opt_out_or_appeal", "access")}
    assert "us-ca-cppa-admt/attestation" not in standing(["US-CA"], date(2028, 3, 31)).duties
    assert "us-ca-cppa-admt/attestation" in standing(["US-CA"], date(2028, 4, 1)).duties


def test_europe_bans_emotion_inference_now_and_asks_for_the_rest_from_december_2027():
    assert "eu-ai-act" not in standing(["EU-DE"], date(2025, 2, 1)).digests
    assert list(standing(["EU-DE"], date(2027, 12, 1)).of_kind("ban")) == ["eu-ai-act/no_emotion_inference"]
    assert not any(name.startswith("eu-ai-act") for name in standing(["EU"], date(2027, 12, 1)).of_kind("record"))
    assert "eu-ai-act/risk_register" in standing(["EU"], date(2027, 12, 2)).duties


def test_a_repealed_pack_refuses_to_load_and_names_its_successor():
    with pytest.raises(SettingsError, match="us-co-sb24-205 ended on 2026-06-30: use us-co-sb26-189"):
        current("us-co-sb24-205", EVE)
    with pytest.raises(SettingsError, match="ended on 2026-06-30"):
        current("us-co-sb24-205", date(2026, 6, 30))  # the first day on which it is not in force
    with pytest.raises(SettingsError, match="applies from"):
        current("us-co-sb24-205", date(2026, 6, 29))
    assert current("us-co-sb26-189", NEW_YEAR).jurisdiction == "US-CO"


def test_a_pack_that_is_not_yet_in_force_and_one_that_is_not_there_refuse_to_load():
    with pytest.raises(SettingsError, match="us-co-sb26-189 applies from 2027-01-01"):
        current("us-co-sb26-189", EVE)
    with pytest.raises(SettingsError, match="must exist; got us-xx"):
        current("us-xx", EVE)


def test_a_repealed_pack_is_never_part_of_the_law_of_a_place():
    for day in (date(2026, 6, 29), date(2026, 6, 30), EVE, NEW_YEAR):
        assert "us-co-sb24-205" not in standing(["US-CO"], day).digests


def test_a_city_is_in_its_country_and_not_in_another_state():
    codes = set(standing(["US-NY-NYC"], EVE).digests)
    assert codes == {"us-nyc-ll144", "us-ugesp"}
    assert set(standing(["US-NY"], EVE).digests) == {"us-ugesp"}


def test_a_run_must_say_where_it_is():
    with pytest.raises(SettingsError, match="must name its jurisdictions"):
        standing([], EVE)


def test_what_is_only_recommended_is_shown_as_such():
    assert standing(["US-NY-NYC"], EVE).duties["us-nyc-ll144/by_requisition"].is_recommended


@pytest.mark.parametrize(
    ("pack", "code", "amount", "unit"),
    [
        ("us-nyc-ll144", "audit_age", 1, "years"),
        ("us-nyc-ll144", "publication_stays", 6, "months"),
        ("us-nyc-ll144", "notice", 10, "business_days"),
        ("us-nyc-ll144", "information_request", 30, "days"),
        ("us-co-sb26-189", "adverse_outcome", 30, "days"),
        ("us-co-sb26-189", "records_kept", 3, "years"),
        ("us-ca-feha-ads", "records_kept", 4, "years"),
        ("us-il-video", "deletion", 30, "days"),
        ("eu-gdpr", "access_request", 1, "months"),
        ("eu-gdpr", "breach", 72, "hours"),
        ("eu-ai-act", "serious_incident", 15, "days"),
        ("eu-ai-act", "serious_incident_death", 10, "days"),
        ("eu-ai-act", "serious_incident_widespread", 2, "days"),
        ("us-ugesp", "retention", 1, "years"),
        ("us-ugesp", "contractor_retention", 2, "years"),
        ("eu-ai-act", "event_log", 6, "months"),
        ("eu-ai-act", "technical_file_kept", 10, "years"),
    ],
)
def test_the_clocks_are_those_of_the_specification(pack, code, amount, unit):
    clock = duty(pack, code).clock
    assert (clock.amount, clock.unit) == (amount, unit)


def test_ten_business_days_before_a_use_skip_weekends_and_the_citys_holidays():
    pack = current("us-nyc-ll144", EVE)
    notice = duty("us-nyc-ll144", "notice").clock
    # Back from Tuesday 19 January 2027: not the 18th (King), weekends, 1 January; the tenth is 4 January.
    assert due(notice, noon(2027, 1, 19), pack) == noon(2027, 1, 4)
    # A use on the holiday itself counts from the Friday before it.
    assert due(notice, noon(2027, 1, 18), pack) == noon(2026, 12, 31)


def test_business_days_outside_the_known_holidays_are_refused():
    pack = current("us-nyc-ll144", EVE)
    for day in (noon(2028, 1, 5), noon(2026, 1, 5)):
        with pytest.raises(SettingsError, match="Add the years to the pack"):
            due(duty("us-nyc-ll144", "notice").clock, day, pack)


def test_a_year_after_a_leap_day_and_a_month_after_the_thirty_first_end_with_their_month():
    pack = current("us-nyc-ll144", EVE)
    assert due(duty("us-nyc-ll144", "audit_age").clock, noon(2028, 2, 29), pack) == noon(2029, 2, 28)
    assert due(duty("eu-gdpr", "access_request").clock, noon(2027, 1, 31), pack) == noon(2027, 2, 28)
    assert due(duty("eu-gdpr", "breach").clock, noon(2027, 1, 31), pack) == noon(2027, 2, 3)
    assert due(Clock(amount=6, unit="months", side="before", trigger="x"), noon(2027, 3, 31), pack) == noon(2026, 9, 30)


def test_an_incident_in_europe_has_three_clocks_from_the_moment_it_was_known():
    pack = current("eu-ai-act", date(2028, 6, 1))
    known = noon(2028, 2, 25)  # a leap year: February has 29 days
    ends = {code: due(duty("eu-ai-act", code).clock, known, pack) for code in INCIDENTS}
    assert list(ends.values()) == [noon(2028, 3, 11), noon(2028, 3, 6), noon(2028, 2, 27)]
    assert not {f"eu-ai-act/{code}" for code in INCIDENTS} & set(standing(["EU"], date(2027, 12, 1)).duties)
    assert {f"eu-ai-act/{code}" for code in INCIDENTS} <= set(standing(["EU"], date(2027, 12, 2)).duties)


def test_contractors_keep_what_others_may_let_go_after_a_year():
    pack = current("us-ugesp", EVE)
    assert day_due(pack, "retention", date(2024, 2, 29)) == date(2025, 2, 28)
    assert day_due(pack, "contractor_retention", date(2024, 2, 29)) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (date(2026, 1, 1), date(2026, 12, 31)),
        (date(2026, 11, 29), date(2026, 12, 31)),
        (date(2026, 12, 1), date(2026, 12, 31)),
        (EVE, date(2026, 12, 31)),
        (NEW_YEAR, date(2027, 12, 31)),
    ],
)
def test_illinois_wants_its_report_by_the_last_day_of_every_year(day, end):
    assert next_due(current("us-il-video", EVE), "demographic_report_due", day) == end


def test_a_yearly_clock_may_run_out_in_the_year_after_its_trigger():
    clock = Clock(amount=31, unit="days", side="after", trigger="x", every_year_on="12-15")
    duty = Duty(code="report", kind="clock", asks="x", where="x", basis="inferred", clock=clock)
    pack = current("us-il-video", EVE).model_copy(update={"duties": (duty,)})
    assert next_due(pack, "report", date(2027, 1, 15)) == date(2027, 1, 15)
    assert next_due(pack, "report", date(2027, 1, 16)) == date(2028, 1, 15)


def test_illinois_report_is_asked_for_from_2022_on():
    assert "us-il-video/demographic_report_due" not in standing(["US-IL"], date(2021, 12, 31)).duties
    assert "us-il-video/demographic_report_due" in standing(["US-IL"], date(2022, 1, 1)).duties


def test_biometrics_need_a_written_release_in_illinois_and_are_in_no_feature():
    law = standing(["US-IL"], EVE)
    assert law.duties["us-il-bipa/written_release"].kind == "record"
    assert "us-il-bipa/no_biometric_features" in law.of_kind("ban")
    assert "us-il-bipa" not in standing(["US-IL"], date(2008, 10, 2)).digests
    assert "us-il-bipa" not in standing(["US-NY"], EVE).digests


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("home_zip", {"us-il-hb3773"}),
        ("homePostcode3", {"us-il-hb3773"}),
        ("Voice-Pitch__mean", {"eu-ai-act", "us-il-video"}),
        ("facial_score", {"eu-ai-act", "us-il-video", "us-il-bipa"}),
        ("birth_year", {"us-ugesp"}),
        ("age", {"us-ugesp"}),
        ("age_40__mean", {"us-ugesp"}),
        ("work_age", {"us-ugesp"}),
        ("meanAgeYears", {"us-ugesp"}),
        ("ticket_age_hours", set()),  # of a thing
        ("average_ticket_age", set()),
        ("dob", {"us-ugesp"}),
        ("national_origin_code", {"us-ugesp"}),
        ("national_accounts", set()),
        ("originNational", set()),  # in a row, in this order
        ("eye_contact_share", {"eu-ai-act"}),
        ("eye_exams", set()),
        ("pitches", set()),
        ("sales_pitch_count", set()),
        ("home_lat", {"us-il-hb3773"}),
        ("latency_ms", set()),
        ("home_census_tract", {"us-il-hb3773"}),
        ("average_tenure", set()),  # words, not parts of them
        ("invoice_count", set()),
        ("overtime_hours__steps", set()),
        ("job_family_code", set()),
        ("", set()),
    ],
)
def test_what_laws_ban_is_known_by_the_words_of_an_inputs_name(name, by):
    assert {ban.partition("/")[0] for ban in banned([name, name], EVE).get(name, ())} == by


def test_a_ban_of_a_law_that_ended_counts_no_more_and_one_to_come_does(monkeypatch):
    video = next(pack for pack in library() if pack.code == "us-il-video")
    later = video.model_copy(update={"code": "later", "applies_from": date(2099, 1, 1)})
    ended = video.model_copy(update={"code": "ended", "ends_on": date(2020, 1, 1)})
    monkeypatch.setattr("pipelines.fairness.law.bans.library", lambda: (ended, later))
    assert banned(["video_seconds"], EVE) == {"video_seconds": ("later/no_video_features",)}
    assert banned(["video_seconds"], date(2020, 1, 1)) == banned(["video_seconds"], EVE)
    both = ("ended/no_video_features", "later/no_video_features")
    assert banned(["video_seconds"], date(2019, 12, 31)) == {"video_seconds": both}


def test_every_ban_has_words_and_nothing_else_has():
    for pack in library():
        for one in pack.duties:
            assert bool(one.words) == (one.kind == "ban"), f"{pack.code}/{one.code}"
    with pytest.raises(ValidationError, match="only a duty of kind ban may have words"):
        Duty(code="x", kind="text", asks="Say so.", where="1", basis="known", words=("zip",))
    with pytest.raises(ValidationError, match="only a duty of kind ban may have words"):
        Duty(code="x", kind="text", asks="Say so.", where="1", basis="known", of_people=("age",))


def test_a_clock_that_no_duty_has_is_refused():
    pack = current("us-nyc-ll144", EVE)
    with pytest.raises(SettingsError, match=r"us-nyc-ll144/scope has none. Use one of \['audit_age'"):
        day_due(pack, "scope", EVE)
    with pytest.raises(SettingsError, match="us-nyc-ll144/audit_age is not"):
        next_due(pack, "audit_age", EVE)


@pytest.mark.parametrize("day", ["02-29", "13-01", "00-10", "1-1"])
def test_a_day_that_not_every_year_has_is_no_yearly_trigger(day):
    with pytest.raises(ValidationError):
        Clock(amount=1, unit="days", side="after", trigger="x", every_year_on=day)


def test_the_categories_of_new_york_are_those_of_its_rule():
    pack = current("us-nyc-ll144", EVE)
    named = [(item.axis, item.name) for item in pack.categories if not item.is_optional]
    assert named[:2] == [("sex", "Male"), ("sex", "Female")]
    assert [axis for axis, _ in named[2:]] == ["race_ethnicity"] * 7
    assert str(pack.small_share) == "0.02"


def test_a_file_that_is_no_pack_is_refused_with_its_faults(tmp_path):
    path = tmp_path / "us-xx.yaml"
    path.write_text("code: us-xx\njurisdiction: nowhere\n")
    with pytest.raises(SettingsError, match=r"us-xx\.yaml must be a law pack; .*jurisdiction.*title"):
        packs_module._read(path)


def test_a_judgement_can_name_the_text_of_every_pack_by_digest():
    digests = standing(PLACES, NEW_YEAR).digests
    assert len(digests) == 8
    assert all(len(digest) == 64 for digest in digests.values())


@pytest.mark.parametrize("place", ["us-ny-nyc", "DE", "", "Germany"])
def test_a_place_that_no_pack_could_mean_is_refused(place):
    with pytest.raises(SettingsError, match="must begin as the packs of law do, EU, US"):
        standing(["US-IL", place], EVE)


def test_records_are_named_that_a_law_still_wants_on_the_day():
    colorado = standing(["US-CO"], date(2027, 6, 1))
    assert set(colorado.kept(date(2024, 6, 2))) == {"us-co-sb26-189/versions_kept", "us-co-sb26-189/records_kept"}
    assert colorado.kept(date(2024, 6, 1)) == ()  # a record of 31 May 2024 is wanted until 31 May 2027
    assert standing(["US-CO"], EVE).kept(date(2024, 6, 2)) == ()


def test_everywhere_is_where_a_pack_is_of_so_the_longest_clock_of_all_counts():
    assert {"US", "US-CA", "US-NY-NYC", "EU"} <= set(everywhere())
    kept = standing(everywhere(), date(2026, 11, 27)).kept(date(2022, 11, 28))
    assert "us-ca-feha-ads/records_kept" in kept
