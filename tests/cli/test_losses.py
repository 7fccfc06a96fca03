"""Every loss as it is used: trained, rerun, checked, explained, compiled; its predictions, metrics and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.nn.losses import LOSSES
from bpcli.training.compiled import steps
from tests.cli.support import bp, good, read_metrics, refused, write_config
from tests.training.compiled.support import interpreted

ROWS = 40

CONFIG = """
    seed: 3
    dtype: float64
    data: {path: table.csv, features: [u, v], target: y, split: {validation: 0.2}}
    network: {hidden: [4], activation: tanh}
    loss: huber
    optimizer: {mode: mini_batch, batch_size: 7, learning_rate: 0.05}
    epochs: 2
    """

TARGETS = {
    "poisson": "count",
    "gamma": "size",
    "kullback_leibler": "[p, q, r]",
    "hinge": "sign",
    "squared_hinge": "kind",
    "focal": "both",
    **dict.fromkeys(("cross_entropy", "binary_cross_entropy", "categorical_focal"), "kind"),
}
"""The target of each loss that does not learn the number y."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(4)
    u, v = rng.normal(size=(2, ROWS)).round(3)
    shares = rng.dirichlet([2, 3, 4], ROWS).round(3)
    shares[:, 2] = (1 - shares[:, 0] - shares[:, 1]).round(3)
    columns: dict[str, Any] = {
        "u": u,
        "v": v,
        "y": (3 * u - v + 10).round(3),
        "w": (100 * v).round(2),
        "count": rng.poisson(np.exp(u / 2)),
        "size": (np.exp(v / 2) + 0.01).round(3),
        "kind": np.where(u > 0.4, "a", np.where(v > 0, "b", "c")),
        "both": np.where(u + v > 0, "yes", "no"),
        "sign": np.where(u > v, 1, -1),
        "p": shares[:, 0],
        "q": shares[:, 1],
        "r": shares[:, 2],
    }
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    (tmp_path / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_config(tmp_path / "losses.yaml", CONFIG)
    return tmp_path


def asked(name: str) -> tuple[str, str]:
    """The overrides for a loss and its target."""
    return f"loss={name}", f"data.target={TARGETS.get(name, 'y')}"


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_trains_reruns_to_the_same_bytes_compiles_and_passes_both_checks(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "load_kernel", interpreted)
    words = ("losses.yaml", *asked(name))
    good("train", *words, "engine=numpy", "--run", "run", "--quiet", cwd=folder)
    good("train", "run/config.yaml", "--run", "again", "--quiet", cwd=folder)
    for file in ("config.yaml", "metrics.csv", "model.safetensors"):
        assert (folder / "again" / file).read_bytes() == (folder / "run" / file).read_bytes()
    rows = read_metrics(folder / "run")
    assert rows[-1]["val_loss"] < 1.5 * rows[0]["val_loss"]
    good("train", *words, "engine=numba", "--run", "compiled", "--quiet", cwd=folder)
    for one, other in zip(read_metrics(folder / "compiled"), rows, strict=True):
        assert one == pytest.approx(other, rel=1e-10, abs=1e-12)
    for method in ("complex-step", "central"):
        good("gradcheck", *words, "--method", method, "--examples", "5", cwd=folder)


@pytest.mark.parametrize("name", [name for name, kind in LOSSES.items() if kind().usual_output != "softmax"])
def test_a_loss_is_explained_with_its_formula(name: str, folder: Path) -> None:
    words = ("explain", "losses.yaml", *asked(name), "--document", "general", "--format")
    for form in ("text", "latex"):
        assert "C" in good(*words, form, cwd=folder).out


def test_smoothed_targets_are_explained_by_the_general_case_alone_of_the_documents(folder: Path) -> None:
    smoothed = ("loss={name: binary_cross_entropy, label_smoothing: 0.2}", "data.target=both")
    report = good("explain", "losses.yaml", *smoothed, "--derive", "--format", "json", cwd=folder).json
    assert (report["document"]["name"], report["others"]) == ("standard", ["general"])
    steps = [step for step in report["updates"][0]["steps"] if step["stage"] == "derivation"]
    assert max(step["distance"] for step in steps) < 1e-12
    general = good("explain", "losses.yaml", *smoothed, "--document", "general", cwd=folder).out
    assert "[(1 - 0.2) yᵖ + 0.2/2]" in general
    refused(
        *("explain", "losses.yaml", *smoothed, "--document", "binary"),
        cwd=folder,
        status=2,
        error="command line: document binary cannot express this network: the document needs targets as they are, "
        "the network has smoothed ones (label_smoothing)",
        hint="documents that can: standard, general",
    )


def test_smoothed_targets_are_checked_and_metrics_look_at_the_true_class(folder: Path) -> None:
    for name in ("cross_entropy", "binary_cross_entropy"):
        smoothed = (f"loss={{name: {name}, label_smoothing: 0.2}}", "data.target=kind")
        good("gradcheck", "losses.yaml", *smoothed, "--examples", "5", cwd=folder)
        good("train", "losses.yaml", *smoothed, "--run", name, "--quiet", cwd=folder)
        table = good("predict", name, "--data", "table.csv", "--keep", "kind", cwd=folder).rows
        right = np.mean([row["prediction"] == row["kind"] for row in table])
        assert good("evaluate", name, "--data", "table.csv", "--json", cwd=folder).json["metrics"]["accuracy"] == right


def test_predictions_of_quantiles_have_a_column_for_each_level_in_the_targets_units(folder: Path) -> None:
    quantiles = "loss={name: quantile, levels: [0.1, 0.5, 0.9]}"
    good("train", "losses.yaml", quantiles, "data.target=[y, w]", "--run", "two", "--quiet", cwd=folder)
    table = good("predict", "two", "--data", "table.csv", cwd=folder).rows
    assert list(table[0]) == [f"prediction_{name}_q{level}" for name in "yw" for level in (0.1, 0.5, 0.9)]
    metrics = good("evaluate", "two", "--data", "table.csv", "--json", cwd=folder).json["metrics"]
    predicted = np.array([[float(cell) for cell in row.values()] for row in table]).reshape(ROWS, 2, 3)
    lines = (folder / "table.csv").read_text(encoding="utf-8").splitlines()[1:]
    true = np.array([[float(line.split(",")[k]) for k in (2, 3)] for line in lines])
    above = predicted - true[:, :, None]
    pinball = np.maximum(above, 0) - np.array([0.1, 0.5, 0.9]) * above
    assert metrics == pytest.approx(
        {
            "mean_pinball": pinball.mean(),
            "crossing": (np.diff(predicted, axis=2) < 0).any(axis=2).mean(),
            "coverage": ((above[:, :, 0] <= 0) & (above[:, :, 2] >= 0)).mean(),
        },
        rel=1e-9,
    )
    good("train", "losses.yaml", quantiles, "--run", "one", "--quiet", cwd=folder)
    assert list(good("predict", "one", "--data", "table.csv", cwd=folder).rows[0]) == [
        *("prediction_q0.1", "prediction_q0.5", "prediction_q0.9")
    ]
    good("train", "losses.yaml", "loss=quantile", "--run", "median", "--quiet", cwd=folder)
    assert list(good("predict", "median", "--data", "table.csv", cwd=folder).rows[0]) == ["prediction"]


def test_margins_decide_at_zero_and_are_no_probabilities(folder: Path) -> None:
    for target, classes in (("sign", {"-1", "1"}), ("both", {"no", "yes"}), ("kind", {"a", "b", "c"})):
        good("train", "losses.yaml", "loss=hinge", f"data.target={target}", "--run", target, "--quiet", cwd=folder)
        table = good("predict", target, "--data", "table.csv", cwd=folder).rows
        assert list(table[0]) == ["prediction"]
        assert {row["prediction"] for row in table} <= classes


def test_predicted_shares_add_up_to_one(folder: Path) -> None:
    good("train", "losses.yaml", *asked("kullback_leibler"), "--run", "shares", "--quiet", cwd=folder)
    for row in good("predict", "shares", "--data", "table.csv", cwd=folder).rows:
        shares = {name: float(row[f"p_{name}"]) for name in "pqr"}
        assert row["prediction"] == max(shares, key=lambda name: shares[name])
        assert sum(shares.values()) == pytest.approx(1, rel=1e-14)
    report = good("evaluate", "shares", "--data", "table.csv", "--json", cwd=folder).json
    assert [row["class"] for row in report["classes"]] == ["p", "q", "r"]
    confused = np.array(report["confusion"])
    assert confused.sum() == ROWS
    assert np.trace(confused) / ROWS == report["metrics"]["accuracy"]


def test_numbers_above_zero_are_predicted_as_such_and_are_not_scaled(folder: Path) -> None:
    for name in ("poisson", "gamma"):
        good("train", "losses.yaml", *asked(name), "--run", name, "--quiet", cwd=folder)
        table = good("predict", name, "--data", "table.csv", cwd=folder).rows
        assert all(float(row["prediction"]) > 0 for row in table)
        assert {"r2", "rmse", "mae"} <= good("evaluate", name, "--json", cwd=folder).json["metrics"].keys()
        assert "scale_targets: none" in (folder / name / "config.yaml").read_text(encoding="utf-8")


PLACE = "losses.yaml:4"

REFUSALS = {
    "an output beyond the domain": (
        ("loss=focal", "data.target=both", "network.output=identity"),
        "command line: network.output=identity: focal needs outputs in [0, 1], identity's range is [-inf, inf]",
        (
            "choose from sigmoid; the losses of identity: half_squared_error, absolute_error, huber, log_cosh, "
            "quantile, hinge, squared_hinge"
        ),
    ),
    "an output that cannot be a code": (
        ("loss=hinge", "data.target=kind", "network.output=softmax"),
        "command line: network.output=softmax: hinge needs outputs that reach -1 and 1, softmax's range is [0, 1]",
        None,
    ),
    "joint outputs for labels": (
        ("loss=focal", "data.target=kind", "network.output=softmax"),
        (
            "command line: network.output=softmax: focal needs outputs that do not depend on one another, "
            "softmax's add up to 1"
        ),
        "choose from sigmoid; the losses of softmax: cross_entropy, categorical_focal, kullback_leibler",
    ),
    "separate outputs for shares": (
        ("loss=kullback_leibler", "data.target=[p, q, r]", "network.output=sigmoid"),
        "command line: network.output=sigmoid: kullback_leibler needs outputs that add up to 1, sigmoid's need not",
        "choose from softmax; the losses of sigmoid: binary_cross_entropy, focal",
    ),
    "an output that may be 0": (
        ("loss=poisson", "data.target=count", "network.output=relu"),
        (
            "command line: network.output=relu: poisson takes the logarithm of its outputs or divides by them, "
            "relu's may be exactly 0"
        ),
        None,
    ),
    "smoothing of all": (
        ("loss={name: cross_entropy, label_smoothing: 1}", "data.target=kind"),
        "command line: loss={name: cross_entropy, label_smoothing: 1}: loss.label_smoothing is 1",
        "it must be less than 1",
    ),
    "levels in no order": (
        ("loss={name: quantile, levels: [0.9, 0.1]}",),
        "command line: loss={name: quantile, levels: [0.9, 0.1]}: loss.levels is [0.9, 0.1]",
        "it must be one or more in ascending order",
    ),
    "a level that is none": (
        ("loss={name: quantile, levels: [0.5, 1]}",),
        "command line: loss={name: quantile, levels: [0.5, 1]}: loss.levels.1 is 1",
        "it must be less than 1",
    ),
    "classes for numbers": (
        ("loss=huber", "data.target=both"),
        "command line: data.target=both: target 'both' is FIRST at FOLDER/table.csv:2, not a number",
        "for classes: loss: cross_entropy",
    ),
    "a class for shares": (
        ("loss=kullback_leibler", "data.target=kind"),
        (
            "command line: data.target=kind: the loss takes the probabilities of the classes, a target column for "
            "each, not 'kind' alone"
        ),
        "loss: cross_entropy takes a column of classes; or name the columns of probabilities",
    ),
    "shares that are none": (
        ("loss=kullback_leibler", "data.target=[p, count]"),
        None,
        None,
    ),
    "a count below 0": (("loss=poisson", "data.target=w"), None, "correct it, or choose another loss"),
    "a size of 0": (("loss=gamma", "data.target=count"), None, "correct it, or choose another loss"),
    "scaled counts": (
        ("loss=poisson", "data.target=count", "data.scale_targets=standard"),
        "command line: data.scale_targets=standard: the loss takes targets in [0, inf], which scaled ones leave",
        "leave it out, or choose another loss",
    ),
}


@pytest.mark.parametrize(("changes", "error", "hint"), REFUSALS.values(), ids=REFUSALS)
def test_what_does_not_go_together_is_refused(
    changes: tuple[str, ...], error: str | None, hint: str | None, folder: Path
) -> None:
    done = bp("train", "losses.yaml", *changes, "--quiet", cwd=folder)
    assert (done.status, done.out, len(done.errors)) == (2, "", 2)
    if error is not None:
        first = (folder / "table.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[7]
        assert done.errors[0] == "error: " + error.replace("FIRST", repr(first)).replace("FOLDER", str(folder))
    if hint is not None:
        assert done.errors[1] == "hint: " + hint
    assert not (folder / "runs").exists()


def test_shares_that_do_not_add_up_are_refused_with_their_line(folder: Path) -> None:
    lines = (folder / "table.csv").read_text(encoding="utf-8").splitlines()
    cells = lines[5].split(",")
    lines[5] = ",".join([*cells[:-1], "0.9"])
    (folder / "table.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    total = sum(map(float, (*cells[-3:-1], "0.9")))
    refused(
        *("train", "losses.yaml", *asked("kullback_leibler")),
        cwd=folder,
        status=2,
        error=f"command line: data.target=[p, q, r]: the targets at {folder}/table.csv:6 add up to {total:.6g}, not 1",
        hint="they are the probabilities of the classes; for labels by themselves: loss: binary_cross_entropy",
    )
