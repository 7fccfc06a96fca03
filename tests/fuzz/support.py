"""How many examples there are, how files are damaged, and what may come of them.

``make fuzz`` sets ``BP_FUZZ`` to the number of examples, drawn anew; without it there are few, the same each time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bpcli.errors import BpError, ExitStatus
from tests import mutants
from tests.cli.support import bp

T = TypeVar("T")

EXAMPLES = int(os.environ.get("BP_FUZZ") or 0)

SECONDS = 2.0
"""How long a file may take; it is measured by ``make fuzz`` alone, where nothing else runs."""

STATUSES = {ExitStatus.DONE, ExitStatus.USAGE, ExitStatus.DATA, ExitStatus.DIVERGED, ExitStatus.SYSTEM}
"""How a command may end on a file; a defect is none of them."""


def examples(few: int) -> settings:
    """The settings of a test that has ``few`` examples where ``make fuzz`` does not ask for more."""
    return settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def answer(read: Callable[[], object]) -> None:
    """Read something; it has to succeed or to fail with an error of bp's, of a documented status."""
    start = time.process_time()
    error = _error_of(read)
    if error is not None:
        assert error.status in STATUSES
        assert error.lines()[0].startswith("error: ")
        assert all(line.isprintable() for line in error.lines())
    assert not EXAMPLES or time.process_time() - start < SECONDS


def _error_of(read: Callable[[], object]) -> BpError | None:
    try:
        read()
    except BpError as error:
        return error
    return None


def answer_of_command(*words: str, cwd: Path) -> None:
    """Run a command; it has to end with a documented status, and JSON is whole and finite."""
    start = time.process_time()
    result = bp(*words, cwd=cwd)
    assert result.status in STATUSES, result
    assert "Traceback" not in result.err
    assert result.status == 0 or result.err.startswith(("error: ", "warning: ")) or "\nerror: " in result.err
    if "--json" in words and result.out:
        json.loads(result.out, parse_constant=_no_number)
    assert not EXAMPLES or time.process_time() - start < SECONDS


def _no_number(word: str) -> Any:
    raise AssertionError(f"{word} is not JSON")


SEEDS = st.integers(0, 2**64 - 1)


@st.composite
def by_chance(draw: st.DrawFn, make: Callable[[Random], T]) -> T:
    """What a function makes by chance: one number is drawn for all of it, a tenth of the work of drawing each part."""
    return make(Random(draw(SEEDS)))


def damaged(contents: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the contents, damaged."""
    return by_chance(lambda rng: mutants.damaged(rng.choice(contents), rng))


def restructured(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """One of the JSON values with parts of it changed."""
    return by_chance(lambda rng: mutants.mutant(rng.choice(values), rng))
