"""What Candor does, in the order data flows.

    ingest      exports -> landing -> canonical tables in the lake, people in the vault, faults in quarantine
    validate    Great Expectations over what ingest mapped, before it is published
    snapshot    the lake as it was known on a day, one family's tables, consenting people only
    prepare     labelled cases with features, split by time, and the reference profile
    weigh       what cases count for reweighed alternatives, in numbers made of noisy answers
    train       the family's model, the alternatives to it that are declared, and its baseline
    choose      one of them: the less discriminatory at equal validity, by validation cases
    score       both on cases they have not seen; daily, current people with the released model
    evaluate    metrics with intervals, selection by group, against outcomes and the vault's groups
    gate        a verdict bound to digests: allowed or held, with reasons
    publish     proposal -> two people approve -> release store and ledger

`snapshot` to `gate` are the stages of `dvc.yaml`; `tune` tries numbers by experiments of that graph; the rest is dated
work that Airflow starts. Stages meet on disk and never import one another. Below them: `models` (one folder a family),
`fairness`, `privacy` and `audit` (pure rules), `base` (names, contracts, settings, store, lake, vault).
"""
