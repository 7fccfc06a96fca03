"""The commands themselves: help with examples, versions, lists, configs, and how misuse is reported."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bpcli import __version__, cli
from bpcli.config.document import parse
from bpcli.config.registries import offered
from bpcli.figures import KINDS
from bpcli.nn.optimizers import OPTIMIZERS
from tests.cli.support import Result, bp, good, points, process, refused, write_config

REGISTRIES = {**offered(), "pictures": KINDS}


def commands(command: Any = None, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command, groups before what is in them."""
    command = command or typer.main.get_command(cli.app)
    inner = getattr(command, "commands", {})
    return [words, *(found for name, sub in inner.items() for found in commands(sub, (*words, name)))]


def test_these_are_among_the_commands() -> None:
    assert {" ".join(words) for words in commands()} >= {
        "",
        "train",
        "evaluate",
        "predict",
        "runs",
        "list",
        "config",
        "config check",
        "config show",
        "config schema",
    }


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = good(*words, "--help", cwd=tmp_path)
    text = " ".join(result.out.split())
    assert text.startswith(f"Usage: {' '.join(('bp', *words))} ")
    assert f"{'Example' if words else 'Start with'}: {' '.join(('bp', *words))} " in text
    assert "--help Show this message and exit." in text
    assert result.err == ""
    assert "..." not in text.partition("Commands:")[2]  # each command's line is whole


@pytest.mark.parametrize("words", [words for words in commands() if words], ids=" ".join)
def test_every_option_is_explained(words: tuple[str, ...]) -> None:
    command: Any = typer.main.get_command(cli.app)
    for word in words:
        command = command.commands[word]
    assert all(parameter.help for parameter in command.params)


def test_the_version_is_one_line(tmp_path: Path) -> None:
    assert good("--version", cwd=tmp_path) == Result(0, f"bp {__version__}\n", "")


@pytest.mark.parametrize("group", ["", "config"])
def test_a_group_without_a_command_shows_its_help_on_standard_error(tmp_path: Path, group: str) -> None:
    words = group.split()
    result = bp(*words, cwd=tmp_path)
    shown = good(*words, "--help", cwd=tmp_path).out
    path = " ".join(["bp", *words])
    assert (result.status, result.out) == (2, "")
    assert result.err == f"{shown}\nerror: command line: no command is named\nhint: see {path} --help\n"


@pytest.mark.parametrize(
    ("words", "message", "help_of"),
    [
        (["trian"], "no such command 'trian'", "bp"),
        (["train"], "missing argument 'CONFIG|KEY=VALUE'", "bp train"),
        (["train", "a.yaml", "--fast"], "no such option: --fast", "bp train"),
        (["train", "a.yaml", "--run"], "option '--run' requires ", "bp"),
        (["evaluate", "a", "b"], "got unexpected extra argument", "bp evaluate"),
        (["config", "chekc"], "no such command 'chekc'", "bp config"),
        (["config", "show"], "missing argument 'CONFIG|KEY=VALUE'", "bp config show"),
        (["--verbose"], "no such option: --verbose", "bp"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_reported_in_two_lines(tmp_path: Path, words: list[str], message: str, help_of: str) -> None:
    result = bp(*words, cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    error, hint = result.errors
    assert error.startswith(f"error: command line: {message}")
    assert not error.endswith(".")
    assert hint == f"hint: see {help_of} --help"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["a.yaml", "b.yaml"], "several configs are named: a.yaml, b.yaml"),
        (["epochs=3"], "no config is named"),
        (["a.yaml", "epochs", "=", "3"], "several configs are named: a.yaml, epochs, =, 3"),
    ],
)
def test_a_command_takes_one_config(tmp_path: Path, words: list[str], error: str) -> None:
    refused(
        *("train", *words),
        cwd=tmp_path,
        status=2,
        error=f"command line: {error}",
        hint="one YAML file; settings are KEY=VALUE without spaces",
    )


def test_completion_answers_the_shell(tmp_path: Path) -> None:
    result = process(cwd=tmp_path, _BP_COMPLETE="complete_bash", COMP_WORDS="bp tr", COMP_CWORD="1")
    assert result == Result(0, "train\n", "")


# bp list.


def test_every_kind_of_choice_is_listed(tmp_path: Path) -> None:
    lines = good("list", cwd=tmp_path).out.splitlines()
    assert lines == [f"{kind}: {', '.join(choices)}" for kind, choices in REGISTRIES.items()]


@pytest.mark.parametrize("kind", list(REGISTRIES))
def test_every_choice_of_a_kind_is_listed_with_its_summary(tmp_path: Path, kind: str) -> None:
    lines = good("list", kind, cwd=tmp_path).out.splitlines()
    assert [text.split()[0] for text in lines] == list(REGISTRIES[kind])
    assert all(len(text.split()) > 1 for text in lines)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, choices in REGISTRIES.items() for name in choices])
def test_every_choice_is_explained(tmp_path: Path, kind: str, name: str) -> None:
    text = good("list", kind, name, cwd=tmp_path).out
    assert text.startswith(f"{name}\n\n")
    for setting in fields(REGISTRIES[kind][name]):
        value = setting.default if setting.default_factory is MISSING else setting.default_factory()
        names = (name for choices in REGISTRIES.values() for name in choices if choices[name] is type(value))
        shown = next(line.split(": ", 1)[1] for line in text.splitlines() if line.startswith(f"  {setting.name}: "))
        expected = list(value) if isinstance(value, tuple) else "required" if value is MISSING else next(names, value)
        assert parse(f"value: {shown}", "shown", Path()).plain().get("value") == expected
    assert ("20 epochs\n" in text) is (kind == "schedules")


def test_an_unknown_kind_of_choice_is_hinted_at(tmp_path: Path) -> None:
    refused(
        *("list", "losess"),
        cwd=tmp_path,
        status=2,
        error="command line: there is no kind of choice 'losess'",
        hint=f"did you mean 'losses'? (choose from {', '.join(REGISTRIES)})",
    )


def test_an_unknown_choice_is_hinted_at(tmp_path: Path) -> None:
    refused(
        *("list", "optimizers", "adm"),
        cwd=tmp_path,
        status=2,
        error="command line: no 'adm' among the optimizers",
        hint=f"did you mean 'adam'? (choose from {', '.join(OPTIMIZERS)})",
    )


def test_a_name_of_another_library_is_answered_as_in_a_config(tmp_path: Path) -> None:
    (_, hint) = bp("list", "losses", "bce", cwd=tmp_path).errors

    assert hint.startswith(
        "hint: `bce` is binary_cross_entropy here, over sigmoid outputs and summed over them (choose"
    )


# bp config.

POINTS = """
    data: {path: points.csv, split: {test: 0.2}}
    loss: cross_entropy
"""


def test_a_config_without_mistakes_is_reported_as_such(tmp_path: Path) -> None:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "points.yaml", POINTS)
    assert good("config", "check", "points.yaml", cwd=tmp_path) == Result(0, "", "points.yaml: no mistakes\n")


def test_every_mistake_is_found_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    write_config(
        tmp_path / "bad.yaml",
        """
        seed: -1
        data: {pth: points.csv}
        network:
          hidden: [0]
        loss: cross_entrpy
        optimizer: {name: adam, beta_1: 0.5}
        epoch: 3
        """,
    )
    result = bp("config", "check", "bad.yaml", cwd=tmp_path)
    assert (result.status, result.out) == (2, "")
    errors, hints = result.errors[::2], result.errors[1::2]
    assert [text.split(": ")[1] for text in errors] == [f"bad.yaml:{n}" for n in (1, 2, 2, 4, 5, 6, 7)]
    assert all(text.startswith("error: ") for text in errors)
    assert all(text.startswith("hint: ") for text in hints)
    for word in ("path", "cross_entropy", "beta1", "epochs"):
        assert any(text.startswith(f"hint: did you mean '{word}'? (choose from ") for text in hints)


def test_the_resolved_config_is_shown_with_overrides(tmp_path: Path) -> None:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "points.yaml", POINTS)
    shown = good("config", "show", "points.yaml", "optimizer.name=adam", "epochs=7", cwd=tmp_path)
    assert shown.err == ""
    for text in ("name: adam", "beta1: 0.9", "epochs: 7", f"path: {tmp_path}/points.csv", "task: classification"):
        assert text in shown.out
    (tmp_path / "shown.yaml").write_text(shown.out)
    assert good("config", "show", "shown.yaml", cwd=tmp_path).out == shown.out


def test_the_schema_is_json(tmp_path: Path) -> None:
    schema = json.loads(good("config", "schema", cwd=tmp_path).out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"seed", "data", "network", "loss", "optimizer", "epochs"} <= set(schema["properties"])
    assert schema["required"] == ["data", "loss"]
