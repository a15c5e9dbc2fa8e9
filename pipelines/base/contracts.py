"""The canonical tables and the narrow waist: what every row must look like, written once.

`TABLES` is read by ingest (which columns to fill), by validate (which expectations to generate) and by the lake (keys).
`SCORED` and `OUTCOMES` are the only tables that anything after `score` reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import polars as pl

from pipelines.base.currencies import ENDED, IN_USE
from pipelines.base.errors import ContractError

Kind = Literal["id", "code", "text", "date", "moment", "int", "float", "share", "money", "bool"]
End = Literal["last_day", "first_day_after"]
"""Which day a date names that something ends with."""
LISTED: Final = 0.995
"""Least share of a source's codes that the map of its feed must list."""

DTYPES: Final[Mapping[Kind, pl.DataType]] = {
    "id": pl.String(),
    "code": pl.String(),
    "text": pl.String(),
    "date": pl.Date(),
    "moment": pl.Datetime("us", "UTC"),
    "int": pl.Int64(),
    "float": pl.Float64(),
    "share": pl.Float64(),
    "money": pl.Decimal(18, 4),
    "bool": pl.Boolean(),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table."""

    name: str
    kind: Kind
    required: bool = True
    """Whether null is refused."""
    values: tuple[str, ...] = ()
    """The closed list of a code; empty means open."""
    form: str = ""
    """Regular expression that a code of an open list must match; one that does not is counted, its row stays."""
    ended: Mapping[str, date] = field(default_factory=dict)
    """Codes of it that were in use once -> the last day on which a row could begin with one."""
    low: float | None = None
    high: float | None = None
    odd_up_to: float | None = None
    """Up to which value, 0 left out, a number is counted as of another scale; its row stays."""
    end: End | None = None
    """Of a date that ends something, which day is kept; feeds must say which one their source writes."""
    is_for_models: bool = True
    """Whether a family may be given it; of one that none may, neither snapshots nor scoring are told."""

    @property
    def dtype(self) -> pl.DataType:
        """The Polars type of the column's kind."""
        return DTYPES[self.kind]

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """Least and greatest value allowed; a share lies in [0, 1]."""
        return (0.0, 1.0) if self.kind == "share" else (self.low, self.high)


@dataclass(frozen=True, slots=True)
class Slices:
    """Rows that say what holds of one thing from a day on, until a day that another row may begin with.

    At one known time no two may hold on one day, and between the first and the last no day may be without one.
    """

    of: tuple[str, ...]
    """Columns that name the thing."""
    start: str
    """The first day."""
    end: str
    """The first day after; null while open."""
    order: str | None = None
    """Of several that begin on one day, the one with the greatest number holds at its end; without it, none do."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them: of which thing, and when."""
        return (*self.of, self.start, self.end, *((self.order,) if self.order else ()))


@dataclass(frozen=True, slots=True)
class Table:
    """A canonical table of the lake or the vault."""

    name: str
    key: tuple[str, ...]
    """Columns that name a thing; rows of the same key are versions of it."""
    columns: tuple[Column, ...]
    zone: Literal["lake", "attributes", "identifiers"] = "lake"
    """`attributes` and `identifiers` are the two halves of the vault, each under its own key."""
    references: Mapping[str, str] = field(default_factory=dict)
    """Column -> table whose key it must be found in."""
    sought: Mapping[str, str] = field(default_factory=dict)
    """Column -> table whose key it should be found in, where that has any rows; one that is not is counted, its row
    stays: people may be told of before the feed that says who they are."""
    ordered: tuple[tuple[str, str], ...] = ()
    """Pairs of dates or moments (earlier, later)."""
    begins: tuple[str, str] | None = None
    """Of what happens to one thing after another: a column and the code in it of what comes first, by `kept_from`."""
    kept_from: str | None = None
    """Of what happened once: the day or moment from which `privacy.retention` counts. What holds until something else
    does, such as a job or a consent, has none and stays as long as the person or thing is known."""
    slices: Slices | None = None
    """How its rows share out time, where they do."""
    is_for_models: bool = True
    """Whether a family may be given it; of one that none may, no snapshot is made and nothing is scored by it."""

    @property
    def schema(self) -> pl.Schema:
        """Types of the business columns."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    @property
    def for_models(self) -> list[str]:
        """Business columns that a family may be given."""
        return [column.name for column in self.columns if column.is_for_models]

    @property
    def refers(self) -> dict[str, str]:
        """Column -> table whose key it is looked for in, whatever becomes of a row in which it is not found."""
        return {**self.references, **self.sought}

    @property
    def has_managers(self) -> bool:
        """Whether it says of each person who their manager is."""
        return self.key == ("person_id",) and "manager_person_id" in self.schema

    @property
    def free_text(self) -> list[str]:
        """Columns of the lake in which somebody wrote what they liked."""
        return [column.name for column in self.columns if column.kind == "text"] if self.zone == "lake" else []


PROVENANCE: Final = pl.Schema(
    {
        "file_id": pl.String(),
        "source_row": pl.Int64(),
        "known_from": pl.Datetime("us", "UTC"),
        "known_from_basis": pl.String(),
        "record_sha256": pl.String(),
        "bucket": pl.Int32(),
        "published_seq": pl.Int64(),
    }
)
"""On every row: sha256 of the landed file, the row there, when the source knew it and how we know (`source` or
`observed`), digest of the business columns, hash bucket of the person, number of the manifest that published it."""


def _id(name: str, required: bool = True) -> Column:
    return Column(name, "id", required)


def _code(name: str, *values: str, required: bool = True) -> Column:
    return Column(name, "code", required, values)


_PERSON = _id("person_id")
_FTE = Column("fte", "float", required=False, low=0, high=2, odd_up_to=0.02)
"""Share of a full-time job. A percentage that passes for one is beyond 2; one that passes for a percentage, such as 1.0
in a column that has 100 else, becomes a hundredth of itself."""
_COUNTRIES: Final = (
    "A[DEFGILMOQRSTUWXZ]|B[ABDEFGHIJLMNOQRSTVWYZ]|C[ACDFGHIKLMNORUVWXYZ]|D[EJKMOZ]|E[CEGHRST]|F[IJKMOR]"
    "|G[ABDEFGHILMNPQRSTUWY]|H[KMNRTU]|I[DELMNOQRST]|J[EMOP]|K[EGHIMNPRWYZ]|L[ABCIKRSTUVY]|M[ACDEFGHKLMNOPQRSTUVWXYZ]"
    "|N[ACEFGILOPRUZ]|OM|P[AEFGHKLMNRSTWY]|QA|R[EOSUW]|S[ABCDEGHIJKLMNORSTVXYZ]|T[CDFGHJKLMNORTVWZ]|U[AGMSYZ]"
    "|V[ACEGINU]|W[FS]|Y[ET]|Z[AMW]"
)
"""The 249 codes of two letters that ISO 3166-1 assigns: UK, EU and ZZ are none of them."""
_COUNTRY = Column("country_code", "code", required=False, form=f"^(?:{_COUNTRIES})$")
_CURRENCIES: Final = (*IN_USE, *ENDED)
"""Of ISO 4217."""
_EVENTS: Final = (
    *("hire", "rehire", "transfer", "promotion", "demotion", "job_change", "pay_change", "data_change"),
    *("leave_start", "leave_end", "termination", "population_exit", "org_change", "unknown"),
)
_STATUSES: Final = (
    *("pre_hire", "active", "leave_paid", "leave_unpaid", "suspended"),
    *("terminated", "retired", "deceased", "dormant", "unknown"),
)

_LANGUAGE: Final = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$"
"""BCP 47, as far as it names language, script and region."""
_PARTIAL: Final = r"^\d{4}(-\d{2}(-\d{2})?)?$"
"""A day, a month or a year, as exact as it was told."""
_UNTIL: Final = Column("valid_to", "date", required=False, end="first_day_after")

_ORGS: Final = (
    *("company", "legal_employer", "business_unit", "division", "department"),
    *("supervisory", "cost_center", "location", "pay_group", "other"),
)
_EEO1: Final = (
    *("executives", "managers", "professionals", "technicians", "sales"),
    *("administrative_support", "craft", "operatives", "laborers", "service"),
)

_ALL = (
    Table(
        "workers",
        ("person_id",),
        (
            _PERSON,
            _code("worker_type_code", "employee", "contingent", "intern", "team"),
            Column("hired_at", "date"),
            Column("terminated_at", "date", required=False, end="last_day"),
            Column("originally_hired_at", "date", required=False),  # of somebody hired again, the first time
            _code("job_family_code"),
            _code("management_level_code", required=False),
            _code("company_code", required=False),  # the legal employer; who says none is of one company without a name
            _COUNTRY,
            _id("manager_person_id", required=False),
            _FTE,
        ),
        ordered=(("originally_hired_at", "hired_at"), ("hired_at", "terminated_at")),
    ),
    Table(
        "worker_history",
        ("person_id", "assignment_key", "valid_from", "seq_in_day"),
        (
            _PERSON,
            _id("assignment_key"),  # one contract's one job: who is hired again or holds two jobs has several
            Column("valid_from", "date"),
            Column("valid_to", "date", required=False, end="first_day_after"),
            Column("seq_in_day", "int", low=0),
            _code("event_type_code", *_EVENTS),
            _code("event_code", required=False),  # in the source's words, as the reason
            _code("event_reason_code", required=False),
            _code("employment_status_code", *_STATUSES),
            Column("is_primary_assignment", "bool"),
            _code("job_code", required=False),
            _code("job_family_code", required=False),
            Column("business_title", "text", required=False),
            _code("org_unit_code", required=False),
            _code("company_code", required=False),
            _code("location_code", required=False),
            _id("manager_person_id", required=False),
            _code("grade_code", required=False),
            _code("time_type_code", "full_time", "part_time", "variable", "unknown"),
            _FTE,
        ),
        ordered=(("valid_from", "valid_to"),),
        slices=Slices(("person_id", "assignment_key"), "valid_from", "valid_to", "seq_in_day"),
    ),
    Table(
        "base_pay",  # beside `worker_history` and not in it, so that whoever needs none has none
        ("person_id", "assignment_key", "valid_from", "seq_in_day"),
        (
            _PERSON,
            _id("assignment_key"),
            Column("valid_from", "date"),
            _UNTIL,
            Column("seq_in_day", "int", low=0),
            Column("amount", "money", low=0),
            Column("currency_code", "code", values=_CURRENCIES, ended=ENDED),  # an amount of nothing known is none
            _code("frequency_code", "hour", "day", "week", "biweek", "semimonth", "month", "year"),
            Column("weekly_hours", "float", required=False, low=0, high=168),
        ),
        ordered=(("valid_from", "valid_to"),),
        slices=Slices(("person_id", "assignment_key"), "valid_from", "valid_to", "seq_in_day"),
        is_for_models=False,
    ),
    Table(
        "jobs",  # the catalogue of the company, and what each job is in those of the world
        ("job_code", "valid_from"),
        (
            _code("job_code"),
            Column("valid_from", "date"),
            _UNTIL,
            Column("is_active", "bool"),
            Column("title", "text"),
            Column("description", "text", required=False),
            _code("job_family_code", required=False),
            _code("job_family_group_code", required=False),
            _code("management_level_code", required=False),
            _code("grade_code", required=False),
            _code("eeo1_category_code", *_EEO1, required=False),  # of the job; says nothing of who has it
            Column("soc_code", "code", required=False, form=r"^\d{2}-\d{4}$"),
            Column("onet_code", "code", required=False, form=r"^\d{2}-\d{4}\.\d{2}$"),
            Column("isco08_code", "code", required=False, form=r"^\d{1,4}$"),
            Column(
                "esco_code", "code", required=False, form=r"^http://data\.europa\.eu/esco/occupation/[0-9a-f-]{36}$"
            ),
            _code("crosswalk_method_code", "source", "manual", "model", "none"),  # who says what it is elsewhere
        ),
        ordered=(("valid_from", "valid_to"),),
        slices=Slices(("job_code",), "valid_from", "valid_to"),
    ),
    Table(
        "org_units",  # by codes alone: names of units and places hold names of people, whom none of these rows is about
        ("org_type_code", "org_unit_code", "valid_from"),
        (
            _code("org_type_code", *_ORGS),
            _code("org_unit_code"),
            Column("valid_from", "date"),
            _UNTIL,
            Column("is_active", "bool"),
            _code("parent_type_code", *_ORGS, required=False),
            _code("parent_unit_code", required=False),
            _COUNTRY,
            Column("subdivision_code", "code", required=False, form=r"^[A-Z]{2}-[A-Z0-9]{1,3}$"),  # ISO 3166-2
            Column("time_zone_code", "code", required=False, form=r"^([A-Z][A-Za-z_]+/[A-Za-z_/+-]+|UTC)$"),  # of IANA
            Column("currency_code", "code", required=False, form=f"^(?:{'|'.join(_CURRENCIES)})$", ended=ENDED),
        ),
        ordered=(("valid_from", "valid_to"),),
        slices=Slices(("org_type_code", "org_unit_code"), "valid_from", "valid_to"),
    ),
    Table(
        "requisitions",
        ("requisition_id",),
        (
            _id("requisition_id"),
            Column("title", "text"),
            Column("description", "text"),
            _code("job_family_code"),
            _code("status_code", "open", "filled", "closed"),
            Column("opened_at", "date"),
            Column("closed_at", "date", required=False),
            Column("opening_count", "int", required=False, low=0),
            _code("location_code", required=False),
        ),
        ordered=(("opened_at", "closed_at"),),
    ),
    Table(
        "candidates",
        ("person_id",),
        (
            _PERSON,
            Column("created_at", "moment"),
            _code("source_code", required=False),
            _COUNTRY,
        ),
    ),
    Table("consents", ("person_id",), (_PERSON, Column("is_given", "bool"))),
    Table(
        "applications",
        ("application_id",),
        (
            _id("application_id"),
            _PERSON,
            _id("requisition_id"),
            Column("applied_at", "moment"),
            _code("status_code", "in_process", "rejected", "withdrawn", "hired", "closed"),
        ),
        references={"requisition_id": "requisitions", "person_id": "candidates"},
        kept_from="applied_at",
    ),
    Table(
        "application_events",
        ("application_id", "stage_code", "occurred_at"),
        (
            _id("application_id"),
            _PERSON,
            _id("requisition_id"),
            _code("stage_code", "applied", "screen", "interview", "offer", "hired"),
            _code("outcome_code", "advanced", "rejected", "withdrawn"),
            _code("decided_by", "human", "rule"),
            Column("occurred_at", "moment"),
        ),
        # Whoever is hired without having applied would teach screening what nobody decided about an application.
        references={"application_id": "applications", "requisition_id": "requisitions"},
        begins=("stage_code", "applied"),
        kept_from="occurred_at",
    ),
    Table(
        "interviews",  # who asked is not told: a row is about its candidate
        ("interview_id",),
        (
            _id("interview_id"),
            _PERSON,
            _id("application_id"),
            _code("stage_code", "applied", "screen", "interview", "offer", required=False),
            _code("kind_code", "phone", "video", "onsite", "panel", "assessment", "other", required=False),
            _code("status_code", "scheduled", "awaiting_feedback", "completed", "cancelled", "no_show", "unknown"),
            Column("arranged_at", "moment"),
            Column("starts_at", "moment", required=False),
            Column("ends_at", "moment", required=False),
        ),
        references={"application_id": "applications", "person_id": "candidates"},
        ordered=(("starts_at", "ends_at"),),
        kept_from="arranged_at",
    ),
    Table(
        "interview_feedback",  # what was thought, as scores and codes; no words, and not by whom
        ("feedback_id", "criterion_code"),
        (
            _id("feedback_id"),
            _PERSON,
            _id("application_id"),
            _id("interview_id", required=False),
            _code("criterion_code", required=False),  # what was looked at; empty where it is the whole
            Column("rating_share", "share", required=False),  # 0 is the worst; none where somebody would not decide
            _code(
                "recommendation_code", "strong_no", "no", "mixed", "yes", "strong_yes", "no_decision", required=False
            ),
            Column("submitted_at", "moment"),
        ),
        references={"application_id": "applications", "interview_id": "interviews", "person_id": "candidates"},
        kept_from="submitted_at",
    ),
    Table(
        "resumes",
        ("person_id", "document_id"),
        (
            _PERSON,
            _id("document_id"),
            Column("text", "text", required=False),
            Column("char_count", "int", low=0),
            _code("status_code", "ok", "encrypted", "needs_ocr", "unsupported", "corrupt", "too_large", "empty"),
            _code("backend_code", required=False),
            Column("hidden_text_share", "share", required=False),  # of all characters; they are not in the text
            Column("stuffed_text_share", "share", required=False),  # of the words of the text
            # Who puts a photo in, and in which language somebody writes, stands for age and origin.
            Column("has_photo", "bool", required=False, is_for_models=False),
            Column("language_code", "code", required=False, form=_LANGUAGE, is_for_models=False),
            Column("received_at", "moment"),
        ),
        sought={"person_id": "candidates"},
        kept_from="received_at",
    ),
    Table(
        "profile_items",  # a person's are those told at the newest moment; no school, and no day of study
        ("person_id", "told_at", "item_type_code", "title", "started_code"),
        (
            _PERSON,
            Column("told_at", "moment"),
            _code("item_type_code", "experience", "education", "skill", "certificate", "language", "project"),
            Column("title", "text"),
            _code("degree_level_code", "secondary", "vocational", "bachelor", "master", "doctorate", required=False),
            Column("started_code", "code", required=False, form=_PARTIAL),
            Column("ended_code", "code", required=False, form=_PARTIAL),
            Column("is_current", "bool", required=False),
            _code("extraction_method_code", "source_structured", "parser", "manual"),
        ),
        references={"person_id": "candidates"},
        kept_from="told_at",
    ),
    Table(
        "courses",
        ("course_id",),
        (
            _id("course_id"),
            Column("title", "text"),
            _code("topic_code", required=False),
            _code("level_code", "foundation", "intermediate", "advanced", required=False),
            Column("duration_minutes", "float", required=False, low=0),
            Column("is_active", "bool", required=False),  # empty where the source does not say; then it counts as one
            Column("is_mandatory", "bool", required=False),
            Column("valid_from", "date", required=False),
            _UNTIL,
            # the job families that may take it, with | between; empty is everybody
            Column("audience_codes", "code", required=False, form=r"^[^|]+(\|[^|]+)*$"),
            # how long having completed it counts, in months; empty is for good
            Column("renewal_months", "int", required=False, low=1, high=1200),
        ),
        ordered=(("valid_from", "valid_to"),),
    ),
    Table(
        "enrolments",
        ("enrolment_id",),
        (
            _id("enrolment_id"),
            _PERSON,
            _id("course_id"),
            _code("run_code", required=False),
            Column("enrolled_at", "moment"),
            Column("starts_at", "moment"),
            Column("due_at", "moment", required=False),
            Column("credits", "float", required=False, low=0),
            Column("prior_attempts", "int", required=False, low=0),
            _code("education_code", required=False),
            _code("assigned_by_code", required=False),
        ),
        references={"course_id": "courses"},
        ordered=(("starts_at", "due_at"),),
        kept_from="enrolled_at",
    ),
    Table(
        "learning_events",
        ("person_id", "course_id", "run_code", "event_code", "item_code", "occurred_at"),
        (
            _PERSON,
            _id("course_id"),
            _code("run_code", required=False),
            _code(
                "event_code", "viewed", "watched", "submitted", "completed", "passed", "failed", "withdrawn", "expired"
            ),
            _code("item_code", required=False),
            Column("occurred_at", "moment"),
            Column("score_share", "share", required=False),
            Column("lateness_days", "float", required=False, low=-36_600, high=36_600),
            _UNTIL,  # how long having completed it counts, where the source says so of each completion
        ),
        references={"course_id": "courses"},
        kept_from="occurred_at",
    ),
    Table(
        "reviews",
        ("person_id", "period_code"),
        (
            _PERSON,
            _code("period_code"),
            Column("period_start", "date"),
            Column("period_end", "date"),
            Column("completed_at", "moment"),
            Column("rating_share", "share"),
            Column("is_team_level", "bool"),
        ),
        sought={"person_id": "workers"},
        ordered=(("period_start", "period_end"),),
        kept_from="completed_at",
    ),
    Table(
        "work_records",
        ("person_id", "period_start", "measure_code"),
        (
            _PERSON,
            Column("period_start", "date"),
            Column("period_end", "date"),
            _code("measure_code"),
            Column("value", "float"),
        ),
        sought={"person_id": "workers"},
        ordered=(("period_start", "period_end"),),
        kept_from="period_end",
    ),
    Table("person_links", ("person_id", "linked_person_id"), (_PERSON, _id("linked_person_id"))),
    Table(
        "worker_identifiers",  # what numbers a worker has or had; `known.links` says which of them stand
        ("person_id", "scheme_code", "valid_from"),
        (
            _PERSON,
            _code(
                "scheme_code", "employee", "contingent", "universal", "person", "user", "network", "lms", "ats", "prior"
            ),
            # The number's own pseudonym, the number itself is in the vault, if anywhere; the worker's own says "none".
            _id("linked_person_id"),
            Column("valid_from", "date", required=False),
            Column("valid_to", "date", required=False, end="first_day_after"),
        ),
        ordered=(("valid_from", "valid_to"),),
    ),
    Table(
        "protected",
        ("person_id", "attribute_code"),
        (_PERSON, _code("attribute_code"), Column("value_code", "code")),
        zone="attributes",
    ),
    Table(
        "identifiers",
        ("person_id", "scheme_code"),
        (_PERSON, _code("scheme_code"), Column("value", "text")),
        zone="identifiers",
    ),
)

TABLES: Final[Mapping[str, Table]] = {table.name: table for table in _ALL}


def by_reference() -> list[Table]:
    """All tables, the vault's first, and those that are referred to before those that refer."""
    left = sorted(TABLES.values(), key=lambda table: (bool(table.refers), table.zone == "lake", table.name))
    done: list[Table] = []
    while left:
        waiting = {table.name for table in left}
        ready = next(table for table in left if not set(table.refers.values()) & waiting)
        left.remove(ready)
        done.append(ready)
    return done


SCORED: Final = pl.Schema(
    {
        "person_id": pl.String(),
        "family": pl.String(),
        "subject_id": pl.String(),
        "target_code": pl.String(),
        "scorer": pl.String(),
        "score": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "is_selected": pl.Boolean(),
        "reasons": pl.List(pl.String()),
        "model_sha256": pl.String(),
        "data_sha256": pl.String(),
        "as_of": pl.Date(),
        "scored_at": pl.Datetime("us", "UTC"),
    }
)
"""One row per person, family, subject, target, scorer (`model` or `baseline`) and as_of.

`score`, `low` and `high` lie in [0, 1]. Where `reasons` begin with `ABSTAINED` the model recommends nothing and a
person decides; `is_selected` then is what the threshold alone would say, which is what groups are judged by."""

ABSTAINED: Final = "abstained:near_threshold"
"""Reason code, the first of its row: the interval of the score has the threshold in it."""


def is_abstained() -> pl.Expr:
    """[n_rows] bool, of `SCORED`: whether the model leaves the case to a person."""
    return pl.col("reasons").list.contains(ABSTAINED).fill_null(value=False)


OUTCOMES: Final = pl.Schema(
    {
        "person_id": pl.String(),
        "family": pl.String(),
        "subject_id": pl.String(),
        "target_code": pl.String(),
        "stage_code": pl.String(),
        "outcome": pl.Float64(),
        "decided_by": pl.String(),
        "occurred_at": pl.Datetime("us", "UTC"),
        "known_at": pl.Datetime("us", "UTC"),
    }
)
"""The same keys when the outcome becomes known: 0 or 1, or the rating's share."""


def empty(name: str) -> pl.DataFrame:
    """A canonical table without rows, provenance included."""
    return pl.DataFrame(schema={**TABLES[name].schema, **PROVENANCE})


def conform(frame: pl.DataFrame, schema: pl.Schema, what: str) -> pl.DataFrame:
    """`frame` with just the columns of `schema`, in its order and types.

    Args:
        frame: [n_rows] at least the columns of the schema.
        schema: Wanted names and types.
        what: The table's name, for the message.

    Raises:
        ContractError: Columns are missing, or a type cannot be cast without loss; both sides are listed.
    """
    missing = [name for name in schema if name not in frame.columns]
    if missing:
        raise ContractError(
            f"{what} must have the columns {', '.join(schema)}; {', '.join(missing)} missing, "
            f"got {', '.join(frame.columns)}."
        )
    try:
        return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    except pl.exceptions.PolarsError:
        wrong = [name for name, dtype in schema.items() if frame.schema[name] != dtype]
        raise ContractError(f"{what} must have the contract's types; {', '.join(wrong)} cannot be cast.") from None
