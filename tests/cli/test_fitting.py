"""Every command at 60, 80 and 120 columns: no line is wider, and nothing breaks within a word or a matrix.

The words that a command prints on a terminal are those that it prints in a pipe, where no line is broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from bpcli import cli
from bpcli.lines.cells import cells
from bpcli.scaling import bench
from bpcli.scaling.products import measure
from tests.cli.support import Result, bp, good, on_terminal, points, shown, write_config, write_table

WIDTHS = (60, 80, 120)
STYLE = re.compile(r"\x1b\[[\d;?]*[a-zA-Z]")

LONG, WIDE, MARKED = "sepal length in centimetres, measured twice", "花びらの長さ（センチメートル）", "zu\u0308ge"
"""Columns with a long name, with one of wide characters, and with a mark that has no width."""

CLASSES = ("Iris setosa var. interior", "北海道の花菖蒲", "virginica")

SWEEP = [(0.1, "[8, 4]"), (0.01, "[8, 4]"), (0.1, "[{units: 16, activation: leaky_relu}, 8]")]
"""The learning rates and hidden layers of some runs."""


@dataclass(frozen=True)
class Scene:
    """A command; ``drawn`` where a picture's words depend on its width, ``more`` for words that a narrow line adds."""

    words: str
    drawn: bool = False
    more: tuple[str, ...] = ()


SCENES: dict[str, list[Scene]] = {
    "init": [
        Scene("init wide.csv --output new_at_{width}.yaml"),
        Scene("init none.csv"),
        Scene("init points.csv --output points.yaml"),
    ],
    "train": [
        Scene("train wide.yaml --run trained_at_{width}"),
        Scene("train points.yaml --seeds 2 --run seeds_at_{width}"),
        Scene("train wide.yaml --folds 2 --refit --run folds_at_{width}"),
        Scene("train points.yaml --plot --run plotted_at_{width}", drawn=True),
        Scene("train --resume run"),
        Scene("train wide.yaml --plan 8 --cluster cluster.json --network 10G"),
        Scene("train points.yaml --quiet --run quiet_at_{width}"),
        Scene("train points.yaml epoch=3 optimizer.learning_rat=0.1 network.hidden=x loss=hing"),
        Scene("train"),
    ],
    "bench-cluster": [Scene("bench-cluster --output cluster.json")],
    "evaluate": [Scene("evaluate wide"), Scene("evaluate wide --split train --threshold 2"), Scene("evaluate none")],
    "predict": [Scene("predict run --split test --output predicted_at_{width}.csv"), Scene("predict run")],
    "explain": [
        Scene("explain points.yaml"),
        Scene("explain wide --document biswas --derive --example 0 --example 3"),
        Scene("explain points.yaml --document brawr"),
    ],
    "doctor": [Scene("doctor points.yaml"), Scene("doctor wide.yaml optimizer.learning_rate=100")],
    "gradcheck": [
        Scene("gradcheck points.yaml --step-sizes --examples 4", drawn=True),
        Scene("gradcheck wide.yaml --method central --examples 4"),
        Scene("gradcheck points.yaml --export batch_at_{width}.npz --starter pytorch"),
        Scene("gradcheck points.yaml --against wrong.npz"),
        Scene("gradcheck points.yaml --grade 10"),
    ],
    "stepcheck": [Scene("stepcheck wide.yaml --engine numpy"), Scene("stepcheck run --engine numpy --updates 1")],
    "verify": [Scene("verify run"), Scene("verify none")],
    "plot": [Scene("plot run", drawn=True), Scene("plot none")],
    "report": [Scene("report run --output points.csv"), Scene("report none")],
    "runs": [Scene("runs sweep"), Scene("runs ."), Scene("runs none")],
    "list": [
        Scene("list"),
        Scene("list metrics"),
        Scene("list losses focal"),
        Scene("list schedules cosine", more=("2",)),
        Scene("list metric"),
    ],
    "config check": [Scene("config check wide.yaml"), Scene("config check broken.yaml")],
    "config show": [Scene("config show points.yaml", drawn=True), Scene("config show wide.yaml --inputs")],
    "config schema": [Scene("config schema --nothing")],
    "data convert": [Scene("data convert wide.csv wide_at_{width}.npy"), Scene("data convert wide.csv wide.txt")],
}
"""What is tried of each command; a new command needs a line here. What programs read, CSV and JSON, has no width."""


def commands_below(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The words of every command and group, and whether it is a command."""
    below = getattr(command, "commands", {})
    yield path, not below
    for name, one in below.items():
        yield from commands_below(one, (*path, name))


COMMANDS = list(commands_below(typer.main.get_command(cli.app)))


@pytest.fixture(scope="module", autouse=True)
def measured_once() -> Iterator[None]:
    """What ``bp bench-cluster`` measures, for one width of layers, the same figures each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "measure", partial(measure, (8,)))
        patch.setattr(bench, "bench", cache(bench.bench))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Configs and data with wide names, runs and a sweep of them."""
    folder = tmp_path_factory.mktemp("place")
    points(folder / "points.csv")
    rng = np.random.default_rng(0)
    colours = ("rather red", "gru\u0308n", "青い色")
    rows = [[*rng.normal(0, 1, 2), colours[k % 3], CLASSES[k // 2 % 3]] for k in range(60)]
    write_table(folder / "wide.csv", [LONG, WIDE, MARKED, "species of the plant"], rows)
    common = "network: {hidden: [5]}\nloss: cross_entropy\nepochs: 2\nengine: numpy\n"
    parts = "split: {validation: 0.2, test: 0.2}"
    metrics = "metrics: [accuracy, f1, log_loss, brier, matthews_correlation]\n"
    write_config(folder / "points.yaml", f"data: {{path: points.csv, {parts}}}\n{common}")
    write_config(folder / "wide.yaml", f"data: {{path: wide.csv, {parts}}}\n{common}{metrics}")
    write_config(folder / "broken.yaml", "data: {path: none.csv}\nloss: hingee\nepochs: -1\nnetwork: {hidden: [0]}\n")
    good("train", "points.yaml", "--run", "run", "--quiet", cwd=folder)
    good("train", "wide.yaml", "--run", "wide", "--quiet", cwd=folder)
    good("gradcheck", "points.yaml", "--export", "batch.npz", cwd=folder)
    good("bench-cluster", "--output", "cluster.json", cwd=folder)
    weights = {name: array for name, array in np.load(folder / "batch.npz").items() if name[0] in "Wb"}
    np.savez(folder / "wrong.npz", **{f"d{name}": array for name, array in weights.items()})
    for number, (rate, hidden) in enumerate(SWEEP):
        changes = (f"optimizer.learning_rate={rate}", f"network.hidden={hidden}", "optimizer.name=adam")
        run = f"sweep/over-rates-and-hidden-layers-of-points-{number}"
        good("train", "points.yaml", *changes, "--run", run, "--quiet", cwd=folder)
    return folder


def test_every_command_is_tried() -> None:
    assert sorted(" ".join(path) for path, is_command in COMMANDS if is_command) == sorted(SCENES)


@pytest.mark.parametrize("command", SCENES)
def test_what_a_command_prints_fits_the_terminal(command: str, place: Path) -> None:
    for scene in SCENES[command]:
        piped = bp(*scene.words.format(width=0).split(), cwd=place)
        assert "\r" not in piped.out + piped.err
        for width in WIDTHS:
            result = shown(*scene.words.format(width=width).split(), cwd=place, width=width)
            assert result.status == piped.status < 70, scene
            lines = screen(result)
            assert too_wide(lines, width) == [], scene
            assert askew(lines) == [], scene
            if not scene.drawn:
                renamed = f"{piped.out} {piped.err}".replace("_at_0", f"_at_{width}")
                assert broken_words(lines, [piped.out, piped.err, renamed, *scene.more]) == [], (scene, width)


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS], ids=" ".join)
def test_help_and_mistakes_fit_the_terminal(path: tuple[str, ...], place: Path) -> None:
    for words in ((*path, "--help"), (*path, "--no-such-option")):
        piped = bp(*words, cwd=place)
        assert piped.status == (0 if words[-1] == "--help" else 2)
        for width in (40, *WIDTHS):
            lines = screen(shown(*words, cwd=place, width=width))
            assert too_wide(lines, width) == []
            assert broken_words(lines, [piped.out, piped.err]) == []


def test_a_sweep_shows_what_differs_and_the_metric_and_says_what_is_left_out(place: Path) -> None:
    metrics = {"loss", "accuracy", "val_loss", "test_loss", "test_accuracy"}
    for width in (40, *WIDTHS):
        table, _, left_out = " ".join(screen(shown("runs", "sweep", cwd=place, width=width))).partition("left out for ")
        for text in ("learning_rate", "hidden", "val_accuracy", "0.01", "0.1", "16 leaky_relu, 8 relu"):
            assert text in " ".join(table.split()), width
        said = set(words_of(left_out.partition("best first by")[0]))
        assert metrics & said == metrics - set(words_of(table))
        assert not {"learning_rate", "hidden", "val_accuracy"} & said


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines_in_any_locale(place: Path) -> None:
    words = ("train", "wide.yaml", "--run", "dumb")
    result = on_terminal(*words, cwd=place, width=60, TERM="dumb", LC_ALL="C", LANG="C", PYTHONUTF8="0")
    assert result.status == 0
    assert "\x1b" not in result.out
    assert "\r" not in result.out.replace("\r\n", "\n")
    lines = screen(result)
    assert too_wide(lines, 60) == []
    assert "species of the plant" in " ".join(" ".join(lines).split())


def screen(result: Result) -> list[str]:
    """The lines that a terminal was sent, without styles; each picture of a bar is one."""
    return [line for line in re.split(r"[\r\n]+", STYLE.sub("", result.out)) if line]


def too_wide(lines: list[str], width: int) -> list[str]:
    """The lines that are wider, unless a single word is, such as the path behind a key."""
    return [line for line in lines if cells(line) > width and len(re.sub(r"^ *\w+: ", "", line).split()) > 1]


def broken_words(lines: list[str], known: list[str]) -> list[str]:
    """The words of the lines that are in none of the known texts, shortened ones and drawings left out."""
    whole = {word for text in (*known, SAID) for word in words_of(text)}
    return [word for line in lines if not OTHERS.match(line) for word in words_of(line) if word not in whole]


def words_of(text: str) -> list[str]:
    """The words with letters or digits; those of a help's choices each by itself."""
    words = (word.strip(",;:") for word in re.split(r"[\s|]+", text))
    return [word for word in words if "…" not in word and re.search(r"\w", word)]


SAID = "left out for want of width; --json has them all, bp runs --csv has them all; the largest confusions"
"""What only a narrow terminal is told."""

OTHERS = re.compile(r"\s*… .* shown$|epoch ")
"""Lines of which a pipe has others: how much of a matrix is shown, and the bar."""


def askew(lines: list[str]) -> list[str]:
    """The lines of matrices whose right bracket is not below that of the line before."""
    inner = [(above, below) for above, below in pairwise(lines) if below.lstrip()[:1] in ("⎢", "⎣")]
    return [below for above, below in inner if cells(_to_bracket(above)) != cells(_to_bracket(below))]


def _to_bracket(line: str) -> str:
    """A row of a matrix without its name."""
    return line[: max(line.rfind(bracket) for bracket in "⎤⎥⎦") + 1]


def test_the_checks_see_what_is_wrong() -> None:
    assert too_wide(["xxxxx y", "/a/path/that/is/long", "花びら花 x", "zu\u0308ge a"], 6) == ["xxxxx y", "花びら花 x"]
    known = ["--half-squared-error of 0.1234 (val_accuracy)"]
    assert broken_words(["--half-squared-error of", "  0.1234, (val_accuracy)"], known) == []
    assert broken_words(["--half-squared-", "error of 0.12", "34 (val_accu", "racy)"], known) == [
        "--half-squared-",
        "error",
        "0.12",
        "34",
        "(val_accu",
        "racy)",
    ]
    assert askew(["⎡ 1  2 ⎤  ash", "⎢ 1 2 ⎥  ash", "⎢ 1 2 ⎥", "⎣ 1  2 ⎦"]) == ["⎢ 1 2 ⎥  ash", "⎣ 1  2 ⎦"]
