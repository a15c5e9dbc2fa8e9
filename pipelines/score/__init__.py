"""Score cases with a model.

    python -m pipelines.score FAMILY                          the reproducible stage: the test cases, both scorers
    python -m pipelines.score people FAMILY [--as-of DAY]     current people, with the released model
    python -m pipelines.score outcomes FAMILY [--as-of DAY]   how cases ended, as far as known
    python -m pipelines.score match --requisition ID --by NAME --why TEXT   people for a role who have not applied
    python -m pipelines.score match --person ID --by NAME --why TEXT        open roles for a person
    python -m pipelines.score stop --by NAME --why TEXT       nobody is scored from now on, nor by what runs already
    python -m pipelines.score restart --by NAME --why TEXT    scoring may go on; the next run does
    python -m pipelines.score drill --by NAME --why TEXT      stop, see what scores end, go on: how long that took
    python -m pipelines.score switch                          which of the two stands, by whom and why

`stage` reads what `train` left and writes `scored`. `people` and `outcomes` read the lake and the release store and
write dated partitions under `scores/`; `export` writes the file that an ATS or LMS imports; `switch` holds or lets go,
`drill` tries whether it does, and `match` writes to the ledger alone.
They print their answer as one line of JSON.
"""
