"""``--export`` and ``--against``: somebody else's backward pass, from the exported file to the diagnosis."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from bpcli.nn import Array
from bpcli.training.array_files import FLOATS_HINT, INSTEAD_HINT
from tests.cli.support import bp, good, points, refused, write_config, write_tensors

SUFFIXES = ("safetensors", "npz")
SIZES = (2, 4, 4, 3)
M = 10

AGREES = {
    "float64": "every gradient agrees, to 1e-09 of the array's largest entry",
    "float32": "every gradient agrees, to 1e-04 of the array's largest entry",
}

every_suffix = pytest.mark.parametrize("suffix", SUFFIXES)


def config(folder: Path, loss: str = "cross_entropy", output: str = "softmax") -> Path:
    points(folder / "points.csv")
    return write_config(
        folder / "points.yaml",
        f"""
        data: {{path: points.csv}}
        network: {{hidden: [{{units: 4, activation: tanh}}, {{units: 4, activation: sigmoid}}], output: {output}}}
        loss: {loss}
        """,
    )


def read(path: Path) -> dict[str, Array]:
    if path.suffix == ".npz":
        with np.load(path) as archive:
            return dict(archive)
    return safetensors.numpy.load_file(path)


def write(path: Path, arrays: dict[str, Array]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]
        return path
    return write_tensors(path, arrays)


def backpropagation(file: dict[str, Array], loss: str, output: str) -> dict[str, Array]:
    """The gradients for an exported file, written out by hand: tanh, then sigmoid, then the output."""
    X, Y = file["X"], file["Y"]
    m = X.shape[1]
    A1 = np.tanh(file["W1"] @ X + file["b1"][:, None])
    A2 = 1 / (1 + np.exp(-(file["W2"] @ A1 + file["b2"][:, None])))
    Z3 = file["W3"] @ A2 + file["b3"][:, None]
    powers = np.exp(Z3)
    A3 = {"softmax": powers / powers.sum(axis=0), "sigmoid": powers / (1 + powers), "identity": Z3}[output]
    E = np.eye(3)[:, Y] if loss == "cross_entropy" else Y
    if loss == "cross_entropy":
        dA3 = -E / A3 / m
    elif loss == "binary_cross_entropy":
        dA3 = (-E / A3 + (1 - E) / (1 - A3)) / m
    else:
        dA3 = (A3 - E) / (3 * m)
    if output == "softmax":
        dZ3 = np.stack([(np.diag(a) - np.outer(a, a)) @ da for a, da in zip(A3.T, dA3.T, strict=True)], axis=1)
    else:
        dZ3 = dA3 * (A3 * (1 - A3) if output == "sigmoid" else 1)
    dZ2 = file["W3"].T @ dZ3 * A2 * (1 - A2)
    dZ1 = file["W2"].T @ dZ2 * (1 - A1**2)
    found = {}
    for l, (dZ, A) in enumerate(((dZ1, X), (dZ2, A1), (dZ3, A2)), start=1):
        found[f"dW{l}"], found[f"db{l}"] = dZ @ A.T, dZ.sum(axis=1)
    return found


def exported(folder: Path, suffix: str = "npz") -> dict[str, Array]:
    """What the command writes for the config in a folder."""
    path = folder / f"given.{suffix}"
    good("gradcheck", "points.yaml", "--export", path, "--examples", str(M), cwd=folder)
    return read(path)


def judged(folder: Path, arrays: dict[str, Array], suffix: str = "npz") -> tuple[int, str]:
    path = write(folder / f"found.{suffix}", arrays)
    result = bp("gradcheck", "points.yaml", "--against", path.name, "--examples", str(M), cwd=folder)
    assert result.err == ""
    return result.status, result.out


@every_suffix
def test_the_export_holds_parameters_and_examples_in_columns(suffix: str, tmp_path: Path) -> None:
    config(tmp_path)
    file = exported(tmp_path, suffix)
    shapes = {name: array.shape for name, array in file.items()}
    assert shapes == {
        **{f"W{l}": (SIZES[l], SIZES[l - 1]) for l in (1, 2, 3)},
        **{f"b{l}": (SIZES[l],) for l in (1, 2, 3)},
        "X": (2, M),
        "Y": (M,),
    }
    assert {array.dtype.name for name, array in file.items() if name != "Y"} == {"float64"}


def test_both_kinds_of_export_hold_the_same(tmp_path: Path) -> None:
    config(tmp_path)
    one, other = (exported(tmp_path, suffix) for suffix in SUFFIXES)
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


@every_suffix
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("cross_entropy", "softmax"),
        ("cross_entropy", "sigmoid"),
        ("binary_cross_entropy", "sigmoid"),
        ("binary_cross_entropy", "softmax"),
        ("half_squared_error", "identity"),
        ("half_squared_error", "sigmoid"),
        ("half_squared_error", "softmax"),
    ],
)
def test_gradients_computed_from_the_export_agree(
    loss: str, output: str, dtype: str, suffix: str, tmp_path: Path
) -> None:
    config(tmp_path, loss, output)
    found = backpropagation(exported(tmp_path, suffix), loss, output)
    arrays = {name: array.astype(dtype) for name, array in found.items()}
    assert judged(tmp_path, arrays, suffix) == (0, f"found.{suffix}: {AGREES[dtype]}\n")


@every_suffix
def test_a_mistake_is_named_with_its_layer(suffix: str, tmp_path: Path) -> None:
    config(tmp_path)
    found = backpropagation(exported(tmp_path, suffix), "cross_entropy", "softmax")
    mistaken = found | {"dW2": found["dW2"].T, "dW1": 0 * found["dW1"]}
    status, out = judged(tmp_path, mistaken, suffix)
    assert (status, out.splitlines()) == (
        1,
        [
            f"found.{suffix}: layer 2 is the first wrong one from the output (dW2)",
            "dW2 is wrong in 12 of 16 entries",
            "dW is transposed",
        ],
    )


def test_the_shape_of_a_misshapen_array_is_named_as_in_the_file(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    turned = right | {"dW1": right["dW1"].T}
    assert judged(tmp_path, turned)[1].splitlines()[1] == "dW1 has shape (2, 4), not (4, 2)"
    unsummed = right | {"db2": np.ones((4, M))}
    assert judged(tmp_path, unsummed)[1].splitlines()[1] == f"db2 has shape (4, {M}), not (4,)"
    for row in (right | {"db2": 2 * right["db2"][None, :]}, right | {"db2": 2 * right["db2"][:, None]}):
        assert "shape" not in judged(tmp_path, row)[1]
    write(tmp_path / "found.npz", as_in("Keras", turned))
    words = ("gradcheck", "points.yaml", "--against", "found.npz", "--examples", str(M))
    assert bp(*words, cwd=tmp_path).out.splitlines()[1] == "dense/kernel has shape (4, 2), not (2, 4)"


def test_a_bias_summed_over_the_units_is_named(tmp_path: Path) -> None:
    config(tmp_path)
    found = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    status, out = judged(tmp_path, found | {"db2": np.zeros(M)})
    assert (status, out.splitlines()[0]) == (1, "found.npz: layer 2 is the first wrong one from the output (db2)")


def test_the_diagnosis_is_printed_as_json(tmp_path: Path) -> None:
    config(tmp_path)
    found = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    write(tmp_path / "found.npz", {name: M * array for name, array in found.items()})
    words = ("gradcheck", "points.yaml", "--against", "found.npz", "--examples", str(M), "--json")
    result = bp(*words, cwd=tmp_path)
    assert (result.status, result.json) == (
        1,
        {
            "against": "found.npz",
            "passed": False,
            "tolerance": 1e-9,
            "excused": 0,
            "unjudgeable": [],
            "layer": 3,
            "wrong": ["dW3", "db3"],
            "slip": "right, but without the division by the m examples (1/m): 10 times what it should be",
            "recognised": True,
            "location": [
                {"layer": 3, "array": "dW3", "rows": None, "columns": None, "entries": 12, "size": 12, "whole": True},
                {"layer": 3, "array": "db3", "rows": None, "columns": None, "entries": 3, "size": 3, "whole": True},
            ],
        },
    )


def test_the_export_names_its_file_as_json(tmp_path: Path) -> None:
    config(tmp_path)
    result = good("gradcheck", "points.yaml", "--export", "given.npz", "--examples", "5", "--json", cwd=tmp_path)
    assert result.json == {"exported": "given.npz", "examples": 5}


def test_a_run_exports_its_trained_parameters(tmp_path: Path) -> None:
    config(tmp_path)
    good("train", "points.yaml", "epochs=1", "--run", "run", "--quiet", cwd=tmp_path)
    good("gradcheck", "run", "--export", "given.safetensors", cwd=tmp_path)
    trained, given = read(tmp_path / "run" / "model.safetensors"), read(tmp_path / "given.safetensors")
    for name, array in trained.items():
        np.testing.assert_array_equal(given[name], array)
    write(tmp_path / "found.npz", backpropagation(given, "cross_entropy", "softmax"))
    assert good("gradcheck", "run", "--against", "found.npz", cwd=tmp_path).out == f"found.npz: {AGREES['float64']}\n"


def against(folder: Path, name: str, error: str, hint: str, status: int = 3) -> None:
    words = ("gradcheck", "points.yaml", "--against", name, "--examples", str(M))
    refused(*words, cwd=folder, status=status, error=f"{name}: {error}", hint=hint)


WRITE = "write it with numpy.savez, or with safetensors' save_file"
NAMES = "dW1, db1, dW2, db2, dW3, db3"
RIGHT_SHAPES = {f"dW{l}": np.ones((SIZES[l], SIZES[l - 1])) for l in (1, 2, 3)} | {
    f"db{l}": np.ones(SIZES[l]) for l in (1, 2, 3)
}


@every_suffix
def test_an_array_that_is_missing_is_named(suffix: str, tmp_path: Path) -> None:
    config(tmp_path)
    write(tmp_path / f"found.{suffix}", {"dW1": np.ones((4, 2))})
    against(tmp_path, f"found.{suffix}", "no array 'db1' (it holds dW1)", f"it needs {NAMES}")


@every_suffix
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_array_that_is_not_finite_is_named(value: float, suffix: str, tmp_path: Path) -> None:
    config(tmp_path)
    write(tmp_path / f"found.{suffix}", RIGHT_SHAPES | {"db2": np.full(4, value)})
    hint = "find what overflows or divides by 0 in the program that computed it"
    against(tmp_path, f"found.{suffix}", f"array 'db2' is {value} at [0]", hint)


@every_suffix
def test_an_array_of_whole_numbers_is_named(suffix: str, tmp_path: Path) -> None:
    config(tmp_path)
    write(tmp_path / f"found.{suffix}", RIGHT_SHAPES | {"dW3": np.ones((3, 4), np.int64)})
    against(tmp_path, f"found.{suffix}", "array 'dW3' holds int64, not floats", FLOATS_HINT)


@pytest.mark.parametrize(
    ("name", "shape", "needed"),
    [
        ("dW1", (4, 3), "(4, 2)"),
        ("dW2", (16,), "(4, 4)"),
        ("dW3", (3, 4, 1), "(3, 4)"),
        ("db1", (5,), "(4,)"),
        ("db2", (2, 2), "(4,)"),
        ("db3", (0,), "(3,)"),
    ],
)
def test_an_array_of_a_shape_that_no_known_mistake_makes_is_named(
    name: str, shape: tuple[int, ...], needed: str, tmp_path: Path
) -> None:
    config(tmp_path)
    write(tmp_path / "found.npz", RIGHT_SHAPES | {name: np.ones(shape)})
    hint = "compute it for the parameters and examples that --export writes, with the same config and options"
    against(tmp_path, "found.npz", f"array {name!r} has shape {shape}, not {needed}", hint)


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    config(tmp_path)
    against(tmp_path, "found.npz", "no such file", "check the path")
    against(tmp_path, "found.safetensors", "no such file", "check the path")


def test_a_file_of_another_kind_is_named(tmp_path: Path) -> None:
    config(tmp_path)
    with (tmp_path / "found.npz").open("wb") as file:
        np.save(file, np.ones(3))
    against(tmp_path, "found.npz", "it is an NPY file, one array without a name", INSTEAD_HINT)


def test_text_is_refused_with_the_remedy(tmp_path: Path) -> None:
    config(tmp_path)
    (tmp_path / "found.txt").write_text("0.1 0.2 0.3 0.4\n" * 5, encoding="utf-8")
    against(tmp_path, "found.txt", "it is neither a safetensors nor an NPZ file", WRITE)
    against(tmp_path, "points.yaml", "it is neither a safetensors nor an NPZ file", WRITE)
    against(tmp_path, ".", "it is a folder, not a file", "name a safetensors or an NPZ file")


def test_the_format_of_a_file_is_recognised_by_its_content(tmp_path: Path) -> None:
    config(tmp_path)
    found = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    np.savez(tmp_path / "found.npz", **found)  # type: ignore[arg-type]
    (tmp_path / "found.npz").rename(tmp_path / "found.grad")
    assert good("gradcheck", "points.yaml", "--against", "found.grad", "--examples", str(M), cwd=tmp_path).status == 0


@pytest.mark.parametrize("name", ["given.txt", "given", "given.npy"])
def test_an_export_of_an_unknown_kind_is_refused(name: str, tmp_path: Path) -> None:
    config(tmp_path)
    refused(
        *("gradcheck", "points.yaml", "--export", name),
        cwd=tmp_path,
        status=2,
        error=f"command line: --export to {name!r}: neither .safetensors nor .npz",
        hint="end the file's name in one of the two",
    )
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("kept", [10, 200, -30])
def test_an_npz_file_that_was_cut_off_is_refused(kept: int, tmp_path: Path) -> None:
    config(tmp_path)
    path = write(tmp_path / "found.npz", RIGHT_SHAPES)
    path.write_bytes(path.read_bytes()[:kept])
    result = bp("gradcheck", "points.yaml", "--against", "found.npz", cwd=tmp_path)
    assert (result.status, result.out) == (3, "")
    assert result.err.startswith("error: found.npz: not a readable NPZ file: ")
    assert result.err.endswith(f"\nhint: {WRITE}\n")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    config(tmp_path)
    write(tmp_path / "found.npz", RIGHT_SHAPES | {"dW1": np.array([None])})
    result = bp("gradcheck", "points.yaml", "--against", "found.npz", cwd=tmp_path)
    assert (result.status, result.out) == (3, "")
    assert "not a readable NPZ file: its array 'dW1' holds Python objects, not numbers" in result.err


def test_a_long_list_of_names_is_cut(tmp_path: Path) -> None:
    config(tmp_path)
    write(tmp_path / "found.npz", {f"x{i}": np.ones(1) for i in range(1000)})
    held = "x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, … (1,000 in all)"
    against(tmp_path, "found.npz", f"no array 'dW1' (it holds {held})", f"it needs {NAMES}")


@pytest.mark.parametrize("name", ["", "."])
def test_an_export_without_a_name_is_refused_before_its_script(name: str, tmp_path: Path) -> None:
    config(tmp_path)
    refused(
        *("gradcheck", "points.yaml", f"--export={name}", "--starter", "pytorch"),
        cwd=tmp_path,
        status=2,
        error="command line: --export to '.': neither .safetensors nor .npz",
        hint="end the file's name in one of the two",
    )


@every_suffix
def test_an_export_replaces_an_export_and_nothing_else(suffix: str, tmp_path: Path) -> None:
    config(tmp_path)
    good("train", "points.yaml", "epochs=1", "--run", "run", "--quiet", cwd=tmp_path)
    (tmp_path / f"empty.{suffix}").touch()
    write(tmp_path / f"mine.{suffix}", {"W1": np.ones((4, 2)), "b1": np.ones(4)})
    (tmp_path / f"text.{suffix}").write_text("mine", encoding="utf-8")
    for command in ("gradcheck", "stepcheck"):
        words = (command, "points.yaml", "optimizer.name=adam", "--export")
        for name in (f"given.{suffix}", f"empty.{suffix}"):
            for _ in range(2):
                good(*words, name, cwd=tmp_path)
        for name in (f"mine.{suffix}", f"text.{suffix}"):
            error = f"command line: --export to {name!r}: there is a file of that name which is no export of bp"
            hint = "export to another name, or move the file"
            refused(*words, name, cwd=tmp_path, status=2, error=error, hint=hint)
        for name in ("run/model.safetensors", "run/checkpoint.safetensors"):
            error, hint = f"{name}: it belongs to the run in this folder", "name another file to write"
            refused(*words, name, cwd=tmp_path, status=2, error=error, hint=hint)


def test_export_and_against_at_once_are_refused(tmp_path: Path) -> None:
    config(tmp_path)
    words = ("gradcheck", "points.yaml", "--export", "a.npz", "--against", "b.npz")
    refused(
        *words,
        cwd=tmp_path,
        status=2,
        error="command line: --export and --against at once",
        hint="first the one, then the other",
    )


def test_other_members_of_an_npz_file_may_be_of_any_kind(tmp_path: Path) -> None:
    config(tmp_path)
    found = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    assert judged(tmp_path, found | {"notes": np.array([None])})[0] == 0


def as_bfloat16(array: Array) -> bytes:
    """The upper halves of float32 numbers, rounded to the nearest."""
    bits = np.asarray(array, np.float32).view(np.uint32)
    return ((bits + 0x8000) >> 16).astype(np.uint16).tobytes()


def write_bfloat16(path: Path, arrays: dict[str, Array]) -> None:
    """A safetensors file of bfloat16 numbers, which NumPy's writer does not write."""
    header, data = {}, b""
    for name, array in arrays.items():
        begin, data = len(data), data + as_bfloat16(array)
        header[name] = {"dtype": "BF16", "shape": array.shape, "data_offsets": [begin, len(data)]}
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)


def test_bfloat16_is_judged_by_its_own_precision(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    rng = np.random.default_rng(0)
    wrong = {
        "zeros": {name: 0 * array for name, array in right.items()},
        "noise": {name: rng.normal(0, array.std(), array.shape) for name, array in right.items()},
        "shuffle": {name: rng.permutation(array.ravel()).reshape(array.shape) for name, array in right.items()},
        "times 1.5": {name: 1.5 * array for name, array in right.items()},
    }
    write_bfloat16(tmp_path / "found.safetensors", right)
    words = ("gradcheck", "points.yaml", "--against", "found.safetensors", "--examples", str(M))
    agreed = good(*words, cwd=tmp_path).out
    assert agreed == "found.safetensors: every gradient agrees, to 2e-02 of the array's largest entry\n"
    for what, arrays in wrong.items():
        write_bfloat16(tmp_path / "found.safetensors", arrays)
        assert bp(*words, cwd=tmp_path).status == 1, what


def test_numbers_of_an_unsupported_type_are_named(tmp_path: Path) -> None:
    config(tmp_path)
    header = json.dumps({"dW1": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}).encode()
    (tmp_path / "found.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    error = "it holds numbers of the type F8_E4M3, which is not supported"
    against(tmp_path, "found.safetensors", error, FLOATS_HINT)


def test_what_fits_no_known_mistake_comes_with_a_hint(tmp_path: Path) -> None:
    config(tmp_path)
    found = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    status, out = judged(tmp_path, found | {"dW3": np.ones((3, 4))})
    assert (status, out.splitlines()[1:]) == (
        1,
        [
            "dW3 is wrong in every entry",
            "none of the known mistakes gives these numbers",
            "hint: config, overrides and --examples have to be those of the --export it was computed for",
        ],
    )


def test_a_folder_is_no_file_to_export_to(tmp_path: Path) -> None:
    config(tmp_path)
    refused(
        *("gradcheck", "points.yaml", "--export", "."),
        cwd=tmp_path,
        status=2,
        error="command line: --export to '.': neither .safetensors nor .npz",
        hint="end the file's name in one of the two",
    )


# What frameworks call the arrays.

NAMINGS: dict[str, tuple[str, str, bool]] = {
    "PyTorch, sequential": ("{even}.weight", "{even}.bias", False),
    "PyTorch, with .grad": ("{even}.weight.grad", "{even}.bias.grad", False),
    "PyTorch, attributes": ("fc{l}.weight", "fc{l}.bias", False),
    "PyTorch, nested": ("layers.{zero}.weight", "layers.{zero}.bias", False),
    "Keras": ("dense{keras}/kernel", "dense{keras}/bias", True),
    "Keras 2": ("dense{keras}/kernel:0", "dense{keras}/bias:0", True),
    "Keras 3": ("layers/dense{keras}/vars/0", "layers/dense{keras}/vars/1", True),
    "Flax": ("params/Dense_{zero}/kernel", "params/Dense_{zero}/bias", True),
    "Flax, dots": ("Dense_{zero}.kernel", "Dense_{zero}.bias", True),
    "Flax NNX": ("layers/{zero}/kernel/value", "layers/{zero}/bias/value", True),
    "JAX": ("['params']['Dense_{zero}']['kernel']", "['params']['Dense_{zero}']['bias']", True),
    "scikit-learn": ("coefs_{zero}", "intercepts_{zero}", True),
    "scikit-learn, gradients": ("coef_grads_{zero}", "intercept_grads_{zero}", True),
}


def as_in(naming: str, arrays: dict[str, Array], prefix: str = "d") -> dict[str, Array]:
    """Arrays by a framework's names, in the reverse order of layers, with W in its orientation."""
    weight, bias, turned = NAMINGS[naming]
    named = {}
    for l in (3, 2, 1):
        words = {"l": l, "zero": l - 1, "even": 2 * (l - 1), "keras": f"_{l - 1}" if l > 1 else ""}
        W = arrays[f"{prefix}W{l}"]
        named[weight.format(**words)] = W.T if turned else W
        named[bias.format(**words)] = arrays[f"{prefix}b{l}"]
    return named


@pytest.mark.parametrize("naming", NAMINGS)
def test_a_frameworks_names_are_read_and_nothing_wrong_passes(naming: str, tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    rng = np.random.default_rng(0)
    wrong = {
        "zeros": {name: 0 * array for name, array in right.items()},
        "noise": {name: rng.normal(0, array.std(), array.shape) for name, array in right.items()},
        "shuffle": {name: rng.permutation(array.ravel()).reshape(array.shape) for name, array in right.items()},
        "a transposed square": right | {"dW2": right["dW2"].T},
        "a transposed oblong": right | {"dW1": right["dW1"].T},
    }
    if naming != "Keras":  # the others read the same arrays by other names
        wrong = {what: arrays for what, arrays in wrong.items() if what in ("zeros", "a transposed square")}
    for suffix in SUFFIXES if naming == "Keras" else ("npz",):
        path = write(tmp_path / f"found.{suffix}", as_in(naming, right))
        words = ("gradcheck", "points.yaml", "--against", path.name, "--examples", str(M))
        result = bp(*words, cwd=tmp_path)
        assert (result.status, result.out) == (0, f"{path.name}: {AGREES['float64']}\n")
        assert f"{NAMINGS[naming][0].format(l=1, zero=0, even=0, keras='')} → dW1, " in result.err
        assert (": transposed" in result.err) == NAMINGS[naming][2]
        for what, arrays in wrong.items():
            write(path, as_in(naming, arrays))
            result = bp(*words, cwd=tmp_path)
            assert result.status == 1, what
            if what.startswith("a transposed"):
                assert "dW is transposed" in result.out.splitlines()


def test_how_the_names_were_read_is_in_the_json(tmp_path: Path) -> None:
    config(tmp_path)
    right = backpropagation(exported(tmp_path), "cross_entropy", "softmax")
    write(tmp_path / "found.npz", as_in("Flax", right))
    words = ("gradcheck", "points.yaml", "--against", "found.npz", "--examples", str(M), "--json")
    result = good(*words, cwd=tmp_path)
    assert result.err == ""
    assert result.json["transposed"] is True
    assert result.json["names"]["db3"] == "params/Dense_2/bias"


def test_a_layer_without_a_bias_is_named(tmp_path: Path) -> None:
    config(tmp_path)
    arrays = as_in("PyTorch, sequential", RIGHT_SHAPES)
    del arrays["2.bias"]
    write(tmp_path / "found.npz", arrays)
    error = "no array '2.bias' (it holds 4.weight, 4.bias, 2.weight, 0.weight, 0.bias)"
    against(tmp_path, "found.npz", error, "it needs 0.weight, 0.bias, 2.weight, 2.bias, 4.weight, 4.bias")


def test_another_number_of_layers_is_named(tmp_path: Path) -> None:
    config(tmp_path)
    write(tmp_path / "found.npz", {"0.weight": np.ones((4, 2)), "0.bias": np.ones(4)})
    error = "it holds 1 layer (0.weight), where the network has 3"
    against(tmp_path, "found.npz", error, "the network's layers are 2-4-4-3")


def test_a_misshapen_array_is_named_as_the_file_names_it(tmp_path: Path) -> None:
    config(tmp_path)
    arrays = as_in("Keras", RIGHT_SHAPES)
    write(tmp_path / "found.npz", arrays | {"dense_2/kernel": np.ones((4, 5))})
    hint = "compute it for the parameters and examples that --export writes, with the same config and options"
    against(tmp_path, "found.npz", "array 'dense_2/kernel' has shape (4, 5), not (4, 3)", hint)
