"""Overrides: KEY=VALUE wins over the file, wherever it stands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bpcli.config.document import MAX_DEPTH, parse
from bpcli.config.overrides import Entry, apply, is_override
from bpcli.config.places import entry_at
from bpcli.config.schema import Config, TrainerKeys
from bpcli.nn.activations import LeakyRelu, Relu, Softmax
from bpcli.nn.losses import LOSSES, CrossEntropy, HalfSquaredError
from bpcli.nn.optimizers import Adam, GradientDescent, Momentum

from .support import BASE, config, mistakes, refusal, write

HERE = Path("/somewhere")


def changed(text: str, *overrides: str) -> Any:
    """The plain values of a config once overrides have been applied."""
    root = parse(text, "f", HERE)
    apply(root, list(overrides), partial(entry_at, Config))
    return root.plain()


@pytest.mark.parametrize("word", ["a=1", "a.b=1", "a.b.c=", "a_1.B2=x=y", "a.0=1", "_a=1", "a=b.c=d", "a=a b"])
def test_dotted_words_before_an_equals_sign_make_an_override(word: str) -> None:
    assert is_override(word)


@pytest.mark.parametrize(
    "word",
    ["a", "a.yaml", "", "=1", ".a=1", "a.=1", "a..b=1", "a b=1", "-a=1", "--a=1", "a/b=1", "1a=1", "a-b=1", "é=1"],
)
def test_other_words_are_no_overrides(word: str) -> None:
    assert not is_override(word)


@pytest.mark.parametrize("word", ["epochs", "a/b=1", "=1"])
def test_word_that_is_no_override_is_refused(word: str) -> None:
    assert refusal(lambda: changed("a: 1", word)) == [
        f"error: command line: '{word}' is not KEY=VALUE",
        "hint: for example optimizer.learning_rate=0.05",
    ]


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("a=1", 1),
        ("a=1e-3", 1e-3),
        ("a=no", "no"),
        ("a='1'", "1"),
        ("a=true", True),
        ("a=x=y", "x=y"),
        ("a=[1, {b: c}]", [1, {"b": "c"}]),
        ("a={b: 1}", {"b": 1}),
        ("a=a b", "a b"),
        ("a=  1  ", 1),
    ],
)
def test_value_is_yaml(override: str, value: Any) -> None:
    assert changed("a: before", override) == {"a": value}


@pytest.mark.parametrize(
    ("value", "what", "hint"),
    [
        (".nan", ".nan is not a finite number", "give a number"),
        ("[1", "not YAML: expected ',' or ']', but got '<stream end>'", "check indentation, quotes and brackets"),
        (
            ",",
            "not YAML: expected the node content, but found ','",
            """quote it, and once more for the shell: "','\"""",
        ),
        ("{b: 1, b: 2}", "key 'b' stands twice", "the first is at command line: a={b: 1, b: 2}; keep one"),
        ("*x", "alias '*x'", "write the value out"),
        ("\x1b[1m", "not YAML: character U+001B is not allowed", "save it as plain text"),
        ("\udce9", "not YAML: character U+DCE9 is not allowed", "save it as plain text"),
    ],
)
def test_value_that_is_no_plain_yaml_is_refused_by_what_was_written(value: str, what: str, hint: str) -> None:
    shown = value.encode("unicode_escape").decode() if not value.isprintable() else value

    assert refusal(lambda: changed("a: 1", f"a={value}")) == [
        f"error: command line: a={shown}: {what}",
        f"hint: {hint}",
    ]


def test_brackets_of_any_depth_are_refused() -> None:
    (error, hint) = refusal(lambda: changed("a: 1", "a=" + "[" * 50_000))

    assert error.endswith(f": nested more than {MAX_DEPTH} deep")
    assert hint == "hint: a config has a few levels"


def test_keys_of_any_depth_are_refused() -> None:
    assert refusal(lambda: changed("a: 1", "a" + ".a" * 50_000 + "=1")) == [
        f"error: command line: a key nested more than {MAX_DEPTH} deep",
        "hint: for example optimizer.learning_rate=0.05",
    ]


def test_dotted_keys_reach_into_mappings_and_make_them() -> None:
    text = "a: {b: 1, c: 2}"

    assert changed(text, "a.b=3") == {"a": {"b": 3, "c": 2}}
    assert changed(text, "d.e.f=3") == {"a": {"b": 1, "c": 2}, "d": {"e": {"f": 3}}}
    assert changed("", "d.e=3") == {"d": {"e": 3}}
    assert changed("d:", "d.e=3") == {"d": {"e": 3}}
    assert changed("d: null", "d.e=3") == {"d": {"e": 3}}


def test_last_of_equal_keys_wins() -> None:
    assert changed("a: 1", "a=2", "a=3") == {"a": 3}
    assert changed("", "a.b=2", "a.b=3") == {"a": {"b": 3}}


@pytest.mark.parametrize("null", ["", "null", "~"])
def test_null_restores_the_default(null: str, tmp_path: Path) -> None:
    text = BASE + "epochs: 3\nseed: 4\nnetwork: {hidden: [3]}\noptimizer: {name: adam, learning_rate: 0.5}\n"
    changes = [f"{key}={null}" for key in ("epochs", "network.hidden", "optimizer.learning_rate")]

    made = config(tmp_path, text, *changes)

    assert (made.epochs, made.seed, made.network.hidden) == (20, 4, [])
    assert made.optimizer.rule == Adam()
    assert config(tmp_path, text, f"optimizer={null}").optimizer.rule == GradientDescent()
    assert config(tmp_path, text, f"network={null}").network.hidden == []


def test_null_does_not_make_up_for_what_is_required(tmp_path: Path) -> None:
    assert mistakes(tmp_path, BASE, "loss=null") == [
        "error: command line: loss=null: loss is required",
        f"hint: choose from {', '.join(LOSSES)}",
    ]


@pytest.mark.parametrize("before", ["adam", "{name: adam}", "{name: adam, learning_rate: 3}"])
def test_name_becomes_a_mapping_when_a_dotted_key_enters_it(before: str) -> None:
    text = f"optimizer: {before}"

    assert changed(text, "optimizer.learning_rate=0.5") == {"optimizer": {"name": "adam", "learning_rate": 0.5}}


@pytest.mark.parametrize("part", ["path", "train", "validation", "test"])
def test_file_becomes_a_pair_when_a_dotted_key_enters_it(part: str, tmp_path: Path) -> None:
    beside = "train: t.csv, " if part in ("validation", "test") else ""
    text = f"data: {{{beside}{part}: x.npy}}\nloss: cross_entropy"

    made = getattr(config(tmp_path, text, f"data.{part}.targets=y.npy").data, part)

    assert (made.features, made.targets) == (str(tmp_path / "x.npy"), str(Path.cwd() / "y.npy"))


def test_lists_are_replaced_whole(tmp_path: Path) -> None:
    text = BASE + "network: {hidden: [3, 4, 5]}"

    assert [layer.units for layer in config(tmp_path, text, "network.hidden=[7]").network.hidden] == [7]


@pytest.mark.parametrize("key", ["network.hidden.0", "network.hidden.units", "network.hidden.0.units"])
def test_list_cannot_be_entered(key: str) -> None:
    assert refusal(lambda: changed("network: {hidden: [3]}", f"{key}=4")) == [
        f"error: command line: {key}=4: 'network.hidden' is a list",
        "hint: replace it whole: network.hidden=[…]",
    ]


OLD = "optimizer: {name: momentum, learning_rate: 0.5, momentum: 0.1, mode: mini_batch, batch_size: 7, shuffle: false}"


def test_new_name_drops_the_settings_of_the_old_one_and_keeps_the_trainers() -> None:
    kept = {"mode": "mini_batch", "batch_size": 7, "shuffle": False}

    assert changed(OLD, "optimizer.name=adam") == {"optimizer": {**kept, "name": "adam"}}
    assert set(TrainerKeys.known_keys()) >= set(kept)


def test_name_without_a_value_counts_as_the_default(tmp_path: Path) -> None:
    (error, _) = mistakes(tmp_path, BASE + "optimizer: {name: null, zzz: 1}\n")

    assert error == "error: c.yaml:3: optimizer: gradient_descent has no setting 'zzz'"


def test_same_name_keeps_every_setting() -> None:
    assert changed(OLD, "optimizer.name=momentum") == changed(OLD)


def test_name_that_was_left_out_counts_as_the_default() -> None:
    text = "optimizer: {learning_rate: 0.5, batch_size: 7}"

    assert changed(text, "optimizer.name=adam") == {"optimizer": {"batch_size": 7, "name": "adam"}}
    assert changed(text, "optimizer.name=gradient_descent") == {
        "optimizer": {"batch_size": 7, "learning_rate": 0.5, "name": "gradient_descent"}
    }
    assert changed(OLD, "optimizer.name=null") == {
        "optimizer": {"mode": "mini_batch", "batch_size": 7, "shuffle": False}
    }
    assert changed(text, "optimizer.name=null") == {"optimizer": {"batch_size": 7, "learning_rate": 0.5}}


@pytest.mark.parametrize(
    ("before", "override", "after"),
    [
        ("{name: half_squared_error, outputs: sum}", "loss.name=cross_entropy", CrossEntropy()),
        ("{name: half_squared_error, outputs: sum}", "loss=cross_entropy", CrossEntropy()),
        ("{name: half_squared_error, outputs: sum}", "loss.examples=sum", HalfSquaredError("sum", "sum")),
        ("half_squared_error", "loss.outputs=sum", HalfSquaredError("sum", "mean")),
    ],
)
def test_choices_elsewhere_follow_the_same_rules(before: str, override: str, after: Any, tmp_path: Path) -> None:
    assert config(tmp_path, f"data: {{path: t.csv}}\nloss: {before}\n", override).loss == after


def test_nested_choices_follow_the_same_rules(tmp_path: Path) -> None:
    text = BASE + "network: {activation: {name: leaky_relu, slope: 0.5}, output: leaky_relu}"

    assert config(tmp_path, text, "network.activation.name=relu").network.activation == Relu()
    assert config(tmp_path, text, "network.activation.slope=0.25").network.activation == LeakyRelu(0.25)
    assert config(tmp_path, text, "network.output.slope=0.25").network.output == LeakyRelu(0.25)
    assert config(tmp_path, text, "network.output=softmax").network.output == Softmax()


ORDERS: dict[str, tuple[Sequence[str], Any]] = {
    "name and setting": (["optimizer.name=adam", "optimizer.beta1=0.5"], Adam(beta1=0.5)),
    "whole and setting": (["optimizer=momentum", "optimizer.momentum=0.5"], Momentum(momentum=0.5)),
    "whole, name and setting": (
        ["optimizer={learning_rate: 3}", "optimizer.name=adam", "optimizer.learning_rate=0.5"],
        Adam(learning_rate=0.5),
    ),
    "null and setting": (["optimizer=null", "optimizer.learning_rate=0.5"], GradientDescent(0.5)),
}


@pytest.mark.parametrize("case", ORDERS)
def test_order_of_different_keys_does_not_matter(case: str, tmp_path: Path) -> None:
    changes, rule = ORDERS[case]

    for order in itertools.permutations(changes):
        for before in ("momentum", "{name: momentum, learning_rate: 7}", "{learning_rate: 7}"):
            assert config(tmp_path, BASE + f"optimizer: {before}\n", *order).optimizer.rule == rule


def test_entry_says_what_a_bare_value_stands_for() -> None:
    root = parse("a: 1\nb: 2", "f", HERE)
    apply(root, ["a.x=3", "b.x=3"], lambda key: Entry(bare="one") if key == "a" else Entry())

    assert root.plain() == {"a": {"one": 1, "x": 3}, "b": {"name": 2, "x": 3}}


def test_paths_start_from_the_folder_of_the_config_or_from_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    text = (
        "data:\n  train: {features: ../x.npy, targets: y.npy}\n  test: t.csv\n"
        "network: {weights: w.safetensors}\nloss: cross_entropy\n"
    )
    write(there, text)

    made = config(there, text, "data.train.targets=z.npy", "data.validation=sub/v.csv")

    assert made.data.train is not None
    assert made.data.validation is not None
    assert made.data.test is not None
    assert made.data.train.features == str(there.parent / "x.npy")
    assert made.data.train.targets == f"{here}/z.npy"
    assert made.data.validation.features == f"{here}/sub/v.csv"
    assert made.data.test.features == f"{there}/t.csv"
    assert made.network.weights == f"{there}/w.safetensors"
    assert config(there, text, "network.weights=w").network.weights == f"{here}/w"


@pytest.mark.parametrize("path", ["/abs/t.csv", "/"])
def test_absolute_paths_stay(path: str, tmp_path: Path) -> None:
    made = config(tmp_path, f"data: {{path: {path}}}\nloss: cross_entropy\n").data.path

    assert made is not None
    assert made.features == path


def test_tilde_is_the_home_folder_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = "data: {train: ~/t.csv, test: ~nobody-by-that-name/t.csv}\nloss: cross_entropy\n"

    made = config(tmp_path, text).data

    assert made.train is not None
    assert made.test is not None
    assert made.train.features == "/home/me/t.csv"
    assert made.test.features == str(tmp_path / "~nobody-by-that-name/t.csv")


def test_column_that_is_named_like_a_path_is_left_alone(tmp_path: Path) -> None:
    made = config(tmp_path, "data: {path: t.csv, target: path, features: [train, ~/x]}\nloss: cross_entropy\n").data

    assert (made.target, made.features) == (["path"], ["train", "~/x"])
    assert mistakes(tmp_path, BASE, "data.features=a") == [
        "error: command line: data.features=a: data.features is 'a'",
        "hint: it must be a list",
    ]


def test_mistake_in_an_override_is_placed_on_the_command_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, BASE + "epochs: 3\n", "epochs=0", "seed=-1") == [
        "error: command line: epochs=0: epochs is 0",
        "hint: it must be at least 1",
        "error: command line: seed=-1: seed is -1",
        "hint: it must be at least 0",
    ]
