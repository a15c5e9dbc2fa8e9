"""The numbers of `monitor` in `params.yaml`."""

from typing import Annotated, Literal

from pydantic import Field

from pipelines.base.settings import Count, Positive, Section, Share, load

Rule = Literal[
    "psi",
    "drifted_share",
    "performance_drop",
    "bias_model",
    "bias_model_subject",
    "bias_human",
    "bias_human_subject",
    "rubber_stamp",
    "oversight_by_group",
    "estimate_missed",
    "not_measured",
    "person_forgotten",
]
"""Findings that may ask for a retrain."""


class Monitor(Section):
    """When a model no longer holds, and how it is measured."""

    psi: Positive
    """A column has drifted from this population stability index on (and above chance, see `noise_quantile`)."""
    psi_floor: Share
    """Shares below this count as this, so that an empty bin gives a large number and not an infinite one."""
    noise_quantile: Share
    """Without drift, this share of columns stays below the noise level of samples of this size."""
    min_rows: Count
    """Fewer current rows are too few to judge drift."""
    drifted_share: Share
    """Share of a family's columns that may drift before the inputs as a whole have changed."""
    performance_drop: Share
    """How much worse than at release a metric may be, as a share of the figure at release."""
    min_labels: Count
    """Fewer labelled scores are too few to judge performance."""
    departed_floor: Share
    """If people surely depart from fewer of the recommendations than this share, the score decides and not they."""
    top_k: Count
    """Length of the list that a ranking is judged by."""
    bootstrap: Count
    """Resamples of people behind an interval."""
    sample_rows: Count
    """At most this many rows a side go into an Evidently report; the report says so."""
    seed: Annotated[int, Field(ge=0)]
    """Of every sample drawn."""
    cooldown_days: Count
    """At most one retrain request per family and finding in so many days."""
    retrain_on: tuple[Rule, ...]
    """Findings that ask for a retrain. The others only raise an alert."""


def monitor_settings() -> Monitor:
    """The section of the `params.yaml` in the working directory. Raises SettingsError."""
    return load(Monitor, "monitor")
