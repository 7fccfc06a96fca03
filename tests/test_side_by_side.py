"""A loop on several threads behaves as the same loop on one."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator, Iterator

import numpy as np
import pytest

from bpcli.side_by_side import prefetched, side_by_side
from tests.cli.support import wait_for

THREADS = (1, 2, 3, 5)


@pytest.mark.parametrize("threads", THREADS)
def test_results_come_in_order_and_no_more_items_are_begun_than_there_are_threads(threads: int) -> None:
    begun, used = [], 0

    def work(item: int) -> int:
        begun.append(item)
        time.sleep(0.002 * (item % 3))
        return item**2

    for k, result in enumerate(side_by_side(work, range(20), threads)):
        assert result == k**2
        assert len(begun) <= used + threads
        used += 1
    assert used == 20
    assert list(side_by_side(work, [], threads)) == []


@pytest.mark.parametrize("threads", THREADS)
def test_the_error_is_that_of_the_first_item_that_fails_and_comes_in_its_turn(threads: int) -> None:
    def work(item: int) -> int:
        if item == 3:
            time.sleep(0.02)  # so that a later one fails earlier
        if item >= 3:
            raise ValueError(item)
        return item

    results: list[int] = []
    with pytest.raises(ValueError, match="3"):
        results.extend(side_by_side(work, range(9), threads))
    assert results == [0, 1, 2]


@pytest.mark.parametrize("threads", THREADS)
def test_an_error_of_the_items_comes_after_the_results_before_it(threads: int) -> None:
    def items() -> Iterator[int]:
        yield from range(4)
        raise OSError("the fifth")

    results: list[int] = []
    with pytest.raises(OSError, match="the fifth"):
        results.extend(side_by_side(abs, items(), threads))
    assert results == [0, 1, 2, 3]

    def fails(item: int) -> int:
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        list(side_by_side(fails, items(), threads))


@pytest.mark.usefixtures("heeded_signals")
@pytest.mark.parametrize("threads", THREADS)
def test_an_interrupt_ends_the_loop_once_what_was_begun_has_ended(threads: int) -> None:
    ended = []

    def work(item: int) -> int:
        if item == 8:  # all threads have started
            signal.raise_signal(signal.SIGINT)
        time.sleep(0.01)
        ended.append(item)
        return item

    with pytest.raises(KeyboardInterrupt):
        list(side_by_side(work, range(1000), threads))
    assert len(ended) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_the_function_runs_in_the_context_of_the_caller() -> None:
    def halve(number: float) -> float:
        return float(np.float64(number) / 0)

    with np.errstate(all="ignore"):
        assert list(side_by_side(halve, [1.0, 2.0, 3.0], 2)) == [np.inf] * 3
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        list(side_by_side(halve, [1.0], 2))


@pytest.mark.parametrize("threads", [1, 2])
def test_items_made_ahead_come_in_order_with_their_error_in_its_place(threads: int) -> None:
    made, closed = [], []

    def items() -> Generator[int, None, None]:
        try:
            for item in range(5):
                made.append(item)
                yield item
            raise OSError("the sixth")
        finally:
            closed.append(len(made))

    used: list[int] = []
    with pytest.raises(OSError, match="the sixth"):
        used.extend(prefetched(items(), threads))
    assert used == [0, 1, 2, 3, 4]

    made.clear()
    for item in prefetched(items(), threads):
        ahead = min(item + threads, 5)  # one more than is used, and no other
        wait_for(lambda ahead=ahead: len(made) >= ahead, "next item")  # type: ignore[misc]
        time.sleep(0.01)
        assert len(made) == ahead
        if item == 2:
            break
    assert closed == [5, 2 + threads]
    assert list(prefetched((item for item in list[int]()), threads)) == []


def test_a_loop_that_is_left_may_be_closed_on_a_thread_of_its_own() -> None:
    """The garbage collector closes it on the thread that it runs on."""
    loops, errors, left, done = (
        list[Generator[int, None, None]](),
        list[BaseException](),
        threading.Event(),
        threading.Event(),
    )

    def close() -> None:
        left.wait(10)
        try:
            loops.pop().close()
        except BaseException as error:  # noqa: BLE001 - looked at below
            errors.append(error)
        done.set()

    def items() -> Generator[int, None, None]:
        yield 0
        close()
        yield 1

    def work(item: int) -> int:
        if item:
            close()
        return item

    for loop in (prefetched(items(), 2), side_by_side(work, range(3), 2)):
        left.clear()
        done.clear()
        assert isinstance(loop, Generator)
        loops.append(loop)
        assert next(loop) == 0
        left.set()
        assert done.wait(10)
    assert errors == []
