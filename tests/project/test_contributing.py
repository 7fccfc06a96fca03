"""The examples of CONTRIBUTING.md, put where the page says: each works as it stands there."""

from __future__ import annotations
import __future__

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.data.encoding.scaling import learn_scaling
from tests.cli.support import good, points, process, read_metrics, write_config
from tests.data.support import summarised

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^## To add ", PAGE, flags=re.MULTILINE)[1:]}

CONFIG = """
    seed: 3
    dtype: float64
    data: {path: points.csv}
    network: {hidden: [4, 3], activation: tanh}
    loss: half_squared_error
    optimizer: {mode: mini_batch, batch_size: 7, learning_rate: 0.2}
    epochs: 2
    """

HEADER = """
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
import numpy as np
from annotated_types import Ge, Le
from bpcli.nn.parameters import Parameters
"""
"""What a module needs to import besides what it has."""


@dataclass(frozen=True)
class Recipe:
    """An example of the page: where it goes, its line of the registry, and how a config asks for it."""

    section: str
    changes: tuple[str, ...] = ()
    explained: bool = False

    def put_in_place(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Define the class in the module that the page names, and list it; return the module."""
        text = SECTIONS[self.section]
        module_path = re.findall(r"In\s`bpcli/([\w/]+)\.py`", text)[-1]
        module = importlib.import_module("bpcli." + module_path.replace("/", "."))
        package = importlib.import_module(module.__name__.rpartition(".")[0])
        block = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        line = re.search(r"\"(\w+)\": (\w+)", text)
        registry = re.search(r"\bin\s`([A-Z]+)`", text)
        assert block is not None
        assert line is not None
        assert registry is not None
        place = {**vars(module), "__name__": module.__name__}
        flags = __future__.annotations.compiler_flag
        exec(compile(HEADER + block[1], module_path, "exec", flags), place)
        for name in place.keys() - vars(module).keys():
            monkeypatch.setattr(module, name, place[name], raising=False)
        holder = module if hasattr(module, registry[1]) else package
        monkeypatch.setitem(getattr(holder, registry[1]), line[1], place[line[2]])
        return module


RECIPES = [
    Recipe("an activation", ("network.activation=scaled_tanh",), explained=True),
    Recipe("a loss", ("loss=log_absolute_error",), explained=True),
    Recipe("a metric", ("data.target=y", "data.drop=tree", "metrics=[mae, {name: quantile_error, level: 0.5}]")),
    Recipe("a penalty", ("penalties=[{name: cauchy, strength: 0.05}]",)),
    Recipe("an update rule", ("optimizer.name=damped_momentum", "optimizer.learning_rate=0.3")),
    Recipe("a schedule", ("optimizer.schedule=logarithmic",)),
    Recipe("a layer", ("network.hidden=[{name: jittered, units: 4}, 3]",)),
]

every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.section for recipe in RECIPES])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv", 40)
    write_config(tmp_path / "recipe.yaml", CONFIG)
    return tmp_path


def test_every_example_of_the_page_is_tested() -> None:
    assert {recipe.section for recipe in RECIPES} | {"a scaling"} == set(SECTIONS)


@every_recipe
def test_an_example_trains_and_reruns_to_the_same_bytes(
    recipe: Recipe, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.put_in_place(monkeypatch)
    for words in (("recipe.yaml", "--run", "usual"), ("recipe.yaml", *recipe.changes, "--run", "run")):
        good("train", *words, "engine=numpy", "--quiet", cwd=folder)
    good("train", "run/config.yaml", "--run", "again", "--quiet", cwd=folder)
    for file in ("config.yaml", "metrics.csv", "model.safetensors"):
        assert (folder / "again" / file).read_bytes() == (folder / "run" / file).read_bytes()
    file = "metrics.csv" if recipe.section == "a metric" else "model.safetensors"
    assert (folder / "usual" / file).read_bytes() != (folder / "run" / file).read_bytes()


@every_recipe
@pytest.mark.parametrize("method", ["complex-step", "central"])
def test_an_example_passes_the_gradient_check(
    recipe: Recipe, method: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.put_in_place(monkeypatch)
    good("gradcheck", "recipe.yaml", *recipe.changes, "--method", method, cwd=folder)


@every_recipe
def test_an_examples_updates_agree_with_what_it_states(
    recipe: Recipe, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.put_in_place(monkeypatch)
    good("stepcheck", "recipe.yaml", *recipe.changes, "--engine", "numpy", cwd=folder)


@every_recipe
def test_an_example_is_compiled(recipe: Recipe, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    from bpcli.training.compiled import steps
    from tests.training.compiled.support import interpreted

    recipe.put_in_place(monkeypatch)
    monkeypatch.setattr(steps, "load_kernel", interpreted)
    good("train", "recipe.yaml", *recipe.changes, "engine=numba", "--run", "numba", "--quiet", cwd=folder)
    good("train", "recipe.yaml", *recipe.changes, "engine=numpy", "--run", "numpy", "--quiet", cwd=folder)
    for one, other in zip(read_metrics(folder / "numba"), read_metrics(folder / "numpy"), strict=True):
        assert one == pytest.approx(other, rel=1e-10)


@pytest.mark.parametrize(
    "recipe", [recipe for recipe in RECIPES if recipe.explained], ids=lambda recipe: recipe.section
)
def test_an_example_is_explained(recipe: Recipe, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe.put_in_place(monkeypatch)
    for form in ("text", "latex"):
        good("explain", "recipe.yaml", *recipe.changes, "--document", "general", "--format", form, cwd=folder)


def test_the_examples_are_a_plugin_below_the_imports_of_the_page(folder: Path) -> None:
    """All but the layer, in one file; it is loaded in a process of its own."""
    imports = re.search(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert imports is not None
    pluggable = [recipe for recipe in RECIPES if recipe.section != "a layer"]
    texts = [SECTIONS[recipe.section] for recipe in pluggable]
    blocks = [re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0] for text in texts]
    lines = [re.findall(r"\"\w+\": \w+", text)[0] for text in texts]
    registries = [re.findall(r"\bin\s`([A-Z]+)`", text)[0] for text in texts]
    dicts = [f"{registry} = {{{line}}}\n" for registry, line in zip(registries, lines, strict=True)]
    (folder / "own.py").write_text("\n\n".join([imports[1], *blocks, *dicts]), encoding="utf-8")
    changes = [change for recipe in pluggable for change in recipe.changes]
    done = process("train", "recipe.yaml", *changes, "--plugin", "own.py", "--run", "own", "--quiet", cwd=folder)
    assert (done.status, done.err) == (0, "")


def test_the_example_of_a_scaling_learns_from_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    Recipe("a scaling").put_in_place(monkeypatch)
    values = np.array([[1.0, 0], [-4, 0]])
    scaling = learn_scaling("max_abs", summarised(values), ["a", "b"], "t.csv")
    np.testing.assert_array_equal(scaling.apply(values), [[0.25, 0], [-1, 0]])
