"""``bp stepcheck`` as it is called: what it checks, what it says and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.nn import Array
from bpcli.nn.optimizers import OPTIMIZERS, Adam, Momentum
from bpcli.training import engines
from bpcli.training.array_files import FLOATS_HINT
from bpcli.training.compiled import shard_passes
from bpcli.training.compiled import steps as compiled
from bpcli.training.compiled.kernels import Kernel, load_kernel
from bpcli.training.compiled.program import Program
from bpcli.training.compiled.source import Source
from bpcli.training.shards import cutting
from bpcli.training.shards.summing import Summing
from bpcli.training.state import TrainingState
from tests.checking.updates.test_comparison import with_slip
from tests.cli.support import bp, good, on_terminal, points, read_tensors, refused, shell, write_config, write_tensors
from tests.training.compiled.support import interpreted

AGREES = "the update that trains agrees with its equations"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small classification, points.yaml; programs run without a compiler."""
    for room in (compiled, shard_passes):
        monkeypatch.setattr(room, "load_kernel", interpreted)
    points(tmp_path / "points.csv")
    write_config(
        tmp_path / "points.yaml",
        """
        data: {path: points.csv}
        network: {hidden: [4], activation: tanh}
        loss: cross_entropy
        optimizer: {batch_size: 10, name: adam, learning_rate: 0.02}
        epochs: 2
        """,
    )
    return tmp_path


def report(*words: str, cwd: Path, status: int = 0) -> dict[str, Any]:
    result = bp("stepcheck", *words, "--json", cwd=cwd)
    assert (result.status, result.err) == (status, ""), result
    return result.json


def test_right_updates_end_with_0(folder: Path) -> None:
    result = good("stepcheck", "points.yaml", cwd=folder)
    assert result.err == ""
    first, head, *rows, last = result.out.splitlines()
    assert first == "adam, updates 1–5 from the initial parameters, of 10 examples each"
    assert head.split() == ["engine", "precision", "array", "checked", "not", "judged", "ulps", "of", "bound"]
    arrays = ("parameters", "mean", "square")
    shown = [tuple(row.split()[:3]) for row in rows]
    assert shown == [
        (engine, dtype, array) for engine in ("numpy", "numba") for dtype in ("float64", "float32") for array in arrays
    ]
    assert all(row.rstrip().endswith("agrees") for row in rows)
    assert last.startswith(AGREES)


def test_json_has_all_of_it(folder: Path) -> None:
    found = report("points.yaml", "--updates", "3", cwd=folder)
    assert found.keys() == {"checked", "rule", "trained", "passed", "not_checked", "updates", "engines"}
    assert (found["checked"], found["rule"], found["trained"], found["passed"]) == ("points.yaml", "adam", False, True)
    assert found["not_checked"] == {}
    assert [one["update"] for one in found["updates"]] == [1, 2, 3]
    assert all(one["learning_rate"] == 0.02 and one["examples"] == 10 for one in found["updates"])
    rows = [row for one in found["updates"] for row in one["rows"]]
    assert len(set(rows)) == 30
    for engine in found["engines"]:
        assert engine["passed"]
        assert engine["same_in_one_call"]
        assert len(engine["arrays"]) == 3 * 3 * 4  # updates, arrays of θ's length, W and b of two layers
        names = {one["name"] for one in engine["arrays"]}
        assert {"W1", "b2", "mean W1", "square b2"} < names
        assert all(0 <= one["share"] <= 1 for one in engine["arrays"])


def test_wrong_updates_end_with_1_and_show_where(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = with_slip("adam", "np.multiply(square, decay, square)", "np.multiply(square, 0.9, square)")
    monkeypatch.setattr(Adam, "step", wrong)
    result = bp("stepcheck", "points.yaml", "--engine", "numpy", cwd=folder)
    assert (result.status, result.err) == (1, "")
    verdicts = {row.split()[2]: row.split()[-1] for row in result.out.splitlines()[2:8]}
    assert verdicts == {"parameters": "WRONG", "mean": "agrees", "square": "WRONG"}
    assert "numpy float64: update 2, square W1[" in result.out
    assert " instead of " in result.out
    slip = "the numbers are those of a known mistake: running mean of its square: β₁ in place of one β₂"
    assert slip in result.out
    assert result.out.splitlines()[-1] == "the update that trains is WRONG as said above"
    assert not report("points.yaml", "--engine", "numpy", cwd=folder, status=1)["passed"]


def test_a_run_is_checked_from_its_checkpoint(folder: Path) -> None:
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=folder)
    result = good("stepcheck", "run", cwd=folder)
    assert result.out.splitlines()[0] == "adam, updates 13–17 from the run's checkpoint, of 10 examples each"
    assert result.out.splitlines()[-1].startswith(AGREES)


def forgetting(what: str) -> Any:
    """A ``restore`` that leaves something as it is at first."""
    right = TrainingState.restore

    def restore(self: TrainingState, tensors: Any, counters: Any) -> None:
        memory = {name: array.copy() for name, array in self.optimizer.memory.items()}
        right(self, tensors, counters)
        if what == "step":
            self.optimizer.step = 0
            return
        for name, array in memory.items():
            self.optimizer.memory[name][...] = array

    return restore


@pytest.mark.parametrize("what", ["memory", "step"])
def test_a_state_that_is_not_restored_is_wrong_at_the_first_update(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=folder)
    monkeypatch.setattr(TrainingState, "restore", forgetting(what))
    found = report("run", "--engine", "numpy", cwd=folder, status=1)
    for engine in found["engines"]:
        wrong = {one["update"] for one in engine["arrays"] if one["verdict"] == "wrong"}
        assert min(wrong) == 13


def test_what_a_checkpoint_lacks_is_refused(folder: Path) -> None:
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=folder)
    hint = "leave out the overrides that change the network or the optimizer"
    place = "run/checkpoint.safetensors"
    error = f"{place}: tensor 'optimizer.velocity' is not in the checkpoint"
    refused("stepcheck", "run", "optimizer.name=momentum", cwd=folder, status=3, error=error, hint=hint)
    tensors, metadata = read_tensors(folder / place)
    without = {name: array for name, array in tensors.items() if name != "kept_theta"}
    write_tensors(folder / place, without, metadata["bp"])
    error = f"{place}: tensor 'kept_theta' is not in the checkpoint"
    refused("stepcheck", "run", cwd=folder, status=3, error=error, hint="another version of bp wrote it: train again")
    header = json.loads(metadata["bp"])
    header["counters"]["position"] = -1
    write_tensors(folder / place, tensors, json.dumps(header))
    error = f"{place}: the checkpoint's header is malformed: counters.position is -1, not from 0 to 9007199254740992"
    refused("stepcheck", "run", cwd=folder, status=3, error=error, hint="copy the run again, or train again")
    (folder / "run" / "checkpoint.safetensors").unlink()
    refused(
        "stepcheck", "run", cwd=folder, status=3, error=f"{place}: no such file",
        hint="name a run folder or a safetensors file",
    )  # fmt: skip


def test_steps_that_cannot_be_judged_end_with_1_and_a_remedy(folder: Path) -> None:
    words = ["stepcheck", "points.yaml", "--engine", "numpy", "optimizer.learning_rate=1e-10"]
    result = bp(*words, cwd=folder)
    assert result.status == 1
    *_, remark, conclusion, hint = result.out.splitlines()
    assert remark == "numpy float32: W1, W2: rounding excuses more than 0.1% of every step"
    assert conclusion == "the update that trains could not be judged everywhere"
    assert hint == "hint: judge them with dtype=float64, or at a larger optimizer.learning_rate"
    assert good(*words, "dtype=float64", cwd=folder).out.splitlines()[-1] == AGREES


def test_one_precision_is_checked_where_training_has_that_of_the_check(folder: Path) -> None:
    found = report("points.yaml", "dtype=float64", "--engine", "numpy", cwd=folder)
    assert [(one["engine"], one["dtype"]) for one in found["engines"]] == [("numpy", "float64")]


def test_a_training_that_diverges_is_reported_not_fatal(folder: Path) -> None:
    words = ["optimizer.name=gradient_descent", "optimizer.learning_rate=1e300", "--engine", "numpy"]
    result = bp("stepcheck", "points.yaml", *words, cwd=folder)
    assert result.status == 1
    assert "not judged, numbers are beyond float64's range" in result.out
    assert "WRONG" not in result.out


def test_what_states_nothing_is_named_and_ends_with_1(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Momentum, "equations")
    result = bp("stepcheck", "points.yaml", "optimizer.name=momentum", cwd=folder)
    assert (result.status, result.err) == (1, "")
    assert result.out.splitlines() == [
        "not checked: rule momentum states no equations",
        "the update that trains was not checked",
    ]
    found = report("points.yaml", "optimizer.name=momentum", cwd=folder, status=1)
    assert found["not_checked"] == {"update": "rule momentum states no equations"}


def test_without_numba_the_reference_is_checked_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "numba_installed", lambda: False)
    result = good("stepcheck", "points.yaml", cwd=folder)
    assert "not checked: engine numba needs Numba and SciPy, which are not installed" in result.out
    assert bp("stepcheck", "points.yaml", "--engine", "numba", cwd=folder).status == 2


def test_shards_are_checked_in_both_engines(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces too, where the update that trains is made in pieces; a wrong sum of the shards is found."""
    for piece in (1 << 15, 7):
        monkeypatch.setattr(cutting, "PIECE", piece)
        found = report("points.yaml", "shards=3", cwd=folder)
        assert found["passed"]
        assert {one["engine"] for one in found["engines"]} == {"numpy", "numba"}
    monkeypatch.setattr(Summing, "piece", lambda self, buffers, piece: None)
    assert bp("stepcheck", "points.yaml", "shards=3", cwd=folder).status == 1


@pytest.mark.parametrize("option", ["--export", "--against"])
def test_options_without_an_effect_are_refused(folder: Path, option: str) -> None:
    error = "command line: --engine with --export or --against, where no engine is checked"
    words = ["stepcheck", "points.yaml", "--engine", "numpy", option, "file.npz"]
    refused(*words, cwd=folder, status=2, error=error, hint="leave it out")


def test_export_and_against_at_once_are_refused(folder: Path) -> None:
    error, hint = "command line: --export and --against at once", "first the one, then the other"
    refused(
        "stepcheck",
        "points.yaml",
        "--export",
        "a.npz",
        "--against",
        "b.npz",
        cwd=folder,
        status=2,
        error=error,
        hint=hint,
    )


# Other programs.


def exported(folder: Path, *words: str, suffix: str = "npz") -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the header that ``--export`` writes."""
    path = folder / f"exported.{suffix}"
    good("stepcheck", *words, "--export", path, cwd=folder)
    if suffix == "safetensors":
        tensors, metadata = read_tensors(path)
        return tensors, json.loads(metadata["bp"])
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files if name != "header"}, json.loads(str(archive["header"]))


def adam(arrays: dict[str, Array], header: dict[str, Any], inside: float = 0.0) -> Iterator[Array]:
    """θ after each update, by the published algorithm; ``inside`` is an ε in the root."""
    theta, rule = arrays["theta0"], header["optimizer"]
    m, v, t = arrays["memory0.mean"], arrays["memory0.square"], header["step"]
    for k, rate in enumerate(header["learning_rates"], start=1):
        g, t = arrays[f"gradient{k}"], t + 1
        m = rule["beta1"] * m + (1 - rule["beta1"]) * g
        v = rule["beta2"] * v + (1 - rule["beta2"]) * g * g
        root = np.sqrt(v / (1 - rule["beta2"] ** t) + inside)
        theta = theta - rate * (m / (1 - rule["beta1"] ** t)) / (root + rule["epsilon"] * (inside == 0))
        yield theta


def save(path: Path, thetas: Iterator[Array]) -> Path:
    np.savez(path, **{f"theta{k}": theta for k, theta in enumerate(thetas, start=1)})  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_anothers_right_updates_agree(folder: Path, suffix: str) -> None:
    given = exported(folder, "points.yaml", suffix=suffix)
    assert given[1]["layers"] == [2, 4, 3]
    assert given[1]["examples"] == [10] * 5
    path = save(folder / "theirs.npz", adam(*given))
    result = good("stepcheck", "points.yaml", "--against", path, cwd=folder)
    assert result.out == f"{path}: all 5 updates agree, to the rounding of float64\n"


def test_anothers_mistake_is_named(folder: Path) -> None:
    path = save(folder / "theirs.npz", adam(*exported(folder, "points.yaml"), inside=1e-8))
    result = bp("stepcheck", "points.yaml", "--against", path, cwd=folder)
    first, second = result.out.splitlines()
    assert result.status == 1
    assert first.startswith(f"{path}: update 1 is the first wrong one (")
    assert second == "update: ε is inside the root"
    found = bp("stepcheck", "points.yaml", "--against", path, "--json", cwd=folder).json
    assert (found["passed"], found["update"], found["recognised"]) == (False, 1, True)
    assert found["slip"] == second


def test_a_long_doubles_file_is_called_that(folder: Path) -> None:
    path = folder / "theirs.npz"
    thetas = (theta.astype(np.longdouble) for theta in adam(*exported(folder, "points.yaml")))
    result = good("stepcheck", "points.yaml", "--against", save(path, thetas), cwd=folder)
    wide = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
    assert result.out.endswith("to the rounding of long double\n" if wide else "to the rounding of float64\n")


def test_an_export_of_a_training_that_diverges_warns(folder: Path) -> None:
    words = ["optimizer.name=gradient_descent", "optimizer.learning_rate=1e300"]
    result = good("stepcheck", "points.yaml", *words, "--export", folder / "exported.npz", cwd=folder)
    assert re.fullmatch(r"warning: training diverges: gradient\d is not finite; .*\n", result.err)


def test_a_runs_updates_go_on_from_its_memory(folder: Path) -> None:
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=folder)
    arrays, header = exported(folder, "run")
    assert header["step"] == 12
    assert arrays["memory0.mean"].any()
    right = save(folder / "theirs.npz", adam(arrays, header))
    good("stepcheck", "run", "--against", right, cwd=folder)
    lost = arrays | {name: 0 * array for name, array in arrays.items() if name.startswith("memory0")}
    wrong = save(folder / "theirs.npz", adam(lost, header))
    assert (
        "the memory is lost before update 1 (state not restored)"
        in bp("stepcheck", "run", "--against", wrong, cwd=folder).out
    )


def test_an_unknown_mistake_gets_a_hint(folder: Path) -> None:
    arrays, header = exported(folder, "points.yaml")
    path = save(folder / "theirs.npz", (theta**2 for theta in adam(arrays, header)))
    *_, second, hint = bp("stepcheck", "points.yaml", "--against", path, cwd=folder).out.splitlines()
    assert second == "none of the known mistakes gives these numbers"
    assert hint == "hint: config, overrides and --updates have to be those of the --export that it was made of"


def test_a_file_that_does_not_fit_is_refused(folder: Path) -> None:
    path = folder / "theirs.npz"
    np.savez(path, theta1=np.zeros(4))
    words: list[str | Path] = ["stepcheck", "points.yaml", "--updates", "1", "--against", path]
    hint = "θ is one vector, W1 by rows, b1, W2, …, as --export writes it with the same config and options"
    refused(*words, cwd=folder, status=3, error=f"{path}: array 'theta1' has 4 numbers, not 27", hint=hint)
    np.savez(path, theta1=np.zeros(27, int))
    error, hint = f"{path}: array 'theta1' holds other than floats", FLOATS_HINT
    refused(*words, cwd=folder, status=3, error=error, hint=hint)
    np.savez(path, other=np.zeros(27))
    refused(*words, cwd=folder, status=3, error=f"{path}: no array 'theta1' (it holds other)", hint="it needs theta1")


def test_an_export_elsewhere_than_to_the_two_formats_is_refused(folder: Path) -> None:
    error = "command line: --export to 'file.txt': neither .safetensors nor .npz"
    hint = "end the file's name in one of the two"
    refused("stepcheck", "points.yaml", "--export", "file.txt", cwd=folder, status=2, error=error, hint=hint)


# Where it is shown.


def test_a_pipe_gets_the_whole_table_and_a_narrow_terminal_the_important_columns(folder: Path) -> None:
    words = ["stepcheck", "points.yaml", "--engine", "numpy"]
    piped = shell(f"bp {' '.join(words)} | cat", cwd=folder)
    assert piped.out == good(*words, cwd=folder).out
    narrow = on_terminal(*words, cwd=folder, width=40)
    assert narrow.status == 0
    assert "left out for want of width: checked, not judged, ulps, of bound; --json has them all" in " ".join(
        narrow.out.split()
    )
    assert "agrees" in narrow.out
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in narrow.out.splitlines()[1:8]) <= 40


def test_the_compiled_engine_is_checked_as_it_is_compiled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule's own steps are compiled; those that keep the gradient are not, to save time."""
    pytest.importorskip("numba")
    monkeypatch.undo()

    def loaded(program: Program, write: Callable[[Program], Source]) -> Kernel:
        return interpreted(program) if "memory_gradient" in program.kept else load_kernel(program, write)

    monkeypatch.setattr(compiled, "load_kernel", loaded)
    changes = ["optimizer.name=gradient_descent", "optimizer.mode=sgd", "optimizer.batch_size=null", "dtype=float64"]
    found = report_of_numba(folder, *changes)
    assert (found.status, found.json["passed"]) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["gradient_descent", "momentum", "adam"])
def test_every_rule_is_right_as_it_is_compiled_and_a_slip_in_it_is_found(
    folder: Path, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    monkeypatch.undo()
    assert report_of_numba(folder, f"optimizer.name={rule}").status == 0
    right, wrong = {
        "gradient_descent": ("np.subtract(theta, dtheta, theta)", "np.add(theta, dtheta, theta)"),
        "momentum": ("np.multiply(v, self.momentum, v)", "np.multiply(v, 0.999 * self.momentum, v)"),
        "adam": ("over_corrected_root(m, v, self.beta2, self.epsilon,", "over_corrected_root(m, v, self.beta2, 1e-4,"),
    }[rule]
    monkeypatch.setattr(OPTIMIZERS[rule], "step", with_slip(rule, right, wrong))
    assert report_of_numba(folder, f"optimizer.name={rule}").status == 1


def report_of_numba(folder: Path, *changes: str) -> Any:
    return bp("stepcheck", "points.yaml", *changes, "--engine", "numba", "--json", cwd=folder)
