"""What people decided, at stages that no model is asked about too, reaches the judgement of groups."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pipelines.base.catalog import FAMILIES
from pipelines.base.contracts import OUTCOMES, PROVENANCE, TABLES
from pipelines.base.lake import Lake
from pipelines.evaluate import groups
from pipelines.models import features

DAY = date(2026, 10, 31)


def person(number: int) -> str:
    return f"p_{number:032d}"


def events(stage: str, advanced: int, people: range) -> list[dict[str, object]]:
    return [
        {
            "application_id": f"a{number}",
            "person_id": person(number),
            "requisition_id": "R-1",
            "stage_code": stage,
            "outcome_code": "advanced" if place < advanced else "rejected",
            "decided_by": "human",
            "occurred_at": datetime(2026, 9, 1 + len(stage), tzinfo=UTC),
        }
        for place, number in enumerate(people)
    ]


@pytest.fixture
def lake(store):
    """58 of 60 are advanced at the screen, women and men; then, of 60 women 12 pass the interview and of 60 men 42."""
    told = [
        *events("screen", 58, range(60)),
        *events("screen", 58, range(60, 120)),
        *events("interview", 12, range(60)),
        *events("interview", 42, range(60, 120)),
    ]
    moment = datetime(2026, 9, 15, tzinfo=UTC)
    known = {"known_from": moment, "known_from_basis": "file", "file_id": "f", "source_row": 1}
    schema = pl.Schema({**TABLES["application_events"].schema, **PROVENANCE})
    agreed = pl.Schema({**TABLES["consents"].schema, **PROVENANCE})
    consents = [dict.fromkeys(agreed) | known | {"person_id": person(n), "is_given": True} for n in range(120)]
    frame = pl.DataFrame([dict.fromkeys(schema) | row | known for row in told], schema=schema)
    rated = {"period_code": "H1", "period_start": date(2026, 1, 1), "period_end": date(2026, 6, 30)}
    rated |= {"completed_at": datetime(2026, 7, 5, tzinfo=UTC)}
    shares = [(person(0), 0.4, False), (person(1), 0.8, False), (person(2), 0.9, True)]
    columns = pl.Schema({**TABLES["reviews"].schema, **PROVENANCE})
    reviews = [
        dict.fromkeys(columns) | rated | known | {"person_id": who, "rating_share": share, "is_team_level": is_team}
        for who, share, is_team in shares
    ]
    found = Lake(store)
    found.publish(
        "b",
        {
            "application_events": frame,
            "reviews": pl.DataFrame(reviews, schema=columns),
            "consents": pl.DataFrame(consents, schema=agreed),
        },
        {},
        {},
    )
    return found


def test_a_bias_at_the_interview_is_seen_though_screening_has_none(lake):
    decided = groups.decided(lake, lake.require(), DAY, "screening", pl.DataFrame())
    answers = pl.DataFrame({"person_id": [person(n) for n in range(120)], "sex": ["f"] * 60 + ["m"] * 60})
    reports = groups.reports(groups.human_decisions(decided, features("screening").UNIT), answers, 30)
    assert {(r.pool.stage, str(r.pool.verdict)) for r in reports} == {
        ("screen", "NO_EVIDENCE"),
        ("interview", "ADVERSE"),
        ("all stages", "ADVERSE"),
    }


def test_people_have_the_age_of_the_day_on_which_they_were_decided_about(lake):
    """All are 40 today. A third was so at the screen of 7 September, two thirds at the interview of the 10th."""
    decided = groups.decided(lake, lake.require(), DAY, "screening", pl.DataFrame())
    old = pl.DataFrame({"person_id": [person(n) for n in range(120)], "age_40": ["40 or over"] * 120})
    days = ["2026-09-07"] * 40 + ["2026-09-10"] * 40 + ["2026-09-11"] * 40
    forty = pl.DataFrame({"person_id": old["person_id"], "forty_from": days})
    decisions = groups.human_decisions(decided, features("screening").UNIT)

    def people(reports):
        return {r.pool.stage: {row.group: (row.n, row.selected) for row in r.pool.groups} for r in reports}

    assert people(groups.reports(decisions, old, 30, forty)) == {
        "screen": {"40 or over": (40, 40), "under 40": (80, 76)},  # 58 and 59, 118 and 119 are rejected
        "interview": {"40 or over": (80, 12 + 20), "under 40": (40, 22)},  # 0 to 11 and 60 to 101 are advanced
        "all stages": {"40 or over": (80, 12 + 20), "under 40": (40, 22)},  # of the day of the last decision
    }
    assert people(groups.reports(decisions, old, 30))["screen"] == {"40 or over": (120, 116)}
    assert people(groups.reports(decisions, old, 30, forty.clear()))["screen"] == {"40 or over": (120, 116)}
    undated = decisions.with_columns(on=pl.lit(None, pl.String))
    assert people(groups.reports(undated, old, 30, forty))["screen"] == {"40 or over": (120, 116)}
    sexes = old.select("person_id", sex=pl.lit("f"))
    assert people(groups.reports(decisions, sexes, 30, forty))["screen"] == {"f": (120, 116)}


def test_what_the_lake_tells_of_a_stage_counts_and_outcomes_for_the_others(lake):
    about = {"family": "screening", "subject_id": "R-1", "target_code": "advanced", "decided_by": "human"}
    cases = [about | {"person_id": person(n), "stage_code": s, "outcome": 1.0} for n, s in ((1, "interview"), (2, "x"))]
    outcomes = pl.DataFrame([dict.fromkeys(OUTCOMES) | case for case in cases], schema=OUTCOMES)
    decided = groups.decided(lake, lake.require(), DAY, "screening", outcomes)
    assert sorted(decided["stage_code"].value_counts().rows()) == [("interview", 120), ("screen", 120), ("x", 1)]
    assert decided["outcome"].sum() == 2 * 58 + 12 + 42 + 1


def test_what_was_decided_later_is_not_known_yet(lake):
    early = groups.decided(lake, lake.require(), date(2026, 9, 1), "screening", pl.DataFrame())
    assert early.is_empty()


def test_families_without_such_tables_have_what_their_own_tables_tell_and_else_their_outcomes(lake):
    outcomes = pl.DataFrame(schema=OUTCOMES)
    assert groups.decided(lake, lake.require(), DAY, "recommendation", outcomes) is outcomes
    assert set(FAMILIES) - {"screening", "recommendation"} == {"outcomes", "performance"}
    assert groups.decided(lake, lake.require(), DAY, "outcomes", outcomes).is_empty()


def test_a_rating_of_whom_no_model_could_be_asked_about_is_a_decision_all_the_same(lake):
    """Nobody here has a work record: no case is made of them, and their managers rated them."""
    decided = groups.decided(lake, lake.require(), DAY, "performance", pl.DataFrame(schema=OUTCOMES))
    found = groups.human_decisions(decided, features("performance").UNIT)
    assert found.select("stage", "person_id", "subject", "is_selected", "on").rows() == [
        ("review", person(0), "2026-06-30", False, "2026-09-15"),  # .4 and .8: the median is .6; known since the file
        ("review", person(1), "2026-06-30", True, "2026-09-15"),
    ]
