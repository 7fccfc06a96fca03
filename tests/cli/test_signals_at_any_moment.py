"""A signal at any moment of any command ends it by that signal, in silence, and leaves nothing incomplete.

``BP_MOMENTS`` sets how many moments of each command each signal comes at, and ``BP_SIGNALS`` which signals.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from bpcli.runs.series import SERIES_FILE
from tests.cli.support import PATIENCE, bp, command, environment, good, points, write_config

pytestmark = pytest.mark.slow

CONFIG = """
    data: {path: points.csv, split: {validation: 0.2, test: 0.1}}
    network: {hidden: [5]}
    loss: cross_entropy
    engine: numpy
    epochs: 40
"""

COMMANDS = {
    "train": ["train", "points.yaml", "--run", "out/run"],
    "train a series": ["train", "points.yaml", "--run", "out/run", "--seeds", "3"],
    "train by numbers of its own": ["train", "points.yaml", "epochs=5"],
    "train by batches of all": ["train", "points.yaml", "--run", "out/run", "optimizer={mode: batch, name: lbfgs}"],
    "resume": ["train", "--resume", "out/copy", "epochs=80"],
    "verify": ["verify", "trained"],
    "doctor": ["doctor", "points.yaml"],
    "predict": ["predict", "trained", "--data", "points.csv", "--output", "out/predictions.csv"],
    "predict to stdout": ["predict", "trained", "--data", "points.csv"],
    "evaluate": ["evaluate", "trained"],
    "explain": ["explain", "points.yaml"],
    "gradcheck": ["gradcheck", "trained"],
    "stepcheck": ["stepcheck", "points.yaml"],
    "convert": ["data", "convert", "numbers.csv", "out/numbers.npy"],
    "plot": ["plot", "trained"],
    "plot to a file": ["plot", "trained", "--output", "out/curves.svg"],
    "init": ["init", "points.csv", "--output", "out/first.yaml"],
    "list": ["list"],
    "runs": ["runs", "."],
    "config": ["config", "show", "points.yaml"],
}

SIGNALS = os.environ.get("BP_SIGNALS", "SIGINT SIGTERM SIGHUP SIGQUIT SIGXCPU SIGUSR1 SIGUSR2").split()

MOMENTS = int(os.environ.get("BP_MOMENTS") or 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("moments")
    points(place / "points.csv", 300)
    write_config(place / "points.yaml", CONFIG)
    numbers = np.random.default_rng(0).normal(size=(20_000, 6))
    np.savetxt(place / "numbers.csv", numbers, delimiter=",", header="a,b,c,d,e,f", comments="")
    good("train", "points.yaml", "--run", "trained", cwd=place)
    return place


def started(words: list[str], folder: Path) -> subprocess.Popen[bytes]:
    (folder / "out").mkdir(exist_ok=True)
    if "out/copy" in words:
        shutil.copytree(folder / "trained", folder / "out/copy")
    return subprocess.Popen(
        command(*words), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def cleared(folder: Path) -> None:
    """Take away what commands wrote, which must be complete."""
    for parent in (folder / "out", folder / "runs"):
        for path in sorted(parent.rglob("*"), reverse=True):
            assert not path.name.startswith("."), path
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
        if parent.exists():
            parent.rmdir()
    assert {path.name for path in folder.iterdir()} == {"points.csv", "points.yaml", "numbers.csv", "trained"}


def require_whole_runs(folder: Path) -> None:
    """Every folder that is a run can be read, and every config."""
    for config in (*folder.glob("out/**/config.yaml"), *folder.glob("runs/*/config.yaml")):
        shown = bp("config", "check", str(config), cwd=folder)
        assert shown.status == 0, shown
        if not config.with_name(SERIES_FILE).exists():
            evaluated = bp("evaluate", str(config.parent), cwd=folder)
            assert evaluated.status == 0, (sorted(config.parent.iterdir()), evaluated)


def before_the_first_line(err: bytes) -> bool:
    """Whether an interrupt met Python itself, which had not begun to load bp."""
    return b"KeyboardInterrupt" in err and b"bpcli/cli" not in err


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_signal_at_any_moment_ends_a_command_and_leaves_nothing_incomplete(
    folder: Path, words: list[str], name: str
) -> None:
    number, rng = signal.Signals[name], random.Random(f"{name} {words}")
    cleared(folder)
    began = time.monotonic()
    _, err = started(words, folder).communicate()
    assert b"error:" not in err
    taken = time.monotonic() - began
    cleared(folder)
    for _ in range(MOMENTS):
        moment = rng.uniform(0, taken)
        process = started(words, folder)
        time.sleep(moment)
        process.send_signal(number)
        sent = time.monotonic()
        _, err = process.communicate(timeout=PATIENCE)
        assert time.monotonic() - sent < PATIENCE / 4
        if name != "SIGINT" or not before_the_first_line(err):
            assert process.returncode in (0, -number), (moment, process.returncode, err)
            assert b"Traceback" not in err, (moment, err)
            assert b"error:" not in err, (moment, err)
        require_whole_runs(folder)
        cleared(folder)
