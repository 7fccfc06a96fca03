"""``engine``, ``shards`` and ``threads`` as they are used: what a run says, and what is refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bpcli.cores import usable_cores
from bpcli.nn import Array
from bpcli.nn.activations import sigmoidal
from bpcli.training.compiled import shard_passes, steps
from bpcli.training.compiled.kernels import Kernel
from bpcli.training.compiled.program import Program
from bpcli.training.compiled.source import Source
from bpcli.training.shards import cutting, gradients
from bpcli.training.shards.equations import Equations
from bpcli.training.shards.summing import Summing
from tests.cli.support import bp, good, points, read_metrics, read_tensors, refused, write_config
from tests.training.compiled.support import interpreted


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    points(tmp_path / "points.csv")
    write_config(
        tmp_path / "points.yaml",
        """
        data: {path: points.csv}
        network: {hidden: [4, 4], activation: tanh}
        loss: cross_entropy
        optimizer: {batch_size: 10}
        epochs: 3
        """,
    )
    return tmp_path


def resolved(run: Path) -> list[str]:
    lines = (run / "config.yaml").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith(("engine", "shards", "threads"))]


def test_short_work_is_left_to_numpy_and_the_run_says_so(folder: Path) -> None:
    result = good("train", "points.yaml", "--run", "run", cwd=folder)
    assert "engine numpy" in result.err
    assert resolved(folder / "run") == ["engine: numpy", "shards: 1", "threads: auto"]
    record = json.loads((folder / "run" / "run.json").read_text(encoding="utf-8"))
    assert (record["engine"], record["shards"], record["threads"]) == ("numpy", 1, usable_cores())


def test_the_compiled_engine_trains_as_the_reference_and_is_compiled_once(folder: Path) -> None:
    pytest.importorskip("numba")
    words = ["train", "points.yaml", "network.hidden=[4]", "network.activation=relu"]
    first = good(*words, "engine=numba", "--run", "first", cwd=folder)
    again = good(*words, "engine=numba", "--run", "again", cwd=folder)
    good(*words, "engine=numpy", "--run", "numpy", "--quiet", cwd=folder)
    assert "compiling the steps of this kind of network; it is done once" in first.err
    assert "compiling" not in again.err
    assert resolved(folder / "first") == ["engine: numba", "shards: 1", "threads: auto"]
    metrics = [(folder / name / "metrics.csv").read_bytes() for name in ("first", "again")]
    assert metrics[0] == metrics[1]
    found, expected = (read_tensors(folder / name / "model.safetensors")[0] for name in ("first", "numpy"))
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=0, atol=1e-5, err_msg=name)
    found_rows, expected_rows = (read_metrics(folder / name) for name in ("first", "numpy"))
    for row, other in zip(found_rows, expected_rows, strict=True):
        assert row == pytest.approx(other, rel=1e-5)


def test_gradcheck_checks_the_engine_of_the_config(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A formula gone wrong shows in the compiled code, as it is made of that very formula; here it is run by Python."""
    pytest.importorskip("numba")
    programs: list[Program] = []

    def load(program: Program, write: Callable[[Program], Source]) -> Kernel:
        programs.append(program)
        return interpreted(program, write)

    monkeypatch.setattr(steps, "load_kernel", load)
    assert good("gradcheck", "points.yaml", "engine=numba", "--json", cwd=folder).json["passed"]

    def wrong(dA: Array, A: Array, out: Array) -> None:
        np.subtract(1, A, out)
        np.multiply(out, dA, out)

    monkeypatch.setattr(sigmoidal, "tanh_backward", wrong)
    result = bp("gradcheck", "points.yaml", "engine=numba", "--json", cwd=folder)
    assert result.status == 1
    assert len(programs) == 2 * 2  # in float64, and in the precision that trains
    assert {layer["layer"] for layer in result.json["layers"] if not layer["passed"]} == {1, 2}


def test_gradcheck_checks_the_sum_of_the_configs_shards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_passes, "load_kernel", interpreted)
    for engine, piece in (("numpy", 1 << 15), ("numpy", 7), ("numba", 7)):
        words = ["gradcheck", "points.yaml", "shards=3", f"engine={engine}", "optimizer.name=adam", "--json"]
        with monkeypatch.context() as patched:
            patched.setattr(cutting, "PIECE", piece)
            assert good(*words, cwd=folder).json["passed"]
            patched.setattr(Summing, "piece", lambda self, buffers, entries: None)
            assert bp(*words, cwd=folder).status == 1


def cut_everything(patched: pytest.MonkeyPatch) -> None:
    """However small a network is, its layers have bands, its θ pieces, and threads take them."""
    patched.setattr(gradients, "WORTH_A_THREAD", 0)
    patched.setattr(cutting, "PIECE", 7)
    patched.setattr(cutting, "ROWS_REPEATED", 1)
    patched.setattr(cutting, "LEAST_BAND", 1)
    patched.setattr(cutting, "MOST_SIDE_BY_SIDE", 64)


def test_gradcheck_sees_a_band_that_is_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_everything(monkeypatch)
    words = ["gradcheck", "points.yaml", "engine=numpy", "threads=3", "--json"]
    assert good(*words, cwd=folder).json["passed"]
    for of_a_pass in ("_forward", "_backward"):
        with monkeypatch.context() as patched:
            complete = getattr(Equations, of_a_pass)
            patched.setattr(Equations, of_a_pass, lambda self, l, complete=complete: complete(self, l)[:-1])
            assert bp(*words, cwd=folder).status == 1


@pytest.mark.parametrize(
    ("engine", "dtype", "shards", "words"),
    [
        ("numpy", "float32", 5, []),
        ("numba", "float64", 5, []),
        ("numpy", "float32", 1, ["network.hidden=[9, {units: 16, dropout: 0.3}, 5]", "network.activation=relu"]),
        ("numpy", "float32", 2, ["network.hidden=[7, 6, 4]", "network.activation=gelu", "optimizer.name=nesterov"]),
    ],
)
def test_threads_change_no_byte_and_shards_are_in_the_config(
    engine: str, dtype: str, shards: int, words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run either, that is interrupted and resumed with another number of threads."""
    monkeypatch.setattr(shard_passes, "load_kernel", interpreted)
    cut_everything(monkeypatch)
    settings = [f"shards={shards}", f"engine={engine}", f"dtype={dtype}", "optimizer.name=adam", *words]
    words = ["train", "points.yaml", *settings, "--quiet"]
    for threads in (1, 2, 5):
        good(*words, f"threads={threads}", "--run", f"{threads}", cwd=folder)
    good(*words, "threads=2", "epochs=1", "--run", "resumed", cwd=folder)
    good("train", "--resume", "resumed", "threads=3", "epochs=3", "--quiet", cwd=folder)
    for name in ("2", "5", "resumed"):
        for file in ("model.safetensors", "checkpoint.safetensors"):
            assert (folder / "1" / file).read_bytes() == (folder / name / file).read_bytes(), (name, file)
        assert (folder / "1" / "metrics.csv").read_bytes() == (folder / name / "metrics.csv").read_bytes()
    assert resolved(folder / "2") == [f"engine: {engine}", f"shards: {shards}", "threads: 2"]


def test_more_shards_than_examples_of_a_batch_are_refused(folder: Path) -> None:
    error = "command line: shards=11: shards is 11, but a batch has 10 examples"
    refused("train", "points.yaml", "shards=11", cwd=folder, status=2, error=error, hint="fewer shards")


@pytest.mark.parametrize("words", ["engine=cuda", "shards=0", "threads=0", "shards=2.5", "threads=many"])
def test_what_is_no_such_value_is_refused(words: str, folder: Path) -> None:
    result = bp("train", "points.yaml", words, cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert words.partition("=")[0] in result.err


def test_numba_is_not_loaded_for_work_too_small_to_gain(folder: Path) -> None:
    script = (
        "import sys; sys.argv = ['bp', 'train', 'points.yaml', '--quiet']\n"
        "from bpcli.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print([name for name in ('numba', 'scipy', 'bpcli.training.compiled') if name in sys.modules])"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
