"""Resolution: a config becomes a config, whatever its keys; what was assumed is the difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest

from bpcli.config.document import dump
from bpcli.config.reading import read_config
from bpcli.config.resolution import Facts, assumptions, resolve, resolve_engine
from bpcli.config.schema import Boolean, Config, DataSection, Integer, NetworkSection, SplitSection, String
from bpcli.config.sections import FilePath, OmittedWhenDefault, OneOrMore, Section, Shorthand
from bpcli.config.writing import plain
from bpcli.errors import ConfigError
from bpcli.nn.activations import Sigmoid, Softmax
from bpcli.nn.tallies import Judging
from bpcli.training.engines import Engine

from .support import BASE, config, refusal, write

FACTS = Facts(["kind"], "classification", "standard", "none", 20, Judging(3, "largest"))


class MonitorSection(Section):
    """A section that is nowhere listed."""

    metric: String | None = None
    log: Annotated[String, FilePath()] | None = None
    patience: Integer = 3


class CheckSection(Section):
    """A section with another in it."""

    monitor: Annotated[MonitorSection, Shorthand("log", "a file")] = MonitorSection()
    every: tuple[MonitorSection, ...] = ()


class LargerData(DataSection):
    """The data with optional keys more."""

    herd: String | None = None
    kinds: Annotated[list[String], OneOrMore(written_bare=True)] | None = None
    quiet: Annotated[Boolean, OmittedWhenDefault()] = False


class LargerNetwork(NetworkSection):
    """The network with an optional key more."""

    members: Integer | None = None


class LargerConfig(Config):
    """A config with optional keys more, at every depth."""

    data: LargerData
    network: LargerNetwork = LargerNetwork()
    check: CheckSection | None = None
    max_seconds: Integer | None = None


LARGER = """\
data: {path: t.csv, herd: a, kinds: b, quiet: true}
loss: cross_entropy
network: {members: 3}
check: {monitor: {metric: loss}, every: [{log: a.log}, {metric: accuracy, patience: 5}]}
max_seconds: 60
"""


def larger(folder: Path, text: str, *changes: str) -> LargerConfig:
    made = read_config(write(folder, text), list(changes), LargerConfig).config
    assert isinstance(made, LargerConfig)
    return made


def test_optional_key_of_any_section_survives_resolution_and_rereading(tmp_path: Path) -> None:
    resolved = resolve(larger(tmp_path, LARGER), FACTS)
    again = larger(tmp_path, dump(plain(resolved)))

    assert isinstance(resolved, LargerConfig)
    assert again == resolved
    assert (again.data.herd, again.data.kinds, again.data.quiet) == ("a", ["b"], True)
    assert (again.network.members, again.max_seconds) == (3, 60)
    assert again.check is not None
    assert again.check.every[0].log == str(tmp_path / "a.log")
    assert resolve(again, FACTS) == resolved


def test_open_key_is_left_out_and_a_default_written() -> None:
    least = LargerConfig.model_validate({"data": {"path": "t.csv"}, "loss": "cross_entropy", "check": {}})

    assert plain(least)["check"] == {"monitor": {"patience": 3}, "every": []}
    assert plain(least)["data"] == {"path": "t.csv", "header": True, "missing": ["NA", "NaN", "null"], "decimal": "."}
    assert "max_seconds" not in plain(least)


def test_section_of_one_key_is_written_as_its_bare_value() -> None:
    made = LargerConfig.model_validate(
        {"data": {"path": {"features": "t.csv"}, "kinds": ["a"]}, "loss": "cross_entropy"}
    )

    assert (plain(made)["data"]["path"], plain(made)["data"]["kinds"]) == ("t.csv", "a")
    assert plain(made)["optimizer"] == {"mode": "mini_batch", "name": "gradient_descent", "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("change", "what", "hint"),
    [
        ("check.zzz=1", "check: unknown key 'zzz'", "choose from monitor, every"),
        ("check.monitor.zzz=1", "monitor: unknown key 'zzz'", "choose from metric, log, patience"),
        ("check.every=[{zzz: 1}]", "every: unknown key 'zzz'", "choose from metric, log, patience"),
        ("check.monitor.epochs=1", "monitor: unknown key 'epochs'", "'epochs' belongs at the top level"),
        ("patience=1", "unknown key 'patience'", "`patience` goes into early_stopping: {patience: 10} here"),
        ("log=1", "unknown key 'log'", "'log' belongs under 'monitor'"),
        ("check.every=[{patience: x}]", "check.every.0.patience is 'x'", "it must be a whole number"),
    ],
)
def test_section_that_is_nowhere_listed_refuses_what_it_does_not_have(
    change: str, what: str, hint: str, tmp_path: Path
) -> None:
    told = refusal(lambda: larger(tmp_path, BASE, change))

    assert told[0] == f"error: command line: {change}: {what}"
    assert told[1].startswith(f"hint: {hint}")


def test_marked_paths_start_from_the_configs_folder_wherever_they_stand(tmp_path: Path) -> None:
    text = BASE + "check: {monitor: m.log, every: [{log: sub/e.log, metric: loss}]}"

    check = larger(tmp_path, text).check

    assert check is not None
    assert (check.monitor.log, check.every[0].log) == (str(tmp_path / "m.log"), str(tmp_path / "sub/e.log"))


def test_override_enters_a_bare_value_by_the_key_that_it_stands_for(tmp_path: Path) -> None:
    check = larger(tmp_path, BASE + "check: {monitor: m.log}", "check.monitor.patience=7").check

    assert check is not None
    assert check.monitor == MonitorSection(log=str(tmp_path / "m.log"), patience=7)


def test_resolved_config_is_its_own_resolution(tmp_path: Path) -> None:
    resolved = resolve(config(tmp_path, BASE + "network: {hidden: [3]}"), FACTS)

    assert resolve(resolved, FACTS) == resolved
    assert assumptions(resolve_engine(resolved, Engine()), resolve_engine(resolved, Engine())) == []


def test_keys_that_do_not_apply_are_left_open(tmp_path: Path) -> None:
    text = BASE + "optimizer: {mode: sgd}\nnetwork: {activation: tanh}\n"
    resolved = resolve(config(tmp_path, text, "data.split={seed: 3}"), FACTS)

    assert (resolved.optimizer.batch_size, resolved.data.scale_targets, resolved.network.activation) == (None,) * 3
    assert resolved.data.split == SplitSection()


@pytest.mark.parametrize(("examples", "batch_size"), [(20, 20), (32, 32), (1000, 32)])
def test_usual_batch_is_no_larger_than_the_data(examples: int, batch_size: int, tmp_path: Path) -> None:
    resolved = resolve(config(tmp_path, BASE), replace(FACTS, examples=examples))

    assert resolved.optimizer.batch_size == batch_size


def test_output_follows_from_the_loss_unless_it_is_named(tmp_path: Path) -> None:
    assert resolve(config(tmp_path, BASE), FACTS).network.output == Softmax()
    assert resolve(config(tmp_path, BASE, "network.output=sigmoid"), FACTS).network.output == Sigmoid()


def test_the_best_is_kept_where_there_is_a_validation_part_else_the_last(tmp_path: Path) -> None:
    given = config(tmp_path, BASE)

    assert plain(resolve(given, FACTS))["keep"] == "last"
    assert plain(resolve(given, replace(FACTS, validation=True)))["keep"] == {"name": "best", "monitor": "val_loss"}


def test_what_was_assumed_is_what_the_config_leaves_open(tmp_path: Path) -> None:
    given = config(tmp_path, BASE)
    resolved = resolve_engine(resolve(given, FACTS), Engine())

    assert assumptions(given, resolved) == [
        "target kind",
        "task classification",
        "scale standard",
        "output softmax",
        "initializer glorot",
        "batch_size 20",
        "shuffle true",
        "metrics accuracy",
        "keep last",
        "engine numpy",
    ]


@pytest.mark.parametrize(
    ("change", "assumed"),
    [
        ("network.hidden=[4]", ["initializer he, glorot"]),
        ("network={hidden: [4, 3], activation: tanh}", ["initializer glorot"]),
        ("network.hidden=[{units: 4, activation: selu}, 3]", ["initializer lecun, he, glorot"]),
        ("network.hidden=[{units: 4, initializer: zeros}]", ["initializer glorot"]),
        ("network={hidden: [4], initializer: he}", []),
    ],
)
def test_the_initializers_that_are_assumed_are_those_of_all_layers(
    tmp_path: Path, change: str, assumed: list[str]
) -> None:
    given = config(tmp_path, BASE, change)
    found = assumptions(given, resolve_engine(resolve(given, FACTS), Engine()))
    assert [line for line in found if line.startswith("initializer")] == assumed


def test_what_the_config_says_is_not_assumed(tmp_path: Path) -> None:
    given = config(
        tmp_path,
        "data: {path: t.csv, target: [a, b], scale: none}\nloss: half_squared_error\nengine: numpy\n"
        "network: {initializer: {name: normal, std: 0.5}}\noptimizer: {batch_size: 4, shuffle: false}\n",
    )
    facts = Facts(["a", "b"], "regression", "none", "standard", 20, Judging(2, "residuals"))

    assert assumptions(given, resolve_engine(resolve(given, facts), Engine())) == [
        "task regression",
        "scale_targets standard",
        "output identity",
        "metrics r2, rmse, mae",
        "keep last",
    ]


def test_metrics_are_those_that_the_config_picks_in_its_order(tmp_path: Path) -> None:
    given = config(tmp_path, BASE, "metrics=[{name: top_k, k: 2}, f1, accuracy]")
    assert plain(resolve(given, FACTS))["metrics"] == [
        {"name": "top_k", "k": 2},
        {"name": "f1", "average": "macro"},
        "accuracy",
    ]


@pytest.mark.parametrize(
    ("picked", "message", "hint"),
    [
        ("[accuracy, rmse]", "rmse is no metric for 3 classes", "accuracy, balanced_accuracy"),
        ("[{name: top_k, k: 3}]", "top_3 is no metric for 3 classes", "top_k"),
        ("[f1, {name: f1, average: macro}]", "metrics has f1_macro twice", "leave one out"),
    ],
)
def test_a_metric_that_says_nothing_is_refused_at_its_place(
    tmp_path: Path, picked: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(config(tmp_path, BASE, f"metrics={picked}"), FACTS)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.key in {"metrics.0", "metrics.1"}
