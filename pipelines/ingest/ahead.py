"""Work on one piece while the next is made."""

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, cast

T = TypeVar("T")
_END: Final = object()


def ahead(items: Iterable[T]) -> Generator[T, None, None]:
    """The items in order, each made in a thread while the one before is in use; two are in memory at once.

    What making an item raises is raised where it is asked for.
    """
    making = iter(items)
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, making, _END)
        while (item := following.result()) is not _END:
            following = maker.submit(next, making, _END)
            yield cast("T", item)  # only the end is not one
