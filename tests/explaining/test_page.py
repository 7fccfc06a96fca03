"""The page's data: the tape gives bp's numbers, symbols know their steps, and large networks are refused."""

from __future__ import annotations

from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.errors import ConfigError
from bpcli.explaining.documents import DOCUMENTS
from bpcli.explaining.explained import Explanation
from bpcli.explaining.explanation import explain
from bpcli.explaining.page import contents as page_contents
from bpcli.explaining.page import render
from bpcli.explaining.page.contents import contents
from bpcli.explaining.page.engine import own_numbers, quantities
from bpcli.explaining.page.inputs import inputs_of, values_of
from bpcli.explaining.page.programs import programs
from bpcli.explaining.page.variants import variants
from bpcli.explaining.recording.tape import CONSTANT, OPERATIONS, Tape
from bpcli.nn import Array
from bpcli.nn.activations import ACTIVATIONS
from tests.cli.support import ROOT, good, refused, write_config, write_table
from tests.explaining import tapes
from tests.explaining.support import EXPRESSED, LOSSES, displaced, explained
from tests.explaining.updates import CASES, update_of

XOR = ROOT / "configs" / "xor.yaml"

TOLERANCE = 1e-12
"""Of the largest entry of an array."""


def apart(found: Array, right: Array) -> float:
    """The largest difference as a fraction of the largest entry."""
    return float(np.abs(found - right).max(initial=0) / max(np.abs(right).max(initial=0), 1e-300))


def test_every_documents_formulas_give_bps_numbers_on_the_tape(tmp_path: Path) -> None:
    rules = ("gradient_descent", "momentum", "adam", "radam", "adamw")
    for place, (kind, name) in enumerate(EXPRESSED):
        for rows in ((1,), (0, 3, 4)):
            rule = rules[(place + len(rows)) % len(rules)]
            shown = displaced(explained(tmp_path, kind, f"optimizer.name={rule}", document=name, rows=rows))
            tape, found = Tape(), shown.updates[0].trace
            inputs = inputs_of(found, tape)
            steps = programs(DOCUMENTS[name], found, inputs, tape, tape.borrowed(0, found.after.theta.shape)).steps
            lent = found.after.theta.tolist()
            read = tapes.read(tape, values_of(found).tolist(), [one.places for one in steps], lent)
            for one, numbers in zip(steps, read, strict=True):
                assert apart(numbers, one.step.value) <= TOLERANCE, (kind, name, rule, one.step.key)


def test_bps_own_quantities_follow_on_the_tape_for_every_activation_loss_and_rule() -> None:
    for case in CASES:
        found, tape = update_of(*case), Tape()
        every = quantities(found, inputs_of(found, tape), tape)
        read = tapes.read(tape, values_of(found).tolist(), [one.places for one in every])
        own = own_numbers(found, every)
        assert sum(one is not None for one in own) >= 16
        for one, numbers, right in zip(every, read, own, strict=True):
            if right is not None:
                assert apart(numbers.reshape(-1), np.array(right)) <= TOLERANCE, (case, one.name, one.layer)


def test_another_activation_in_the_hidden_layers_is_a_variant_of_its_own(tmp_path: Path) -> None:
    shown = explained(tmp_path, "number", document="general", rows=(0, 1))
    found = {one.activation: one for one in variants(shown.updates[0].trace, shown.experiment.recipe)}
    assert set(found) == {"", *(name for name in ACTIVATIONS if name not in ("softmax", "prelu", "sigmoid"))}
    relu = found["relu"].trace
    np.testing.assert_array_equal(relu.before.theta, found[""].trace.before.theta)
    np.testing.assert_array_equal(relu.A[1], np.maximum(relu.Z[1], 0))
    assert relu.network.activations[-1] == ACTIVATIONS["tanh"]()


def test_no_hidden_layer_has_no_variants(tmp_path: Path) -> None:
    shown = explained(tmp_path, "number", "network.hidden=[]")
    assert len(list(variants(shown.updates[0].trace, shown.experiment.recipe))) == 1


@pytest.fixture
def config_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variants of other activations, which take most of the time."""
    monkeypatch.setattr(page_contents, "variants", lambda *given: islice(variants(*given), 1))


@pytest.mark.usefixtures("config_alone")
def test_every_step_says_which_steps_it_reads(tmp_path: Path) -> None:
    for kind, rows in product(LOSSES, ((0,), (0, 1))):
        data = contents(explained(tmp_path, kind, rows=rows))
        codes, written = data["tape"]["codes"], steps_by_document(data)
        assert {(kind, name) for name in written} == {pair for pair in EXPRESSED if pair[0] == kind}
        for name, steps in written.items():
            for place, step in enumerate(steps):
                constant = all(codes[one] == OPERATIONS.index(CONSTANT) for one in step["places"])
                unread = step["stage"] == "given" or step["key"] == "bias_factor" or constant
                assert bool(step["reads"]) != unread, (name, step["key"], step["layer"])
                assert all(one < place for one in step["reads"]), (name, step["key"])
            read = {one for step in steps for one in step["reads"]}
            assert {place for place, step in enumerate(steps) if step["stage"] == "given"} <= read


@pytest.mark.usefixtures("config_alone")
def test_no_note_has_a_number_that_would_be_stale_after_a_change(tmp_path: Path) -> None:
    noted = 0
    for kind, name in EXPRESSED:
        (update,) = explained(tmp_path, kind, document=name, rows=(0, 1)).updates
        noted += any(f"{update.trace.loss:.6g}" in note for step in update.steps for note in step.notes)
    assert noted > 2
    for kind in LOSSES:
        shown = explained(tmp_path, kind, rows=(0, 1))
        number, data = f"{shown.updates[0].trace.loss:.6g}", contents(shown)
        for name, steps in steps_by_document(data).items():
            assert not any(number in str(data["texts"][step["notes"]]) for step in steps), (kind, name)


def steps_by_document(data: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The steps of the network as it is in the config."""
    documents = data["variants"][0]["documents"]
    return {name: [data["steps"][place] for place in places] for name, places in documents.items()}


REFUSED = {
    ("network.hidden=[17]",): "draws at most 16 units in a layer, and there are 17 units",
    ("network.hidden=[2, 2, 2, 2, 2]",): "draws at most 6 layers, not 7",
    ("network.hidden=[16, 16, 8]",): "takes at most 400 parameters, and the network has 465",
    ("penalties=[{name: l2, strength: 0.1}]",): "computes updates without l2",
    ("optimizer.name=lbfgs",): "cannot compute an update by lbfgs",
    ("optimizer.name=nesterov", "optimizer.look_ahead=true"): "cannot compute an update by nesterov",
}


@pytest.mark.parametrize("changes", REFUSED, ids=lambda changes: changes[-1])
def test_what_the_page_does_not_show_is_refused_with_the_remedy(tmp_path: Path, changes: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        render(explained(tmp_path, "number", *changes))
    assert caught.value.message == f"the page {REFUSED[changes]}"
    assert caught.value.hint


def test_a_page_of_many_classes_is_refused_for_its_outputs(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["a", "y"], [[i / 9, f"c{i // 2}"] for i in range(40)])
    write_config(tmp_path / "c.yaml", "data: {path: t.csv}\nnetwork: {hidden: [3]}\nloss: cross_entropy\n")
    with pytest.raises(ConfigError, match="at most 16 units in a layer, and there are 20 outputs") as caught:
        render(explain(tmp_path / "c.yaml", [], None, (0,)))
    assert caught.value.hint.startswith("choose another data.target")


def test_options_of_other_formats_are_refused(tmp_path: Path) -> None:
    for option in (["--derive"], ["--arithmetic"], ["--digits", "3"], ["--steps", "2"], ["--errata"]):
        error = f"--format html: the page takes no {option[0]}"
        hint = f"leave out {option[0]}, or choose another --format"
        refused("explain", XOR, "--format", "html", *option, cwd=tmp_path, status=2, error=error, hint=hint)


def test_the_command_writes_the_page_and_says_why_a_network_is_too_large(tmp_path: Path) -> None:
    small = ["network.hidden=[2]", "optimizer.name=gradient_descent"]
    assert good("explain", XOR, *small, "--format", "html", cwd=tmp_path).out.startswith("<!doctype html>")
    refused(
        "explain",
        XOR,
        "network.hidden=[17]",
        "--format",
        "html",
        cwd=tmp_path,
        status=2,
        error="--format html: the page draws at most 16 units in a layer, and there are 17 units",
        hint="choose network.hidden=[8]; --format text shows a part of any network",
    )


def test_a_page_of_4_8_3_units_is_below_400_kilobytes(tmp_path: Path) -> None:
    features = "data.features=[u, v, c, d]"
    shown = explained(tmp_path, "scores", features, "network.hidden=[8]", document="general")
    assert shown.layers == (4, 8, 3)
    assert len(render(shown).encode()) < 400_000


@pytest.mark.usefixtures("config_alone")
def test_equal_explanations_give_equal_pages(tmp_path: Path) -> None:
    def page() -> str:
        return render(explained(tmp_path, "number"))

    assert page() == page()


@pytest.mark.usefixtures("config_alone")
def test_the_page_of_a_mode_sgd_shows_the_first_update(tmp_path: Path) -> None:
    def page(*rows: int) -> Explanation:
        return explained(tmp_path, "number", "optimizer.mode=sgd", rows=rows)

    first, both = contents(page(2)), contents(page(2, 4))
    assert both["network"]["m"] == 1
    assert both["own"] == first["own"]
