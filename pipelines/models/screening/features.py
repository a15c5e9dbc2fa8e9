"""Does a resume fit a requisition? Cases, and the two texts that the model compares.

A case is an application at the moment it was made: the newest resume the person had sent by then, against the
requisition's title and description as they were then. The label is the screening decision, advanced or rejected; who
withdrew was not decided about. A person stays in one split, and so do people whose resume texts are the same or nearly
(`near`), or the model would be judged on texts that it was trained on.

subject_id is the requisition. The favourable outcome is to be put forward. Nothing here reads a protected attribute;
country and source are left out on purpose: they stand for origin.
"""

from datetime import date
from typing import Final, Literal

import numpy as np
import polars as pl

from pipelines.base.days import end_of
from pipelines.base.errors import ContractError
from pipelines.base.settings import Count, Positive, Section, Share
from pipelines.models import TOGETHER, Tables, asof
from pipelines.models.screening import near, text

TABLES: Final = ("applications", "application_events", "resumes", "requisitions", "candidates")
VERSIONED: Final = ("requisitions",)
METRIC: Final = "auc"
UNIT: Final = ("person_id", "subject_id")
DECISIONS: Final = ("application_events",)
REACHED: Final = ("applications",)

STAGE: Final = "screen"
TARGET: Final = "advanced"
LABELS: Final = {"advanced": 1.0, "rejected": 0.0}
TEXTS: Final = ("resume_text", "requisition_text")
PROJECTED: Final = tuple(f"text_{index}" for index in range(text.PROJECTIONS))
NUMERIC: Final = ("resume_chars", "requisition_chars", "rare_word_share", "overlap_share", *PROJECTED)
CATEGORICAL: Final = ("job_family_code",)

_CASE: Final = ("person_id", "requisition_id")


class Prepare(Section):
    """Which texts can be judged, and how people are split."""

    min_chars: Count
    """A shorter resume is not scored: a person must read it."""
    valid_share: Share
    """Newest people after those of the test, by number of cases."""
    test_share: Share
    """Newest people, by number of cases."""


class Encoder(Section):
    """A text encoder in the store (`encoder`)."""

    folder: str
    """In the store; empty where there is none."""
    model_sha256: str
    vocab_sha256: str


class Train(Section):
    """The network and its baseline."""

    shape: Literal["terms", "lstm", "convolution", "encoder"]
    """`terms`; one of the classic shapes (`classic`), which read words in order; or `encoder`: terms, and one."""
    encoder: Encoder
    words: Count
    """Of a text that a classic shape reads: its first ones."""
    newest_cases: Count
    """That a classic shape learns from."""
    max_terms: Count
    signs: Count
    """Terms at most that tell job families apart."""
    ridge: Positive
    """L2 penalty of what a sign says of job families."""
    epochs: Count
    patience: Count
    batch: Count
    learning_rate: Positive
    weight_decay: Positive
    l2: Positive
    """Price of a squared coefficient of a term, against the loss of all cases together."""
    dropout: Share
    units: Count
    """Width of the projection that both texts share."""
    members: Count
    """Networks trained on their own resample of people and averaged inside the saved model."""
    baseline_c: Positive
    """Inverse regularisation of the logistic regression."""


class Decide(Section):
    """Who is put forward."""

    threshold: Share
    """Chance of being advanced from which a person is put forward."""
    abstain: bool = False
    """Whether those whose interval has the threshold in it are left to a person. Releases from before do not say."""


def examples(tables: Tables, settings: Prepare) -> pl.DataFrame:
    """Every application with a screening decision and a readable resume.

    Args:
        tables: Of `TABLES`.
        settings: Which texts, and how to split.

    Returns:
        [n_cases] person_id, subject_id, target_code, stage_code, decided_by, occurred_at (the application), known_at
        (the decision), outcome (1 advanced, 0 rejected), `TOGETHER`, split, then the model's columns.
    """
    decided = _decisions(tables).select(
        "application_id",
        "stage_code",
        "decided_by",
        pl.col("occurred_at").alias("known_at"),
        pl.col("outcome_code").replace_strict(LABELS, return_dtype=pl.Float64).alias("outcome"),
    )
    asked = tables["applications"].join(decided, on="application_id").sort("known_at", "application_id")
    frame = _described(asked.unique(subset=list(_CASE), keep="first", maintain_order=True), tables, settings)
    return with_split(frame, settings)


def cases(tables: Tables, settings: Prepare, as_of: date) -> pl.DataFrame:
    """Applications in process that nobody has screened by the end of `as_of`.

    Args:
        tables: Of `TABLES`, as known on that day.
        settings: Which texts.
        as_of: The day.

    Returns:
        As `examples` without split, with null for what is not known yet. Without a readable resume there is no case.
    """
    now = end_of(as_of)
    screened = tables["application_events"].filter(pl.col("stage_code") == STAGE, pl.col("occurred_at") <= now)
    waiting = tables["applications"].filter(pl.col("status_code") == "in_process", pl.col("applied_at") <= now)
    waiting = waiting.join(screened, on="application_id", how="anti").with_columns(
        stage_code=pl.lit(None, pl.String),
        decided_by=pl.lit(None, pl.String),
        known_at=pl.lit(None, pl.Datetime("us", "UTC")),
        outcome=pl.lit(None, pl.Float64),
    )
    newest = waiting.sort("applied_at", "application_id").unique(subset=list(_CASE), keep="last", maintain_order=True)
    return _described(newest, tables, settings)


def pairs(
    tables: Tables,
    settings: Prepare,
    as_of: date,
    *,
    requisition_id: str | None = None,
    person_id: str | None = None,
) -> pl.DataFrame:
    """Everybody beside one open requisition, or every open requisition beside one person: who has not applied there.

    Args:
        tables: Of `TABLES`, as known on that day.
        settings: Which texts.
        as_of: The day.
        requisition_id: The one; or
        person_id: the one.

    Returns:
        [n_pairs] person_id, subject_id, target_code, both texts. Without a readable resume there is no pair.

    Raises:
        ContractError: Not one of the two is given, no such requisition is open, or nobody has such a readable resume.
    """
    if (requisition_id is None) == (person_id is None):
        raise ContractError("Pairs must be of one requisition or of one person; neither or both were given. Give one.")
    now = end_of(as_of)
    newest = tables["requisitions"].sort("known_from").unique("requisition_id", keep="last", maintain_order=True)
    roles = newest.filter(pl.col("status_code") == "open").select("requisition_id")
    people = tables["candidates"].select("person_id").unique()
    roles = roles if requisition_id is None else roles.filter(pl.col("requisition_id") == requisition_id)
    people = people if person_id is None else people.filter(pl.col("person_id") == person_id)
    applied = tables["applications"].filter(pl.col("applied_at") <= now)
    asked = people.join(roles, how="cross").join(applied, on=list(_CASE), how="anti").sort(_CASE)
    asked = asked.with_columns(application_id=pl.concat_str(*_CASE, separator="|"), applied_at=pl.lit(now))
    if roles.is_empty() or people.is_empty():
        raise ContractError(
            f"A list must be of an open requisition and a candidate on record; on {as_of} there are {len(roles)} such "
            f"requisitions and {len(people)} such candidates. Look the id up in the file of scores."
        )
    frame = _read(asked, tables, settings)
    keys = ("person_id", pl.col("requisition_id").alias("subject_id"), pl.lit(TARGET).alias("target_code"))
    return frame.select(*keys, *TEXTS)


def outcomes(tables: Tables) -> pl.DataFrame:
    """Every screening decision known.

    Args:
        tables: Of `TABLES`.

    Returns:
        [n_decisions] the Outcomes columns without family, one row a person and requisition: the first decision.
    """
    return (
        _decisions(tables)
        .unique(subset=list(_CASE), keep="first", maintain_order=True)
        .select(
            "person_id",
            pl.col("requisition_id").alias("subject_id"),
            pl.lit(TARGET).alias("target_code"),
            "stage_code",
            pl.col("outcome_code").replace_strict(LABELS, return_dtype=pl.Float64).alias("outcome"),
            "decided_by",
            "occurred_at",
            pl.col("occurred_at").alias("known_at"),
        )
        .sort("person_id", "subject_id", "target_code")
    )


def decisions(tables: Tables) -> pl.DataFrame:
    """Who went on and who was turned away at every stage, screening among them.

    Args:
        tables: Of `DECISIONS`.

    Returns:
        [n_decisions] person_id, subject_id, stage_code, outcome (1 advanced, 0 rejected), decided_by, known_at: the
        first of each person, requisition and stage. A stage at which nobody was ever turned away decides nothing:
        none of it.
    """
    decided = tables["application_events"].filter(pl.col("outcome_code").is_in(list(LABELS)))
    first = decided.sort("occurred_at", "application_id").unique(
        subset=[*_CASE, "stage_code"], keep="first", maintain_order=True
    )
    told = first.select(
        "person_id",
        pl.col("requisition_id").alias("subject_id"),
        "stage_code",
        pl.col("outcome_code").replace_strict(LABELS, return_dtype=pl.Float64).alias("outcome"),
        "decided_by",
        pl.col("occurred_at").alias("known_at"),
    )
    return told.filter((pl.col("outcome") == 0).any().over("stage_code"))


def reached(tables: Tables) -> pl.DataFrame:
    """Who applied: the same people for every stage, however few of them came to it.

    Args:
        tables: Of `REACHED`.

    Returns:
        [n_cases] person_id, subject_id, each once.
    """
    asked = tables["applications"].select("person_id", pl.col("requisition_id").alias("subject_id"))
    return asked.unique().sort("person_id", "subject_id")


def inputs(frame: pl.DataFrame) -> pl.DataFrame:
    """person_id, subject_id and what is monitored of the two texts: never a word of them."""
    return frame.select(
        "person_id", "subject_id", *(name for name in (*NUMERIC, *CATEGORICAL) if name in frame.columns)
    )


def select(scored: pl.DataFrame, settings: Decide) -> pl.Series:
    """[n_rows] bool. Put forward; the others wait for a person's eye. NaN is never put forward."""
    return (scored["score"] >= settings.threshold) & scored["score"].is_not_nan()


def with_split(frame: pl.DataFrame, settings: Prepare) -> pl.DataFrame:
    """`frame` with `split` and `TOGETHER`: people in order of their first application, the newest for the test.

    People kept together who have more cases than a split is to have take no room of it: they go where their time is,
    and the others are shared out as if alone. Else copies of one resume would be all that is trained on, and what came
    of them after the first of the others, as the future of these, would go.

    Args:
        frame: [n_cases] person_id, occurred_at, resume_text.
        settings: The shares, by number of cases.

    Returns:
        [≤ n_cases] A case that happened after the next split had begun is left out: it would tell of its future. Of
        people who are kept together the first case never is.
    """
    group, count = TOGETHER
    frame = frame.with_columns(_kept_together(frame).alias(group))
    people = frame.group_by(group).agg(pl.col("occurred_at").min().alias("first_at"), pl.len().alias(count))
    is_large = pl.col(count) > min(settings.valid_share, settings.test_share) * pl.col(count).sum()
    room = pl.when(is_large & ~is_large.all()).then(0).otherwise(count)
    people = people.sort("first_at", group).with_columns(later=1 - (room.cum_sum() - room / 2) / room.sum())
    placed = frame.join(people.select(*TOGETHER, "later"), on=group, maintain_order="left").with_columns(
        split=pl.when(pl.col("later") <= settings.test_share)
        .then(pl.lit("test"))
        .when(pl.col("later") <= settings.test_share + settings.valid_share)
        .then(pl.lit("valid"))
        .otherwise(pl.lit("train"))
    )
    begins = {name: pl.col("occurred_at").filter(pl.col("split") == name).min() for name in ("valid", "test")}
    too_late = ((pl.col("split") == "train") & (pl.col("occurred_at") > begins["valid"])) | (
        pl.col("split").is_in(("train", "valid")) & (pl.col("occurred_at") > begins["test"])
    )
    return placed.filter(~too_late.fill_null(value=False)).drop("later")


def _kept_together(frame: pl.DataFrame) -> pl.Series:
    """[n_cases] the first of all people who are tied to a case's: by a text, by one nearly the same, or by others.

    One tie after the other: who sent a copy of one resume and of another ties all three people together.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    alike = near.bands(frame["resume_text"].unique(maintain_order=True))
    tied = frame.select("person_id", "resume_text").join(alike, on="resume_text", how="left", maintain_order="left")
    tied = tied.select(pl.all().rank("dense").cast(pl.Int64) - 1)
    counts = tied.max().fill_null(-1).row(0)  # people are the first nodes of the graph, then what ties them, by column
    begins = np.cumsum([0, *(count + 1 for count in counts)])
    edges = pl.concat(
        tied.select(person="person_id", tie=pl.col(name) + begin).drop_nulls()
        for name, begin in zip(tied.columns[1:], begins[1:].tolist(), strict=False)
    )
    ends = (edges["person"].to_numpy(), edges["tie"].to_numpy())
    graph = coo_array((np.ones(len(edges), np.int8), ends), shape=(begins[-1], begins[-1]))
    _, part = connected_components(graph, directed=False)
    whole = frame.select("person_id", part=pl.Series(part[tied["person_id"].to_numpy()]))
    return whole.select(pl.col("person_id").min().over("part"))["person_id"]


def _decisions(tables: Tables) -> pl.DataFrame:
    """Screening decisions, the first of each application."""
    decided = tables["application_events"].filter(
        pl.col("stage_code") == STAGE, pl.col("outcome_code").is_in(list(LABELS))
    )
    ordered = decided.sort("occurred_at", "application_id")
    return ordered.unique(subset=["application_id"], keep="first", maintain_order=True)


def _described(asked: pl.DataFrame, tables: Tables, settings: Prepare) -> pl.DataFrame:
    """The cases' identity, label, texts and what is monitored of them."""
    frame = _measured(_read(asked, tables, settings))
    return frame.select(
        "person_id",
        pl.col("requisition_id").alias("subject_id"),
        pl.lit(TARGET).alias("target_code"),
        "stage_code",
        "decided_by",
        pl.col("applied_at").alias("occurred_at"),
        "known_at",
        "outcome",
        *TEXTS,
        *NUMERIC,
        *CATEGORICAL,
    ).sort("occurred_at", "person_id", "subject_id")


def _read(asked: pl.DataFrame, tables: Tables, settings: Prepare) -> pl.DataFrame:
    """`asked` with both texts and the job family, as they were at `applied_at`; without a resume there is no row."""
    requisitions = tables["requisitions"].with_columns(
        requisition_text=pl.concat_str("title", "description", separator="\n")
    )
    frame = asked.join(_documents(asked, tables["resumes"], settings), on="application_id", maintain_order="left")
    wanted = ("job_family_code", "requisition_text")
    return asof.with_facts(frame, requisitions, "requisition_id", wanted, at="applied_at", always=True)


def _documents(asked: pl.DataFrame, resumes: pl.DataFrame, settings: Prepare) -> pl.DataFrame:
    """application_id, resume_text: the newest readable resume that the person had sent when applying.

    Where the source does not say when a resume came (`known_from_basis` is `observed`), a person without an earlier
    one gets the oldest: it came with an application.
    """
    readable = resumes.filter(pl.col("status_code") == "ok", pl.col("text").str.len_chars() >= settings.min_chars)
    pairs = asked.select("application_id", "person_id", "applied_at").join(readable, on="person_id")
    in_time = asof.known_at(pl.col("received_at")) <= pl.col("applied_at")
    early = pairs.filter(in_time).sort("received_at", "document_id")
    undated = pairs.filter(~in_time, pl.col("known_from_basis") == "observed")
    undated = undated.sort("received_at", "document_id", descending=True)
    newest = pl.concat([undated, early]).unique(subset=["application_id"], keep="last", maintain_order=True)
    return newest.select("application_id", pl.col("text").alias("resume_text"))


def _measured(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the numeric columns; every distinct text is read once."""
    resumes = frame["resume_text"].unique(maintain_order=True)
    projected = text.projections(resumes)
    facts = pl.DataFrame({"resume_text": resumes, "rare_word_share": text.rare_shares(resumes)}).with_columns(
        pl.Series(name, projected[:, index]) for index, name in enumerate(PROJECTED)
    )
    return frame.join(facts, on="resume_text", maintain_order="left").with_columns(
        resume_chars=pl.col("resume_text").str.len_chars().cast(pl.Float64),
        requisition_chars=pl.col("requisition_text").str.len_chars().cast(pl.Float64),
        overlap_share=text.overlaps(frame["resume_text"], frame["requisition_text"]),
    )
