"""Ranks on hosts of the tests' own making, over TCP."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from benchmarks.hosts import Hosts, hosts, pids_in
from tests.ranks.hosts import run_on, with_hosts
from tests.ranks.support import BYTES, ROOT, environment, files_of, mpirun, with_mpi
from tests.ranks.test_training import CASES, ask

pytestmark = [with_mpi, with_hosts]

SHIPPED = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml") if not path.stem.startswith("mnist"))
"""The configs whose data are shipped too."""

LIVES = 5.0
"""Seconds after which no rank may be left when a host is lost."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    with hosts(2, tmp_path_factory.mktemp("hosts")) as made:
        yield made


def test_two_hosts_leave_the_bytes_of_one_process(two: Hosts, tmp_path: Path) -> None:
    """With two ranks each, in turn: a rank has some of the others near, and its shards are no neighbours of theirs."""
    names = ["ranked", "diverging"]
    for where in ("alone", "apart"):
        (tmp_path / where).mkdir()
    ask(1, tmp_path / "alone", train=names, resume=[], stop={})
    asked = {"train": {name: str(tmp_path / "alone" / f"{name}.yaml") for name in names}, "resume": [], "stop": {}}
    done = run_on(two, ["-m", "tests.ranks.laws", json.dumps({**asked, "exchange": True})], tmp_path / "apart", each=2)
    assert (done.returncode, done.stderr) == (0, "")
    for name in names:
        assert files_of(tmp_path / "apart" / name) == files_of(tmp_path / "alone" / name)


@pytest.mark.slow
@pytest.mark.parametrize("shards", ["auto", 4])
@pytest.mark.parametrize("config", SHIPPED)
def test_every_shipped_config_leaves_the_same_bytes(config: str, shards: str | int, tmp_path: Path) -> None:
    changes = [f"shards={shards}", "epochs=3", "checkpoint=null"]
    words = ["-m", "bpcli", "train", str(ROOT / "configs" / f"{config}.yaml"), *changes, "--quiet", "--run"]
    for ranks in (1, 2, 3, 4):
        done = mpirun(ranks, [*words, f"in{ranks}"], tmp_path, seconds=120)
        if shards == 4 and "shards" in done.stderr:
            pytest.skip(done.stderr)  # the steps of some rules and modes cannot be divided
        assert done.returncode == 0, done.stderr
        assert files_of(tmp_path / f"in{ranks}") == files_of(tmp_path / "in1"), ranks


@pytest.mark.slow
def test_the_compiled_engine_leaves_the_same_bytes_in_ranks(tmp_path: Path) -> None:
    changes = ["engine=numba", "shards=3", "epochs=3", "optimizer.name=adam"]
    words = ["-m", "bpcli", "train", str(ROOT / "configs" / "digits.yaml"), *changes, "--quiet", "--run"]
    for ranks in (1, 2, 3):
        done = mpirun(ranks, [*words, f"in{ranks}"], tmp_path, seconds=120)
        assert done.returncode == 0, done.stderr
        assert files_of(tmp_path / f"in{ranks}") == files_of(tmp_path / "in1"), ranks


@pytest.mark.slow
def test_the_compiled_engine_leaves_the_same_bytes_where_communication_overlaps(two: Hosts, tmp_path: Path) -> None:
    """A megabyte of its gradients is on its way while the first layer's is computed."""
    config, changes = str(ROOT / "configs" / "digits.yaml"), ["engine=numba", "shards=4", "epochs=3"]
    words = ["-m", "bpcli", "train", config, *changes, "network.hidden=[600, 600]", "--quiet", "--run"]
    for done in (mpirun(1, [*words, "alone"], tmp_path), run_on(two, [*words, "apart"], tmp_path)):
        assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "apart") == files_of(tmp_path / "alone")


@pytest.mark.slow
def test_three_hosts_with_slow_cables_leave_the_bytes_of_one_process(tmp_path: Path) -> None:
    with hosts(3, tmp_path) as made:
        made.slow_down("100mbit", "3ms")
        names = [*CASES]
        (tmp_path / "apart").mkdir()
        ask(1, tmp_path / "alone", train=names, resume=[], stop={})
        asked = {"train": {name: str(tmp_path / "alone" / f"{name}.yaml") for name in names}, "resume": [], "stop": {}}
        words = ["-m", "tests.ranks.laws", json.dumps({**asked, "exchange": True})]
        done = run_on(made, words, tmp_path / "apart", seconds=120)
        assert (done.returncode, done.stderr) == (0, "")
        for name in names:
            assert files_of(tmp_path / "apart" / name) == files_of(tmp_path / "alone" / name)


@pytest.mark.slow
@pytest.mark.parametrize("pulled", [0, 1])
def test_a_pulled_cable_ends_all_with_the_rank_named_and_the_run_goes_on(pulled: int, tmp_path: Path) -> None:
    """While buckets of the gradient are on their way, and others are computed."""
    config = str(ROOT / "configs" / "digits.yaml")
    changes = ["shards=4", "engine=numpy", "early_stopping=null", "checkpoint={epochs: 1}", "network.hidden=[600, 600]"]
    words = ["-m", "bpcli", "train", config, *changes, "epochs=1000000", "--run", "run"]
    with hosts(2, tmp_path) as made, (tmp_path / "said").open("w") as file:
        started = subprocess.Popen(made.command(words), cwd=tmp_path, env=environment(tmp_path), stderr=file)
        while not (tmp_path / "run" / "metrics.csv").exists():
            assert started.poll() is None
            sleep(0.05)
        sleep(1)
        made.pull_the_cable(pulled)
        at = monotonic()
        while ranks_on(made):
            sleep(0.05)
            assert monotonic() - at < LIVES
        started.wait(LIVES)
        said = (tmp_path / "said").read_text(encoding="utf-8")
        assert f"error: rank 1 of 2 (host {made.host(1)}, pid " in said
        assert "cannot be reached any more" in said
    epochs = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["epochs"] + 2
    for ranks, which in ((3, ["--resume", "run"]), (1, [config, *changes, "--run", "whole"])):
        done = mpirun(ranks, ["-m", "bpcli", "train", *which, f"epochs={epochs}", "--quiet"], tmp_path)
        assert done.returncode == 0, done.stderr
    for file_name in set(BYTES) - {"config.yaml"}:
        assert (tmp_path / "run" / file_name).read_bytes() == (tmp_path / "whole" / file_name).read_bytes()


def ranks_on(made: Hosts) -> list[int]:
    """The processes of bp on all hosts."""
    return [pid for number in range(made.count) for pid in pids_in(made.host(number)) if _is_rank(Path(f"/proc/{pid}"))]


def _is_rank(process: Path) -> bool:
    try:
        return b"OMPI_COMM_WORLD_RANK=" in (process / "environ").read_bytes()
    except OSError:
        return False
