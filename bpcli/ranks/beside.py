"""Something that goes on beside a computation, in a thread that mostly sleeps."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep

from bpcli.team import Team

NAP = 3e-4
"""Seconds between two times. Each costs a core that also computes; meanwhile a system has up to 4 MB to send."""

_TWO = Team(2)
"""A team of its own: the computation may use others."""


def beside(compute: Callable[[], None], go_on: Callable[[], bool]) -> None:
    """Compute; meanwhile ``go_on`` again and again in another thread, while it returns true.

    It has ended when this returns, or raises.

    Raises:
        Exception: of ``compute``, or else of ``go_on``.
    """
    ended = False

    def end() -> None:
        nonlocal ended
        ended = True

    def task(number: int, _: int) -> None:
        if number:
            while not ended and go_on():
                sleep(NAP)
            return
        try:
            compute()
        finally:
            end()

    _TWO.run(2, task, leave=end)
