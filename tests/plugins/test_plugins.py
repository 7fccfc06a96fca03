"""--plugin: choices of one's own are choices like any other, and refused where they break the law of their kind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bpcli.choices import PLUGINS
from bpcli.config.choice import faults_of_settings
from bpcli.config.registries import KINDS
from bpcli.plugins.checks import LAWS
from bpcli.plugins.members import faults_of_form
from bpcli.training.compiled import steps
from tests.cli.support import bp, good, points, read_metrics, read_record, write_config
from tests.training.compiled.support import interpreted

CHOICES = Path(__file__).with_name("choices.py")

CONFIG = """
    seed: 3
    dtype: float64
    data: {path: points.csv, split: {test: 0.2}}
    network: {hidden: [{units: 4, activation: bent}]}
    loss: fourth_power
    penalties: [quartic]
    optimizer: {name: signed, schedule: {name: halving, epochs_each: 1}}
    metrics: [accuracy, wrong_share, right_share]
    epochs: 3
"""


@pytest.fixture(autouse=True)
def unlisted() -> Iterator[None]:
    """Afterwards the registries are as before, as in a new process."""
    before: list[tuple[Any, dict[str, Any]]] = [(kind.registry, dict(kind.registry)) for kind in KINDS.values()]
    yield
    for registry, entries in before:
        for name in set(registry) - set(entries):
            del registry[name]
    PLUGINS.clear()
    for name in [name for name in sys.modules if name.startswith("bp_plugin_")]:
        del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv", 50)
    write_config(tmp_path / "own.yaml", CONFIG)
    (tmp_path / "own.py").write_text(CHOICES.read_text())
    return tmp_path


def forget() -> None:
    """As a new process begins: nothing is loaded."""
    for kind in KINDS.values():
        for name in [name for name, own in kind.registry.items() if own.__module__.startswith("bp_plugin_")]:
            del kind.registry[name]  # type: ignore[attr-defined]
    PLUGINS.clear()


def test_choices_of_ones_own_train_and_are_used_again(folder: Path) -> None:
    good("train", "own.yaml", "--plugin", "own.py", "engine=numpy", "--run", "run", "--quiet", cwd=folder)
    rows = read_metrics(folder / "run")
    assert [row["learning_rate"] for row in rows] == [0.05, 0.025, 0.0125]
    for row in rows:
        assert row["wrong_share"] == pytest.approx(1 - row["accuracy"])
    assert rows[-1]["loss"] < rows[0]["loss"]
    report = good("evaluate", "run", "--plugin", "own.py", "--json", cwd=folder).json
    assert report["metrics"]["wrong_share"] == pytest.approx(read_record(folder / "run")["final"]["test_wrong_share"])
    assert good("predict", "run", "--split", "test", "--plugin", "own.py", cwd=folder).out.startswith("row,prediction")


@pytest.mark.parametrize(
    "compiles", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["interpreted", "compiled"]
)
def test_both_engines_give_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch, *, compiles: bool) -> None:
    pytest.importorskip("numba")
    if not compiles:
        monkeypatch.setattr(steps, "load_kernel", interpreted)
    for engine in ("numpy", "numba"):
        good("train", "own.yaml", "--plugin", "own.py", f"engine={engine}", "--run", engine, "--quiet", cwd=folder)
    for one, other in zip(read_metrics(folder / "numpy"), read_metrics(folder / "numba"), strict=True):
        assert one == pytest.approx(other, rel=1e-9)


def test_they_are_checked_and_explained_like_any_other(folder: Path) -> None:
    assert good("gradcheck", "own.yaml", "--plugin", "own.py", "--json", cwd=folder).json["passed"]
    assert good("stepcheck", "own.yaml", "--plugin", "own.py", "--engine", "numpy", "--json", cwd=folder).json["passed"]
    explained = good("explain", "own.yaml", "penalties=null", "--plugin", "own.py", "--document", "general", cwd=folder)
    assert "√" in explained.out
    assert "bent" in good("list", "activations", "--plugin", "own.py", cwd=folder).out
    assert "fourth_power" in good("config", "schema", "--plugin", "own.py", cwd=folder).out
    good("config", "check", "own.yaml", "--plugin", "own.py", cwd=folder)


def test_a_config_alone_runs_no_code(folder: Path) -> None:
    result = bp("train", "own.yaml", cwd=folder)
    assert result.status == 2
    assert "there is no activation 'bent'" in result.err


def test_the_run_asks_for_the_file_that_it_was_trained_with(folder: Path) -> None:
    good("train", "own.yaml", "--plugin", "own.py", "--run", "run", "--quiet", cwd=folder)
    recorded = read_record(folder / "run")["plugins"]
    assert list(recorded) == ["own.py"]
    for words in (["evaluate", "run"], ["predict", "run", "--split", "test"], ["gradcheck", "run"]):
        forget()
        result = bp(*words, cwd=folder)
        assert result.status == 2, words
        assert "the model was trained with the choices of own.py" in result.errors[0]
        assert result.errors[1] == "hint: add --plugin own.py"


def test_runs_are_ranked_by_a_metric_of_ones_own_as_it_says(folder: Path) -> None:
    for name, rate in (("poor", "1e-9"), ("good", "0.05")):
        rates = [f"optimizer.learning_rate={rate}", "epochs=10"]
        good("train", "own.yaml", "--plugin", "own.py", *rates, "--run", f"runs/{name}", "--quiet", cwd=folder)
    for metric in ("test_wrong_share", "test_right_share"):
        rows = good("runs", "--plugin", "own.py", "--by", metric, "--json", cwd=folder).json["runs"]
        assert [Path(row["run"]).name for row in rows] == ["good", "poor"], metric
    forget()
    result = bp("runs", "--by", "test_right_share", cwd=folder)
    assert result.status == 2
    assert result.errors[0].endswith("test_right_share is a metric of own.py")
    assert result.errors[1] == "hint: add --plugin own.py"
    good("runs", "--by", "test_loss", cwd=folder)


def test_a_file_that_has_changed_is_refused(folder: Path) -> None:
    good("train", "own.yaml", "--plugin", "own.py", "--run", "run", "--quiet", cwd=folder)
    forget()
    with (folder / "own.py").open("a") as file:
        file.write("\n# another version\n")
    result = bp("evaluate", "run", "--plugin", "own.py", cwd=folder)
    assert result.status == 3
    assert "own.py is not the file that the model was trained with" in result.errors[0]


def test_a_run_without_plugins_records_none(folder: Path) -> None:
    plain = ["network.hidden=[4]", "loss=cross_entropy", "penalties=null", "optimizer={}", "metrics=null"]
    good("train", "own.yaml", *plain, "--run", "run", "--quiet", cwd=folder)
    assert read_record(folder / "run")["plugins"] == {}
    assert "plugins" not in json.loads(safetensors_header(folder / "run/model.safetensors"))


def safetensors_header(path: Path) -> str:
    from tests.cli.support import read_tensors

    return str(read_tensors(path)[1]["bp"])


# What is wrong is refused, with the figures.

MISTAKES = {
    "a wrong derivative": (
        "np.divide(dA, matrix, out)",
        "np.multiply(dA, 1.001, out); np.divide(out, matrix, out)",
        "activation bent: backward is not the transpose of forward's derivative: ⟨u, J v⟩ is ",
    ),
    "a wrong formula": (
        r'formula: ClassVar[str] = r"\frac{<z>}{',
        r'formula: ClassVar[str] = r"\frac{1.001 \cdot <z>}{',
        "activation bent: the stated formula is not forward: the loss is ",
    ),
    "a wrong range": (
        "(-1.0, 1.0)",
        "(-0.5, 0.5)",
        "activation bent: its values run from -0.999445 to 0.999445, outside its range [-0.5, 0.5]",
    ),
    "a wrong loss gradient": (
        "np.multiply(out, scale, out)",
        "np.multiply(out, 0.5 * scale, out)",
        "loss fourth_power: ∂L/∂W1[",
    ),
    "a rule that is not its equations": (
        "np.multiply(root, rate, root)",
        "np.multiply(root, 1.01 * rate, root)",
        "optimizer signed: update 1 is not its stated equations: W1[",
    ),
    "a rule with a hidden memory": (
        "np.divide(g, root, root)",
        (
            "np.divide(g, root, root)\n"
            "        state.buffers['count'] = state.buffers.get('count', 0) + 1\n"
            "        np.divide(root, state.buffers['count'], root)"
        ),
        "it keeps something besides its declared memory",
    ),
    "a schedule that is not its formula": (
        'return {"factor": 0.5',
        'return {"factor": 0.6',
        "schedule halving: the rate of update 12 is 0.05, by its formula 0.06",
    ),
    "a schedule that depends on how many rates are asked for": (
        "return base * 0.5 ** (updates //",
        "return base / len(updates) * 0.5 ** (updates //",
        "schedule halving: the rate of update 0 is ",
    ),
    "a penalty with another derivative": (
        "(0.25 * self.strength)",
        "(0.5 * self.strength)",
        "penalty quartic: ∂/∂θ[0] of what it adds to the loss is ",
    ),
    "a member that is missing": (
        '    usual_initializer: ClassVar[str] = "glorot"\n',
        "",
        "activation bent: it has no usual_initializer: The name of the initializer that keeps the variance of ",
    ),
    "a class that is not frozen": (
        "@dataclass(frozen=True)\nclass Bent",
        "@dataclass\nclass Bent",
        "activation bent: it is not frozen: @dataclass(frozen=True)",
    ),
    "a setting without a default": (
        "strength: Annotated[float, Ge(0)] = 0.01",
        "strength: Annotated[float, Ge(0)]",
        "penalty quartic: its setting strength has no default",
    ),
    "a setting with the name of another key": (
        "strength: Annotated[float, Ge(0)] = 0.01",
        "strength: Annotated[float, Ge(0)] = 0.01; name: str = ''",
        "penalty quartic: its setting name has the name of another key",
    ),
    "a setting of a type that no key has": (
        "strength: Annotated[float, Ge(0)] = 0.01",
        "strength: Annotated[float, Ge(0)] = 0.01; table: np.ndarray = None",
        "penalty quartic: its settings can't be keys of a config: Unable to generate pydantic-core schema for ",
    ),
    "a default that the setting may not have": (
        "strength: Annotated[float, Ge(0)] = 0.01",
        "strength: Annotated[float, Ge(0)] = -0.01",
        "penalty quartic: its setting strength is -0.01 by default: Input should be greater than or equal to 0",
    ),
    "an initializer that there is not": (
        'usual_initializer: ClassVar[str] = "glorot"',
        'usual_initializer: ClassVar[str] = "glorott"',
        "activation bent: its usual_initializer is 'glorott', and there is none; did you mean 'glorot'?",
    ),
    "a name that exists": (
        '{"bent": Bent}',
        '{"relu": Bent}',
        "activation 'relu' exists already",
    ),
    "code that fails": (
        "np.sqrt(out, out)",
        "np.squirt(out, out)",
        "activation bent: AttributeError: ",
    ),
    "code that ends Python": (
        "np.sqrt(out, out)",
        "raise SystemExit(0)",
        "activation bent: SystemExit: 0",
    ),
    "a file that ends Python": (
        "ACTIVATIONS = ",
        "raise SystemExit; X = ",
        "error: own.py:",
    ),
    "a file that changes Python": (
        "ACTIVATIONS = ",
        "import builtins; builtins.len = None; ACTIVATIONS = ",
        "error: own.py: it changes what len means to all of Python",
    ),
    "a file that fails": (
        "ACTIVATIONS = ",
        "ACTIVATIONS = undefined; X = ",
        "NameError: name 'undefined' is not defined",
    ),
    "a file that is not Python": (
        "ACTIVATIONS = ",
        "ACTIVATIONS == = ",
        "SyntaxError: ",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_choice_that_breaks_the_law_of_its_kind_is_refused_with_the_figures(folder: Path, mistake: str) -> None:
    before, after, wanted = MISTAKES[mistake]
    text = CHOICES.read_text()
    assert before in text
    (folder / "own.py").write_text(text.replace(before, after))
    result = bp("train", "own.yaml", "--plugin", "own.py", "--run", "run", cwd=folder)
    assert result.status == 2, result
    assert any(wanted in line for line in result.errors), result.err
    assert all("own.py" in line for line in result.errors if line.startswith("error: "))
    assert not (folder / "run").exists()
    assert "bent" not in KINDS["activations"].registry


FORGETFUL = """
class Forgetful(Decisions):
    \"\"\"Forgets what came before.\"\"\"

    kind = "forgetful"

    def merge(self, other):
        self.sums[...] = other.sums


WrongShare.tally_kind = Forgetful
"""


def test_a_metric_whose_parts_do_not_give_the_whole_is_refused(folder: Path) -> None:
    (folder / "own.py").write_text(CHOICES.read_text() + FORGETFUL)
    result = bp("train", "own.yaml", "--plugin", "own.py", cwd=folder)
    assert result.status == 2
    assert "metric wrong_share: counted in three parts it is " in result.err


def test_what_a_file_prints_is_no_result(folder: Path) -> None:
    text = CHOICES.read_text().replace("np.sqrt(out, out)", "np.sqrt(out, out)\n        print('checked')", 1)
    (folder / "own.py").write_text(f"{text}\nprint('loaded')\n")

    result = good("config", "schema", "--plugin", "own.py", cwd=folder)

    assert {"loaded", "checked"} <= set(result.errors)
    assert result.out.startswith("{")


def test_a_loss_may_have_an_output_of_its_own_file(folder: Path) -> None:
    stated = 'usual_output: ClassVar[str] = "'
    text = CHOICES.read_text()
    assert f'{stated}identity"' in text
    (folder / "own.py").write_text(text.replace(f'{stated}identity"', f'{stated}bent"'))

    assert "bent" in good("list", "activations", "--plugin", "own.py", cwd=folder).out


def test_a_file_without_choices_or_absent_is_refused(folder: Path) -> None:
    (folder / "own.py").write_text("x = 1\n")
    result = bp("train", "own.yaml", "--plugin", "own.py", cwd=folder)
    assert (result.status, result.errors[0]) == (2, "error: own.py: it defines no choices")
    assert bp("train", "own.yaml", "--plugin", "none.py", cwd=folder).errors[0] == "error: none.py: no such file"


def test_code_that_fails_in_training_is_the_users_own(folder: Path) -> None:
    text = CHOICES.read_text().replace(
        "        s, root, g = ",
        "        if state.step > 12:\n            raise ValueError('enough')\n        s, root, g = ",
    )
    (folder / "own.py").write_text(text)
    result = bp("train", "own.yaml", "--plugin", "own.py", "engine=numpy", "epochs=20", cwd=folder)
    assert result.status == 2
    assert result.errors[-2].endswith(": ValueError: enough")
    assert "own.py:" in result.errors[-2]


def test_bps_own_choices_obey_the_laws_that_a_file_of_choices_is_held_to() -> None:
    from bpcli.nn.optimizers.second_order.rule import SecondOrder

    for key, law in LAWS.items():
        for name, kind in KINDS[key].registry.items():
            if not isinstance(kind(), SecondOrder):
                faults = [*faults_of_form(kind, law.protocol, {"name"}), *faults_of_settings(kind), *law.faults(kind)]
                assert faults == [], name
