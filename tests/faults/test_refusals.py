"""The system refuses a call, once or for ever: one error, status 74, no stray file, and the run goes on afterwards."""

from __future__ import annotations

import pytest

from tests.faults.counting import Counted
from tests.faults.oracle import Bench, ended_properly, finishes
from tests.faults.system_calls import REMOVING, Call, Fault, needs_strace, with_fault

ERRORS = ("ENOSPC", "EIO", "EROFS", "EACCES")
LASTING = ("write", "fsync", "rename", "mkdir")
"""The calls that may fail for ever; a Python that can open no file does not run."""


@needs_strace
def test_a_refused_call_is_one_error_and_the_run_goes_on(traced: tuple[Bench, list[Call]]) -> None:
    made, found = traced
    of_kinds = {call.name: call for call in found[len(found) // 2 :]}
    for call, error in zip(of_kinds.values(), ERRORS * 2, strict=False):
        refuse(made, Fault(call, f"error={error}", lasting=call.name == "write"))


@pytest.mark.faults
@needs_strace
@pytest.mark.parametrize("error", ERRORS)
def test_each_refused_call_is_one_error_and_the_run_goes_on(
    error: str, traced: tuple[Bench, list[Call]], counted: Counted
) -> None:
    made, found = traced
    faults = faults_of(found, error)
    for fault in faults:
        refuse(made, fault)
    counted(f"{error}: {len(faults)} refused calls, all resumed to the same bytes")


@pytest.mark.faults
@needs_strace
def test_interrupted_writes_are_completed(traced: tuple[Bench, list[Call]], counted: Counted) -> None:
    made, found = traced[0], [call for call in traced[1] if call.name == "write"]
    for call in found:
        refuse(made, Fault(call, "error=EINTR"))
    counted(f"{len(found)} interrupted writes, all completed")


def faults_of(found: list[Call], error: str) -> list[Fault]:
    """The error at every call, once; and for ever from every third on where Python itself can go on."""
    once = [Fault(call, f"error={error}") for call in found]
    return [*once, *(Fault(call, f"error={error}", lasting=True) for call in found[::3] if call.name in LASTING)]


def refuse(made: Bench, fault: Fault) -> None:
    """Train with the fault: it succeeds in spite of it or ends properly; then the run goes on."""
    made.clear()
    result = with_fault(fault, *made.training, cwd=made.folder)
    if fault.lasting and fault.call.name == "write":
        assert result.status == 74, (fault, result)  # its message cannot be written either
    else:
        ended_properly(result, 0, 74)
    hidden = {path for path in made.folder.rglob("*") if path.name.startswith(".")}
    if fault.call.name in REMOVING:  # what may not be removed stays
        for path in hidden:
            path.unlink()
    else:
        assert hidden == set(), fault
    finishes(made)
