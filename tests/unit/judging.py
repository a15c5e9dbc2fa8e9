"""Short ways into `pipelines.fairness` for tests."""

from pipelines.fairness import RULES, bias_report, kept
from pipelines.fairness.grids import gridded
from pipelines.fairness.subjects import AxisReport
from pipelines.fairness.tables import corrected, judged


def pool(selected, group, *, min_group_size):
    """Everybody on the axis sex."""
    (report,) = bias_report(selected, {"sex": group}, ["r"] * len(group), min_group_size=min_group_size)
    return report.pool


def selections(selected, axes, subject):
    """The form kept in groups.json of one source, from 30 people a group on."""
    return kept(bias_report(selected, axes, subject, min_group_size=30))


def evidence(selected, axes, subject):
    """The content of groups.json, where people selected as the model does."""
    found = selections(selected, axes, subject)
    return found | {"human": found}


def subjects(tables, pooled):
    """Every subject from its counts, beside a pool."""
    table = corrected(judged(gridded(tables), min_group_size=pooled.min_group_size, rules=RULES), RULES)
    return AxisReport(pooled, table, {}, RULES).first(len(tables))
