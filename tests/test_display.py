"""What a person sees of training and of tables."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bpcli import display
from bpcli.display import TrainingDisplay, training
from bpcli.training.loop import Epoch, Stretch


def epoch(number: int, **values: float) -> Epoch:
    return Epoch(number, 10 * number, 0.1, values, 0.5, 0.1)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
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
    with monkeypatch.context() as patch, os.fdopen(writer, "w", encoding="utf-8") as stream:
        patch.setattr("sys.stderr", stream)
        patch.setattr(training, "REFRESH_SECONDS", 0.0)
        for name, value in (("TERM", "xterm"), ("COLUMNS", "120"), ("LINES", "40")):
            patch.setenv(name, value)
        for name in ("NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        yield pictures
    reading.join()
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", written.decode())
    pictures += [" ".join(picture.split()) for picture in re.split(r"[\r\n]+", plain) if picture.strip()]


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
    shares = [re.findall(r"epoch (\S+) .*?(\d+)%(?: (.*?) [\d,–]+ examples/s)?", picture) for picture in pictures]
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
    assert re.search(r" 60% loss 1 [\d,]+ examples/s (\d\d:\d\d|--:--)$", pictures[-1])


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


def test_a_table_shows_names_as_they_are_and_control_characters_as_escapes() -> None:
    file = io.StringIO()
    display.print_table(
        ["[bold]x[/]", "a\tb"], [["\x1b[31mred", 1], [":smile:", 2.5], ["two\nlines", None]], file, title="[t]"
    )
    assert file.getvalue() == ("[t]\n[bold]x[/]   a\\tb\n\\x1b[31mred     1\n:smile:       2.5\ntwo\\nlines\n")


def test_a_table_off_a_terminal_is_never_cut_wrapped_or_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "20")
    file = io.StringIO()
    display.print_table(["name"], [["long " * 100]], file)
    assert file.getvalue() == f"name\n{('long ' * 100).rstrip()}\n"


def test_numbers_have_four_digits() -> None:
    shown = [display.short_number(value) for value in (0.123456, 12345.6, 1.0, 1e-9, float("inf"), None)]
    assert shown == ["0.1235", "1.235e+04", "1", "1e-09", "inf", ""]


def test_warnings_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    display.warn(["one\ntwo", "[red]three"])
    assert capsys.readouterr().err == "warning: one\\ntwo\nwarning: [red]three\n"


def test_display_is_the_only_importer_of_rich() -> None:
    sources = Path(display.__file__).parents[1].rglob("*.py")
    importers = {
        path.parent.name for path in sources if re.search(r"^\s*(from|import) rich\b", path.read_text(), re.MULTILINE)
    }
    assert importers == {"display"}
