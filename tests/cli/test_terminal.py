"""On a terminal: a bar that moves and leaves a clean screen, and colours unless they are switched off."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.support import good, on_terminal, process, read_metrics, read_record, write_config

COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;\d+)*m")
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


HOSTILE = "\x1b[31m[red]ash\x07"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    trees = np.array([HOSTILE, "birch", "cedar"] * 20)
    np.savez(tmp_path / "points.npz", features=rng.normal(0, 1, (60, 2)), targets=trees)
    write_config(
        tmp_path / "points.yaml",
        """
        data: {path: points.npz, split: {validation: 0.2}}
        network: {hidden: [5]}
        loss: cross_entropy
        epochs: 300
        """,
    )
    return tmp_path


def screen(written: str) -> list[str]:
    """The lines that a terminal shows in the end: cursor movements and erasures obeyed, styles left out."""
    lines, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[\??[\d;]*[A-Za-z]|[^\x1b]", written):
        if piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece == "\r":
            column = 0
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif piece.endswith("A"):
            row -= int(piece[2:-1] or 1)
        elif len(piece) == 1:
            lines[row] = lines[row].ljust(column)[:column] + piece + lines[row][column + 1 :]
            column += 1
        else:
            assert piece in (HIDE, SHOW) or piece.endswith("m"), piece
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize("width", [100, 40])
def test_the_bar_leaves_one_last_picture_and_the_cursor(folder: Path, width: int) -> None:
    result = on_terminal("train", "points.yaml", "--run", "run", cwd=folder, width=width)
    assert result.status == 0
    assert result.out.count(HIDE) == result.out.count(SHOW) == 1
    assert "\r\x1b[2K" in result.out
    assert COLOUR.search(result.out)
    shown, record = screen(result.out), read_record(folder / "run")
    assert " ".join(" ".join(shown).split()).startswith(
        "2-5-3, 33 parameters; 48 train, 12 validation examples; 2 columns became 2 inputs"
    )
    assert max(map(len, shown)) <= width
    assert shown[-6] == f"kept: epoch {record['kept']['epoch']}, the best by val_loss"
    assert shown[-5].split() == ["loss", "accuracy"]
    assert [line.split()[0] for line in shown[-4:-2]] == ["train", "validation"]
    assert shown[-2:] == ["run", ""]
    row, kept = read_metrics(folder / "run")[-1], record["kept"]["epoch"]
    words = f"loss {row['loss']:.4g} val_accuracy {row['val_accuracy']:.4g}" + f" kept {kept}" * (kept < 300)
    if width == 100:
        bar = shown[-7]
        assert re.fullmatch(rf"epoch 300/300 ━+ 100% {words} [\d,]+ examples/s 00:00", " ".join(bar.split()))


def test_no_color_means_no_colour(folder: Path) -> None:
    result = on_terminal("train", "points.yaml", cwd=folder, NO_COLOR="1")
    assert result.status == 0
    assert not COLOUR.search(result.out)
    assert screen(result.out)[-2] == "runs/points-001"


def test_quiet_shows_nothing_on_a_terminal(folder: Path) -> None:
    assert on_terminal("train", "points.yaml", "--quiet", cwd=folder).out == "runs/points-001\r\n"


def test_names_are_never_obeyed_by_the_terminal(folder: Path) -> None:
    good("train", "points.yaml", "--run", "run", "epochs=1", cwd=folder)
    shown = on_terminal("evaluate", "run", cwd=folder).out
    assert "\\x1b[31m[red]ash\\x07" in shown
    assert "\x1b[31m" not in shown
    assert "\x07" not in shown
    predicted = on_terminal("predict", "run", "--data", "points.npz", cwd=folder).out
    assert predicted.startswith("prediction,p_\\x1b[31m[red]ash\\x07,p_birch,p_cedar\r\n")
    assert "\x1b" not in predicted
    assert predicted.count("\n") == 61


@pytest.mark.parametrize("words", [["list", "metrics"], ["list", "metrics", "f1"], ["train", "points.yaml", "epoch=1"]])
def test_long_lines_are_broken_between_words_on_a_terminal_alone(folder: Path, words: list[str]) -> None:
    shown = on_terminal(*words, cwd=folder, width=60).out.replace("\r", "")
    whole = process(*words, cwd=folder)
    assert shown != whole.out + whole.err
    assert shown.split() == (whole.out + whole.err).split()
    assert max(map(len, shown.splitlines())) <= 60
