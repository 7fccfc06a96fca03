"""``bp gradcheck`` as it is called: what it checks, what it says and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli import display
from bpcli.cli import gradcheck as command
from bpcli.cli.gradcheck.report import duration
from bpcli.nn import Array
from bpcli.nn.activations import sigmoidal
from tests.cli.support import (
    Result,
    bp,
    good,
    line,
    on_terminal,
    points,
    refused,
    write_config,
    write_table,
    write_tensors,
)

from .faults import FAULTS

METHODS = ("complex-step", "central")

WRONG_BELOW = ["WRONG"] * 4 + ["agrees"] * 2
"""W and b of three layers, where the two hidden ones are wrong."""

both_methods = pytest.mark.parametrize("method", METHODS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small classification, points.yaml."""
    points(tmp_path / "points.csv")
    write_config(
        tmp_path / "points.yaml",
        """
        data: {path: points.csv}
        network: {hidden: [4, 4], activation: tanh}
        loss: cross_entropy
        optimizer: {batch_size: 10}
        """,
    )
    return tmp_path


def report(*words: str, cwd: Path) -> dict[str, Any]:
    return good("gradcheck", *words, "--json", cwd=cwd).json


def table(result: Result) -> list[str]:
    """The rows of the table."""
    return [row for row in result.out.splitlines() if re.match(r" *\d+ +\d+ +[Wb] ", row)]


@both_methods
def test_a_right_gradient_ends_with_0(method: str, folder: Path) -> None:
    result = good("gradcheck", "points.yaml", "--method", method, cwd=folder)
    assert result.err == ""
    first, second, title, *_ = result.out.splitlines()
    losses = [batch["loss"] for batch in report("points.yaml", "--method", method, cwd=folder)["batches"][:2]]
    for words, m, loss in zip((first, second), (10, 5), losses, strict=True):
        assert re.fullmatch(
            rf"{m} examples: loss {loss:.4g}; right digits 1\d\.\d in float64, \d\.\d in float32", words
        )
    assert title == f"right digits; errors of {method} relative to the layer's largest derivative"
    assert re.fullmatch(
        r"the gradient that trains agrees; right digits 1\d\.\d in float64, \d\.\d in float32 at least",
        result.out.splitlines()[-1],
    )
    rows = table(result)
    assert len(rows) == 2 * 3 * 2
    assert all(row.endswith("agrees") for row in rows)


@both_methods
def test_a_wrong_gradient_ends_with_1_and_shows_where(
    method: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FAULTS["tanh′ is missing"].patch(monkeypatch)
    result = bp("gradcheck", "points.yaml", "--method", method, cwd=folder)
    assert (result.status, result.err) == (1, "")
    assert result.out.splitlines()[-1] == "the gradient that trains is WRONG where the table says so"
    verdicts = [(row.split()[1], row.split()[-1]) for row in table(result)]
    assert verdicts == 2 * list(zip("112233", WRONG_BELOW, strict=True))


def test_a_wrong_gradient_ends_with_1_as_json(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS["the short batch is averaged with the full size"].patch(monkeypatch)
    result = bp("gradcheck", "points.yaml", "--json", cwd=folder)
    assert (result.status, result.err, result.json["passed"]) == (1, "", False)
    assert {(layer["examples"], layer["passed"]) for layer in result.json["layers"][:12]} == {(10, True), (5, False)}


@both_methods
def test_a_gradient_that_is_not_finite_ends_with_1(method: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def infinite(dA: Array, A: Array, out: Array) -> None:
        out.fill(np.inf)

    monkeypatch.setattr(sigmoidal, "tanh_backward", infinite)
    result = bp("gradcheck", "points.yaml", "--method", method, "--json", cwd=folder)
    assert (result.status, result.json["passed"]) == (1, False)
    assert {layer["layer"] for layer in result.json["layers"] if not layer["passed"]} == {1, 2}


def test_json_has_all_of_it(folder: Path) -> None:
    found = report("points.yaml", cwd=folder)
    assert found.keys() == {"checked", "method", "passed", "verdict", "excused", "batches", "layers"}
    assert (found["checked"], found["method"], found["passed"]) == ("points.yaml", "complex-step", True)
    assert (found["verdict"], found["excused"]) == ("agrees", {"float64": 1e-3, "float32": 1e-2})
    assert [batch["examples"] for batch in found["batches"]] == 2 * [10, 5]
    assert [batch["dtype"] for batch in found["batches"]] == 2 * ["float64"] + 2 * ["float32"]
    assert [batch["rows"] for batch in found["batches"]] == 2 * [list(range(0, 60, 6)), list(range(30, 60, 6))]
    for batch in found["batches"]:
        narrow = batch["dtype"] == "float32"
        assert batch["loss"] == pytest.approx(batch["exact_loss"], rel=1e-6 if narrow else 1e-14)
        assert (5 if narrow else 14) < batch["loss_digits"] < 16
        assert batch["loss_verdict"] == "agrees"
    sizes = (2, 4, 4, 3)
    for layer in found["layers"]:
        n, fan_in = sizes[layer["layer"]], sizes[layer["layer"] - 1]
        count = n * fan_in if layer["kind"] == "W" else n
        assert (layer["parameters"], layer["checked"], layer["skipped"], layer["rounded"]) == (count, count, 0, 0)
        narrow = layer["dtype"] == "float32"
        assert 0 <= layer["median"] <= layer["largest"] <= (1e-5 if narrow else 1e-13)
        assert (5 if narrow else 13) < layer["digits"] < 16
        assert 0 <= layer["row"] < n
        assert 0 <= layer["column"] < (fan_in if layer["kind"] == "W" else 1)
        assert layer["backward"] == pytest.approx(layer["exact"], rel=1e-3 if narrow else 1e-11)
        assert (layer["passed"], layer["verdict"]) == (True, "agrees")
        differences = layer["differences"]
        assert (differences["taken"], differences["unmoved"], differences["crossed"]) == (0 if narrow else count, 0, [])
        assert differences["error"] is None if narrow else differences["error"] < 1e-13
    places = [(layer["examples"], layer["layer"], layer["kind"]) for layer in found["layers"]]
    assert places == 2 * [(m, l, kind) for m in (10, 5) for l in (1, 2, 3) for kind in ("W", "b")]


def test_the_same_command_gives_the_same_report(folder: Path) -> None:
    words = ("gradcheck", "points.yaml", "--parameters", "3", "--step-sizes", "--json")
    assert good(*words, cwd=folder).out == good(*words, cwd=folder).out


@pytest.mark.parametrize(("given", "sizes"), [(["--examples", "7"], [7, 4]), (["--examples", "1"], [1]), ([], [10, 5])])
def test_examples_are_as_many_as_asked_for_then_half_of_them(given: list[str], sizes: list[int], folder: Path) -> None:
    found = report("points.yaml", *given, cwd=folder)
    assert [batch["examples"] for batch in found["batches"] if batch["dtype"] == "float64"] == sizes


def test_examples_are_at_most_32_unless_more_are_asked_for(folder: Path) -> None:
    whole = ["points.yaml", "optimizer.mode=batch", "optimizer.batch_size=null"]
    assert [batch["examples"] for batch in report(*whole, cwd=folder)["batches"][:2]] == [32, 16]
    assert [batch["examples"] for batch in report(*whole, "--examples", "60", cwd=folder)["batches"][:2]] == [60, 30]


def test_examples_of_a_large_network_are_few(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PRODUCTS", 5 * 47)
    assert [batch["examples"] for batch in report("points.yaml", cwd=folder)["batches"][:2]] == [5, 3]


def test_examples_of_a_sorted_file_are_of_every_class(tmp_path: Path) -> None:
    write_table(tmp_path / "sorted.csv", ["x", "y"], [[i, "abc"[i // 20]] for i in range(60)])
    write_config(tmp_path / "sorted.yaml", "data: {path: sorted.csv}\nloss: cross_entropy\n")
    good("gradcheck", "sorted.yaml", "--examples", "6", "--export", "given.npz", cwd=tmp_path)
    with np.load(tmp_path / "given.npz") as given:
        assert given["Y"].tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("many", ["61", "100000"])
def test_more_examples_than_there_are_are_refused(many: str, folder: Path) -> None:
    refused(
        *("gradcheck", "points.yaml", "--examples", many),
        cwd=folder,
        status=2,
        error=f"command line: --examples is {many}, more than the training part has (60)",
        hint="ask for fewer",
    )


@pytest.mark.parametrize("option", ["--examples", "--parameters"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_number_that_is_none_is_refused(option: str, value: str, folder: Path) -> None:
    result = bp("gradcheck", "points.yaml", option, value, cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert f"invalid value for '{option}'" in result.err


def test_an_unknown_method_is_refused(folder: Path) -> None:
    result = bp("gradcheck", "points.yaml", "--method", "forward", cwd=folder)
    assert (result.status, result.out) == (2, "")
    assert "complex-step" in result.err


def test_a_config_that_is_absent_is_refused(folder: Path) -> None:
    assert bp("gradcheck", "absent.yaml", cwd=folder).status == 2


@pytest.mark.parametrize("asked", [1, 3, 1000])
def test_differences_are_as_many_as_asked_for_of_each_array_and_every_parameter_is_checked(
    asked: int, folder: Path
) -> None:
    for layer in report("points.yaml", "--parameters", str(asked), "dtype=float64", cwd=folder)["layers"]:
        assert layer["differences"]["taken"] == min(asked, layer["parameters"])
        assert layer["checked"] == layer["parameters"]


def test_differences_of_a_network_of_more_than_2000_parameters_are_sampled(folder: Path) -> None:
    layers = report("points.yaml", "network.hidden=[333]", "--examples", "2", cwd=folder)["layers"]
    assert sum(layer["parameters"] for layer in layers[:4]) == 333 * 6 + 3 > 2000
    assert [layer["differences"]["taken"] for layer in layers[:4]] == [100, 100, 100, 3]
    layers = report("points.yaml", "network.hidden=[332]", "--examples", "2", cwd=folder)["layers"]
    assert sum(layer["parameters"] for layer in layers[:4]) == 332 * 6 + 3 <= 2000
    assert all(layer["differences"]["taken"] == layer["parameters"] for layer in layers[:4])


def test_overrides_are_heard(folder: Path) -> None:
    plain = report("points.yaml", cwd=folder)
    other = report("seed=9", "points.yaml", "loss=half_squared_error", cwd=folder)
    assert plain["batches"][0]["loss"] != other["batches"][0]["loss"]


def test_the_check_is_in_double_precision_first_whatever_the_config_says(folder: Path) -> None:
    narrow, wide = (report("points.yaml", f"dtype={dtype}", cwd=folder) for dtype in ("float32", "float64"))
    assert narrow["layers"][:12] == wide["layers"]
    assert {layer["dtype"] for layer in narrow["layers"][12:]} == {"float32"}


def test_a_fault_of_the_precision_that_trains_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = sigmoidal.tanh_backward

    def coarse(dA: Array, A: Array, out: Array) -> None:
        usual(dA, A, out)
        if out.dtype == np.float32:
            out *= np.float32(1.001)

    monkeypatch.setattr(sigmoidal, "tanh_backward", coarse)
    result = bp("gradcheck", "points.yaml", "--json", cwd=folder)
    wrong = {(one["dtype"], one["layer"]) for one in result.json["layers"] if one["verdict"] == "wrong"}
    assert (result.status, wrong) == (1, {("float32", 1), ("float32", 2)})


@both_methods
def test_a_run_is_checked_at_its_trained_parameters(method: str, folder: Path) -> None:
    good("train", "points.yaml", "epochs=30", "--run", "run", "--quiet", cwd=folder)
    before = report("points.yaml", "--method", method, cwd=folder)
    after = report("run", "--method", method, cwd=folder)
    assert after["checked"] == "run"
    assert after["batches"][0]["loss"] < 0.5 * before["batches"][0]["loss"]


@pytest.mark.parametrize("loss", ["half_squared_error", "{name: half_squared_error, outputs: sum, examples: sum}"])
def test_a_run_that_has_converged_cannot_be_judged(loss: str, tmp_path: Path) -> None:
    """The gradient of all examples is then nothing but the rounding of terms that cancel."""
    line(tmp_path / "line.csv", count=12)
    rate = "0.5" if loss.startswith("half") else "0.05"
    config = "data: {{path: line.csv}}\nloss: {}\noptimizer: {{mode: batch, learning_rate: {}}}\nepochs: 200\n"
    (tmp_path / "line.yaml").write_text(config.format(loss, rate) + "dtype: float64\n", encoding="utf-8")
    good("train", "line.yaml", "--run", "run", "--quiet", cwd=tmp_path)
    result = bp("gradcheck", "run", "--json", cwd=tmp_path)
    assert (result.status, result.json["verdict"]) == (1, "not judgeable")
    assert max(abs(layer["backward"]) for layer in result.json["layers"][:2]) < 1e-12
    *_, conclusion, remedy = bp("gradcheck", "run", cwd=tmp_path).out.splitlines()
    skipped = sum(layer["skipped"] for layer in result.json["layers"])
    assert conclusion == (
        f"{skipped} of 6 derivatives cannot be judged: "
        "rounding alone is more than 0.1% of the layer's largest in float64"
    )
    assert remedy.startswith("what helps: data.scale: standard, smaller weights")


def test_a_fault_shows_in_a_run_that_fits_its_examples_closely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path / "xor.csv", ["a", "b", "y"], [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    write_config(
        tmp_path / "xor.yaml",
        """
        data: {path: xor.csv, scale: none}
        network: {hidden: [8], activation: tanh}
        loss: binary_cross_entropy
        dtype: float64
        optimizer: {mode: batch, name: adam, learning_rate: 0.05}
        epochs: 300
        """,
    )
    good("train", "xor.yaml", "--run", "run", "--quiet", cwd=tmp_path)
    assert report("run", cwd=tmp_path)["batches"][0]["loss"] < 0.01
    FAULTS["tanh′ = 1 − a"].patch(monkeypatch)
    result = bp("gradcheck", "run", "--json", cwd=tmp_path).json
    assert {layer["layer"] for layer in result["layers"] if not layer["passed"]} == {1}


def test_step_sizes_show_truncation_on_one_side_and_round_off_on_the_other(folder: Path) -> None:
    sizes = report("points.yaml", "--step-sizes", cwd=folder)["step_sizes"]
    assert [size["h"] for size in sizes] == pytest.approx([10.0**-k for k in range(1, 13)])
    largest = [size["largest"] for size in sizes]
    least = int(np.argmin(largest))
    assert sizes[least]["h"] in {1e-5, 1e-6}
    assert all(before > after for before, after in pairwise(largest[: least + 1]))
    assert all(before < after for before, after in pairwise(largest[least:]))
    assert largest[1] / largest[2] == pytest.approx(100, rel=0.1)
    assert all(0 <= size["median"] <= size["largest"] for size in sizes)


def test_step_sizes_are_drawn(folder: Path) -> None:
    lines = good("gradcheck", "points.yaml", "--step-sizes", cwd=folder).out.splitlines()
    drawn = [row for row in lines if row.startswith("  h = ")]
    assert [row.split()[2] for row in drawn] == [f"1e-{k:02}" for k in range(1, 13)]
    lengths = [row.count("·") for row in drawn]
    assert max(lengths) == lengths[0] == 40
    assert min(lengths) == 0


@pytest.mark.parametrize("width", [50, 80, 120])
def test_the_report_fits_the_terminal(width: int, folder: Path) -> None:
    result = on_terminal("gradcheck", "points.yaml", "--step-sizes", cwd=folder, width=width)
    lines = result.out.splitlines()
    assert len(table(replace(result, out="\n".join(lines)))) == 12
    assert all(len(row.rstrip()) <= width for row in lines if row.startswith("  h = ") or row.endswith("agrees"))
    assert ("left out for want of width: checked, " in result.out) == (width < 110)


def test_a_long_check_announces_its_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LONG_SECONDS", 0.0)
    result = good("gradcheck", "points.yaml", cwd=folder)
    assert re.fullmatch(r"checking 94 derivatives takes about \d+ s\n", result.err)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2.4, "2 s"), (119, "119 s"), (120, "2 min"), (7000, "117 min"), (7200, "2 h"), (1e6, "12 days")],
)
def test_a_time_is_shown_in_the_unit_that_suits_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize("option", [("--method", "central"), ("--parameters", "3"), ("--step-sizes",)])
@pytest.mark.parametrize("exchange", ["--export", "--against"])
def test_an_option_that_would_do_nothing_is_refused(exchange: str, option: tuple[str, ...], folder: Path) -> None:
    refused(
        *("gradcheck", "points.yaml", exchange, "a.npz", *option),
        cwd=folder,
        status=2,
        error=f"command line: {option[0]} with --export or --against, where no differences are taken",
        hint="leave it out",
    )


def test_json_is_quiet_about_the_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LONG_SECONDS", 0.0)
    assert good("gradcheck", "points.yaml", "--json", cwd=folder).err == ""


def test_the_bar_counts_every_derivative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    @contextmanager
    def counted(total: int, what: str, *, long: bool) -> Iterator[Callable[[int], None]]:
        seen.append(-total)
        yield seen.append

    monkeypatch.setattr(display, "progress_bar", counted)
    good("gradcheck", "points.yaml", "--parameters", "3", cwd=folder)
    assert sum(seen) == 0
    assert len(seen) == 1 + 24


def test_the_bar_counts_the_step_sizes_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LONG_SECONDS", 0.0)
    result = good("gradcheck", "points.yaml", "--step-sizes", cwd=folder)
    assert re.fullmatch(rf"checking {94 + 12 * 47} derivatives takes about \d+ s\n", result.err)


# Kinks.


def kink(folder: Path, distance: float) -> None:
    """One relu unit, whose kink lies at x = 0 and 2 examples' x lie at ± ``distance``: rows 1 and 3."""
    rows = [[1.0, 0.5], [distance, 0.8], [-1.0, 0.1], [-distance, 0.9], [2.0, 0.3]]
    write_table(folder / "kink.csv", ["x", "y"], rows)
    weights = {"W1": np.array([[1.0]]), "b1": np.zeros(1), "W2": np.array([[0.5]]), "b2": np.zeros(1)}
    write_tensors(folder / "start.safetensors", weights)
    write_config(
        folder / "kink.yaml",
        """
        data: {path: kink.csv, scale: none, scale_targets: none}
        network: {hidden: [1], activation: relu, weights: start.safetensors}
        loss: half_squared_error
        """,
    )


def test_a_kink_within_the_step_is_reported_and_is_no_failure(tmp_path: Path) -> None:
    kink(tmp_path, 1e-6)
    found = report("kink.yaml", "--method", "central", cwd=tmp_path)
    (first, second) = [layer for layer in found["layers"][:8] if (layer["layer"], layer["kind"]) == (1, "b")]
    places = [{"layer": 1, "unit": 0, "example": example} for example in (1, 3)]
    assert (first["differences"]["crossed"], first["differences"]["error"]) == (places, None)
    assert (second["examples"], second["differences"]["crossed"]) == (3, places[1:])
    assert all(layer["skipped"] == 0 and layer["checked"] for layer in found["layers"])


def test_a_kink_within_the_step_is_named_in_words(tmp_path: Path) -> None:
    kink(tmp_path, 1e-6)
    result = good("gradcheck", "kink.yaml", "--method", "central", cwd=tmp_path)
    words = "float64: differences left out, because kinks lie within the step:"
    assert [row for row in result.out.splitlines() if "kink" in row] == [
        f"layer 1, b, 5 examples, {words} (layer 1, unit 0, example 1), (layer 1, unit 0, example 3)",
        f"layer 1, b, 3 examples, {words} (layer 1, unit 0, example 3)",
    ]
    rows = [row.split() for row in table(result) if " 1  b " in row]
    assert [row[5:9] for row in rows] == [["1", "of", "1", "–"]] * 2


def test_of_many_units_at_a_kink_three_are_named(tmp_path: Path) -> None:
    write_table(tmp_path / "rows.csv", ["x", "y"], [[0, 1], [1, 2]] * 10)
    write_config(
        tmp_path / "rows.yaml",
        """
        data: {path: rows.csv, scale: none, scale_targets: none}
        network: {hidden: [20], activation: relu}
        loss: half_squared_error
        optimizer: {batch_size: 20}
        """,
    )
    words = ("rows.yaml", "--method", "central")
    remarks = [row for row in good("gradcheck", *words, cwd=tmp_path).out.splitlines() if "kinks" in row]
    assert len(remarks) == 2
    assert re.fullmatch(
        r"layer 1, b, 20 examples, float64: differences left out, because kinks lie within the step: "
        r"(\(layer 1, unit \d+, example \d+\), ){2}\(layer 1, unit \d+, example \d+\) and 197 more",
        remarks[0],
    )
    assert len(report(*words, cwd=tmp_path)["layers"][1]["differences"]["crossed"]) == 200


def test_a_weight_too_large_for_the_step_is_not_judged(tmp_path: Path) -> None:
    kink(tmp_path, 0.5)
    weights = {"W1": np.array([[3e38]]), "b1": np.zeros(1), "W2": np.array([[1e-38]]), "b2": np.zeros(1)}
    write_tensors(tmp_path / "start.safetensors", weights)
    result = good("gradcheck", "kink.yaml", "--method", "central", "dtype=float64", cwd=tmp_path)
    assert result.err == ""
    words = "1 difference left out, because the step does not change so large a parameter"
    assert f"layer 1, W, 5 examples, float64: {words}" in result.out.splitlines()


def test_a_derivative_of_zero_excuses_the_rounding_of_sums_that_cancel(tmp_path: Path) -> None:
    """With all weights alike, what reaches layer 1 is a sum that cancels."""
    points(tmp_path / "points.csv")
    write_config(
        tmp_path / "points.yaml",
        """
        data: {path: points.csv}
        network: {hidden: [4], activation: tanh}
        loss: cross_entropy
        """,
    )
    weights = {"W1": np.full((4, 2), 0.3), "b1": np.zeros(4), "W2": np.full((3, 4), 0.3), "b2": np.array([0.1, 0, 0.2])}
    write_tensors(tmp_path / "start.safetensors", weights)
    below = report("points.yaml", "network.weights=start.safetensors", cwd=tmp_path)["layers"][0]
    assert (below["rounded"], below["exact"], below["digits"], below["passed"]) == (8, 0, None, True)
    assert 0 < abs(below["backward"]) < 1e-15


def test_step_sizes_leave_out_what_crosses_a_kink(tmp_path: Path) -> None:
    kink(tmp_path, 1e-6)
    sizes = report("kink.yaml", "--step-sizes", cwd=tmp_path)["step_sizes"]
    beyond, within = sizes[6:], sizes[1:5]
    assert all(size["crossed"] == 0 and size["checked"] == 4 for size in beyond)
    assert all(size["crossed"] > 0 and size["largest"] < 1e-6 for size in within)
    drawn = good("gradcheck", "kink.yaml", "--step-sizes", cwd=tmp_path).out.splitlines()
    marked = [row.endswith("cross a kink)") for row in drawn if row.startswith("  h = ")]
    assert marked == [size["crossed"] > 0 for size in sizes]


def test_a_step_at_which_everything_crosses_a_kink_has_no_error(tmp_path: Path) -> None:
    write_table(tmp_path / "kink.csv", ["x", "y"], [[0.0, 0.5]])
    write_tensors(tmp_path / "start.safetensors", {"W1": np.zeros((1, 1)), "b1": np.zeros(1)})
    write_config(
        tmp_path / "kink.yaml",
        """
        data: {path: kink.csv, scale: none, scale_targets: none}
        network: {output: relu, weights: start.safetensors}
        loss: half_squared_error
        """,
    )
    found = report("kink.yaml", "--step-sizes", cwd=tmp_path)["step_sizes"]
    assert {(size["checked"], size["crossed"]) for size in found} == {(1, 1)}


def test_complex_step_needs_no_excuse_at_a_kink(tmp_path: Path) -> None:
    for distance in (1e-6, 0.0):
        kink(tmp_path, distance)
        found = report("kink.yaml", cwd=tmp_path)
        assert all(layer["skipped"] == 0 and layer["differences"]["crossed"] == [] for layer in found["layers"])
        assert all(layer["checked"] == layer["parameters"] for layer in found["layers"])


def test_a_kink_beyond_the_step_is_no_excuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kink(tmp_path, 1e-3)
    assert all(layer["skipped"] == 0 for layer in report("kink.yaml", "--method", "central", cwd=tmp_path)["layers"])
    FAULTS["relu′ is missing"].patch(monkeypatch)
    assert bp("gradcheck", "kink.yaml", "--method", "central", cwd=tmp_path).status == 1


def test_a_kink_excuses_no_fault_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kink(tmp_path, 1e-6)
    FAULTS["Y − A stands for A − Y in the squared error"].patch(monkeypatch)
    result = bp("gradcheck", "kink.yaml", "--method", "central", "--json", cwd=tmp_path)
    wrong = [(layer["layer"], layer["kind"]) for layer in result.json["layers"] if not layer["passed"]]
    assert (result.status, wrong) == (1, [(1, "W"), (1, "b"), (2, "W"), (2, "b")] * 4)


def test_help_has_an_example(folder: Path) -> None:
    assert "Example: bp gradcheck configs/iris.yaml --method central" in good("gradcheck", "--help", cwd=folder).out


def test_json_is_one_line_of_json(folder: Path) -> None:
    out = good("gradcheck", "points.yaml", "--json", cwd=folder).out
    assert json.loads(out)["passed"] is True
    assert out.count("\n") == 1


def test_a_batch_that_weighs_nothing_is_not_what_is_checked(folder: Path) -> None:
    rows = [[i * 0.1, int(i % 8 == 1), "ab"[i // 8 % 2]] for i in range(32)]
    write_table(folder / "weighed.csv", ["x", "w", "y"], rows)
    data = "data={path: weighed.csv, sample_weight: w}"

    checked = good("gradcheck", "points.yaml", data, "optimizer.batch_size=2", "--json", cwd=folder).json

    assert checked["passed"]
