"""What must hold after a fault: a documented end, nothing stray, and a resumed run of the uninterrupted one's bytes."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.cli import support
from tests.cli.support import ROOT, Result, points, process, write_config
from tests.faults import system_calls
from tests.faults.system_calls import Call

SAME = ("config.yaml", "metrics.csv", "model.safetensors", "split.csv", "digests.csv")
"""The files of a run whose bytes a resumed run must repeat."""

CONFIG = """
    data: {path: points.csv, split: {validation: 0.2, test: 0.2}}
    network: {hidden: [{units: 4, dropout: 0.2}]}
    loss: cross_entropy
    optimizer: {name: adam}
    epochs: 3
    engine: numpy
    checkpoint: {epochs: 1}
"""
MODES = {
    "sgd": ["optimizer.mode=sgd"],
    "mini_batch": ["optimizer.batch_size=7"],
    "batch": ["optimizer.mode=batch", "optimizer.name=lbfgs", "network.hidden=[4]"],
}
RUN = "the-run"


@dataclass(frozen=True)
class Bench:
    """A folder with a config, the overrides of a mode, and the files of an uninterrupted run.

    ``code`` is the folder with the package that is run.
    """

    folder: Path
    changes: list[str]
    reference: dict[str, bytes]
    code: Path = ROOT

    @property
    def run(self) -> Path:
        """Where the run with the fault lies."""
        return self.folder / RUN

    @property
    def training(self) -> list[str]:
        """The command that trains it."""
        return ["train", "points.yaml", *self.changes, "--run", RUN, "--quiet"]

    def bp(self, *words: str | Path) -> Result:
        """Run a command in the folder: inside this process where the code is its own, which is faster."""
        if self.code == ROOT:
            return support.bp(*words, cwd=self.folder)
        return process(*words, cwd=self.folder, PYTHONPATH=str(self.code))

    def calls(self, *words: str | Path) -> list[Call]:
        """The calls of a command, of the training without one, that change the run's files."""
        return system_calls.calls(*(words or self.training), cwd=self.folder, below=self.run, code=self.code)

    def clear(self) -> None:
        """Remove the run with all that is beside the inputs."""
        for path in self.folder.iterdir():
            if path.name not in ("points.csv", "points.yaml"):
                _remove(path)


def bench(folder: Path, mode: str, *changes: str) -> Bench:
    """Train without any fault first."""
    points(folder / "points.csv")
    write_config(folder / "points.yaml", CONFIG)
    made = Bench(folder, [*MODES[mode], *changes], {})
    result = made.bp(*made.training)
    assert result.status == 0, result
    made.reference.update(contents(made.run))
    made.clear()
    return made


def contents(run: Path) -> dict[str, bytes]:
    """Every file of a run by its name; only the names of those whose bytes may differ."""
    return {path.name: path.read_bytes() if path.name in SAME else b"" for path in run.iterdir()}


def finishes(made: Bench) -> None:
    """Started again or resumed, the run ends as the uninterrupted one; there is nothing beside it."""
    assert finished(made) == made.reference
    assert {path.name for path in made.folder.iterdir()} == {"points.csv", "points.yaml", RUN}


def finished(made: Bench) -> dict[str, bytes]:
    """What the run holds once it has been started again or resumed."""
    words = ["train", "--resume", RUN, "--quiet"] if made.run.exists() else made.training
    result = made.bp(*words)
    assert result.status == 0, (words, result)
    return contents(made.run)


def ended_properly(result: Result, *statuses: int) -> None:
    """The status is one of these, with one error and its hint, and no traceback."""
    assert result.status in statuses, result
    assert "Traceback" not in result.err, result
    if result.status > 0:
        assert [line.partition(":")[0] for line in result.errors] == ["error", "hint"], result


def killed(result: Result) -> None:
    """The process was killed."""
    assert result.status in (-signal.SIGKILL, 128 + signal.SIGKILL), result


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for inner in path.iterdir():
            _remove(inner)
        os.rmdir(path)
    else:
        path.unlink()
