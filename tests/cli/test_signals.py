"""A signal ends bp by the same signal, and the training so far is saved."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from bpcli.ending.notice import noticed
from bpcli.ending.signals import kept_actions
from bpcli.ending.unfinished import own_process
from bpcli.storage.tensors import read_tensors
from tests.cli.support import (
    PATIENCE,
    ROOT,
    command,
    environment,
    read_metrics,
    read_record,
    shell,
    wait_for,
    write_config,
)

pytestmark = pytest.mark.usefixtures("heeded_signals")

ENDLESS = """
    data: {path: points.npz, split: {validation: 0.1}}
    network: {hidden: [4]}
    loss: cross_entropy
    optimizer: {name: adam}
    engine: numpy
    epochs: 100000000
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "points.npz", features=rng.normal(0, 1, (100, 2)), targets=np.arange(100) % 3)
    write_config(tmp_path / "endless.yaml", ENDLESS)
    return tmp_path


def start(folder: Path, *words: str, before: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
    """bp train in the background, its run in the folder ``run``."""
    return subprocess.Popen(
        [*before, *command("train", "endless.yaml", "--run", "run", *words)],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def rows(folder: Path) -> int:
    path = folder / "run/metrics.csv"
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR2", "SIGXCPU"])
def test_a_signal_ends_training_by_itself_and_the_run_is_kept(folder: Path, name: str) -> None:
    process = start(folder)
    wait_for(lambda: rows(folder) >= 3, "third epoch")
    process.send_signal(signal.Signals[name])
    out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == -signal.Signals[name]
    assert out == b""
    record, metrics = read_record(folder / "run"), read_metrics(folder / "run")
    done = len(metrics)
    assert err.decode().splitlines()[-1] == (
        f"stopped by {name} in epoch {done + 1}; saved, to go on: bp train --resume run"
    )
    assert (record["ended"], record["epochs"]) == (name, done)
    measured = {key: value for key, value in metrics[-1].items() if key not in ("epoch", "step", "learning_rate")}
    assert record["final"] == measured

    checkpoint, header = read_tensors(folder / "run/checkpoint.safetensors")
    assert header is not None
    counters = header["counters"]
    assert (counters["epoch"], counters["step"]) == (done, record["steps"])
    model, _ = read_tensors(folder / "run/model.safetensors")
    kept = np.concatenate([model[tensor].reshape(-1) for tensor in ("W1", "b1", "W2", "b2")])
    assert kept.tobytes() == checkpoint["kept_theta"].tobytes()


def test_a_signal_is_heard_within_an_epoch(folder: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(folder / "points.npz", features=rng.normal(0, 1, (400_000, 2)), targets=np.arange(400_000) % 3)
    changes = ["optimizer.mode=sgd", "data.split=null", "data.scale=none"]
    process = start(folder, *changes, "--quiet")
    wait_for((folder / "run/checkpoint.safetensors").exists, "checkpoint")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGTERM
    assert read_record(folder / "run")["epochs"] == 0
    _, header = read_tensors(folder / "run/checkpoint.safetensors")
    assert header is not None
    counters = header["counters"]
    assert 0 < counters["position"] == counters["step"] < 400_000


def test_a_signal_that_the_shell_ignores_stays_ignored(folder: Path) -> None:
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = start(folder, before=(sys.executable, "-c", ignoring))
    wait_for(lambda: rows(folder) >= 1, "first epoch")
    process.send_signal(signal.SIGHUP)
    reached = rows(folder)
    wait_for(lambda: rows(folder) > reached + 10, "epoch after the signal")
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGTERM


def test_an_interrupt_before_training_ends_bp_by_the_signal_and_leaves_nothing(folder: Path) -> None:
    os.mkfifo(folder / "slow.csv")
    process = subprocess.Popen(
        [sys.executable, "-m", "bpcli", "train", "endless.yaml", "data.path=slow.csv", "--run", "run"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    writer = os.open(folder / "slow.csv", os.O_WRONLY)  # returns when bp has begun to read
    try:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        os.close(writer)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")
    assert not (folder / "run").exists()


def test_a_terminal_that_hangs_up_costs_nothing_of_the_run(folder: Path) -> None:
    claiming = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    terminal, other_end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", claiming, *command("train", "endless.yaml", "--run", "run")],
        cwd=folder,
        env=environment(),
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
    )
    os.close(other_end)
    wait_for(lambda: rows(folder) >= 1, "first epoch")
    os.close(terminal)
    assert process.wait(PATIENCE) == -signal.SIGHUP
    record = read_record(folder / "run")
    assert (record["ended"], record["epochs"]) == ("SIGHUP", rows(folder))


def test_a_reader_that_leaves_ends_bp_in_silence(folder: Path) -> None:
    np.savez(folder / "many.npz", features=np.zeros((20_000, 2)))
    line = (
        "bp train endless.yaml epochs=1 --run run --quiet > run.txt\n"
        'bp predict run --data many.npz | head -n 1; echo "${PIPESTATUS[0]}"'
    )
    result = shell(line, cwd=folder)
    assert result.err == ""
    assert result.out == f"prediction,p_0,p_1,p_2\n{128 + signal.SIGPIPE}\n"


WHILE_TESTING = """
import os, signal, sys
from bpcli.training import inference
from bpcli.cli import main

assess, names = inference.assess, sys.argv.pop(1).split(",")

def assessed(*arguments, **named):
    for name in names:
        os.kill(os.getpid(), signal.Signals[name])
    return assess(*arguments, **named)

inference.assess = assessed
main()
"""


def signalled_while_testing(folder: Path, names: str) -> subprocess.CompletedProcess[bytes]:
    """bp train, to which these signals come when it has begun to evaluate the test part."""
    words = ["train", "endless.yaml", "epochs=2", "data.split={test: 0.2}", "--run", "run"]
    return subprocess.run(
        [sys.executable, "-c", WHILE_TESTING, names, *words], cwd=folder, env=environment(), capture_output=True
    )


def test_a_signal_while_the_test_part_is_evaluated_is_obeyed_once_all_is_saved(folder: Path) -> None:
    done = signalled_while_testing(folder, "SIGTERM")
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, b"")
    record = read_record(folder / "run")
    assert (record["ended"], record["epochs"]) == ("completed", 2)
    assert "test_accuracy" in record["final"]


def test_a_second_signal_lets_the_run_be_saved(folder: Path) -> None:
    done = signalled_while_testing(folder, "SIGINT,SIGTERM")
    assert (done.returncode, done.stdout) == (-signal.SIGINT, b"")
    assert read_record(folder / "run")["ended"] == "completed"
    assert rows(folder) == 2


# The start of the command.

INTERRUPTED = """
import os, runpy, signal, sys

loading = sys.argv.pop(1)

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == loading:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
runpy.run_module("bpcli", run_name="__main__")
"""


@pytest.mark.parametrize("loading", ["bpcli.cli", "typer", "numpy"])
def test_an_interrupt_while_libraries_load_ends_bp_in_silence(folder: Path, loading: str) -> None:
    words = [sys.executable, "-c", INTERRUPTED, loading, "train", "endless.yaml"]
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, b"", b"")


def test_the_installed_command_starts_where_python_m_does() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"bp": "bpcli.__main__:main"}


# Steps that take long.

STEPPING_FOR_EVER = """
import hashlib, os, signal, sys, threading
from bpcli.cli import main
from bpcli.training import numpy_steps

run, times, number = numpy_steps.NumpySteps.run, [0], signal.Signals[sys.argv.pop(1)]

def busy(*arguments):
    times[0] += 1
    run(*arguments)
    if times[0] == 3:
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # hears no signal

numpy_steps.NumpySteps.run = busy
main()
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_is_heard_within_a_step(folder: Path, name: str) -> None:
    words = ["train", "endless.yaml", "--run", "run", "optimizer={mode: batch}", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", STEPPING_FOR_EVER, name, *words], cwd=folder, env=environment(), capture_output=True
    )
    assert (done.returncode, done.stdout) == (-signal.Signals[name], b"")
    assert done.stderr.decode() == f"stopped by {name} in epoch 1; saved, to go on: bp train --resume run\n"
    assert read_record(folder / "run")["ended"] == name
    assert rows(folder) == 2
    _, header = read_tensors(folder / "run/checkpoint.safetensors")
    assert header is not None
    counters = header["counters"]
    assert counters["epoch"] == 0  # the two epochs took no time, so there was no copy


# A series.

PREPARING = """
import os, signal, sys
from bpcli.cli import main
from bpcli.runs.execution import Execution

prepare, times, fatal = Execution.prepare, [0], int(sys.argv.pop(1))

def killed(execution):
    times[0] += 1
    if times[0] == fatal:
        os.kill(os.getpid(), signal.SIGINT)
    return prepare(execution)

Execution.prepare = killed
main()
"""


@pytest.mark.parametrize("member", [1, 2])
def test_a_signal_before_a_run_of_a_series_says_how_to_go_on(folder: Path, member: int) -> None:
    words = ["train", "endless.yaml", "epochs=1", "--seeds", "2", "--run", "a series", "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", PREPARING, str(member), *words], cwd=folder, env=environment(), capture_output=True
    )
    assert (done.returncode, done.stdout) == (-signal.SIGINT, b"")
    assert done.stderr.decode() == "to go on: bp train --resume 'a series'\n"
    names = {path.name for path in (folder / "a series").iterdir()}
    assert names - {"summary.csv"} == {"config.yaml", "series.json", *["seed-0"][: member - 1]}


def test_a_signal_in_a_run_of_a_series_saves_the_run_and_says_how_to_go_on_with_the_series(folder: Path) -> None:
    process = start(folder, "--seeds", "2", "--quiet")
    wait_for((folder / "run/seed-0/timings.csv").exists, "first epoch")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (-signal.SIGTERM, b"")
    done = read_record(folder / "run/seed-0")["epochs"]
    assert err.decode().splitlines() == [
        f"stopped by SIGTERM in epoch {done + 1}; saved",
        "to go on: bp train --resume run",
    ]
    assert not (folder / "run/.lock").exists()


# Signals while a file is written, and how they are handled in a process.

WRITING = """
import hashlib, os, signal, sys, threading
from pathlib import Path
from bpcli.ending.unfinished import own_process
from bpcli.storage.files import replacing

number, how = signal.Signals[sys.argv[1]], sys.argv[2]
if how == "ignored":
    signal.signal(number, signal.SIG_IGN)
if how == "alone":
    def refuse(thread):
        raise RuntimeError("can't start new thread")
    threading.Thread.start = refuse
with own_process(), replacing(Path("file")) as file:
    file.write(b"all of it")
    file.flush()
    if how == "busy":
        os.posix_spawn("/bin/sh", ["sh", "-c", f"sleep 0.05; kill -{number} {os.getpid()}"], os.environ)
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # hears no signal
    os.kill(os.getpid(), number)
"""


def written(folder: Path, name: str, how: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", WRITING, name, how], cwd=folder, env=environment(), capture_output=True
    )


@pytest.mark.parametrize("how", ["heeded", "alone"])
def test_a_signal_while_a_file_is_written_leaves_nothing_of_it(tmp_path: Path, how: str) -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGXCPU", "SIGUSR1", "SIGUSR2", "SIGPIPE"):
        done = written(tmp_path, name, how)
        assert (done.returncode, done.stdout, done.stderr) == (-signal.Signals[name], b"", b""), name
        assert list(tmp_path.iterdir()) == [], name


def test_a_signal_is_heard_during_a_long_call(tmp_path: Path) -> None:
    for name in ("SIGTERM", "SIGXCPU"):  # of which the second would dump the core, for which a thread has to run
        done = written(tmp_path, name, "busy")
        assert (done.returncode, done.stdout, done.stderr) == (-signal.Signals[name], b"", b""), name
        assert list(tmp_path.iterdir()) == []


def test_an_ignored_signal_does_not_keep_a_file_from_being_written(tmp_path: Path) -> None:
    assert written(tmp_path, "SIGHUP", "ignored").returncode == 0
    assert (tmp_path / "file").read_bytes() == b"all of it"


def test_actions_are_restored_after_signals_were_noticed() -> None:
    watched = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE]
    before = [signal.getsignal(number) for number in watched]
    with own_process():
        assert [signal.getsignal(number) for number in watched] == [signal.SIG_DFL] * 4
        with noticed() as notice:
            assert signal.SIG_DFL not in [signal.getsignal(number) for number in watched]
            assert notice.heard is None
        assert [signal.getsignal(number) for number in watched] == [signal.SIG_DFL] * 4
    assert [signal.getsignal(number) for number in watched] == before


def test_a_library_that_takes_a_signal_while_it_is_loaded_does_not_keep_it() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
    try:
        with kept_actions():
            ctypes.CDLL(None).signal(int(signal.SIGUSR1), ctypes.c_void_p(1))  # SIG_IGN, behind Python's back
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1]
