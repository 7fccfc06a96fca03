"""What is done for layer after layer is written once, and the numbers stay those of the reference."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bpcli.training.compiled import body, outlining, steps
from bpcli.training.compiled.outlining import NAMED, in_place, outlined, piece
from bpcli.training.compiled.recording import record
from bpcli.training.compiled.source import Source, step_source
from bpcli.training.compiled.steps import CompiledSteps
from bpcli.training.numpy_steps import NumpySteps

from .support import Task, agree, interpreted, numbers, task

KINDS = {**dict.fromkeys(("a", "b", "c", "d", "e"), "array"), **dict.fromkeys(("n", "m", "s", "t"), "number")}
DEEP = (4, 5, 3, 6, 4, 5, 3)


def deep(layers: int = 5, optimizer: str = "adam", dtype: str = "float64") -> Task:
    return task(widths=(*DEEP[: layers + 1], 3), hidden=("tanh",) * layers, optimizer=optimizer, dtype=dtype)


def written(one: Task) -> Source:
    return step_source(record(one.recipe(), one.state().tallies, np.dtype(one.dtype), single=False))


def loop(out: str, given: str) -> list[str]:
    return [f"c{out} = np.float32(0)", f"for i in range({out}.shape[0]):", f"    {out}[i] = {given}[i] + c{out}"]


def test_alike_is_what_differs_in_names_alone() -> None:
    pieces = [piece(loop(*names), "", KINDS.get) for names in ("ab", "bc", "dd", "cd", "da")]
    lines, routines = outlined(pieces, KINDS.get)
    ((name, text),) = routines.items()
    assert lines == [f"{name}(a, b)", f"{name}(b, c)", *loop("d", "d"), f"{name}(c, d)", f"{name}(d, a)"]
    assert text.splitlines()[1:] == [
        "    b0 = np.float32(0)",
        "    for b1 in range(a0.shape[0]):",
        "        a0[b1] = a1[b1] + b0",
    ]
    kinds = {**KINDS, "b": "another array"}
    assert outlined([piece(loop(*names), "", kinds.get) for names in ("ab", "bc", "cd")], kinds.get)[1] == {}


def test_neighbours_become_one_routine_that_returns_the_numbers_it_makes() -> None:
    pieces = []
    for array, number in ("an", "bm", "cs", "dt"):
        pieces += [piece(loop(array, "e"), "", KINDS.get), piece([f"{number} = total({array})"], number, KINDS.get)]
        pieces.append(in_place([f"{number}2 = {number} * 2"]))
    lines, routines = outlined(pieces, KINDS.get)
    ((name, text),) = routines.items()
    assert lines[:4] == [f"n = {name}(a, e)", "n2 = n * 2", f"m = {name}(b, e)", "m2 = m * 2"]
    assert text.splitlines()[-2:] == ["    a2 = total(a0)", "    return a2"]


def test_a_networks_text_grows_by_calls() -> None:
    """Two more layers add what they are called with, and no routine; one or two hidden layers are written out."""
    few, many = written(deep(4)), written(deep(6))
    assert set(few.routines) == set(many.routines)
    loops = [len(re.findall("for i in", one.text)) for one in (few, many)]
    assert loops[0] == loops[1]
    assert not any(name.startswith(NAMED) for name in written(deep(2)).routines)


@pytest.mark.parametrize("optimizer", ["adam", "gradient_descent"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_routines_do_what_the_reference_does_and_a_wrong_name_is_seen(
    optimizer: str, batch_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "load_kernel", interpreted)
    one = deep(optimizer=optimizer)
    expected = one.trained(NumpySteps, batch_size)
    agree(one.trained(CompiledSteps, batch_size), expected, 1e-12)

    routine = outlining._routine
    monkeypatch.setattr(outlining, "_routine", lambda *given: swapped(*routine(*given)))
    with np.errstate(all="ignore"), pytest.raises((AssertionError, ValueError, IndexError)):
        agree(one.trained(CompiledSteps, batch_size), expected, 1e-12)


def swapped(name: str, text: str) -> tuple[str, str]:
    """A routine that takes two of its arguments for each other."""
    head, body = text.split("\n", 1)
    names = re.findall(r"\ba\d+", head)[-2:]
    return name, head.replace(", ".join(names), ", ".join(names[::-1])) + "\n" + body


@pytest.mark.slow
def test_compiled_routines_change_no_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    one = deep(4, "gradient_descent", "float32")
    apart = numbers(one.trained(CompiledSteps, 1))
    monkeypatch.setattr(body, "OFTEN", 100)
    for name, array in numbers(one.trained(CompiledSteps, 1)).items():
        np.testing.assert_array_equal(apart[name], array, err_msg=name)
