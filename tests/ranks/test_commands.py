"""Commands under mpirun: who speaks, how they end, and what happens when a rank dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest

from bpcli.errors import ExitStatus
from tests.cli.support import bp, good
from tests.ranks.support import ROOT, command, environment, files_of, mpirun, with_mpi

pytestmark = with_mpi

TABLE = ROOT / "datasets" / "digits.csv"

CONFIG = f"""
data: {{path: {TABLE}, target: digit, split: {{validation: 0.1}}}}
network: {{hidden: [16]}}
loss: cross_entropy
optimizer: {{batch_size: 30, learning_rate: 0.05}}
engine: numpy
shards: 2
"""

BP = ["-m", "bpcli"]

SEVERAL = """several runs, and a launcher, whose processes train one run together
hint: start it without the launcher; its runs are trained one after the other, each on all cores"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "digits.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def run_json(folder: Path) -> dict[str, object]:
    record: dict[str, object] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return record


def test_rank_0_prints_what_one_process_prints(folder: Path) -> None:
    words = ["train", "digits.yaml", "epochs=2"]
    done = mpirun(3, [*BP, *words, "--run", "run"], folder)
    alone = good(*words, "--run", "one", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "run\n")
    note = "warning: 1 of 3 ranks compute nothing: batches are cut into 2 shards; shards: 3 cuts them into more\n"
    assert done.stderr.replace(note, "") == alone.err.replace("run: one\n", "run: run\n")
    assert note in done.stderr
    assert files_of(folder / "run") == files_of(folder / "one")


def test_what_all_ranks_meet_is_said_once_and_is_the_status(folder: Path) -> None:
    done = mpirun(2, [*BP, "train", "digits.yaml", "--seeds", "2"], folder)
    assert (done.returncode, done.stdout, done.stderr) == (ExitStatus.USAGE, "", f"error: command line: {SEVERAL}\n")


@pytest.mark.parametrize(
    ("missing", "status", "said"),
    [("digits.yaml", ExitStatus.USAGE, "digits.yaml: no such config"), ("", ExitStatus.DATA, "differs from rank 0: ")],
)
def test_what_one_rank_meets_alone_is_said_with_its_name(
    folder: Path, missing: str, status: ExitStatus, said: str
) -> None:
    """Rank 1 runs in another folder, which lacks a file, or has another config of the same name."""
    (folder / "other").mkdir()
    if not missing:
        (folder / "other" / "digits.yaml").write_text(CONFIG.replace("16", "15"), encoding="utf-8")
    script = f"test $OMPI_COMM_WORLD_RANK = 1 && cd other; exec {sys.executable} -m bpcli train digits.yaml --quiet"
    done = mpirun(3, ["-c", script], folder, program="sh")
    error, hint = done.stderr.splitlines()
    assert done.returncode == status
    assert error.startswith("error: rank 1 of 3 (host ")
    assert said in error
    assert hint.startswith("hint: ")
    assert not (folder / "runs").exists()


def test_a_rank_that_cannot_start_says_so_with_its_name(folder: Path) -> None:
    (folder / "other" / "mpi4py").mkdir(parents=True)
    (folder / "other" / "mpi4py" / "__init__.py").write_text("raise ImportError('not of this MPI', name='mpi4py')")
    said = where_rank_1_does(folder, f"export PYTHONPATH={folder}/other:{ROOT}; exec $BP train digits.yaml")
    assert said.startswith(f"error: rank 1 of 2 (host {os.uname().nodename}, pid ")
    assert "not of this MPI" in said


def test_a_rank_that_does_another_command_is_not_waited_for(folder: Path) -> None:
    said = where_rank_1_does(folder, "exec $BP train digits.yaml --plan 2")
    assert "it does another command than rank 0" in said


def test_a_signal_that_ends_a_rank_before_there_is_a_run_is_named(folder: Path) -> None:
    (folder / "ended.py").write_text(
        "import os\nimport bpcli.experiment\nfrom bpcli.cli import main\n"
        "bpcli.experiment.build = lambda *_: os.kill(os.getpid(), 15)\nmain()\n"
    )
    said = where_rank_1_does(folder, f"exec {sys.executable} ended.py train digits.yaml")
    assert said.startswith(f"error: rank 1 of 2 (host {os.uname().nodename}, pid ")
    assert ") was ended by SIGTERM\nhint: start it again\n" in said


def test_a_process_that_never_starts_mpi_is_not_waited_for_without_end(folder: Path) -> None:
    (folder / "hasty.py").write_text(
        "import bpcli.ranks.starting\nfrom bpcli.cli import main\nbpcli.ranks.starting.COMING = 0.2\nmain()\n"
    )
    script = f"test $OMPI_COMM_WORLD_RANK = 1 || exec {sys.executable} hasty.py train digits.yaml"
    done = mpirun(2, ["-c", script], folder, program="sh")
    assert done.returncode == ExitStatus.SYSTEM
    assert "error: only some of 2 processes have started MPI, after 0 seconds\nhint: give all ranks" in done.stderr


def where_rank_1_does(folder: Path, commands: str) -> str:
    """What is said where rank 0 is about to train, and rank 1 runs these commands of a shell."""
    script = f"BP='{sys.executable} -m bpcli'; test $OMPI_COMM_WORLD_RANK = 0 && exec $BP train digits.yaml; {commands}"
    done = mpirun(2, ["-c", script], folder, program="sh")
    assert done.returncode
    assert not (folder / "runs").exists()
    return done.stderr


def test_a_divergence_is_said_once_and_is_the_status(folder: Path) -> None:
    done = mpirun(2, [*BP, "train", "digits.yaml", "optimizer.learning_rate=1e30", "--quiet"], folder)
    assert done.returncode == ExitStatus.DIVERGED
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]


def test_other_commands_are_done_by_rank_0(folder: Path) -> None:
    done = mpirun(3, [*BP, "--version"], folder)
    assert (done.returncode, done.stdout.count("bp "), done.stderr) == (0, 1, "")


def test_the_gradient_that_is_checked_is_the_sum_over_ranks(folder: Path) -> None:
    """Its figures are those of one process; a sum that is wrong, or of one rank alone, fails the check."""
    (folder / "wrong.py").write_text(
        "import sys\nfrom bpcli.cli import main\nfrom bpcli.ranks.exchange import MpiRanks\n"
        "from bpcli.ranks.sums import MpiVectors\n"
        "what, collect, common = sys.argv.pop(1), MpiVectors.collect, MpiRanks.common\n"
        "def wrong(self, *of):\n    nodes = collect(self, *of)\n    nodes[0].of(self.own[0])[7] += 1\n"
        "    return nodes\n"
        "def apart(self, array):\n    found = common(self, array)\n    return found.copy() if self.index else found\n"
        "if what == 'sum':\n    MpiVectors.collect = wrong\nelse:\n    MpiRanks.common = apart\nmain()\n"
    )
    check = ["gradcheck", "digits.yaml", "--examples", "6", "--json"]
    right = mpirun(2, [*BP, *check], folder)
    assert (right.returncode, right.stdout) == (0, bp(*check, cwd=folder).out)
    wrong = mpirun(2, ["wrong.py", "sum", *check], folder)
    assert (wrong.returncode, json.loads(wrong.stdout)["passed"]) == (ExitStatus.CHECK_FAILED, False)
    differing = mpirun(2, ["wrong.py", "memory", *check], folder)
    assert differing.returncode == ExitStatus.CHECK_FAILED
    assert "error: rank 1 of 2 gets another gradient than rank 0\n" in differing.stderr


class Training:
    """A training in ranks that goes on until something ends it, by bp or a ``program`` that is like it."""

    def __init__(self, ranks: int, folder: Path, program: list[str] = BP, *more: str) -> None:
        words = [*program, "train", "digits.yaml", "epochs=1000000", "checkpoint={epochs: 1}", "--run", "run", *more]
        self.folder = folder
        self.process = subprocess.Popen(
            command(ranks, words), cwd=folder, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.wait_for(lambda: (folder / "run" / "metrics.csv").exists())

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until = monotonic() + 30
        while not condition():
            assert monotonic() < until
            assert self.process.poll() is None, self.process.communicate()
            sleep(0.02)

    def pid(self, rank: int) -> int:
        """The process of a rank, by what its launcher has told it."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    told = (entry / "environ").read_bytes().split(b"\0")
                    where = (entry / "cwd").readlink()
                except OSError:
                    continue
                if where == self.folder and b"OMPI_COMM_WORLD_RANK=%d" % rank in told:
                    return int(entry.name)
        raise AssertionError(rank)

    def end(self) -> tuple[int, str]:
        _, stderr = self.process.communicate(timeout=30)
        return self.process.returncode, stderr.decode()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the ranks are found in /proc")
class TestEnds:
    def test_a_killed_rank_is_named_and_the_run_goes_on_in_another_number_of_ranks(self, folder: Path) -> None:
        training = Training(2, folder)
        killed = training.pid(1)
        os.kill(killed, signal.SIGKILL)
        _, said = training.end()
        assert f"error: rank 1 of 2 (host {os.uname().nodename}, pid {killed}) ended without a word\n" in said
        assert "bp train --resume run\n" in said
        record = run_json(folder / "run")
        assert record["outcome"] == "stopped"
        assert record["ended"] == f"rank 1 of 2 (host {os.uname().nodename}, pid {killed}) ended without a word"
        epochs = int(record["epochs"]) + 2  # type: ignore[call-overload]
        done = mpirun(3, [*BP, "train", "--resume", "run", f"epochs={epochs}", "--quiet"], folder)
        assert done.returncode == 0, done.stderr
        good("train", "digits.yaml", "--run", "whole", f"epochs={epochs}", "--quiet", cwd=folder)
        for file in ("metrics.csv", "model.safetensors"):
            assert (folder / "run" / file).read_bytes() == (folder / "whole" / file).read_bytes()

    def test_a_signal_to_one_rank_stops_all_after_the_same_step(self, folder: Path) -> None:
        training = Training(2, folder)
        os.kill(training.pid(1), signal.SIGTERM)
        status, said = training.end()
        assert status == 128 + signal.SIGTERM
        assert "stopped by SIGTERM in epoch" in said
        assert "error:" not in said
        assert run_json(folder / "run")["outcome"] == "stopped"

    def test_a_signal_in_the_test_part_saves_the_run_and_is_the_status(self, folder: Path) -> None:
        (folder / "slow.py").write_text(
            "from pathlib import Path\nfrom time import sleep\n"
            "import bpcli.runs.execution\nfrom bpcli.cli import main\n"
            "def assess(*_, **__):\n    Path('assessing').touch()\n    sleep(20)\n"
            "bpcli.runs.execution.assess_model = assess\nmain()\n"
        )
        training = Training(2, folder, ["slow.py"], "epochs=1", "data.split.test=0.2")
        training.wait_for((folder / "assessing").exists)
        os.kill(training.pid(0), signal.SIGTERM)
        status, said = training.end()
        assert status == 128 + signal.SIGTERM
        assert "stopped by SIGTERM after epoch 1; saved" in said

    def test_ranks_whose_launcher_is_killed_save_the_run_and_end(self, folder: Path) -> None:
        training = Training(2, folder, BP, "--quiet")
        ranks = [training.pid(rank) for rank in (0, 1)]
        training.process.kill()
        training.end()
        until = monotonic() + 10
        while any(_runs(pid) for pid in ranks):
            assert monotonic() < until
            sleep(0.05)
        record = run_json(folder / "run")
        assert (record["outcome"], record["ended"]) == ("stopped", "mpirun of Open MPI has ended")


def _runs(pid: int) -> bool:
    """Whether there is a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
