"""The page in a real browser: its numbers are bp's, every control does something, and nothing leaves it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.explaining import page as page_module
from bpcli.explaining.documents import DOCUMENTS, expressing
from bpcli.explaining.explained import Explanation
from bpcli.explaining.page import contents, render
from bpcli.explaining.page.inputs import inputs_of, values_of
from bpcli.explaining.page.limits import MOST_UNITS
from bpcli.explaining.page.programs import programs
from bpcli.explaining.page.variants import variants
from bpcli.explaining.recording.tape import Tape
from bpcli.explaining.trace import Trace
from bpcli.explaining.tracing import trace
from bpcli.nn import Array, optimizers
from bpcli.nn.activations import ACTIVATIONS
from tests.cli.support import write_config, write_table
from tests.explaining import browser as browsers
from tests.explaining.browser import OpenPage, needs_browser, opened
from tests.explaining.support import explained
from tests.explaining.updates import CASES, update_of
from tests.nn import support

pytestmark = needs_browser

TOLERANCE = 1e-12
"""Of the largest entry of an array."""

NUMBERS = """([data, values, variant]) => {
  const State = bpPage.state.constructor;
  const state = new State(data ?? bpPage.state.data);
  state.inputs.set(values);
  state.changes.add("all");
  state.variant = variant;
  const found = {};
  for (const name of Object.keys(state.data.variants[variant].documents)) {
    state.document = name;
    state.choose();
    found[name] = state.steps.map((step, place) => step.places.map((_, entry) => state.number(place, entry)));
  }
  return found;
}"""
"""The numbers of a page's data in every notation, its own where none are given, for other inputs."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browsers.browser() as started:
        yield started


@dataclass(frozen=True)
class Shown:
    """A page and its file."""

    explained: Explanation
    file: Path

    @property
    def trace(self) -> Trace:
        return self.explained.updates[0].trace


def written(folder: Path, explained: Explanation) -> Shown:
    file = folder / "page.html"
    file.write_text(render(explained), encoding="utf-8")
    return Shown(explained, file)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """A page of a 2-3-1 network of sigmoids, three examples at once."""
    folder = tmp_path_factory.mktemp("small")
    return written(folder, explained(folder, "binary", rows=(0, 3, 4)))


@pytest.fixture(scope="module")
def alone(chromium: Any, small: Shown) -> Iterator[OpenPage]:
    """The small page, for what leaves it as it is."""
    with opened(chromium, small.file) as page:
        yield page


# The numbers


KINDS = ("binary", "labels", "classes", "scores", "numbers", "number")
LOSSES = {
    "numbers": ("half_squared_error", "absolute_error", "huber", "log_cosh", "quantile"),
    "labels": ("binary_cross_entropy", "focal"),
    "classes": ("cross_entropy", "categorical_focal", "half_squared_error"),
}
RULES = ("gradient_descent", "momentum", "adam", "rmsprop", "adagrad", "radam", "lion", "nadam")
ELEMENTWISE = [name for name in ACTIVATIONS if name not in ("softmax", "exponential")]


def random_network(folder: Path, number: int) -> Explanation:
    """An explanation of a network that the number alone decides."""
    rng = np.random.default_rng(number)
    kind = KINDS[number % len(KINDS)]
    names = LOSSES.get(kind, ())
    loss = [f"loss.name={names[number // len(KINDS) % len(names)]}"] if names else []
    hidden = ", ".join(
        f"{{units: {rng.integers(1, 5)}, activation: {ELEMENTWISE[(number + 5 * layer) % len(ELEMENTWISE)]}}}"
        for layer in range(int(rng.integers(0, 3)))
    )
    rows = tuple(int(row) for row in rng.permutation(6)[: rng.integers(1, 5)])
    layers = [] if number % 12 == 0 else [f"network.hidden=[{hidden}]"]  # some are of sigmoids alone
    changes = [*layers, f"optimizer.name={RULES[number % len(RULES)]}", *loss]
    return explained(folder, kind, *changes, document="standard", rows=rows)


def moved(found: Trace, explained: Explanation, number: int) -> Trace:
    """The update from other parameters, on other inputs, with another learning rate."""
    rng = np.random.default_rng(1000 + number)
    network = found.network
    theta = rng.normal(0, 0.6, network.layout.count)
    X = rng.normal(0, 1, found.A[0].shape)
    recipe = support.recipe(network, found.optimizer)
    state = optimizers.start(found.optimizer, theta, network.parameters(theta).W[1:])
    return trace(recipe, state, theta, X, found.Y, found.mode, 0.05, found.weights)


def worst(found: dict[str, list[list[float]]], right: Trace) -> float:
    """The largest distance of a step's numbers from bp's, as a fraction of the largest of the step."""
    distances = [0.0]
    for name, steps in found.items():
        for one, step in zip(steps, DOCUMENTS[name].steps(right), strict=True):
            own = np.array([np.nan if value is None else value for value in one])
            distances.append(apart(own, step.value.reshape(-1)))
    return max(distances)


def apart(found: Array, right: Array) -> float:
    """A fraction of the largest entry, or of what was added up where that has cancelled."""
    return float(np.abs(found - right).max(initial=0) / max(np.abs(right).max(initial=0), CANCELLED))


CANCELLED = 1e-6
"""An array whose largest entry is below this is what remains of larger numbers' difference."""


def check_networks(page: OpenPage, folder: Path, numbers: range, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every notation's numbers equal bp's after everything was changed; the notations that were seen."""
    monkeypatch.setattr(contents, "variants", lambda *given: islice(variants(*given), 1))
    seen: set[str] = set()
    for number in numbers:
        shown = random_network(folder, number)
        right = moved(shown.updates[0].trace, shown, number)
        data = contents.contents(shown)
        found = page.run(NUMBERS, [data, values_of(right).tolist(), 0])
        assert set(found) == set(expressing(right.network, weighted=False)), number
        assert worst(found, right) <= TOLERANCE, (number, shown.choices)
        seen |= set(found)
    return seen


def test_every_notations_numbers_are_bps_after_all_inputs_were_changed(
    alone: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_networks(alone, tmp_path, range(7), monkeypatch) == set(DOCUMENTS)


TAPE = """([tape, arrays, values]) => {
  const data = { tape, normal: bpPage.state.data.normal };
  const program = new bpPage.state.page.constructor(new bpPage.state.tape.constructor(data), arrays);
  program.run(values);
  return arrays.map((_, place) => program.array(place));
}"""
"""The numbers of arrays on a tape."""


def test_every_activation_loss_and_rule_gives_bps_numbers_in_the_standard_notation(alone: OpenPage) -> None:
    for case in CASES:
        found, tape = update_of(*case), Tape()
        steps = programs(DOCUMENTS["standard"], found, inputs_of(found, tape), tape, None).steps
        arrays = [{"places": one.places.reshape(-1).tolist()} for one in steps]
        read = alone.run(TAPE, [contents.written(tape), arrays, values_of(found).tolist()])
        for one, numbers in zip(steps, read, strict=True):
            assert apart(np.array(numbers), one.step.value.reshape(-1)) <= TOLERANCE, (case, one.step.equation)


@pytest.mark.slow
def test_the_numbers_of_fifty_random_networks_are_bps(
    alone: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_networks(alone, tmp_path, range(7, 57), monkeypatch) == set(DOCUMENTS)


def test_with_another_activation_the_numbers_are_those_of_that_network(alone: OpenPage, small: Shown) -> None:
    for place, variant in enumerate(variants(small.trace, small.explained.experiment.recipe)):
        found = alone.run(NUMBERS, [None, values_of(variant.trace).tolist(), place])
        assert worst(found, variant.trace) <= TOLERANCE, variant.activation


def test_a_wrong_operation_in_the_script_is_found(
    chromium: Any, small: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = page_module._part
    monkeypatch.setattr(contents, "variants", lambda *given: islice(variants(*given), 1))
    for right, wrong in (
        ("(a, b) => a - b", "(a, b) => b - a"),
        ("exp: Math.exp", "exp: (a) => Math.exp(a) * (1 + 1e-11)"),
    ):
        monkeypatch.setattr(page_module, "_part", lambda name, r=right, w=wrong: part(name).replace(r, w))
        file = tmp_path / "wrong.html"
        file.write_text(render(small.explained), encoding="utf-8")
        with opened(chromium, file) as page:
            found = page.run(NUMBERS, [None, values_of(small.trace).tolist(), 0])
        assert worst(found, small.trace) > TOLERANCE, wrong


# The page as someone uses it


def test_at_first_the_numbers_are_bps_own_and_after_a_change_the_pages(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file) as page:
        assert "bp's own numbers" in page.text("#whose")
        field = page.page.locator("#step input").first
        field.fill("0.75")
        field.press("Tab")
        assert "the page's own numbers" in page.text("#whose")
        assert page.run("() => bpPage.state.inputs[0]") == 0.75
        page.page.click("#reset")
        assert "bp's own numbers" in page.text("#whose")
        assert page.wrong == []


def test_after_edits_by_hand_the_numbers_are_those_of_bps_update_of_the_edited_network(
    chromium: Any, small: Shown
) -> None:
    with opened(chromium, small.file) as page:
        edit = "([input, text]) => bpPage.change(input, text, 'a test', null)"
        first = page.run("() => bpPage.state.data.inputs")
        changed = {first["X"]["first"]: 1.25, first["targets"]["first"] + 1: 1.0, first["rate"]["first"]: 0.7}
        changed |= {first["theta"]["first"] + 2: -0.4, first["theta"]["first"] + 8: 0.3}
        for input_, value in changed.items():
            assert page.run(edit, [input_, str(value)])
        values = np.array(page.run("() => Array.from(bpPage.state.inputs)"))
        assert all(values[place] == value for place, value in changed.items())
        right = update_from(values, small)
        assert page.run("() => bpPage.state.loss") == pytest.approx(right.loss, rel=TOLERANCE)
        for _ in range(3):
            page.page.click("#once")
        values = np.array(page.run("() => Array.from(bpPage.state.inputs)"))
        theta = right.before.theta.copy()
        recipe = support.recipe(small.trace.network, small.trace.optimizer)
        state = optimizers.start(recipe.optimizer, theta)
        for _ in range(3):
            trace(recipe, state, theta, right.A[0], right.Y, "batch", 0.7)
        place = first["theta"]["first"]
        np.testing.assert_allclose(values[place : place + theta.size], theta, rtol=0, atol=TOLERANCE)


def update_from(values: Array, shown: Shown) -> Trace:
    """bp's update from the page's inputs."""
    found = shown.trace
    sizes = [found.A[0].size, found.Y.size, found.before.theta.size]
    X, Y, theta, rest = np.split(values, np.cumsum(sizes))
    recipe = support.recipe(found.network, found.optimizer)
    state = optimizers.start(recipe.optimizer, theta)
    X, Y = X.reshape(found.A[0].shape), Y.reshape(found.Y.shape)
    return trace(recipe, state, theta.copy(), X, Y, "batch", float(rest[0]))


def test_every_control_moves_something_and_nothing_goes_wrong(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file) as page:
        html = "() => document.querySelector('main').innerText + document.querySelector('nav').innerText + "
        seen = html + "[...document.querySelectorAll('input, select')].map((one) => one.value).join()"

        def moves(act: Any, what: str) -> None:
            before = page.run(seen)
            act()
            assert page.run(seen) != before, what

        for name in ("forward", "loss", "backward", "update", "given"):
            moves(lambda name=name: page.page.click(f"[data-stage={name}]"), name)
        moves(lambda: page.page.click("#forth"), "forth")
        moves(lambda: page.page.click("#back"), "back")
        moves(lambda: page.page.locator("#slider").press("End"), "slider")
        page.page.locator("h1").click()
        moves(lambda: page.page.keyboard.press("ArrowLeft"), "arrow")
        for name in page.run(
            "() => [...document.querySelectorAll('#notation option:not(:disabled)')].map((o) => o.value)"
        ):
            page.page.select_option("#notation", name)
            for place in range(page.run("() => bpPage.state.steps.length")):
                page.run("(place) => bpPage.go(place)", place)
                assert page.run("() => document.querySelectorAll('#step math').length") > 0
        for place in range(page.run("() => bpPage.state.data.variants.length")):
            page.page.select_option("#activation", str(place))
        page.page.select_option("#activation", "0")
        for name, value in (("#column", "1"), ("#example", "2")):
            moves(lambda name=name, value=value: page.page.select_option(name, value), name)
        for name in ("#rate", "#inputs input", "#targets input"):
            moves(lambda name=name: (page.page.locator(name).first.fill("0.5"), page.page.keyboard.press("Tab")), name)
        moves(lambda: page.page.click("#once"), "once")
        moves(lambda: page.page.click("#another"), "another")
        page.page.select_option("#speed", "10")
        page.page.click("#run")
        page.page.wait_for_function("() => bpPage.training.losses.length > 30")
        page.page.click("#run")
        assert page.text("#run") == "Run"
        assert page.run("() => bpPage.training.losses.at(-1) < bpPage.training.losses[0]")
        moves(lambda: page.page.click("#reset"), "reset")
        page.page.click("#large")
        assert page.run("() => document.body.classList.contains('large')")
        assert page.wrong == []


def test_what_is_pointed_at_says_its_shape_where_it_came_from_and_where_it_goes(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file, has_touch=True) as page:
        page.page.click("[data-stage=backward]")
        symbol = page.page.locator("#step [data-s]").nth(1)
        symbol.hover()
        said = page.text("#inspector")
        assert "Shape: " in said
        assert "It came from" in said
        assert "It goes into" in said
        page.page.locator("#inspector .chip").first.click()
        assert page.text("#inspector") != said
        page.run("() => document.querySelectorAll('#step [data-s]')[1].focus()")
        assert page.text("#inspector") == said
        page.page.locator("#step td[data-entry]").first.focus()
        assert " = " in page.text("#inspector .numbers")
        page.page.locator("svg .unit").nth(3).tap()
        assert "Unit 2 of layer 1" in page.text("#inspector")
        page.page.locator("#inspector input[type=range]").fill("1.5")
        assert "the page's own" in page.text("#whose")
        page.run("() => document.querySelectorAll('svg .hit')[2].dispatchEvent(new Event('click'))")
        assert "Weight from input 1 to unit 2 of layer 1" in page.text("#inspector")
        assert page.wrong == []


WRITTEN = """() => bpPage.state.steps.flatMap((step, place) => step.places.map((_, entry) => {
  bpPage.equations.inspector.inspect({ kind: "entry", place, entry });
  return [document.querySelector("#inspector .numbers").textContent, bpPage.state.number(place, entry)];
}))"""

IN_PYTHON = {"·": "*", "−": "-", "^": "**", "√": "sqrt", "ln": "log", "arctan": "atan"}


def test_a_number_written_out_is_what_its_arithmetic_gives(alone: OpenPage) -> None:
    lines = 0
    for name in ("standard", "binary", "brawer", "general"):
        alone.run("(name) => bpPage.chooseNotation(name)", name)
        for text, value in alone.run(WRITTEN):
            written, _, result = text.rpartition(" = ")
            assert result, (name, text)
            for sign, word in IN_PYTHON.items():
                written = written.replace(sign, word)
            if written:
                lines += 1
                assert eval(written, dict(vars(math))) == pytest.approx(value, rel=0.02, abs=2e-3), (name, text)
    assert lines > 200


SLIPS = """() => {
  const { exercises, state } = bpPage;
  const found = [];
  for (let turn = 0; turn < exercises.candidates().length; turn++) {
    exercises.ask();
    const right = exercises.slips.right(state.question);
    for (const [value, reason] of exercises.slips.of(state.question)) {
      exercises.answer.value = String(value);
      exercises.check();
      found.push([state.question.step.key, reason, document.getElementById("verdict").textContent]);
    }
    exercises.answer.value = "1234.5";
    exercises.check();
    found.push(["", "", document.getElementById("verdict").textContent]);
    exercises.answer.value = String(right);
    exercises.check();
    found.push(["right", "", document.getElementById("verdict").textContent, state.question === null]);
  }
  return found;
}"""


def test_an_exercise_knows_the_right_number_and_the_reasons_of_typical_slips(alone: OpenPage) -> None:
    reasons = ""
    for name in ("standard", "binary", "brawer", "general"):
        alone.run("(name) => bpPage.chooseNotation(name)", name)
        found = alone.run(SLIPS)
        for key, reason, verdict, *closed in found:
            if key == "right":
                assert verdict.startswith("Right")
                assert closed == [True]
            elif key:
                assert verdict.startswith("Not yet. "), (name, key, reason)
                reasons += verdict + reason
            else:
                assert "one by one" in verdict
    for words in (
        "derivative of the activation",
        "1/m",
        "sign",
        "goes uphill",
        "That is z",
        "z of the layer before",
        "bias",
    ):
        assert words in reasons, words


def shown_of(folder: Path, text: str, rows: list[int]) -> Shown:
    """A page of a table of seven examples in two classes and two numbers."""
    return written(folder, of_seven(folder, text, rows))


def of_seven(folder: Path, text: str, rows: list[int]) -> Explanation:
    """What that page explains."""
    table = [[0.5, -1.2, "a", -1.0], [1.1, 0.3, "b", 2.0], [-0.4, 0.9, "b", 0.5], [0.2, 0.1, "a", 1.0]]
    table += [[-1.3, -0.7, "b", 3.0], [0.8, -0.2, "b", -2.0], [0.1, 1.4, "a", 0.0]]
    write_table(folder / "seven.csv", ["x1", "x2", "kind", "size"], table)
    from bpcli.explaining.explanation import explain

    return explain(write_config(folder / "seven.yaml", text), [], None, rows)


SEVEN = """\
data: {path: seven.csv, target: %s, drop: %s, scale: none}
network: {hidden: [2], activation: tanh}
loss: %s
optimizer: {mode: batch, name: %s, learning_rate: %s}
"""


@pytest.mark.parametrize("examples", ["mean", "sum"])
def test_examples_bring_their_weights_and_the_mean_loss_is_that_of_all(
    chromium: Any, tmp_path: Path, examples: str
) -> None:
    loss = f"{{name: cross_entropy, examples: {examples}}}"
    text = SEVEN % ("kind", "size", loss, "gradient_descent", 0.1)
    weighted = text.replace("scale: none", "scale: none, class_weight: {a: 5.0}")
    whole = of_seven(tmp_path, weighted.replace("examples: sum", "examples: mean"), list(range(7))).updates[0]
    with opened(chromium, shown_of(tmp_path, weighted, [0, 1, 4]).file) as page:
        assert page.run("() => bpPage.training.losses[0]") == pytest.approx(whole.trace.loss, rel=TOLERANCE)
        page.page.click("#another")
        following = of_seven(tmp_path, weighted, [2, 3, 5]).updates[0]
        assert page.run("() => bpPage.state.loss") == pytest.approx(following.trace.loss, rel=TOLERANCE)
        assert page.run("() => bpPage.state.number(bpPage.state.steps.length - 1, 0)") == pytest.approx(
            float(following.trace.after.b[-1][0, 0]), rel=TOLERANCE
        )
        assert page.run("() => Object.keys(bpPage.state.choices.documents)") == ["standard"]
        page.page.click("#reset")
        page.page.select_option("#activation", "4")
        loss, engine = page.run(f"() => [bpPage.state.number({LOSS_STEP}, 0), bpPage.state.loss]")
        assert loss == pytest.approx(engine, rel=TOLERANCE)
    plain = of_seven(tmp_path, text.replace("examples: sum", "examples: mean"), list(range(7))).updates[0]
    with opened(chromium, shown_of(tmp_path, text, [0, 1, 2]).file) as page:
        assert page.run("() => bpPage.training.losses[0]") == pytest.approx(plain.trace.loss, rel=TOLERANCE)
        slips = page.run(SLIPS)
        assert any("1/m" in reason for _, reason, *_ in slips) == (examples == "mean")


LOSS_STEP = "bpPage.state.steps.findIndex((step) => step.key === 'loss')"

NEW_WEIGHT = """() => {
  const { exercises, state } = bpPage;
  const found = [];
  for (let turn = 0; turn < 40; turn++) {
    exercises.ask();
    const { step, place, entry } = state.question;
    const asked = document.getElementById("question").textContent;
    const right = state.number(place, entry);
    const old = step.key === "new_weights" ? state.inputs[state.data.inputs.theta.first
      + exercises.slips.meaning(step, entry).parameter] : null;
    exercises.answer.value = String(old ?? 1234.5);
    exercises.check();
    const verdict = document.getElementById("verdict").textContent;
    exercises.answer.value = right.toPrecision(asked.includes("Three") ? 3 : 4);
    exercises.check();
    found.push([old, verdict, document.getElementById("verdict").textContent]);
  }
  return found;
}"""


@pytest.mark.parametrize("rule", [("gradient_descent", 0.02), ("adam", 0.001)])
def test_the_old_weight_is_not_taken_for_the_new_one(chromium: Any, tmp_path: Path, rule: tuple[str, float]) -> None:
    with opened(chromium, shown_of(tmp_path, SEVEN % ("kind", "size", "cross_entropy", *rule), [0]).file) as page:
        found = page.run(NEW_WEIGHT)
    assert all(last.startswith("Right") for *_, last in found)
    of_weights = [verdict for old, verdict, _ in found if old is not None]
    assert of_weights
    assert all("That is the old weight" in verdict for verdict in of_weights)


PAINTED = "() => bpPage.state.data.examples.targets.map((aim) => bpPage.training.region.paints.of(aim))"


def test_the_regions_colours_go_from_the_lowest_target_to_the_highest(chromium: Any, tmp_path: Path) -> None:
    blue, orange = [0, 114, 178], [230, 159, 0]
    for target, loss, other in (("kind", "hinge", "size"), ("size", "half_squared_error", "kind")):
        text = SEVEN % (target, other, loss, "gradient_descent", 0.1)
        with opened(
            chromium,
            shown_of(
                tmp_path, text.replace("scale:", "scale_targets: none, scale:") if target == "size" else text, [0]
            ).file,
        ) as page:
            painted = page.run(PAINTED)
            low, high = (0, 1) if target == "kind" else (5, 4)
            assert (painted[low], painted[high]) == (blue, orange)
            halfway = page.run("() => bpPage.training.region.paints.of([%s])" % (0 if target == "kind" else 0.5))
            assert halfway == [115, 137, 89]
            assert "Blue is " in page.text("#region-part")


def test_a_hidden_number_is_nowhere_to_be_seen(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file) as page:
        page.page.click("#ask")
        asked = (
            "() => bpPage.state.question.step.places.map((_, entry) => bpPage.state.number(bpPage.state.place, entry))"
        )
        numbers = page.run(asked)
        shown = page.run("() => document.querySelector('main').innerText + document.querySelector('main').outerHTML")
        assert page.text("#step").count("?") >= len(numbers)
        assert [number for number in numbers if str(number) in shown] == []
        page.page.fill("#answer", "none")
        page.page.click("#answer-form button")
        assert "no number" in page.text("#verdict")
        page.page.click("#solve")
        assert page.text("#verdict").startswith("It is ")
        assert "?" not in page.text("#step")


def test_a_number_that_is_none_or_no_target_is_refused_with_a_word(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file) as page:
        wrong = {"#rate": ("much", "1e309"), "#inputs input >> nth=0": ("9" * 400,), "#targets input": ("7",)}
        for selector, text in ((selector, text) for selector, texts in wrong.items() for text in texts):
            page.page.fill(selector, text)
            page.page.keyboard.press("Tab")
            assert page.text("#problem")
            assert "bp's own numbers" in page.text("#whose")
            page.page.click("h1")


WIDTHS = (390, 1024, 1920)

TOO_SMALL = """() => [...document.querySelectorAll("button, select, input, .unit circle")]
  .map((one) => [one.id || one.outerHTML, one.getBoundingClientRect()])
  .filter(([, box]) => box.height > 0 && Math.min(box.height, box.width) < 43.5)
  .map(([name]) => name)"""


def test_no_page_scrolls_sideways_and_a_finger_finds_every_control(chromium: Any, small: Shown) -> None:
    for width in WIDTHS:
        with opened(chromium, small.file, viewport={"width": width, "height": 800}) as page:
            for large in (False, True):
                if large:
                    page.page.click("#large")
                for place in range(0, page.run("() => bpPage.state.steps.length"), 3):
                    page.run("(place) => bpPage.go(place)", place)
                    assert page.run("() => document.documentElement.scrollWidth") <= width, (width, large, place)
                assert page.run(TOO_SMALL) == [], width


COVERED = """() => {
  const boxes = [...document.querySelectorAll("main > section")].map((one) => [one.id, one.getBoundingClientRect()]);
  return boxes.flatMap(([name, box], place) => boxes.slice(0, place)
    .filter(([, other]) => box.left < other.right && other.left < box.right
      && box.top < other.bottom && other.top < box.bottom)
    .map(([other]) => `${name} ${other}`));
}"""
"""Pairs of sections of which one lies over the other."""


def test_no_section_lies_over_another_however_far_the_page_is_scrolled(chromium: Any, small: Shown) -> None:
    for width in WIDTHS:
        with opened(chromium, small.file, viewport={"width": width, "height": 700}) as page:
            for share in (0.3, 0.6, 1):
                page.run("(share) => scrollTo(0, share * document.documentElement.scrollHeight)", share)
                assert page.run(COVERED) == [], (width, share)


def test_a_phone_shows_the_whole_drawing_of_a_small_network(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file, viewport={"width": 390, "height": 800}) as page:
        assert page.run(
            "() => { const one = document.getElementById('drawing'); return one.scrollWidth <= one.clientWidth; }"
        )


def test_an_exercise_is_seen_together_with_its_equation(chromium: Any, small: Shown) -> None:
    for width, height in ((390, 844), (1280, 800)):
        with opened(chromium, small.file, viewport={"width": width, "height": height}) as page:
            page.page.click("#ask")
            for selector in ("#step .equation math", "#answer"):
                box = page.page.locator(selector).bounding_box()
                top = page.page.locator(".steps").bounding_box()
                assert top["y"] + top["height"] <= box["y"], (width, selector)
                assert box["y"] + box["height"] <= height, (width, selector)


def test_a_question_ends_with_the_notation_that_it_was_asked_in(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file) as page:
        for choice, value in (("#notation", "general"), ("#activation", "1"), ("#reset", "")):
            page.page.click("#ask")
            if value:
                page.page.select_option(choice, value)
            else:
                page.page.click(choice)
            assert page.text("#question") == ""
            assert not page.page.is_visible("#answer-form")
        page.page.click("#ask")
        page.page.fill("#answer", "0.123")
        page.page.click("#answer-form button")
        assert page.text("#verdict")
        assert page.wrong == []


def test_layers_of_the_drawing_have_the_numbers_of_the_notation(alone: OpenPage) -> None:
    for name, words in (
        ("standard", ["inputs", "layer 1", "layer 2: outputs"]),
        ("brawer", ["inputs", "layer 2", "layer 3: outputs"]),
    ):
        alone.run("(name) => bpPage.chooseNotation(name)", name)
        assert alone.run("() => [...document.querySelectorAll('.heading')].map((one) => one.textContent)") == words


def test_pictures_of_training_say_what_their_axes_and_colours_are(alone: OpenPage) -> None:
    assert "loss, mean of 6 examples" in alone.text("#curve")
    inputs = alone.run("() => bpPage.state.data.names.inputs")
    legend = alone.text("#region-scale").replace("\u2068", "").replace("\u2069", "")
    assert (
        legend == f"{inputs[0]} grows to the right, {inputs[1]} upwards. Blue is c = 1 0 and less, orange 1 and more."
    )


def test_the_choice_of_a_row_says_which_is_shown(chromium: Any, small: Shown) -> None:
    with opened(chromium, small.file) as page:
        shown = "() => document.getElementById('example').value"
        assert page.run(shown) == "0"
        page.page.click("#another")
        assert page.run(shown) == "3"
        page.page.locator("#inputs input").first.fill("0.123")
        page.page.keyboard.press("Tab")
        assert page.run(shown) == ""


def test_a_finger_finds_every_unit_of_the_widest_layer(
    chromium: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "variants", lambda *given: islice(variants(*given), 1))
    shown = written(tmp_path, explained(tmp_path, "number", f"network.hidden=[{MOST_UNITS}]", document="standard"))
    for width in WIDTHS:
        with opened(chromium, shown.file, viewport={"width": width, "height": 800}) as page:
            assert page.run(TOO_SMALL) == []
            assert page.run("() => document.documentElement.scrollWidth") <= width


HOSTILE = ["</script><img src=x onerror=alert(1)>", "\"'><b>&amp;", "\u202egpj", "אב", "a\u2028b"]


def test_names_of_columns_and_classes_are_text_whatever_is_in_them(chromium: Any, tmp_path: Path) -> None:
    classes = ["<script>alert(1)</script>", "\u202ex", "'\"&"]
    rows = [[place, 5 - place, place * place, 1.5 * place, -place, classes[place % 3]] for place in range(6)]
    write_table(tmp_path / "table.csv", [*HOSTILE, "kind"], rows)
    text = "data: {path: table.csv, target: kind}\nnetwork: {hidden: [2]}\nloss: cross_entropy\n"
    config = write_config(tmp_path / "hostile.yaml", text)
    from bpcli.explaining.explanation import explain

    shown = written(tmp_path, explain(config, [], None, [0]))
    with opened(chromium, shown.file) as page:
        assert page.run("() => document.querySelectorAll('img, main b:not(#loss), script:not([type])').length") == 0
        found = page.run("() => [...document.querySelectorAll('#inputs bdi')].map((one) => one.textContent)")
        assert found == HOSTILE
        options = page.run("() => [...document.querySelectorAll('#targets option')].map((one) => one.textContent)")
        assert sorted(option[1:-1] for option in options) == sorted(classes)
        page.page.select_option("#targets select", "2")
        assert page.run("() => bpPage.state.inputs[bpPage.state.data.inputs.targets.first]") == 2
        assert "the page's own" in page.text("#whose")
        page.page.locator("svg .unit").first.focus()
        assert HOSTILE[0] in page.text("#inspector")
        assert page.wrong == []


def test_a_name_as_long_as_a_page_makes_no_page_as_wide(chromium: Any, tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ["x" * 10_000, "y"], [[place, place % 2] for place in range(6)])
    text = "data: {path: t.csv, target: y, task: classification}\nloss: cross_entropy\n"
    from bpcli.explaining.explanation import explain

    shown = written(tmp_path, explain(write_config(tmp_path / "t.yaml", text), [], None, [0]))
    with opened(chromium, shown.file) as page:
        assert page.run("() => document.documentElement.scrollWidth <= innerWidth")
        assert page.text("#inputs").strip().startswith("x" * 19 + "…x")


def test_numbers_that_are_not_finite_are_shown_as_they_are(chromium: Any, tmp_path: Path) -> None:
    text = SEVEN % ("size", "kind", "half_squared_error", "gradient_descent", 1e200)
    text = f"dtype: float64\n{text.replace('scale:', 'scale_targets: none, scale:')}"
    far = [[0.5, -1.2, "a", 1e200], [1.1, 0.3, "b", -1e200], [-0.4, 0.9, "b", 0.5]]
    from bpcli.explaining.explanation import explain

    write_table(tmp_path / "seven.csv", ["x1", "x2", "kind", "size"], far)
    shown = written(tmp_path, explain(write_config(tmp_path / "far.yaml", text), [], None, [0]))
    with opened(chromium, shown.file) as page:
        assert page.text("#loss") == "∞"
        assert "Infinity" not in page.text("#whose")
        page.page.click("#once")
        page.page.click("#once")
        assert "diverged" in page.text("#training-report")
        assert page.run("() => bpPage.training.region.paints.of([NaN])") == [128, 128, 128]
        page.page.click("#reset")
        page.run("() => { bpPage.state.engine = { array: () => [3], entry: () => 3 }; }")
        assert page.run("() => [bpPage.state.loss, bpPage.state.entry('loss', 0, 0)].map(String)") == ["NaN", "NaN"]
        assert page.wrong == []


def test_an_added_script_or_request_is_stopped_by_the_policy(chromium: Any, small: Shown, tmp_path: Path) -> None:
    added = "<script>document.title = 'run'</script><img src='https://example.org/x.png'><p style='color: red'>p</p>"
    file = tmp_path / "added.html"
    file.write_text(small.file.read_text(encoding="utf-8").replace("</main>", f"</main>{added}"), encoding="utf-8")
    with opened(chromium, file) as page:
        assert page.page.title() != "run"
        assert [line for line in page.wrong if line.startswith("request")] == []
        assert {line for line in page.wrong if line.startswith("console: policy")} == {
            "console: policy: img-src",
            "console: policy: script-src-elem",
            "console: policy: style-src-attr",
        }
