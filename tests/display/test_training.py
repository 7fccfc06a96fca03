"""The progress of a training as a person sees it: a bar on a terminal of any width, lines elsewhere."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bpcli import display
from bpcli.display import TrainingDisplay, training
from bpcli.display.bar import ECHO
from bpcli.lines.cells import cells
from bpcli.training.loop import Epoch, Stretch
from tests.cli.support import set_width


def epoch(number: int, **values: float) -> Epoch:
    return Epoch(number, 10 * number, 0.1, values, 0.5, 0.1)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch, width: int = 120) -> Iterator[list[str]]:
    """A pseudo-terminal as standard error; in the end the list holds each picture drawn on it, style left out."""
    pictures: list[str] = []
    written = bytearray()
    reader, writer = os.openpty()

    def read() -> None:
        with os.fdopen(reader, "rb", buffering=0) as file:
            try:
                while piece := file.read(65536):
                    written.extend(piece)
            except OSError:  # how Linux reports that nobody writes any more
                pass

    reading = threading.Thread(target=read)
    reading.start()
    set_width(writer, width)
    with monkeypatch.context() as patch, os.fdopen(writer, "w", encoding="utf-8") as stream:
        patch.setattr("sys.stderr", stream)
        patch.setattr(training, "REFRESH_SECONDS", 0.0)
        patch.setenv("TERM", "xterm")
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
            patch.delenv(name, raising=False)
        yield pictures
    reading.join()
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", written.decode())
    pictures += [picture.rstrip() for picture in re.split(r"[\r\n]+", plain) if picture.strip()]


def test_the_bar_moves_within_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as pictures:
        training_display = TrainingDisplay(2, 100, "accuracy", quiet=False)
        for event in (
            Stretch(1, 25, 0.9),
            Stretch(1, 75, 0.8),
            epoch(1, loss=0.7, accuracy=0.5),
            Stretch(2, 50, 0.6),
            epoch(2, loss=0.5, accuracy=0.75),
        ):
            training_display.show(event)
        training_display.close()
    shares = [
        re.findall(r"epoch (\S+) .*?(\d+)%(?: (.*?) [\d,–]+ examples/s)?", squeezed(picture)) for picture in pictures
    ]
    found = list(dict.fromkeys(share[0] for share in shares if share))
    assert found == [
        ("0/2", "0", ""),
        ("1/2", "12", "loss 0.9"),
        ("1/2", "38", "loss 0.8"),
        ("1/2", "50", "loss 0.7 accuracy 0.5"),
        ("2/2", "75", "loss 0.6 accuracy 0.5"),
        ("2/2", "100", "loss 0.5 accuracy 0.75"),
    ]


def test_the_bar_shows_the_rate_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as pictures:
        training_display = TrainingDisplay(1, 1000, "accuracy", quiet=False)
        for seen in (200, 400, 600):
            training_display.show(Stretch(1, seen, 1.0))
        training_display.close()
    assert re.search(r" 60% loss 1 [\d,]+ examples/s (\d\d:\d\d|--:--)$", squeezed(pictures[-1]))


def test_a_terminal_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr("sys.stderr", Gone())
    monkeypatch.setattr(training, "REFRESH_SECONDS", 0.0)
    training_display = TrainingDisplay(1, 10, "accuracy", quiet=False)
    training_display.show(Stretch(1, 5, 1.0))
    training_display.show(epoch(1, loss=1.0, accuracy=1.0))
    training_display.close()
    display.say("nobody hears this")


def test_off_a_terminal_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    training_display = TrainingDisplay(6, 10, "accuracy", quiet=False)
    for number in range(1, 7):
        training_display.show(Stretch(number, 5, 2.0))
        training_display.show(epoch(number, loss=1 / number, accuracy=number / 6))
    training_display.close()
    assert capsys.readouterr().err == (
        "epoch 1/6  loss 1  accuracy 0.1667\n"
        "epoch 2/6  loss 0.5  accuracy 0.3333\n"
        "epoch 4/6  loss 0.25  accuracy 0.6667\n"
        "epoch 6/6  loss 0.1667  accuracy 1\n"
    )


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    training_display = TrainingDisplay(1, 10, "accuracy", quiet=True)
    training_display.show(epoch(1, loss=1.0, accuracy=1.0))
    training_display.close()
    assert capsys.readouterr() == ("", "")


PIECES = re.compile(
    r"(epoch )?\d+/200|[━╸╺]{10,}|\d+%|loss [\d.e-]+|val_accuracy [\d.e-]+|kept \d+|[\d,]+ examples/s"
    r"|(\d+:)*\d\d:\d\d|--:--"
)
"""What the bar of :func:`train_shortly` consists of."""


def train_shortly(between: Callable[[int], None] = lambda number: None) -> None:
    """Show a training of 200 epochs, of which some are drawn."""
    training_display = TrainingDisplay(200, 1000, "val_accuracy", quiet=False)
    for number in (1, 17, 199, 200):
        training_display.show(
            Epoch(number, 1000 * number, 0.1, {"loss": 1 / 3 / number, "val_accuracy": 2 / 3}, 0.5, 0.1, kept=1)
        )
        between(number)
    training_display.close()


def squeezed(picture: str) -> str:
    return " ".join(picture.split())


@pytest.mark.parametrize("width", [1, 5, 12, 20, 40, 60, 80, 120])
def test_the_bar_fits_any_width_and_cuts_nothing(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, width) as pictures:
        train_shortly()
    assert bool(pictures) == (width >= len("200/200") + ECHO)
    for picture in pictures:
        assert cells(picture) <= width - ECHO
        assert PIECES.sub("", picture).strip() == "", picture


@pytest.mark.parametrize(
    ("width", "last"),
    [
        (20, "epoch 200/200"),
        (40, "epoch 200/200 loss 0.001667 00:00"),
        (60, "epoch 200/200 ━ 100% loss 0.001667 00:00"),
        (80, "epoch 200/200 ━ 100% loss 0.001667 val_accuracy 0.6667 00:00"),
        (120, "epoch 200/200 ━ 100% loss 0.001667 val_accuracy 0.6667 kept 1 N examples/s 00:00"),
    ],
)
def test_a_wider_terminal_shows_more(width: int, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch, width) as pictures:
        train_shortly()
    assert re.sub("━+", "━", re.sub(r"[\d,]+ examples", "N examples", squeezed(pictures[-1]))) == last


def test_the_bar_follows_a_terminal_that_is_resized(monkeypatch: pytest.MonkeyPatch) -> None:
    widths = {1: 40, 17: 100, 199: 20}
    with terminal(monkeypatch, 80) as pictures:
        train_shortly(lambda number: set_width(sys.stderr.fileno(), widths.get(number, 20)))
    drawn = [(picture.split("/")[0], cells(picture)) for picture in pictures]
    room = {"epoch 0": 80, "epoch 1": 80, "epoch 17": 40, "epoch 199": 100, "epoch 200": 20}
    assert all(taken <= room[at] - ECHO for at, taken in drawn)
    assert max(taken for at, taken in drawn if at == "epoch 199") > 80


def test_the_pieces_of_a_bar_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal(monkeypatch) as pictures:
        training_display = TrainingDisplay(20, 1000, "accuracy", quiet=False)
        for number in (1, 9, 10, 20):
            training_display.show(
                Epoch(number, 0, 0.1, {"loss": 1 / number, "accuracy": 0.5}, 0.5, 0.1, kept=number // 2)
            )
        training_display.close()
    for piece in ("loss", "accuracy", "kept"):
        assert len({picture.index(piece) for picture in pictures if piece in picture}) == 1


def test_hours_that_are_left_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (30, 40, 60, 80):
        with terminal(monkeypatch, width) as pictures:
            training_display = TrainingDisplay(10**9, 10, "accuracy", quiet=False)
            for seen in range(1, 6):
                training_display.show(Stretch(1, seen, 1.0))
            training_display.close()
        assert all(cells(picture) <= width - ECHO and "…" not in picture for picture in pictures)
        assert re.search(r" \d+:\d\d:\d\d$", pictures[-1]) or width < 60


def test_long_work_shows_its_share_at_any_width_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (8, 20, 30, 60):
        with terminal(monkeypatch, width) as pictures, display.progress_bar(4, "derivatives", long=True) as advance:
            for _ in range(4):
                advance(1)
        assert re.findall(r"\d+%", " ".join(pictures))[:5] == ["0%", "25%", "50%", "75%", "100%"]
        assert all(cells(picture) <= width - ECHO and "…" not in picture for picture in pictures)
        assert any("derivatives" in picture for picture in pictures) == (width >= 20)
