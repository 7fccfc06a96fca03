"""A run that is resumed ends with the bytes of one that was never stopped, wherever it stopped."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.schedules import SCHEDULES
from bpcli.runs.execution import Execution, RunEnded
from bpcli.runs.resuming import resume
from bpcli.training import loop

from .support import execution

SAME = ("config.yaml", "metrics.csv", "model.safetensors", "checkpoint.safetensors", "run.json", "split.csv")
"""The files of which a resumed run has the same bytes."""


@pytest.fixture(autouse=True)
def _an_event_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "STRETCH_SECONDS", 0.0)
    monkeypatch.setattr("bpcli.training.batch_results.MOST", 1)


def contents(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in SAME}


def to_the_end(training: Execution) -> RunEnded:
    """Train without a stop."""
    (*_, ended) = training.events()
    assert isinstance(ended, RunEnded)
    return ended


def resumed(run: Path, *changes: str, allow_drift: bool = False) -> Execution:
    """The execution that goes on with a run."""
    found = resume(run, [*changes], allow_drift=allow_drift)
    assert not found.complete
    return Execution(found.experiment, found.open_run, found.state)


def stopped_at_every_event(training: Execution, run: Path) -> int:
    """Stop a training after its first event, resume it, stop it after the next one, … to its end; count the stops."""
    for stops in range(200):
        events = training.events()
        seen = [*islice(events, 2)]
        if not isinstance(seen[-1], RunEnded):
            training.stop("SIGTERM")
            seen += events
        ended = seen[-1]
        assert isinstance(ended, RunEnded)
        if ended.outcome == "completed":
            return stops
        training = resumed(run)
    raise AssertionError("it does not end")


def killed(training: Execution, events: int) -> None:
    """Leave a training after so many events, as if by SIGKILL: what is on the disk is all that is left of it."""
    for _ in islice(training.events(), events):
        pass


METRICS = "metrics=[accuracy, f1, roc_auc, {name: top_k, k: 2}]"
"""Tallies of sums, of counts, and one that keeps every output."""

SECOND_ORDER = ["optimizer.mode=batch", "loss=half_squared_error", "network.activation=tanh", "metrics=null"]


def changes_of_rule(name: str) -> list[str]:
    """A training with this rule: in mini-batches where it takes them."""
    kind = OPTIMIZERS[name]
    if hasattr(kind, "iterate"):
        return [f"optimizer.name={name}", *SECOND_ORDER]
    mode = ["optimizer.mode=batch"] if kind.batch_only else ["optimizer.batch_size=16"]
    return [f"optimizer.name={name}", *mode, METRICS]


PLATEAU = "optimizer.schedule={name: reduce_on_plateau, patience: 0, cooldown: 1, factor: 0.5, monitor: loss}"
SCHEDULED = {name: f"optimizer.schedule={name}" for name in SCHEDULES} | {
    "reduce_on_plateau": PLATEAU,
    "warmup": "optimizer.schedule={name: warmup, steps: 3, then: {name: cosine, period: 1}}",
}
KEEPING = ["optimizer.learning_rate=3", "epochs=6"]
"""A training whose best epoch is neither the first nor the last."""

CASES: dict[str, list[str]] = {
    **{name: changes_of_rule(name) for name in OPTIMIZERS},
    **{f"schedule {name}": [change, "optimizer.name=momentum"] for name, change in SCHEDULED.items()},
    "sgd": ["optimizer.mode=sgd", "data.split.test=0.6", "epochs=2"],
    "batch": ["optimizer.mode=batch"],
    "shards": ["engine=numpy", "shards=2", "threads=2", METRICS],
    "dropout and noise": ["network.dropout=0.4", "network.max_norm=1", "data.input_noise={name: gaussian, std: 0.1}"],
    "weighted": ["data.class_weight={ash: 5, birch: 0.5, cedar: 1}", METRICS],
    "best": [*KEEPING],
    "best by a metric": [*KEEPING, "keep.monitor=accuracy"],
    "last": [*KEEPING, "keep=last"],
    "early stopping": [*KEEPING, "early_stopping={patience: 2, min_delta: 0.001}", "keep.monitor=loss"],
    "reduced and stopped": [*KEEPING, PLATEAU, "early_stopping.patience=3", "optimizer.name=adam"],
    "penalties and clipping": ["penalties=[{name: l1, strength: 1e-3}]", "optimizer.clip.norm=0.1"],
    "float64": ["dtype=float64", "optimizer.name=nadam", "expect=[test_accuracy >= 0.1]"],
}
COMPILED: dict[str, list[str]] = {
    "numba": ["engine=numba", "optimizer.name=adam", METRICS, "optimizer.batch_size=16", "network.dropout=0.3"],
    "numba sgd": ["engine=numba", "optimizer.mode=sgd", "data.split.test=0.6", "epochs=2"],
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_a_run_stopped_at_every_event_ends_like_one_that_was_never_stopped(tmp_path: Path, changes: list[str]) -> None:
    to_the_end(execution(tmp_path, *changes, run="whole"))
    stops = stopped_at_every_event(execution(tmp_path, *changes), tmp_path / "run")
    assert stops >= 2
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("changes", COMPILED.values(), ids=COMPILED)
def test_so_does_a_compiled_one(tmp_path: Path, changes: list[str]) -> None:
    pytest.importorskip("numba")
    pytest.importorskip("scipy")
    for name in ("whole", "run"):
        training = execution(tmp_path, *changes, run=name)
        for _ in training.prepare():
            pass
        if name == "whole":
            to_the_end(training)
    killed(training, 3)
    again = resumed(tmp_path / "run")
    for _ in again.prepare():
        pass
    to_the_end(again)
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
