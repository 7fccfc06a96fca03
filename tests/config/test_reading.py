"""Reading: every mistake at once, each at its line, in words that name the value and a remedy."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bpcli.config.document import dump
from bpcli.config.places import sections
from bpcli.config.reading import read_config
from bpcli.config.schema import Config
from bpcli.errors import ConfigError, ExitStatus, SeveralErrors
from bpcli.nn.activations import ACTIVATIONS, Tanh
from bpcli.nn.initializers import Normal
from bpcli.nn.losses import LOSSES
from bpcli.nn.optimizers import OPTIMIZERS, GradientDescent

from .support import (
    BASE,
    CHOICES,
    PLACES,
    SHIPPED,
    Setting,
    at,
    choosing,
    config,
    mistakes,
    nested,
    read,
    settings_of_choices,
    whole,
    write,
)

SETTINGS = list(settings_of_choices())


def chosen(made: Config, key: str) -> Any:
    return made.optimizer.rule if key == "optimizer" else at(made, key)


@pytest.mark.parametrize(("key", "name"), CHOICES)
def test_every_choice_is_accepted_by_its_name_and_as_a_mapping(key: str, name: str, tmp_path: Path) -> None:
    asked = choosing(key, name)
    alone = [] if asked != whole(**nested(key, {"name": name})) else [whole(**nested(key, name))]
    for values in (asked, *alone):
        made = config(tmp_path, dump(values))
        assert chosen(made, key) == PLACES[key][name]()
        assert type(chosen(made, key)) is PLACES[key][name]


@pytest.mark.parametrize("name", PLACES["network.activation"])
def test_every_activation_and_initializer_is_accepted_for_a_single_layer(name: str, tmp_path: Path) -> None:
    for value in (name, {"name": name}):
        layer = {"units": 3, "activation": value, "initializer": "he"}
        made = config(tmp_path, dump(whole(network={"hidden": [layer]}))).network.hidden[0]
        assert made.activation == PLACES["network.activation"][name]()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: ".".join(setting[:3]))
def test_every_setting_takes_what_its_type_and_bounds_allow(setting: Setting, tmp_path: Path) -> None:
    for value in setting.allowed:
        ordered = getattr(PLACES[setting.key][setting.choice], "ordered", ())
        below = {low: 1e-9 for low, high in ordered if high == setting.name}
        values = choosing(setting.key, setting.choice, **below, **{setting.name: value})
        made = chosen(config(tmp_path, dump(values)), setting.key)
        found = getattr(made, setting.name)
        assert (list(found) if isinstance(found, tuple) else found) == value


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: ".".join(setting[:3]))
def test_every_setting_refuses_what_its_type_and_bounds_do_not_allow(setting: Setting, tmp_path: Path) -> None:
    for value in setting.refused:
        told = mistakes(tmp_path, dump(choosing(setting.key, setting.choice, **{setting.name: value})))
        is_list = isinstance(value, list) and isinstance(setting.allowed[0], list)
        place, wrong = (".0", value[0]) if is_list else ("", value)
        shown = "true" if wrong is True else repr(wrong)
        assert told[0].endswith(f": {setting.key}.{setting.name}{place} is {shown}")
        assert len(told) == 2


@pytest.mark.parametrize("levels", [[], [0.9, 0.1], [0.5, 0.5]])
def test_levels_are_in_ascending_order(levels: list[float], tmp_path: Path) -> None:
    told = mistakes(tmp_path, dump(whole(loss={"name": "quantile", "levels": levels})))
    assert told[0].endswith(f": loss.levels is {levels}")
    assert told[1:] == ["hint: it must be one or more in ascending order"]


@pytest.mark.parametrize(("key", "name"), CHOICES)
def test_every_choice_refuses_a_setting_that_it_does_not_have(key: str, name: str, tmp_path: Path) -> None:
    told = mistakes(tmp_path, dump(choosing(key, name, zzz=1)))
    known = [field.name for field in fields(PLACES[key][name])]
    hint = f", {known[-1]}" if len(known) > 1 else known[0] if known else f"{name} has no settings"
    assert len(told) == 2
    assert told[1].startswith("hint: ")
    assert hint in told[1]
    assert told[0].endswith(f": {key.rpartition('.')[2]}: {name} has no setting 'zzz'")


@pytest.mark.parametrize("key", PLACES)
def test_every_place_refuses_a_name_that_its_room_does_not_have(key: str, tmp_path: Path) -> None:
    room = PLACES[key]
    kind = {"network.activation": "activation", "network.output": "activation", "network.initializer": "initializer"}
    first = next(iter(room))
    for value in (first + "x", {"name": first + "x"}):
        assert mistakes(tmp_path, BASE, f"{key}={dump({'v': value})[4:-2]}") == [
            (
                f"error: command line: {key}={dump({'v': value})[4:-2]}: "
                f"{key}: there is no {kind.get(key, key)} '{first}x'"
            ),
            f"hint: did you mean '{first}'? (choose from {', '.join(room)})",
        ]


def test_defaults_are_those_of_the_product(tmp_path: Path) -> None:
    made = config(tmp_path, BASE)

    assert (made.seed, made.dtype, made.epochs) == (0, "float32", 20)
    assert made.optimizer.rule == GradientDescent(0.1)
    assert (made.optimizer.mode, made.optimizer.batch_size, made.optimizer.shuffle) == ("mini_batch", None, None)
    assert made.network.hidden == []
    assert (made.data.split.validation, made.data.split.test, made.data.split.seed) == (0, 0, None)
    assert (made.data.header, made.data.missing, made.data.delimiter) == (True, ["NA", "NaN", "null"], None)
    for open_key in ("target", "features", "task", "scale", "scale_targets"):
        assert getattr(made.data, open_key) is None


def test_every_key_set_is_read(tmp_path: Path) -> None:
    made = config(
        tmp_path,
        """\
seed: 7
dtype: float64
data:
  train: {features: x.npy, targets: y.npy}
  validation: v.csv
  target: [a, 3]
  features: [b, 4]
  drop: c
  task: classification
  split: {test: 0.25, seed: 3}
  scale: none
  scale_targets: none
  delimiter: ;
  header: false
  missing: ["?", -1, 0.5, null]
network:
  hidden: [32, {units: 16, activation: tanh, initializer: {name: normal, std: 0.1}}]
  weights: w.safetensors
loss: binary_cross_entropy
optimizer: {mode: sgd, shuffle: false, learning_rate: 1}
epochs: 5
""",
    )

    assert (made.seed, made.dtype, made.epochs) == (7, "float64", 5)
    assert (made.data.target, made.data.features, made.data.drop) == (["a", "3"], ["b", "4"], ["c"])
    assert (made.data.split.test, made.data.split.validation, made.data.split.seed) == (0.25, 0, 3)
    assert (made.data.delimiter, made.data.header) == (";", False)
    assert made.data.missing == ["?", "-1", "0.5", "null"]
    assert [layer.units for layer in made.network.hidden] == [32, 16]
    assert (made.network.hidden[1].activation, made.network.hidden[1].initializer) == (Tanh(), Normal(0.1))
    assert (made.optimizer.mode, made.optimizer.shuffle) == ("sgd", False)
    assert made.optimizer.rule == GradientDescent(1.0)


@pytest.mark.parametrize(
    ("short", "key", "long"),
    [
        ("data: {path: t.csv}", "data.path", "data: {path: {features: t.csv}}"),
        ("data: {path: t.csv, target: y}", "data.target", "data: {path: t.csv, target: [y]}"),
        ("data: {path: t.csv, drop: y}", "data.drop", "data: {path: t.csv, drop: [y]}"),
        ("data: {path: t.csv, drop: 3}", "data.drop", 'data: {path: t.csv, drop: ["3"]}'),
        ("data: {path: t.csv, missing: 0}", "data.missing", 'data: {path: t.csv, missing: ["0"]}'),
        ("network: {hidden: 3}", "network.hidden", "network: {hidden: [{units: 3}]}"),
        ("network: {hidden: [3, 4]}", "network.hidden", "network: {hidden: [{units: 3}, {units: 4}]}"),
    ],
)
def test_short_forms_mean_the_long_ones(short: str, key: str, long: str, tmp_path: Path) -> None:
    rest = "\nloss: cross_entropy\n" + ("" if short.startswith("data") else "data: {path: t.csv}\n")

    assert at(config(tmp_path, short + rest), key) == at(config(tmp_path, long + rest), key)


WHOLE, NUMBER, TEXT, TRUTH = "a whole number", "a number", "text", "true or false"
MAPPING, LIST = "a mapping of keys", "a list"

WRONG: list[tuple[str, str, str, str]] = [
    *((key, value, key, WHOLE) for key in ("seed", "epochs", "optimizer.batch_size", "data.split.seed") for value in
      ("1.5", "1.0", "1e3", "true", "'1'", "x", "[1]", "{a: 1}")),
    *((key, value, key, NUMBER) for key in ("optimizer.learning_rate", "data.split.test", "data.split.validation") for
      value in ("true", "'0.1'", "fast", "[0.1]", "{a: 1}", "20%")),
    *((key, value, key, TRUTH) for key in ("data.header", "optimizer.shuffle") for value in
      ("1", "0", "no", "on", "'true'", "[true]", "{a: 1}")),
    *((key, value, key, TEXT) for key in ("network.weights", "data.delimiter") for value in
      ("3", "true", "[a]", "{a: 1}", "1.5")),
    *((key, value, key + ".features", TEXT) for key in ("data.path", "data.test") for value in
      ("3", "true", "[a]", "1.5")),
    *((key, value, key, MAPPING) for key in ("data", "network", "data.split") for value in
      ("3", "true", "word", "[1]", "1.5")),
    *((key, value, key + ".0", TEXT) for key in ("data.target", "data.drop") for value in
      ("true", "1.5", "{a: 1}", "[[a]]", "[null]")),
    *(("data.features", value, "data.features", LIST) for value in ("a", "3", "{a: 1}", "true")),
    *(("data.features", value, "data.features.0", TEXT) for value in ("[true]", "[1.5]", "[[a]]", "[{a: 1}]")),
    *(("data.missing", value, "data.missing.0", TEXT) for value in ("true", "[[a]]", "{a: 1}")),
    *(("network.hidden", value, "network.hidden.0.units", WHOLE) for value in
      ("relu", "true", "1.5", "['3']", "[[3]]", "[null]", "[{units: x}]", "{units: [3]}")),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "where", "wanted"), WRONG)
def test_wrong_type_is_refused(key: str, value: str, where: str, wanted: str, tmp_path: Path) -> None:
    told = mistakes(tmp_path, "data: {path: table.csv}\nloss: cross_entropy\nnetwork:\n", f"{key}={value}")

    assert told[0].startswith(f"error: command line: {key}={value}: {where} is ")
    assert told[1:] == [f"hint: it must be {wanted}"]


@pytest.mark.parametrize("key", ["loss", "optimizer", "network.activation", "network.output", "network.initializer"])
@pytest.mark.parametrize(("value", "shown"), [("3", "3"), ("true", "true"), ("[relu]", "['relu']"), ("1.5", "1.5")])
def test_choice_of_another_type_is_no_name(key: str, value: str, shown: str, tmp_path: Path) -> None:
    told = mistakes(tmp_path, BASE, f"{key}={value}")

    assert f"{key}: there is no " in told[0]
    assert told[0].endswith(f" {shown}")


CLASS_WEIGHTS = "balanced, or a weight for each label: {rare: 5.0}"


@pytest.mark.parametrize(
    ("change", "what", "hint"),
    [
        ("seed=-1", "seed is -1", "it must be at least 0"),
        ("epochs=0", "epochs is 0", "it must be at least 1"),
        ("epochs=-3", "epochs is -3", "it must be at least 1"),
        ("epochs=10000000000", "epochs is 10000000000", "it must be at most 1000000000"),
        ("network.initializer={name: uniform, limit: 1e308}", "network.initializer.limit is 1e+308",
         "it must be at most 1e+15"),
        ("optimizer.schedule={name: step, every: 10000000000}", "optimizer.schedule.every is 10000000000",
         "it must be at most 1000000000"),
        ("dtype=float16", "dtype is 'float16'", "did you mean 'float64'? (choose from float32, float64)"),
        ("dtype=1", "dtype is 1", "choose from float32, float64"),
        ("network.hidden=[3, 0]", "network.hidden.1.units is 0", "it must be at least 1"),
        ("network.hidden=[-1]", "network.hidden.0.units is -1", "it must be at least 1"),
        ("network.hidden=[1e9]", "network.hidden.0.units is 1000000000.0", "it must be a whole number"),
        ("network.hidden=[1000000000]", "network.hidden.0.units is 1000000000", "it must be at most 10000000"),
        ("network.hidden={}", "network.hidden.0.units is required", "give the layer's width, for example units: 16"),
        ("network.weights=''", "network.weights is ''", "it must be at least one character"),
        ("optimizer.mode=sgdd", "optimizer.mode is 'sgdd'", "did you mean 'sgd'? (choose from sgd, mini_batch, batch)"),
        ("optimizer.batch_size=0", "optimizer.batch_size is 0", "it must be at least 1"),
        ("optimizer.learning_rate=-0.1", "optimizer.learning_rate is -0.1", "it must be greater than 0"),
        ("optimizer.learning_rate=1e-400", "optimizer.learning_rate is 0.0", "it must be greater than 0"),
        ("data.path=''", "data.path.features is ''", "it must be at least one character"),
        ("data.path={}", "data.path.features is required", "name the file with the features"),
        ("data.target=[]", "data.target is []", "it must be at least one"),
        ("data.features=[]", "data.features is []", "it must be at least one"),
        ("data.task=both", "data.task is 'both'", "choose from classification, regression"),
        ("data.scale=std", "data.scale is 'std'", "choose from standard, minmax, none"),
        ("data.scale_targets=minmax", "data.scale_targets is 'minmax'", "choose from standard, none"),
        ("data.split.test=1", "data.split.test is 1", "it must be less than 1"),
        ("data.split.test=-0.1", "data.split.test is -0.1", "it must be at least 0"),
        ("data.split.seed=-1", "data.split.seed is -1", "it must be at least 0"),
        ("data.split={test: 0.5, validation: 0.5}", "validation and test take 1 of the data", "leave some to train on"),
        ("data.decimal=;", "data.decimal is ';'", "choose from '.', ','"),
        ("data.thousands=_", "data.thousands is '_'", "choose from ',', '.', \"'\", ' '"),
        ("data.class_weight=equal", "data.class_weight is 'equal'", f"it must be {CLASS_WEIGHTS}"),
        ("data.class_weight=[balanced]", "data.class_weight is ['balanced']", f"it must be {CLASS_WEIGHTS}"),
        ("data.class_weight={a: x}", "data.class_weight.a is 'x'", "it must be a number"),
        ("data.class_weight={a: -1}", "data.class_weight.a is -1", "it must be at least 0"),
        ("loss={outputs: sum}", "loss has no name", f"choose from {', '.join(LOSSES)}"),
        ("network.output={slope: 0.1}", "network.output has no name", f"choose from {', '.join(ACTIVATIONS)}"),
        ("loss={name: cross_entropy, outputs: all}", "loss.outputs is 'all'", "choose from sum, mean"),
        ("data.train=u.csv", "data.path and data.train both name the training file", "keep one"),
    ],
)  # fmt: skip
def test_wrong_value_is_refused(change: str, what: str, hint: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, BASE, change) == [f"error: command line: {change}: {what}", f"hint: {hint}"]


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "'\\n'", "\\r", "§", "\\u2028", "\\x01", "\\x7f"])
def test_delimiter_is_one_character_that_a_table_can_be_cut_at(delimiter: str, tmp_path: Path) -> None:
    quoted = f"'{delimiter}'" if delimiter == '"' else f'"{delimiter}"'
    told = mistakes(tmp_path, BASE, f"data.delimiter={quoted}")

    assert told[1] == "hint: it must be one character, a tab or printable ASCII, and no quote"


@pytest.mark.parametrize("delimiter", ["\t", ";", "|", " ", ":", "!", "~", ","])
def test_delimiter_may_be_any_other(delimiter: str, tmp_path: Path) -> None:
    assert config(tmp_path, dump(whole(data={"path": "t.csv", "delimiter": delimiter}))).data.delimiter == delimiter


BATCHES = {"sgd": "one example", "batch": "all examples"}


@pytest.mark.parametrize("mode", BATCHES)
def test_batch_size_has_no_place_in_the_other_modes(mode: str, tmp_path: Path) -> None:
    text = BASE + f"optimizer:\n  mode: {mode}\n  batch_size: 8\n"

    assert mistakes(tmp_path, text) == [
        f"error: c.yaml:5: optimizer: mode {mode} takes {BATCHES[mode]} at a time, batch_size has no place in it",
        "hint: leave batch_size out, or mode: mini_batch",
    ]
    assert config(tmp_path, text, "optimizer.batch_size=null").optimizer.batch_size is None


def test_a_rule_for_all_examples_has_no_place_in_the_other_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_rule: Any = type("Whole", (GradientDescent,), {"batch_only": True, "__doc__": "All at once."})
    monkeypatch.setitem(OPTIMIZERS, "whole", whole_rule)
    for line, place, mode, some in (
        ("  mode: sgd\n", 5, "sgd", "one"),
        ("  mode: mini_batch\n", 5, "mini_batch", "some"),
        ("", 3, "mini_batch", "some"),
    ):
        assert mistakes(tmp_path, BASE + f"optimizer:\n  name: whole\n{line}") == [
            f"error: c.yaml:{place}: optimizer: whole takes all examples at once, and mode {mode} gives it {some}",
            "hint: mode: batch, or another rule; see bp list optimizers",
        ]
    assert mistakes(tmp_path, BASE + "optimizer: whole\n")[0].startswith("error: c.yaml:3: optimizer: whole takes all")
    made = config(tmp_path, BASE + "optimizer:\n  name: whole\n  mode: batch\n")
    assert isinstance(made.optimizer.rule, whole_rule)


def test_settings_of_rprop_that_contradict_one_another_are_refused(tmp_path: Path) -> None:
    text = BASE + "optimizer:\n  name: rprop\n  mode: batch\n  max_step: 1e-7\n  schedule: cosine\n"
    assert mistakes(tmp_path, text) == [
        "error: c.yaml:6: optimizer: min_step 1e-06 is above max_step 1e-07",
        "hint: a smaller min_step, or a larger max_step",
        "error: c.yaml:7: optimizer: a schedule changes the learning rate, which the steps of rprop do not follow",
        "hint: leave schedule out, or choose another rule",
    ]
    assert config(tmp_path, text, "optimizer.schedule=null", "optimizer.min_step=1e-7").optimizer.rule.max_step == 1e-7  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", ["{}", "{path: null}", "{target: y}", "{validation: v.csv}"])
def test_training_file_is_required(data: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, f"loss: cross_entropy\ndata: {data}\n") == [
        "error: c.yaml:2: data names no training file",
        "hint: data.path: a file to split, or data.train: a file",
    ]


@pytest.mark.parametrize("part", ["validation", "test"])
def test_part_comes_from_a_file_or_from_a_fraction(part: str, tmp_path: Path) -> None:
    text = f"loss: cross_entropy\ndata:\n  train: t.csv\n  {part}: v.csv\n  split:\n    {part}: 0.1\n"

    assert mistakes(tmp_path, text) == [
        f"error: c.yaml:6: data.{part} names a file and data.split.{part} a fraction",
        "hint: keep one",
    ]
    assert config(tmp_path, text, f"data.split.{part}=0").data.split.test == 0


NOTHING_SPLIT = "data.split: {validation: 0.1, test: 0.2}, or leave it out"


@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        ("group: g", "data.group says how rows are split, but nothing is split off", NOTHING_SPLIT),
        ("order: g, split: {seed: 1}", "data.order says how rows are split, but nothing is split off", NOTHING_SPLIT),
        ("group: g, order: o, split: {test: 0.5}", "data.group and data.order are two ways to split", "keep one"),
        ("split: {fold: 1}", "data.split.fold, but no folds", "data.split.folds: their number"),
        ("split: {folds: 3, fold: 3}", "fold 3 of 3, counted from 0", "0 to 2"),
        ("split: {folds: 3, test: 0.2}", "data.split.folds makes the test part, and data.split.test too", "keep one"),
        ("split: {folds: 3}, test: t.csv", "data.split.folds makes the test part, and data.test too", "keep one"),
    ],
)  # fmt: skip
def test_ways_to_split_do_not_contradict_one_another(data: str, what: str, hint: str, tmp_path: Path) -> None:
    text = f"loss: cross_entropy\ndata: {{path: t.csv, {data}}}\n"
    assert mistakes(tmp_path, text) == [f"error: c.yaml:2: {what}", f"hint: {hint}"]


def test_groups_orders_and_folds_are_read(tmp_path: Path) -> None:
    folds = "split: {folds: 3, fold: 2, validation: 0.9}"
    for data in ("group: g, split: {test: 0.5}", "order: o, split: {folds: 4}", folds):
        config(tmp_path, f"loss: cross_entropy\ndata: {{path: t.csv, {data}}}\n")


@pytest.mark.parametrize("weight", ["sample_weight: w", "class_weight: balanced"])
def test_weights_that_a_mean_over_one_example_divides_out_are_refused(weight: str, tmp_path: Path) -> None:
    key = weight.partition(":")[0]
    text = f"data: {{path: t.csv, {weight}}}\noptimizer: {{mode: sgd}}\n"
    what = f"data.{key} changes no update in mode sgd, unless it is 0: the mean over one example divides by its weight"

    assert mistakes(tmp_path, f"{text}loss: cross_entropy\n") == [
        f"error: c.yaml:1: {what}",
        "hint: mode: mini_batch, or a loss with examples: sum",
    ]
    config(tmp_path, f"{text}loss: {{name: cross_entropy, examples: sum}}\n")


def test_empty_config_lacks_what_is_required(tmp_path: Path) -> None:
    required = [
        "data is required",
        "hint: for example data: {path: table.csv, target: label}",
        "loss is required",
        f"hint: choose from {', '.join(LOSSES)}",
    ]
    for text, place in (("", "c.yaml"), ("# nothing\n", "c.yaml"), ("{}", "c.yaml:1"), ("\nseed: 3\n", "c.yaml:2")):
        told = mistakes(tmp_path, text)
        assert [line.replace(f"error: {place}: ", "") for line in told] == required


@pytest.mark.parametrize("text", ["[]", "- data\n", "word\n", "3", "true"])
def test_config_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    assert mistakes(tmp_path, text) == [
        "error: c.yaml:1: a config is a mapping of keys",
        "hint: for example loss: cross_entropy",
    ]


UNKNOWN: list[tuple[str, str, str]] = [
    ("los: 1", "unknown key 'los'", "did you mean 'loss'?"),
    ("optimiser: 1", "unknown key 'optimiser'", "did you mean 'optimizer'?"),
    ("Epochs: 1", "unknown key 'Epochs'", "did you mean 'epochs'?"),
    ("hidden: [3]", "unknown key 'hidden'", "'hidden' belongs under 'network'"),
    ("path: t.csv", "unknown key 'path'", "'path' belongs under 'data'"),
    ("batch_size: 3", "unknown key 'batch_size'", "'batch_size' belongs under 'optimizer'"),
    ("zzz: 1", "unknown key 'zzz'", "choose from seed, dtype, data, network, loss, penalties, optimizer, epochs"),
    ("network: {hiden: [3]}", "network: unknown key 'hiden'", "did you mean 'hidden'?"),
    ("network: {epochs: 3}", "network: unknown key 'epochs'", "'epochs' belongs at the top level"),
    ("network: {hidden: [{unit: 3, units: 4}]}", "hidden: unknown key 'unit'", "did you mean 'units'?"),
    (
        "network: {hidden: [3, {units: 4, activation: {name: leaky_relu, slop: 0.1}}]}",
        "activation: leaky_relu has no setting 'slop'",
        "did you mean 'slope'?",
    ),
    (
        "network: {output: {name: leaky_relu, slop: 0.1}}",
        "output: leaky_relu has no setting 'slop'",
        "did you mean 'slope'?",
    ),
    (
        "network: {initializer: {name: normal, sd: 0.1}}",
        "initializer: normal has no setting 'sd'",
        "did you mean 'std'?",
    ),
    ("optimizer: {name: adam, beta_1: 0.5}", "optimizer: adam has no setting 'beta_1'", "did you mean 'beta1'?"),
    ("optimizer: {shufle: true}", "optimizer: gradient_descent has no setting 'shufle'", "did you mean 'shuffle'?"),
    ("optimizer: {nam: adam}", "optimizer: gradient_descent has no setting 'nam'", "did you mean 'name'?"),
    ("optimizer: {momentum: 0.5}", "optimizer: gradient_descent has no setting 'momentum'",
     "`momentum` is a rule of its own here: optimizer: {name: momentum, momentum: 0.9}"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "what", "hint"), UNKNOWN)
def test_unknown_key_at_any_depth_is_refused_with_the_nearest(line: str, what: str, hint: str, tmp_path: Path) -> None:
    told = mistakes(tmp_path, BASE + "\n" + line + "\n")

    assert told[0] == f"error: c.yaml:4: {what}"
    assert told[1].startswith(f"hint: {hint}")
    assert len(told) == 2


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("paht: t.csv", "data: unknown key 'paht'", "did you mean 'path'?"),
        ("split: {tets: 0.1}", "split: unknown key 'tets'", "did you mean 'test'?"),
        ("test: {features: x, target: y}", "test: unknown key 'target'", "did you mean 'targets'?"),
        ("epochs: 3", "data: unknown key 'epochs'", "'epochs' belongs at the top level"),
    ],
)
def test_unknown_key_of_the_data_is_refused_with_the_nearest(line: str, what: str, hint: str, tmp_path: Path) -> None:
    told = mistakes(tmp_path, f"loss: cross_entropy\ndata:\n  train: t.csv\n  {line}\n")

    assert told[0] == f"error: c.yaml:4: {what}"
    assert told[1].startswith(f"hint: {hint}")
    assert len(told) == 2


@pytest.mark.parametrize("section", [".".join(path) for path in sections(Config)])
def test_every_section_refuses_an_unknown_key(section: str, tmp_path: Path) -> None:
    if section == "network.hidden":
        change = "network.hidden=[{units: 1, zzz: 1}]"
    else:
        change = ".".join(filter(None, (section, "zzz"))) + "=1"

    assert any(" 'zzz'" in line for line in mistakes(tmp_path, BASE, change))


MANY = """\
sead: 1
epochs: 0
data:
  path: t.csv
  target: [y, {a: 1}]
  split:
    test: 0.5
    validation: 0.6
network:
  hidden:
    - 16
    - units: 0
      activation: {name: leaky_relu, slop: 2}
    - -4
  output: softmx
loss:
  name: cross_entropy
  outputs: total
optimizer:
  mode: sgd
  name: adam
  batch_size: 8
  beta1: 1
dtype: float
"""


def test_every_mistake_is_told_at_once_in_order_of_its_line(tmp_path: Path) -> None:
    told = mistakes(tmp_path, MANY)

    assert [line for line in told if line.startswith("error")] == [
        "error: c.yaml:1: unknown key 'sead'",
        "error: c.yaml:2: epochs is 0",
        "error: c.yaml:5: data.target.1 is {'a': 1}",
        "error: c.yaml:6: validation and test take 1.1 of the data",
        "error: c.yaml:12: network.hidden.1.units is 0",
        "error: c.yaml:13: activation: leaky_relu has no setting 'slop'",
        "error: c.yaml:14: network.hidden.2.units is -4",
        "error: c.yaml:15: network.output: there is no activation 'softmx'",
        "error: c.yaml:18: loss.outputs is 'total'",
        "error: c.yaml:22: optimizer: mode sgd takes one example at a time, batch_size has no place in it",
        "error: c.yaml:23: optimizer.beta1 is 1",
        "error: c.yaml:24: dtype is 'float'",
    ]
    assert len(told) == 24


def test_mistakes_are_one_error_of_use(tmp_path: Path) -> None:
    with pytest.raises(SeveralErrors) as caught:
        read(tmp_path, MANY)

    assert caught.value.status is ExitStatus.USAGE
    assert len(caught.value.errors) == 12


def test_wrong_value_stands_at_the_line_of_its_key_and_name_at_its_own(tmp_path: Path) -> None:
    text = (
        BASE
        + "network:\n  activation:\n    # the name\n    name:\n      rely\noptimizer:\n  learning_rate:\n\n    fast\n"
    )

    assert [line for line in mistakes(tmp_path, text) if line.startswith("error")] == [
        "error: c.yaml:6: network.activation: there is no activation 'rely'",
        "error: c.yaml:9: optimizer.learning_rate is 'fast'",
    ]


def test_value_is_shown_up_to_sixty_characters_and_shortened_beyond(tmp_path: Path) -> None:
    (whole_one, _) = mistakes(tmp_path, BASE + f"seed: {'x' * 58}\n")
    (cut, _) = mistakes(tmp_path, BASE + f"seed: {'x' * 59}\n")

    assert whole_one == f"error: c.yaml:3: seed is '{'x' * 58}'"
    assert cut == f"error: c.yaml:3: seed is '{'x' * 56}…"


def test_keys_and_values_are_shown_with_their_control_characters_escaped(tmp_path: Path) -> None:
    text = BASE + '"\\e[31m": 1\nseed: "\\e[1m"\n'

    assert mistakes(tmp_path, text)[:3:2] == [
        "error: c.yaml:3: unknown key '\\x1b[31m'",
        "error: c.yaml:4: seed is '\\x1b[1m'",
    ]


def test_error_about_a_key_is_placed_at_its_line(tmp_path: Path) -> None:
    made = read(tmp_path, BASE + "network:\n  hidden:\n    - 3\n    - 4\n", "seed=3")

    def where(key: str) -> str:
        return made.placed(ConfigError("wrong", key=key)).where.removeprefix(f"{tmp_path}/")

    assert where("loss") == "c.yaml:2"
    assert where("network.hidden.1") == "c.yaml:6"
    assert where("network.output") == "c.yaml:3"
    assert where("seed") == "command line: seed=3"
    assert made.placed(ConfigError("wrong", where="elsewhere", key="loss")).where == "elsewhere"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_is_read(path: Path) -> None:
    assert read_config(path, []).path == path


def test_config_is_frozen(tmp_path: Path) -> None:
    made = config(tmp_path, BASE)

    with pytest.raises(ValueError, match="frozen"):
        made.seed = 3  # type: ignore[misc]


def test_reading_does_not_touch_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, BASE)
    read(tmp_path, BASE, "seed=3")

    assert path.read_text() == BASE
