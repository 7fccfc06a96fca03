"""Whole commands, as typed at a shell prompt: ``bp`` against a scikit-learn script that does the same."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.processes import ROOT, environment, pinned
from benchmarks.workloads import DATASETS, SEED

ENGINES: dict[str, list[str]] = {
    "bp": [],
    "bp numpy": ["engine=numpy"],
    "bp numba": ["engine=numba"],
}
"""The overrides that choose each of bp's engines; as typed, bp chooses."""

SCRIPTS = Path(__file__).parent / "scripts"
PEER = "scikit-learn script"

AGREEMENT = 1e-4
"""How far the probabilities of the two predictions may differ."""


@dataclass
class Command:
    """What came of a command: ``seconds`` for each repeat, and what its result was.

    ``first_seconds`` is a run before those, which finds caches empty.
    """

    workload: str
    threads: int
    competitor: str
    first_seconds: float = 0.0
    seconds: list[float] = field(default_factory=list)
    reached: str = ""
    failure: str = ""


@dataclass(frozen=True)
class _Contender:
    """A command line, given a folder for its results, and what those say."""

    name: str
    line: Callable[[Path], list[str]]
    reached: Callable[[Path, str], str]


def measure(names: Iterable[str], threads: int, repeats: int, rows: int) -> list[Command]:
    """Time the commands in turn, ``repeats`` rounds after one that does not count."""
    found = []
    for name in names:
        print(f"{name}, threads: {threads}: commands", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            contenders = COMMANDS[name](Path(folder), rows)
            commands = [Command(name, threads, contender.name) for contender in contenders]
            for number in range(repeats + 1):
                for contender, command in zip(contenders, commands, strict=True):
                    _once(contender, command, Path(folder), number)
        found += commands
    return found


def _once(contender: _Contender, command: Command, folder: Path, number: int) -> None:
    """Run a command, for the first time where ``number`` is 0."""
    if command.failure:
        return
    results = folder / f"{contender.name}-{number}"
    seconds, done = _timed(contender.line(results), command.threads, folder)
    if done.returncode:
        command.failure = (done.stderr.strip().splitlines() or ["failed"])[-1]
    elif number == 0:
        command.first_seconds = seconds
    else:
        command.seconds.append(seconds)
        command.reached = contender.reached(results, done.stdout)


def _timed(line: list[str], threads: int, scratch: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
    surroundings = environment(threads, scratch)
    with pinned(threads):
        began = perf_counter()
        done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT, env=surroundings)
        return perf_counter() - began, done


def bp_command(*arguments: object) -> list[str]:
    """A bp command: the one beside this Python."""
    beside = Path(sys.executable).parent / "bp"
    start = [str(beside)] if beside.exists() else [sys.executable, "-m", "bpcli"]
    return [*start, *map(str, arguments)]


def _script(name: str, *arguments: object) -> list[str]:
    return [sys.executable, str(SCRIPTS / name), *map(str, arguments)]


def _training(problem: str) -> list[_Contender]:
    config, table = ROOT / "configs" / f"{problem}.yaml", DATASETS / f"{problem}.csv"

    def line_of(overrides: list[str]) -> Callable[[Path], list[str]]:
        return lambda results: bp_command("train", config, *overrides, "--run", results, "--quiet")

    ours = [_Contender(engine, line_of(overrides), _accuracy) for engine, overrides in ENGINES.items()]
    peer = _Contender(
        PEER,
        lambda results: _script("train.py", problem, table, results),
        lambda _, said: f"test accuracy {float(said):.3f}",
    )
    return [*ours, peer]


def _accuracy(run: Path, _: str) -> str:
    """A run's test accuracy, another split than the script's."""
    said = subprocess.run(bp_command("evaluate", run, "--json"), capture_output=True, text=True, check=True).stdout
    return f"test accuracy {json.loads(said)['metrics']['accuracy']:.3f}"


def _predicting(folder: Path, rows: int) -> list[_Contender]:
    """Both predict with the same parameters."""
    table, run, model = folder / "table.csv", folder / "run", folder / "model.joblib"
    _write_table(table, rows)
    settings = ["data.split=null", "epochs=20", "--run", run, "--quiet"]
    subprocess.run(bp_command("train", ROOT / "configs" / "iris.yaml", *settings), capture_output=True, check=True)
    _write_model(run, model)
    ours = folder / "bp.csv"

    def bp(_: Path) -> list[str]:
        return bp_command("predict", run, "--data", table, "--output", ours)

    def script(results: Path) -> list[str]:
        return _script("predict.py", model, table, results)

    return [
        _Contender("bp", bp, lambda *_: f"{rows} rows"),
        _Contender(PEER, script, lambda results, _: _compared(ours, results)),
    ]


def _write_table(path: Path, rows: int) -> None:
    """Rows of iris, with some noise, so that no two are alike."""
    rng = np.random.default_rng(SEED)
    with (DATASETS / "iris.csv").open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")[:-1]
        known = np.loadtxt(file, delimiter=",", usecols=range(4))
    values = known[rng.integers(len(known), size=rows)] + 0.05 * rng.standard_normal((rows, 4))
    np.savetxt(path, values, fmt="%.3f", delimiter=",", header=",".join(names), comments="")


def _write_model(run: Path, path: Path) -> None:
    """The run's network as scikit-learn's, with the same parameters."""
    import joblib
    import pandas as pd
    from safetensors.numpy import load_file
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = pd.read_csv(DATASETS / "iris.csv")
    X, y = data.iloc[:, :-1].to_numpy(np.float32), data.iloc[:, -1].to_numpy(str).astype(object)
    tensors: dict[str, Any] = load_file(run / "model.safetensors")
    scaler = StandardScaler().fit(X)
    classifier = MLPClassifier((8,), activation="tanh").partial_fit(scaler.transform(X), y, classes=np.unique(y))
    classifier.coefs_ = [tensors["W1"].T, tensors["W2"].T]
    classifier.intercepts_ = [tensors["b1"], tensors["b2"]]
    joblib.dump(make_pipeline(scaler, classifier), path)


def _compared(ours: Path, theirs: Path) -> str:
    """How well the two tables agree."""
    import pandas as pd

    one, other = pd.read_csv(ours), pd.read_csv(theirs)
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return "✗ another table"
    off = float(np.abs(one.iloc[:, 1:].to_numpy() - other.iloc[:, 1:].to_numpy()).max())
    return f"probabilities off by at most {off:.1e}{'' if off <= AGREEMENT else ' ✗'}"


COMMANDS: dict[str, Callable[[Path, int], list[_Contender]]] = {
    "train_iris": lambda *_: _training("iris"),
    "train_digits": lambda *_: _training("digits"),
    "predict": _predicting,
}
