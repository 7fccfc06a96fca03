"""Every equation that the documents display holds, number for number, on networks that have it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bpcli.errors import ConfigError
from bpcli.explaining.derivations import DERIVATIONS, derive, sheets_of
from bpcli.explaining.derivations.derived import evaluated
from bpcli.explaining.documents import DOCUMENTS
from bpcli.explaining.evaluation import quantities, tilts
from bpcli.explaining.evaluation.sheet import apart
from tests.explaining.derivations import networks, sides, slipped
from tests.explaining.page import NETWORKS, PAGE, generated, lines
from tests.explaining.support import EXPRESSED, displaced, explained

TOLERANCE = 1e-12

WRONG = ("1.001", "0", "-1")
"""What a right side is multiplied by."""

every_document = pytest.mark.parametrize("document", DERIVATIONS)


def test_every_document_has_its_equations() -> None:
    assert list(DERIVATIONS) == list(DOCUMENTS)


@every_document
def test_every_displayed_equation_holds_on_some_network(tmp_path: Path, document: str) -> None:
    shown = set[str]()
    for explanation in networks(tmp_path, document):
        for equation, layer, found in sides(explanation):
            assert found.distance <= TOLERANCE, (equation.label, layer, explanation.layers)
            assert all(np.isfinite(value).all() for value in found.values)
            shown.add(equation.label)
    assert shown == set(DERIVATIONS[document].displayed)


@every_document
def test_labels_are_in_the_documents_order(tmp_path: Path, document: str) -> None:
    displayed = DERIVATIONS[document].displayed
    assert len(set(displayed)) == len(displayed)
    kind = next(kind for kind, name in EXPRESSED if name == document)
    for hidden in ("[]", "[3, 3]"):
        trace = explained(tmp_path, kind, f"network.hidden={hidden}", document=document).updates[0].trace
        places = [displayed.index(equation.label) for equation in DERIVATIONS[document].equations(trace)]
        assert places == sorted(places)


@every_document
def test_every_displayed_equation_is_shown_or_it_is_said_what_it_takes(tmp_path: Path, document: str) -> None:
    kind = next(kind for kind, name in EXPRESSED if name == document)
    for hidden in ("[]", "[3]", "[1, 1]"):
        trace = explained(tmp_path, kind, f"network.hidden={hidden}", document=document).updates[0].trace
        steps, omitted = derive(document, trace)
        named = [label for line in omitted for label in line.split(": holds ")[0].split("; ")]
        shown = {step.reference for step in steps}
        assert sorted(label for label in DERIVATIONS[document].displayed if label not in shown) == sorted(named)


@every_document
def test_an_equation_with_a_wrong_side_does_not_hold(tmp_path: Path, document: str) -> None:
    kind = next(kind for kind, name in reversed(EXPRESSED) if name == document)
    found = displaced(explained(tmp_path, kind, "network.hidden=[4, 3]", document=document, rows=(0, 1)))
    trace = found.updates[0].trace
    derivation, checked = DERIVATIONS[document], 0
    sheets = sheets_of(derivation, trace)
    for equation in derivation.equations(trace):
        for layer in () if equation.unless else equation.layers[:1]:
            factors = "" if not np.any(evaluated(equation, layer, sheets[equation.whole]).values[-1]) else WRONG
            for factor in factors:
                spoiled = replace(equation, forms=(equation.forms[0], rf"{factor} \cdot ({equation.forms[-1]})"))
                assert evaluated(spoiled, layer, sheets[equation.whole]).distance >= 4e-4, equation.label
            checked += len(factors)
    assert checked > 15


@every_document
def test_an_equation_with_a_slip_does_not_hold_on_every_network(tmp_path: Path, document: str) -> None:
    worst: dict[tuple[str, str, int, str], float] = {}
    derivation = DERIVATIONS[document]
    for explanation in networks(tmp_path, document):
        trace = explanation.updates[0].trace
        sheets = sheets_of(derivation, trace)
        for equation in derivation.equations(trace):
            for (place, printed), wrong in () if equation.unless or not equation.layers else slipped(equation):
                key = equation.label, equation.title, place, printed
                distance = evaluated(wrong, equation.layers[-1], sheets[equation.whole]).distance
                worst[key] = max(worst.get(key, 0), distance)
    assert len(worst) >= 3
    assert {key for key, distance in worst.items() if distance < 0.01} == set()


@every_document
def test_steps_show_the_equation_and_how_far_its_sides_agree(tmp_path: Path, document: str) -> None:
    kind = next(kind for kind, name in EXPRESSED if name == document)
    trace = explained(tmp_path, kind, "network.hidden=[4, 3]", document=document, rows=(0, 1)).updates[0].trace
    steps, _ = derive(document, trace)
    assert all(step.stage == "derivation" and step.sides for step in steps)
    assert all(step.distance is not None and step.distance < TOLERANCE for step in steps)
    assert all(step.value.ndim in (0, 2) for step in steps)
    assert {step.reference for step in steps} <= set(DERIVATIONS[document].displayed)
    notes = [note for step in steps for note in step.notes]
    assert len(set(notes)) == len(notes)


@every_document
def test_a_derivation_leaves_the_other_steps_as_they_are(tmp_path: Path, document: str) -> None:
    kind = next(kind for kind, name in EXPRESSED if name == document)
    plain, derived = (
        explained(tmp_path, kind, document=document, with_derivation=derive).updates[0] for derive in (False, True)
    )
    kept = [step for step in derived.steps if step.stage != "derivation"]
    assert [(step.equation, step.value.tolist()) for step in kept] == [
        (step.equation, step.value.tolist()) for step in plain.steps
    ]
    assert plain.omitted == ()


def test_a_derivation_of_one_example_takes_the_first_of_several(tmp_path: Path) -> None:
    one, several = (
        derive("half-squared-error", explained(tmp_path, "numbers", rows=rows).updates[0].trace)[0]
        for rows in ((2,), (2, 0, 1))
    )
    assert [step.value.tolist() for step in one] == [step.value.tolist() for step in several]
    assert {step.scope for step in one} == {None}
    assert {step.scope for step in several} == {"first"}
    note = (
        "The document derives one example: cost, gradients and new parameters under this heading are of the first "
        "example alone, not of the batch."
    )
    assert [note in step.notes for step in several] == [True] + [False] * (len(several) - 1)


def test_a_network_too_large_is_refused(tmp_path: Path) -> None:
    from bpcli.explaining.detail import Detail
    from bpcli.explaining.explanation import explain
    from tests.explaining.support import config

    with pytest.raises(ConfigError, match="the network has 20009") as raised:
        explain(config(tmp_path, "binary"), ["network.hidden=[5002]"], "binary", (0,), Detail(derivation=True))
    assert raised.value.hint == "choose a network of at most 10000, such as network.hidden=[8], or leave out --derive"


@every_document
def test_slopes_are_the_same_entry_by_entry_and_all_at_once(
    tmp_path: Path, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = next(kind for kind, name in EXPRESSED if name == document)
    found = displaced(explained(tmp_path, kind, "network.hidden=[4, 3]", document=document, rows=(0, 1)))
    whole = [found.values for _, _, found in sides(found)]
    monkeypatch.setattr(tilts, "MOST_NUMBERS", 1)
    monkeypatch.setattr(quantities, "MOST_REMEMBERED", 1)
    for at_once, (_, _, one_by_one) in zip(whole, sides(found), strict=True):
        assert all(apart(x, y) <= TOLERANCE for x, y in zip(at_once, one_by_one.values, strict=True))


def test_memory_does_not_grow_with_the_square_of_the_weights(tmp_path: Path) -> None:
    trace = explained(tmp_path, "classes", "network.hidden=[45, 45]", document="biswas").updates[0].trace
    every_copy = 16 * trace.before.W[2].size ** 2
    tracemalloc.start()
    derive("biswas", trace)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < every_copy / 2


def test_the_page_of_the_documents_is_made_of_the_equations() -> None:
    assert PAGE.read_text(encoding="utf-8") == generated(), "run python -m tests.explaining.page"


def test_every_displayed_equation_is_shown_by_a_shipped_config() -> None:
    for document in NETWORKS:
        assert {line.equation.label for line in lines(document)} == set(DERIVATIONS[document].displayed)
