"""Score cases with a model.

    python -m pipelines.score FAMILY                          the reproducible stage: the test cases, both scorers
    python -m pipelines.score people FAMILY [--as-of DAY]     current people, with the released model
    python -m pipelines.score outcomes FAMILY [--as-of DAY]   how cases ended, as far as known

`stage` reads what `train` left and writes `scored`. `people` and `outcomes` read the lake and the release store and
write dated partitions under `scores/`; `export` writes the file that an ATS or LMS imports. They print their answer
as one line of JSON.
"""
