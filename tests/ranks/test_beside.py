"""What goes on beside a computation ends with it."""

from __future__ import annotations

import threading

import pytest

from bpcli.ranks.beside import beside


def test_it_goes_on_until_the_computation_ends_or_it_has_nothing_left_to_do() -> None:
    for most in (3, 1 << 30):
        done = went_on(most)
        assert threading.get_ident() not in done
        assert len(done) == 3 if most == 3 else len(done) >= 3
        count = len(done)
        beside(lambda: None, lambda: False)
        assert len(done) == count


def went_on(most: int) -> list[int]:
    """The threads in which it went on, as often as the computation waits for or more often, but no more than so."""
    done, often = list[int](), threading.Event()

    def go_on() -> bool:
        done.append(threading.get_ident())
        if len(done) == 3:
            often.set()
        return len(done) < most

    beside(lambda: waits_for(often), go_on)
    return done


def waits_for(event: threading.Event) -> None:
    assert event.wait(20)


def test_an_error_on_either_side_is_raised_where_it_computes() -> None:
    begun = threading.Event()

    def fail() -> bool:
        begun.set()
        raise OSError("beside")

    with pytest.raises(OSError, match="beside"):
        beside(lambda: waits_for(begun), fail)

    def compute() -> None:
        raise ValueError("computed")

    with pytest.raises(ValueError, match="computed"):
        beside(compute, lambda: True)
