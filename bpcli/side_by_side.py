"""A loop whose rounds run on several threads, and whose results come in order, as from one.

A :class:`~bpcli.team.Team` computes all of its tasks before it returns; this loop never has more results at hand
than there are threads, so a file of any size passes through it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from threading import get_ident
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``map(function, items)`` on so many threads: the same results in the same order.

    Never more than ``threads`` items are begun whose results are not used up: an item is begun once what asks for
    results comes back from the one that is ``threads`` before it. So what item k works with is free again for
    item k + ``threads``. The function runs in the caller's context (NumPy's ``errstate`` is part of it).

    The first error is that of the first item that fails, after the results before it; one of ``items`` itself comes
    after the results of the items before it. Whatever ends the loop, what was begun has ended then, but for an item
    whose thread an interrupt met while it started.

    Raises:
        RuntimeError: the system does not start a thread.
    """
    if threads <= 1:
        yield from map(function, items)
        return
    rest, failure = iter(items), None
    begun: deque[Future[Result]] = deque()
    with _pool(threads) as pool:
        try:
            while True:
                if len(begun) == threads:
                    yield begun.popleft().result()
                try:
                    item = next(rest)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised below, in its turn
                    failure = error
                    break
                begun.append(pool.submit(copy_context().run, function, item))
            while begun:
                yield begun.popleft().result()
        finally:
            for each in begun:
                each.cancel()
    if failure is not None:
        raise failure


def prefetched(items: Generator[Item, None, None], threads: int) -> Iterator[Item]:
    """The items in order; with several threads the next is made on another one while the last is used.

    Raises:
        RuntimeError: the system does not start a thread.
    """
    if threads <= 1:
        yield from items
        return
    end = object()
    try:
        with _pool(1) as other:
            begun: Future[Item | object] = other.submit(next, items, end)
            while (item := begun.result()) is not end:
                begun = other.submit(next, items, end)
                yield cast("Item", item)
    finally:
        with suppress(ValueError):  # closed on the thread that is at work on them, they end with that
            items.close()


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that have ended afterwards, unless one of them leaves it: garbage is collected on any thread."""
    from concurrent.futures import ThreadPoolExecutor

    members = set[int]()
    pool = ThreadPoolExecutor(threads, initializer=lambda: members.add(get_ident()))
    try:
        yield pool
    finally:
        pool.shutdown(wait=get_ident() not in members)
