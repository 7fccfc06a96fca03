"""Run folders: their names, their files, and their records."""

from __future__ import annotations

import contextlib
import hashlib
import struct
from contextlib import closing
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from bpcli.errors import DataError
from bpcli.nn.workspace import Workspace
from bpcli.runs import epoch_rows
from bpcli.runs.checkpoint import read_checkpoint
from bpcli.runs.environment import cpu_type
from bpcli.runs.folder import RunWriter
from bpcli.runs.new_folder import new_run_folder
from bpcli.runs.record import RECORD_FILE, read_record
from bpcli.storage.files import write
from bpcli.storage.sealed import read_json
from bpcli.training.loop import Epoch
from bpcli.training.state import start

from .support import experiment


def test_rows_are_added_below_one_header_with_all_their_digits(tmp_path: Path) -> None:
    run = RunWriter(tmp_path, {})
    theta = np.arange(3.0, dtype="f4")
    with closing(run):
        run.append_epoch(Epoch(1, 10, 0.1, {"loss": 1 / 3, "accuracy": 1.0}, 0.25, 0.5), theta)
        run.append_epoch(Epoch(2, 20, 1e-7, {"loss": 1e300, "accuracy": 0.1}, 1.5, 0.0), 2 * theta)
    assert (tmp_path / epoch_rows.METRICS_FILE).read_text() == (
        "epoch,step,learning_rate,loss,accuracy\n1,10,0.1,0.3333333333333333,1.0\n2,20,1e-07,1e+300,0.1\n"
    )
    assert (tmp_path / epoch_rows.TIMINGS_FILE).read_text() == (
        "epoch,train_seconds,validation_seconds\n1,0.25,0.5\n2,1.5,0.0\n"
    )
    first, second = (hashlib.sha256(struct.pack("<3f", *values)).hexdigest() for values in ((0, 1, 2), (0, 2, 4)))
    assert (tmp_path / epoch_rows.DIGESTS_FILE).read_text() == f"epoch,parameters\n1,{first}\n2,{second}\n"


def test_how_it_ended_goes_into_the_record(tmp_path: Path) -> None:
    run = RunWriter(tmp_path, {"seed": 3, "ended": None})
    run.finish("completed", "completed", {"loss": 0.5, "test_loss": float("inf")})
    record = read_json(tmp_path / RECORD_FILE)
    for table in ("metrics", "digests"):
        assert record.pop(table) == {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()}
    assert record == {
        "seed": 3,
        "outcome": "completed",
        "ended": "completed",
        "final": {"loss": 0.5, "test_loss": None},
    }


def make_run_folder() -> Path:
    """A run folder with a file in it, by an automatic name."""
    with new_run_folder("a", None, lambda part: write(part / "file", b"")) as made:
        return made


def test_threads_that_start_together_get_folders_of_their_own(tmp_path: Path) -> None:
    made: list[Path] = []
    with contextlib.chdir(tmp_path):
        threads = [Thread(target=lambda: made.append(make_run_folder())) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(str(path) for path in made) == [f"runs/a-{number:03d}" for number in range(1, 17)]


def test_a_folder_taken_meanwhile_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs/a-001").mkdir(parents=True)
    monkeypatch.setattr("os.listdir", lambda _: [])
    with contextlib.chdir(tmp_path):
        assert make_run_folder() == Path("runs/a-002")


def test_the_processor_has_a_name() -> None:
    assert cpu_type()


def test_a_folder_without_a_record_is_no_run(tmp_path: Path) -> None:
    for place, said in (
        (tmp_path, r"this is no run folder: it has no run\.json"),
        (tmp_path / "absent", "no such folder"),
    ):
        with pytest.raises(DataError, match=said) as caught:
            read_record(place)
        assert caught.value.where == str(place)


def test_a_checkpoint_of_an_unfinished_epoch_has_every_output_that_a_metric_needs(tmp_path: Path) -> None:
    built = experiment(tmp_path, "metrics=[roc_auc, accuracy]")
    state, continued = (start(built.recipe, built.parameters.theta.copy(), built.tallies()) for _ in range(2))
    A = np.random.default_rng(0).dirichlet(np.ones(3), 7).T.astype("f4")
    scratch = Workspace((1, 3), 7, A.dtype, class_indices=True).output
    state.tallies.update(np.ascontiguousarray(A), np.arange(7) % 3, scratch)
    run = RunWriter(tmp_path, {"kept": {}})
    run.save(built, state)
    saved = read_checkpoint(tmp_path, continued)
    continued.restore(saved.tensors, saved.counters)
    for name, array in state.tallies.tensors().items():
        np.testing.assert_array_equal(continued.tallies.tensors()[name], array)
    assert continued.tallies.tensors()["outputs.outputs"].shape == (3, 7)


def test_rows_are_cut_back_to_an_epoch_and_go_on_from_there(tmp_path: Path) -> None:
    def append(*epochs: int) -> None:
        for number in epochs:
            tables.append(Epoch(number, number, 0.1, {"loss": 1 / number}, 0.25, 0.5), np.zeros(2))

    def contents() -> list[bytes]:
        return [(tmp_path / name).read_bytes() for name in epoch_rows.TABLES]

    with closing(epoch_rows.EpochTables(tmp_path)) as tables:
        append(1, 2, 3)
        whole = contents()
        for kept in (2, 1, 0):
            epoch_rows.trim(tmp_path, kept)
            assert [row["epoch"] for row in epoch_rows.read_epochs(tmp_path)] == list(range(1, kept + 1))
            append(*range(kept + 1, 4))
            assert contents() == whole
    with pytest.raises(DataError, match=r"^it has no row of epoch 4$"):
        epoch_rows.trim(tmp_path, 4)
    assert contents() == whole


def test_a_last_row_without_its_end_is_not_read_and_not_kept(tmp_path: Path) -> None:
    with closing(epoch_rows.EpochTables(tmp_path)) as tables:
        tables.append(Epoch(1, 10, 0.1, {"loss": 0.5}, 0.25, 0.5), np.zeros(2))
    path = tmp_path / epoch_rows.METRICS_FILE
    whole = path.read_bytes()
    for part in (b"2", b"2,20,0.1", b"2,20,0.1,0.2"):
        path.write_bytes(whole + part)
        assert [row["epoch"] for row in epoch_rows.read_epochs(tmp_path)] == [1]
        epoch_rows.trim(tmp_path, 1)
        assert path.read_bytes() == whole
