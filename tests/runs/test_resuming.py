"""A run that is resumed ends with the bytes of one that was never stopped, wherever it stopped."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from itertools import islice, product
from pathlib import Path
from typing import Any

import pytest

from bpcli.errors import BpError, ConfigError, DataError, ExitStatus
from bpcli.nn.optimizers import OPTIMIZERS
from bpcli.nn.schedules import SCHEDULES
from bpcli.runs import folder
from bpcli.runs.epoch_rows import DIGESTS_FILE, METRICS_FILE
from bpcli.runs.execution import Execution, RunEnded
from bpcli.runs.record import read_record
from bpcli.runs.reopen import reopen
from bpcli.runs.resuming import resume
from bpcli.storage.sealed import write_json
from bpcli.storage.tensors import read_tensors, write_tensors
from bpcli.training import loop, pace
from bpcli.training.compiled import steps
from bpcli.training.state import TrainingState
from tests.cli.support import read_metrics
from tests.training.compiled.support import interpreted

from .support import DIVERGING, execution

TABLES = (METRICS_FILE, DIGESTS_FILE)
SAME = (
    "config.yaml",
    "metrics.csv",
    "digests.csv",
    "model.safetensors",
    "checkpoint.safetensors",
    "run.json",
    "split.csv",
)
"""The files of which a resumed run has the same bytes."""


@pytest.fixture(autouse=True)
def _an_event_per_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STRETCH_SECONDS", 0.0)
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
    return [f"optimizer.name={name}", *mode, METRICS, "epochs=2"]


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
    "adam": ["engine=numba", "optimizer.name=adam", METRICS, "optimizer.batch_size=16", "network.dropout=0.3"],
    "sgd": ["engine=numba", "optimizer.mode=sgd", "data.split.test=0.6", "epochs=2"],
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_a_run_stopped_at_every_event_ends_like_one_that_was_never_stopped(tmp_path: Path, changes: list[str]) -> None:
    to_the_end(execution(tmp_path, *changes, run="whole"))
    stops = stopped_at_every_event(execution(tmp_path, *changes), tmp_path / "run")
    assert stops >= 2
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("changes", COMPILED.values(), ids=COMPILED)
def test_so_does_one_of_the_compiled_engine(
    tmp_path: Path, changes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    pytest.importorskip("scipy")
    monkeypatch.setattr(steps, "load_kernel", interpreted)
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


def test_a_killed_run_goes_on_from_its_last_checkpoint_and_rows_after_it_are_cut_off(tmp_path: Path) -> None:
    changes = ["checkpoint={epochs: 2}", "epochs=5", "optimizer.name=adam", METRICS]
    to_the_end(execution(tmp_path, *changes, run="whole"))
    for events in range(1, 12):  # an event for the start, then two for each epoch
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        killed(execution(tmp_path, *changes), events)
        rows = len(read_metrics(tmp_path / "run")) if (tmp_path / "run/metrics.csv").exists() else 0
        saved = read_tensors(tmp_path / "run/checkpoint.safetensors")[1]
        assert saved is not None
        assert saved["counters"]["epoch"] == max(0, (events - 2) // 4 * 2) <= rows
        to_the_end(resumed(tmp_path / "run"))
        assert contents(tmp_path / "run") == contents(tmp_path / "whole"), events
        assert len((tmp_path / "run/timings.csv").read_text().splitlines()) == 6


def test_longer_is_as_if_asked_for_at_the_start_unless_the_schedule_goes_by_epochs(tmp_path: Path) -> None:
    to_the_end(execution(tmp_path, "epochs=5", run="whole"))
    to_the_end(execution(tmp_path, "epochs=2"))
    assert resume(tmp_path / "run", []).complete == "completed"
    to_the_end(resumed(tmp_path / "run", "epochs=5"))
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")
    with pytest.raises(ConfigError, match="epochs is 4, but the run is in epoch 5"):
        resume(tmp_path / "run", ["epochs=4"])
    to_the_end(execution(tmp_path, "epochs=2", "optimizer.schedule=cosine", run="cosine"))
    with pytest.raises(ConfigError, match="epochs can't change: the schedule goes by the whole training"):
        resume(tmp_path / "cosine", ["epochs=5"])


def test_what_the_past_depends_on_can_not_change(tmp_path: Path) -> None:
    killed(execution(tmp_path), 3)
    for change, key in (
        ("seed=3", "seed"),
        ("optimizer.learning_rate=0.2", "optimizer.learning_rate"),
        ("keep=last", "keep"),
    ):
        with pytest.raises(ConfigError) as caught:
            resume(tmp_path / "run", [change])
        assert caught.value.message.startswith(f"{key}")
        again = f"bp train {tmp_path}/run/config.yaml {change}"
        assert caught.value.hint == f"epochs, expect, max_seconds, checkpoint, threads can; for another run: {again}"
    resume(tmp_path / "run", ["max_seconds=100", "checkpoint.seconds=5", "expect=[test_loss <= 9]"])
    config = tmp_path / "run/config.yaml"
    config.write_text(config.read_text().replace("learning_rate: 0.1", "learning_rate: 0.2"))
    with pytest.raises(DataError, match="it has changed since the run"):
        resume(tmp_path / "run", [])
    digest = hashlib.sha256(config.read_bytes()).hexdigest()
    write_json(tmp_path / "run/run.json", read_record(tmp_path / "run") | {"config": digest})
    with pytest.raises(DataError, match="it is not the config that the checkpoint was written with"):
        resume(tmp_path / "run", [])


@pytest.mark.parametrize(("written", "name"), [(0, "write"), (0, "write_json"), (1, "write_json")])
def test_a_run_killed_while_its_config_is_replaced_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int, name: str
) -> None:
    """Before run.json has both digests, before config.yaml is the new one, before run.json has the new one's alone."""
    to_the_end(execution(tmp_path))
    run = resume(tmp_path / "run", ["epochs=9"])
    right, calls = getattr(folder, name), iter(range(written, -1, -1))

    def write(*words: Any) -> None:
        if next(calls) == 0:
            raise KeyboardInterrupt
        right(*words)

    with monkeypatch.context() as patched:
        patched.setattr(folder, name, write)
        with pytest.raises(KeyboardInterrupt), run.open_run(run.state):
            pass
    reopen(tmp_path / "run").parts()
    to_the_end(resumed(tmp_path / "run", "epochs=9"))
    to_the_end(execution(tmp_path, "epochs=9", run="whole"))
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_run_goes_on_after_its_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: str) -> None:
    """Of the middle of an epoch, whose parameters were kept, nothing is left in run.json."""
    changes = ["max_seconds=1000", f"keep={keep}"]
    to_the_end(execution(tmp_path, *changes, run="whole"))
    seconds = iter(range(0, 10**6, 600))
    with monkeypatch.context() as patched:
        patched.setattr(pace, "perf_counter", lambda: float(next(seconds)))
        ended = to_the_end(execution(tmp_path, *changes))
    assert ended.reason == "max_seconds: 1000 s are over"
    assert ended.run.record["kept"]["examples"] == 32
    to_the_end(resumed(tmp_path / "run"))
    assert contents(tmp_path / "run") == contents(tmp_path / "whole")


def test_a_drift_is_named_and_refused_or_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(execution(tmp_path), 3)
    monkeypatch.setattr("numpy.__version__", "9.9")
    text = (tmp_path / "points.csv").read_text()
    (tmp_path / "points.csv").write_text(text.replace("ash", "ash ", 1).replace("ash ", "ash", 1) + "\n")
    with pytest.raises(DataError, match=r"numpy was .* and is 9\.9; .*points\.csv has changed") as caught:
        resume(tmp_path / "run", [])
    assert "--allow-drift" in caught.value.hint
    to_the_end(resumed(tmp_path / "run", allow_drift=True))
    (noted,) = read_record(tmp_path / "run")["drift"]
    assert (noted["epoch"], noted["step"], len(noted["changed"])) == (0, 0, 2)
    assert resume(tmp_path / "run", []).complete  # run.json has what is so now


def test_the_parts_of_drifted_data_are_noted(tmp_path: Path) -> None:
    killed(execution(tmp_path), 3)
    with (tmp_path / "points.csv").open("a") as file:
        file.write((tmp_path / "points.csv").read_text().splitlines()[1] + "\n")
    to_the_end(resumed(tmp_path / "run", allow_drift=True))
    assert reopen(tmp_path / "run").parts()["test"].size > 0


def test_where_a_run_cannot_go_on_with_what_has_drifted_that_is_said(tmp_path: Path) -> None:
    killed(execution(tmp_path, "checkpoint={epochs: 1}"), 4)
    with (tmp_path / "points.csv").open("a") as file:
        file.write((tmp_path / "points.csv").read_text().partition("\n")[2])
    with pytest.raises(DataError, match="which this training has not") as caught:
        resume(tmp_path / "run", [], allow_drift=True)
    assert caught.value.hint == (
        f"it can't go on with what has changed; restore it: {tmp_path / 'points.csv'} has changed"
    )


def test_a_run_that_diverged_or_has_no_checkpoint_has_nothing_to_resume(tmp_path: Path) -> None:
    to_the_end(execution(tmp_path, *DIVERGING))
    with pytest.raises(DataError, match="nothing to resume: training diverged") as caught:
        resume(tmp_path / "run", [])
    assert "network.weights=" in caught.value.hint
    killed(execution(tmp_path, run="bare"), 1)
    (tmp_path / "bare/checkpoint.safetensors").unlink()
    with pytest.raises(DataError, match="before its first checkpoint was on the disk"):
        resume(tmp_path / "bare", [])


def test_what_a_checkpoint_can_not_hold_is_named(tmp_path: Path) -> None:
    killed(execution(tmp_path, "checkpoint={epochs: 1}"), 4)
    path = tmp_path / "run/checkpoint.safetensors"
    tensors, header = read_tensors(path)
    assert header is not None
    wrong: list[tuple[str, Any]] = [
        *product((f"counters.{name}" for name in header["counters"]), ("x", -1, True, [], 10**30, {})),
        *product(("counters.epoch", "counters.step", "counters.learning_rate"), [None]),
        *product(header, (None, 5, "x", [], {})),
        *product(("metrics.sha256", "config"), ["0" * 64]),
        *product(("metrics.bytes", "extra", "counters.extra"), [10**9]),
    ]
    real = {"counters.learning_rate", "counters.kept.value", "counters.plateau.best", "counters.waiting.best"}
    for place, value in wrong:
        if place in real and isinstance(value, int) and not isinstance(value, bool):
            continue  # any number may be one of these
        section, _, key = place.partition(".")
        changed = {**header, section: {**header[section], key: value}} if key else {**header, section: value}
        write_tensors(path, tensors, changed)
        try:
            resume(tmp_path / "run", [])
            raise AssertionError((place, value))
        except BpError as error:
            assert error.status is ExitStatus.DATA, place  # noqa: PT017
    for name in tensors:
        write_tensors(path, {key: array for key, array in tensors.items() if key != name}, header)
        with pytest.raises(DataError, match=name):
            resume(tmp_path / "run", [])
    (tmp_path / "run/metrics.csv").write_text("epoch\n1\n")
    write_tensors(path, tensors, header)
    with pytest.raises(DataError, match="are not those that the checkpoint was written with"):
        resume(tmp_path / "run", [])


def keeping(what: str) -> Callable[[TrainingState, Any, Any], None]:
    """A ``restore`` that leaves one piece of the state as it is at the start."""
    right = TrainingState.restore

    def restore(self: TrainingState, tensors: Any, counters: Any) -> None:
        begun = {name: array.copy() for name, array in self.tensors().items()}
        numbers = self.counters()
        some = {name: begun[name] if name.startswith(what) else array for name, array in tensors.items()}
        right(self, some, {name: numbers[name] if name.startswith(what) else value for name, value in counters.items()})

    return restore


@pytest.mark.parametrize(
    "what", ["theta", "kept_theta", "kept.", "losses", "tally", "optimizer", "step", "plateau", "waiting"]
)
def test_the_law_fails_where_a_piece_of_the_state_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    changes = [
        "optimizer.name=adam",
        PLATEAU,
        "early_stopping={patience: 3, monitor: loss}",
        *KEEPING,
        "epochs=30",
        METRICS,
    ]
    to_the_end(execution(tmp_path, *changes, run="whole"))
    epochs = len(read_metrics(tmp_path / "whole"))
    training = execution(tmp_path, *changes)
    events = training.events()
    seen = [*islice(events, 2 * epochs)]  # within an epoch, shortly before the end
    assert isinstance(seen[-1], loop.Stretch)
    training.stop("SIGTERM")
    list(events)
    monkeypatch.setattr(TrainingState, "restore", keeping(what))
    to_the_end(resumed(tmp_path / "run"))
    assert contents(tmp_path / "run") != contents(tmp_path / "whole")
