"""Registries that grow: what is listed has keys at once, and what is not has none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
from annotated_types import Ge, Gt

from bpcli import experiment
from bpcli.choices import IfMissing
from bpcli.cli.listing import listing
from bpcli.config.document import dump
from bpcli.config.registries import KINDS, offered
from bpcli.config.schema import json_schema
from bpcli.experiment import Experiment
from bpcli.nn import IndexArray
from bpcli.nn.activations import ACTIVATIONS, Activation, LeakyRelu, Relu, Tanh
from bpcli.nn.clipping import CLIPPINGS, ByNorm, ByValue
from bpcli.nn.initializers import Glorot, He, Initializer, Lecun
from bpcli.nn.layers import LAYERS, Dense
from bpcli.nn.parameters import Parameters
from bpcli.nn.penalties import PENALTIES
from bpcli.nn.schedules import SCHEDULES, Constant, Course, Schedule

from .support import BASE, config, mistakes, read, write

TABLE = "a,b,kind\n" + "1,2,x\n3,5,y\n" * 6


@dataclass(frozen=True)
class Shrinking:
    """A transformation, for a penalty or a clipping."""

    strength: Annotated[float, Gt(0)] = 0.5
    per_example: bool = False

    kinks: ClassVar[tuple[float, ...]] = ()
    term: ClassVar[str] = "0"

    def apply(self, parameters: Parameters, gradient: Parameters, scratch: Parameters, weight: Any) -> Any:
        """Change nothing."""
        return 0.0


@dataclass(frozen=True)
class Delayed:
    """A schedule that hands over to another."""

    updates: Annotated[int, Ge(0)] = 3
    then: Schedule = field(default_factory=Constant)

    def rates(self, base: float, updates: IndexArray, course: Course) -> Any:
        """The other's rates."""
        return self.then.rates(base, updates, course)


@dataclass(frozen=True)
class Dropping:
    """A layer with a setting more."""

    units: Annotated[int, Ge(1), IfMissing("give the layer's width")]
    activation: Activation
    initializer: Initializer = field(default_factory=Glorot)
    share: Annotated[float, Ge(0)] = 0.0


def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every penalty and every clipping from its registry."""
    for registry in (PENALTIES, CLIPPINGS):
        for name in reversed(list(registry)):  # undone in the reverse order, which is then as before
            monkeypatch.delitem(registry, name)


@pytest.fixture
def emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two registries without entries."""
    empty(monkeypatch)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry alone in two registries, and two more in another."""
    empty(monkeypatch)
    monkeypatch.setitem(PENALTIES, "shrinking", Shrinking)
    monkeypatch.setitem(CLIPPINGS, "cutting", Shrinking)
    monkeypatch.setitem(SCHEDULES, "constant", Constant)
    monkeypatch.setitem(SCHEDULES, "delayed", Delayed)


@pytest.fixture
def second_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second kind of hidden layer."""
    monkeypatch.setitem(LAYERS, "dropping", Dropping)


def built(folder: Path, text: str, *changes: str) -> Experiment:
    write(folder, TABLE, "table.csv")
    return experiment.build(read(folder, text, *changes))


def rebuilt(first: Experiment, folder: Path) -> Experiment:
    """The experiment of the config that another one resolves to."""
    return built(folder, dump(first.resolved))


def keys(section: str) -> set[str]:
    """The keys of a section in the JSON schema."""
    return set(json_schema()["$defs"][section]["properties"])


EMPTY = {"penalties": "shrinking", "optimizer.clip": "cutting"}


@pytest.mark.usefixtures("emptied")
@pytest.mark.parametrize("key", EMPTY)
@pytest.mark.parametrize("value", ["shrinking", "[]", "[{name: shrinking}]", "{name: shrinking}", "3"])
def test_key_whose_registry_is_empty_does_not_exist(key: str, value: str, tmp_path: Path) -> None:
    section, _, last = key.rpartition(".")
    unknown = f"optimizer: gradient_descent has no setting '{last}'" if section else f"unknown key '{last}'"

    told = mistakes(tmp_path, BASE, f"{key}={value}")

    assert told[0] == f"error: command line: {key}={value}: {unknown}"
    assert len(told) == 2
    assert last not in told[1]


@pytest.mark.usefixtures("emptied")
def test_schema_and_list_show_no_kind_that_offers_no_choice() -> None:
    assert "penalties" not in json_schema()["properties"]
    assert "clip" not in keys("Adam")
    assert "name" not in keys("HiddenSection")
    assert {"schedules", "keeps", "columns"} <= set(offered())
    assert not {"layers"} & set(offered())
    assert set(KINDS) > set(offered())


def test_experiment_without_them_has_no_penalty_no_clipping_and_a_constant_rate(tmp_path: Path) -> None:
    made = built(tmp_path, BASE)

    assert (made.recipe.penalties, made.recipe.clip, made.recipe.schedule) == ((), None, Constant())


@pytest.mark.parametrize(
    ("given", "made", "written"),
    [
        ("{norm: 2}", ByNorm(2.0), {"norm": 2.0}),
        ("{name: norm, norm: 2}", ByNorm(2.0), {"norm": 2.0}),
        ("{value: 0.5}", ByValue(0.5), {"value": 0.5}),
    ],
)
def test_a_choice_is_named_by_a_setting_of_its_own_name(given: str, made: Any, written: Any, tmp_path: Path) -> None:
    first = built(tmp_path, BASE, f"optimizer.clip={given}")

    assert first.recipe.clip == made
    assert first.resolved["optimizer"]["clip"] == written
    assert rebuilt(first, tmp_path).recipe == first.recipe
    assert config(tmp_path, BASE, "optimizer.clip.norm=3").optimizer.clip == ByNorm(3.0)


@pytest.mark.parametrize(
    ("given", "what", "hint"),
    [
        ("{norm: 1, value: 2}", "optimizer.clip has both norm and value", "keep one"),
        ("{nrm: 1}", "optimizer.clip has no name", "choose from norm, value"),
        ("norm", "optimizer.clip.norm is required", "give the largest length, for example clip: {norm: 1.0}"),
        ("{norm: 0}", "optimizer.clip.norm is 0", "it must be greater than 0"),
        ("{norm: 1, foo: 2}", "clip: norm has no setting 'foo'", "choose from norm"),
    ],
)
def test_mistakes_in_such_a_choice_are_told(given: str, what: str, hint: str, tmp_path: Path) -> None:
    told = mistakes(tmp_path, BASE, f"optimizer.clip={given}")

    assert told == [f"error: command line: optimizer.clip={given}: {what}", f"hint: {hint}"]


CHOSEN = (
    BASE
    + """\
penalties: [shrinking, {name: shrinking, strength: 2}]
optimizer: {name: adam, clip: {name: cutting, strength: 0.1}, schedule: {name: delayed, then: delayed}}
"""
)


@pytest.mark.usefixtures("listed")
def test_key_exists_once_its_registry_has_an_entry(tmp_path: Path) -> None:
    made = config(tmp_path, CHOSEN)

    assert made.penalties == (Shrinking(), Shrinking(2.0))
    assert made.optimizer.clip == Shrinking(0.1)
    assert made.optimizer.schedule == Delayed(then=Delayed())
    assert "penalties" in json_schema()["properties"]
    assert keys("Adam") >= {"clip", "schedule", "beta1"}
    assert keys("Delayed") == {"name", "updates", "then"}


@pytest.mark.usefixtures("listed")
def test_chosen_entries_are_part_of_the_experiment_and_of_its_rerun(tmp_path: Path) -> None:
    first = built(tmp_path, CHOSEN)
    second = rebuilt(first, tmp_path)

    assert second.resolved == first.resolved
    assert second.recipe.penalties == first.recipe.penalties == (Shrinking(), Shrinking(2.0))
    assert second.recipe.clip == first.recipe.clip == Shrinking(0.1)
    assert second.recipe.schedule == first.recipe.schedule == Delayed(then=Delayed())
    assert first.resolved["optimizer"]["schedule"] == {
        "name": "delayed",
        "updates": 3,
        "then": {"name": "delayed", "updates": 3, "then": "constant"},
    }


@pytest.mark.usefixtures("listed")
def test_overrides_enter_nested_choices(tmp_path: Path) -> None:
    changes = ["penalties=shrinking", "optimizer.clip=cutting", "optimizer.clip.strength=3"]
    made = config(tmp_path, BASE, *changes, "optimizer.schedule.name=delayed", "optimizer.schedule.then=constant")

    assert made.penalties == (Shrinking(),)
    assert made.optimizer.clip == Shrinking(3.0)
    assert made.optimizer.schedule == Delayed(then=Constant())
    kept = config(tmp_path, CHOSEN, "optimizer.name=momentum").optimizer
    assert (kept.clip, kept.schedule) == (Shrinking(0.1), Delayed(then=Delayed()))


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize(
    ("change", "what", "hint"),
    [
        ("penalties=[l3]", "penalties.0: there is no penalty 'l3'", "choose from shrinking"),
        ("penalties={strength: 1}", "penalties.0 has no name", "choose from shrinking"),
        ("optimizer.clip=cuting", "optimizer.clip: there is no clipping 'cuting'",
         "did you mean 'cutting'? (choose from cutting)"),
        ("optimizer.clip={name: cutting, strength: 0}", "optimizer.clip.strength is 0", "it must be greater than 0"),
        ("optimizer.schedule={name: delayed, then: {name: delayed, update: 3}}",
         "then: delayed has no setting 'update'", "did you mean 'updates'? (choose from updates, then)"),
        ("optimizer.schedule={name: delayed, updates: 1.5}", "optimizer.schedule.updates is 1.5",
         "it must be a whole number"),
    ],
)  # fmt: skip
def test_mistakes_in_them_are_told_as_anywhere(change: str, what: str, hint: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, BASE, change) == [f"error: command line: {change}: {what}", f"hint: {hint}"]


@pytest.mark.usefixtures("listed")
def test_kind_is_listed_once_it_offers_a_choice(capsys: pytest.CaptureFixture[str]) -> None:
    listing(None)
    listing("schedules", "delayed")

    out = capsys.readouterr().out
    assert "penalties: shrinking\n" in out
    assert "schedules: constant, " in out
    assert ", delayed\n" in out
    assert "layers" not in out
    assert "  then: constant\n" in out


def test_field_of_a_layer_is_a_key_of_hidden_layers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(LAYERS, "dense", Dropping)
    text = BASE + "network: {hidden: [3, {units: 4, share: 0.5, activation: tanh}]}"

    first = built(tmp_path, text)

    hidden: Any = first.network.layers[:-1]
    assert hidden == (Dropping(3, Relu(), He()), Dropping(4, Tanh(), Glorot(), 0.5))
    assert first.resolved["network"]["hidden"][1] == {
        "units": 4,
        "activation": "tanh",
        "initializer": "glorot",
        "share": 0.5,
    }
    assert rebuilt(first, tmp_path).network == first.network
    assert "share" in keys("HiddenSection")


def test_open_choices_of_a_layer_are_the_networks_own(tmp_path: Path) -> None:
    text = BASE + "network: {hidden: [3, {units: 4, initializer: he}], activation: {name: leaky_relu, slope: 0.3}"

    made = built(tmp_path, text + ", initializer: lecun}")

    assert made.network.layers[:-1] == (Dense(3, LeakyRelu(0.3), Lecun()), Dense(4, LeakyRelu(0.3), He()))
    assert "activation" not in made.resolved["network"]


@pytest.mark.usefixtures("second_layer")
def test_second_kind_of_layer_makes_its_name_a_key(tmp_path: Path) -> None:
    text = BASE + "network: {hidden: [3, {units: 4}, {name: dropping, units: 5, share: 0.5}]}"

    first = built(tmp_path, text)

    assert [type(layer) for layer in first.network.layers] == [Dense, Dense, Dropping, Dense]
    assert [layer["name"] for layer in first.resolved["network"]["hidden"]] == ["dense", "dense", "dropping"]
    assert rebuilt(first, tmp_path).network == first.network
    assert list(offered()["layers"]) == ["dense", "dropping"]
    assert "name" in keys("Dense") & keys("Dropping")


@pytest.mark.usefixtures("second_layer")
def test_second_kind_of_layer_has_settings_of_its_own(tmp_path: Path) -> None:
    told = mistakes(tmp_path, BASE, "network.hidden=[{units: 3, share: 1}, {name: drop, units: 3}]")

    assert told[1:] == [
        "hint: did you mean 'dropping'? (choose from dense, dropping)",
        told[2],
        "hint: 'share' is a setting of dropping: network.hidden: {name: dropping, share: ...}",
    ]
    assert told[0].endswith(": network.hidden.1: there is no layer 'drop'")
    assert told[2].endswith(": hidden: dense has no setting 'share'")


@pytest.mark.usefixtures("second_layer")
def test_list_says_which_settings_of_a_layer_are_required(capsys: pytest.CaptureFixture[str]) -> None:
    listing("layers", "dense")

    assert "  units: required\n" in capsys.readouterr().out


def test_name_of_the_only_kind_of_layer_is_no_key(tmp_path: Path) -> None:
    (error, hint) = mistakes(tmp_path, BASE, "network.hidden=[{name: dense, units: 3}]")

    assert error.endswith(": hidden: unknown key 'name'")
    assert hint == "hint: choose from units, activation, initializer, dropout, max_norm"


def test_entry_that_is_listed_late_is_a_choice_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config(tmp_path, BASE)
    monkeypatch.setitem(ACTIVATIONS, "second_tanh", Tanh)

    assert config(tmp_path, BASE, "network.activation=second_tanh").network.activation == Tanh()
    assert "second_tanh" in json_schema()["$defs"]["NetworkSection"]["properties"]["output"]["anyOf"][0]["enum"]
