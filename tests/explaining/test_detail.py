"""What else an explanation tells: names, digits, what the update did, several updates, mistakes in print."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bpcli import memory
from bpcli.errors import ConfigError
from bpcli.explaining.detail import Detail
from bpcli.explaining.explanation import explain
from bpcli.explaining.rendering import FORMATS
from tests.cli.support import bp, good, refused, write_config, write_table
from tests.explaining.support import EXPRESSED, SUITED, config, explained
from tests.explaining.test_standard import PLAIN, traced


def test_an_update_tells_the_loss_before_and_after_it(tmp_path: Path) -> None:
    for kind, document in EXPRESSED:
        first, second = (
            explained(tmp_path, kind, "optimizer.mode=batch", f"optimizer.learning_rate={rate}", document=document)
            for rate in (0.3, 1e-6)
        )
        far, near = first.updates[0].effect, second.updates[0].effect
        loss = first.updates[0].trace.loss
        assert far.before == near.before == loss
        assert far.change == far.after - far.before < 0
        assert near.predicted / near.change == pytest.approx(1, rel=1e-4), (kind, document)
        assert abs(far.predicted / far.change - 1) > 1e-3, (kind, document)


def test_the_prediction_is_the_gradient_times_the_step() -> None:
    found = traced(PLAIN, 3, "adam")
    step = found.after.theta - found.before.theta
    assert found.predicted == pytest.approx(float(found.gradient.theta @ step), rel=1e-14)


def test_the_loss_after_the_update_is_that_of_its_penalties_too(tmp_path: Path) -> None:
    explanation = explained(tmp_path, "number", "penalties=[{name: l2, strength: 0.5}]", "optimizer.learning_rate=1e-6")
    (update,) = explanation.updates
    weights = [update.trace.before.W[l] for l in (1, 2)]
    penalty = 0.25 * sum(float(np.sum(W * W)) for W in weights)
    assert update.effect.before == pytest.approx(update.trace.loss + penalty, rel=1e-14)
    assert update.effect.predicted / update.effect.change == pytest.approx(1, rel=1e-3)
    assert "The loss of the example with its penalties was" in FORMATS["text"](explanation)


def test_several_steps_start_where_the_ones_before_ended(tmp_path: Path) -> None:
    config(tmp_path, "numbers")
    words = ("explain", "numbers.yaml", "--example", "4", "--example", "1", "--steps", "3", "--format", "json")
    batch, each = (good(*words, f"optimizer.mode={mode}", cwd=tmp_path).json["updates"] for mode in ("batch", "sgd"))
    assert [[one["row"] for one in update["examples"]] for update in batch] == [[4, 1]] * 3
    assert [[one["row"] for one in update["examples"]] for update in each] == [[4], [1]] * 3
    for before, after in pairwise(batch):
        assert after["effect"]["before"] == before["effect"]["after"]
        values = [
            {(step["key"], step["layer"]): step["value"] for step in update["steps"]} for update in (before, after)
        ]
        assert values[0]["new_weights", 1] == values[1]["weights", 1]
    text = good(*words[:-1], "text", "optimizer.mode=sgd", cwd=tmp_path).out
    assert "Update 6 of 6: example 1 (train)" in text
    assert "They are gone through 3 times." in " ".join(text.split())


@pytest.mark.parametrize(
    ("option", "value"), [("--steps", "0"), ("--steps", "101"), ("--digits", "0"), ("--digits", "18")]
)
def test_a_number_out_of_range_is_refused(tmp_path: Path, option: str, value: str) -> None:
    config(tmp_path, "number")
    result = bp("explain", "number.yaml", option, value, cwd=tmp_path)
    assert result.status == 2
    assert option in result.err


def test_rows_have_the_names_of_columns_and_classes(tmp_path: Path) -> None:
    rows = [[0.5, "red", "ash"], [1.5, "blue", "birch"], [0.75, "red", "cedar"], [0.1, "blue", "ash"]]
    write_table(tmp_path / "table.csv", ["size", "colour", "tree"], rows)
    write_config(
        tmp_path / "c.yaml",
        """
        data: {path: table.csv, target: tree, scale: none}
        network: {hidden: [2]}
        loss: cross_entropy
        optimizer: {mode: batch}
        """,
    )
    parsed = good("explain", "c.yaml", "--format", "json", cwd=tmp_path).json
    assert parsed["inputs"] == ["size", "colour=blue", "colour=red"]
    assert parsed["outputs"] == ["ash", "birch", "cedar"]
    named = {(step["key"], step["layer"]): step["names"] for step in parsed["updates"][0]["steps"] if step["names"]}
    assert named == {
        ("inputs", 0): parsed["inputs"],
        ("targets", 2): parsed["outputs"],
        ("activation", 2): parsed["outputs"],
    }
    text, markdown, latex = (good("explain", "c.yaml", "--format", form, cwd=tmp_path).out for form in FORMATS_READ)
    assert re.search(r"⎢ +0 ⎥  colour=blue\n", text)
    assert "Rows: `size`, `colour=blue`, `colour=red`" in markdown
    assert r"\text{colour=blue}" in latex


FORMATS_READ = ("text", "markdown", "latex")

OUTPUTS = {
    "binary": ["c=1"],
    "labels": ["c", "d"],
    "classes": ["ash", "birch", "cedar"],
    "numbers": ["y", "c"],
}


def test_outputs_are_named_by_what_they_are_of(tmp_path: Path) -> None:
    for kind, names in OUTPUTS.items():
        assert list(explained(tmp_path, kind).outputs) == names
    levels = explained(tmp_path, "numbers", "loss={name: quantile, levels: [0.1, 0.9]}", document="standard")
    assert list(levels.outputs) == ["y q0.1", "c q0.1", "y q0.9", "c q0.9"]


def test_a_name_cannot_break_the_page(tmp_path: Path) -> None:
    name = "a\x1b[31m" + "very long " * 20 + "name"
    write_table(tmp_path / "table.csv", [name, "y"], [[0.5, 1], [1.5, 2], [0.75, 3]])
    write_config(
        tmp_path / "c.yaml", "data: {path: table.csv, target: y}\nnetwork: {hidden: [2]}\nloss: half_squared_error\n"
    )
    text = good("explain", "c.yaml", cwd=tmp_path).out
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= 80


def test_numbers_have_the_digits_asked_for(tmp_path: Path) -> None:
    config(tmp_path, "number")
    found = {}
    for digits in ("2", "6", "12"):
        text = good("explain", "number.yaml", "--digits", digits, cwd=tmp_path).out
        (found[digits],) = re.findall(r"^    L = .* = (0\.\d+)$", text, re.MULTILINE)
        assert f"shown with {digits} decimals or digits" in " ".join(text.split())
    exact = float(found["12"])
    assert [len(found[digits].lstrip("0.")) for digits in ("2", "6", "12")] == [2, 6, 12]
    assert [float(found[digits]) for digits in ("2", "6")] == [float(f"{exact:.2g}"), float(f"{exact:.6g}")]


def test_mistakes_in_print_are_named_only_when_asked_for(tmp_path: Path) -> None:
    config(tmp_path, "binary")
    words = ("explain", "binary.yaml", "--document", "binary", "--derive", "--format", "json")
    plain, errata = (json.dumps(good(*words, *more, cwd=tmp_path).json["updates"]) for more in ((), ("--errata",)))
    for slip in ("it must be", "four times", "Printed with", "calls all parameters"):
        assert slip in errata
        assert slip not in plain


def test_no_note_tells_of_print_unasked(tmp_path: Path) -> None:
    for kind, document in SUITED:
        config(tmp_path, kind)
        words = ("explain", f"{kind}.yaml", "--document", document, "--derive", "--format", "json", "--example", "1")
        for step in good(*words, "--example", "2", cwd=tmp_path).json["updates"][0]["steps"]:
            assert not [note for note in step["notes"] if re.search(r"\bprint|\bPrint|\blacks?\b", note)], step["title"]


def test_the_weights_of_examples_count(tmp_path: Path) -> None:
    config(tmp_path, "classes")
    words = ("classes.yaml", "data.class_weight={ash: 3}", "--example", "0", "--example", "1")
    parsed = good("explain", *words, "--format", "json", cwd=tmp_path).json
    steps = {(step["key"], step["layer"]): step for step in parsed["updates"][0]["steps"]}
    assert steps["example_weights", None]["value"] == [[3, 1]]
    first, second = steps["example_loss", 2]["value"][0]
    assert steps["loss", 2]["value"] == pytest.approx((3 * first + second) / 4, rel=1e-14)
    refused(
        *("explain", *words, "--document", "biswas"),
        cwd=tmp_path,
        status=2,
        error="command line: document biswas has no weights of examples, and one of these has 3",
        hint="leave out --document, or data.sample_weight=null data.class_weight=null",
    )


def test_an_update_that_diverges_is_explained_all_the_same(tmp_path: Path) -> None:
    config(tmp_path, "number")
    far = ("network.output=identity", "optimizer.learning_rate=1e160", "--steps", "3")
    for form in ("text", "markdown", "latex", "json"):
        result = good("explain", "number.yaml", *far, "--format", form, cwd=tmp_path)
        assert result.err == ""
    assert "it changed by nan" in good("explain", "number.yaml", *far, cwd=tmp_path).out


def test_more_updates_than_memory_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "left", lambda: memory.Left(500_000, "the limit of a test"))
    path = config(tmp_path, "number")
    assert len(explain(path, [], None, (0,), Detail(steps=5)).updates) == 5
    with pytest.raises(ConfigError, match=r"1,000 updates of 13 parameters take 0\.8 MB of memory") as refusal:
        explain(path, [], None, (0,), Detail(steps=1000))
    assert refusal.value.hint == "explain fewer examples or --steps"
