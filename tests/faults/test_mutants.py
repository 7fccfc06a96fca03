"""The tests of this room catch what they are for: five mistakes in storage and state, each in a copy of the code."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.support import ROOT
from tests.faults.oracle import Bench, bench, finished, killed
from tests.faults.system_calls import Fault, needs_strace, with_fault
from tests.faults.test_order import faults_of_order

DURABLE = {
    "no fsync of files": ("storage/files.py", "return\n    os.fsync(descriptor)\n", "return\n"),
    "no fsync of folders": ("storage/files.py", "            os.fsync(descriptor)\n", "            pass\n"),
    "saved in place": ("storage/files.py", "os.replace(part, target)", "target.write_bytes(part.read_bytes())"),
}
"""What breaks the order of calls: the file, what is in it, and what the mistake makes of that."""

STATE = {
    "random streams left out": ('int(counters["step"])', "0"),
    "schedule left out": ('_restore_numbers("plateau", self.plateau, counters)', "pass"),
}
"""What is left out of a state that is taken up again."""

PLATEAU = ["optimizer.schedule={name: reduce_on_plateau, patience: 1, min_delta: 10}", "epochs=8"]


def copy_with_mistake(folder: Path, file: str, right: str, wrong: str) -> Path:
    """A copy of the package with a mistake."""
    shutil.copytree(ROOT / "bpcli", folder / "bpcli", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "bpcli" / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong))
    return folder


@pytest.fixture
def made(tmp_path: Path) -> Bench:
    (tmp_path / "work").mkdir()
    return bench(tmp_path / "work", "mini_batch", *PLATEAU)


@pytest.mark.faults
@needs_strace
@pytest.mark.parametrize("mistake", DURABLE)
def test_a_write_that_is_not_durable_is_caught(mistake: str, made: Bench, tmp_path: Path) -> None:
    code = copy_with_mistake(tmp_path / "code", *DURABLE[mistake])
    found = replace(made, code=code).calls()
    assert faults_of_order(found), mistake


@pytest.mark.faults
@needs_strace
@pytest.mark.parametrize("mistake", STATE)
def test_a_state_that_is_not_whole_is_caught(mistake: str, made: Bench, tmp_path: Path) -> None:
    code = copy_with_mistake(tmp_path / "code", "training/state.py", *STATE[mistake])
    found = made.calls()
    late = [call for call in found if call.name == "write" and call.path.endswith("metrics.csv")][-1]
    for path, same in ((ROOT, True), (code, False)):
        made.clear()
        killed(with_fault(Fault(late, "signal=KILL"), *made.training, cwd=made.folder))
        assert (finished(replace(made, code=path)) == made.reference) is same
