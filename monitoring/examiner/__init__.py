"""What an examiner gets: one zip about a release, and a period if asked, to be checked by somebody who has no Candor.

`bundle` gathers from the store what is proved there, `recompute` is what the examiner runs: the standard library only,
copied into the zip as `verify.py`. No row of a person is in it, under no pseudonym either.
"""
