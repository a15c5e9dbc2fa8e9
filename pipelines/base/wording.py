"""How numbers stand in sentences that become evidence: one of a thing is not many of it. Pure.

Pages speak the reader's language, and count by `monitoring.texts.counted`. A number that rounds to none has no sign:
Python's `z` in a format, as in `f"{value:z.2f}"`, drops it.
"""


def counted(n: int, one: str, many: str) -> str:
    """A number with the words after it, verb and all.

    Args:
        n: How many.
        one: Words after 1, such as `person has`.
        many: Words after any other number, such as `people have`.
    """
    return f"{n} {one if n == 1 else many}"
