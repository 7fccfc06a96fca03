"""Loops over parameters are written so that threads share them out, and every entry is in one part."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from bpcli.training.compiled.loop_parts import entries_of
from bpcli.training.compiled.recording import record
from bpcli.training.compiled.source import step_source
from bpcli.training.shards.cutting import LINE

from .support import task


def test_every_entry_is_in_one_part() -> None:
    for length in (1, LINE - 1, LINE, 10 * LINE, 10 * LINE + 1, 67_203):
        for count in (1, 2, 3, 5, 16):
            parts = [entries_of.py_func(number, count, length) for number in range(count)]
            assert [at for start, size in parts for at in range(start, start + size)] == [*range(length)], parts


@pytest.mark.parametrize(("rule", "loops"), [("gradient_descent", 0), ("momentum", 1), ("adam", 1), ("adamw", 2)])
def test_a_rule_s_loops_are_shared_out(rule: str, loops: int) -> None:
    """One that decays W does so between two loops; plain descent has none beside its products."""
    one = task(optimizer=rule)
    source = step_source(record(one.recipe(), one.state().tallies, np.dtype("float32"), single=False))
    assert source.text.count("do_loop(") == loops
    lines = [line.strip() for line in source.text.splitlines()]
    assert not any(line.startswith(("theta[i] =", "memory_mean[i] =")) for line in lines)
