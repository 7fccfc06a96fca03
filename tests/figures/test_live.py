"""Curves of a training that goes on: drawn now and then, and at the end."""

from __future__ import annotations

from bpcli.figures import live
from bpcli.figures.live import LiveCurves


def test_curves_are_drawn_again_only_when_that_takes_a_small_share_of_the_time() -> None:
    curves = LiveCurves([])
    assert curves.text(60, 20, is_last=False) == ""
    curves.add(1, 0, {"loss": 3.0, "val_loss": 3.0})
    first = curves.text(60, 20, is_last=False)
    assert len(first.splitlines()) == 19
    curves.add(2, 1, {"loss": 1.0, "val_loss": 2.0})
    assert curves.text(60, 20, is_last=False) == first
    last = curves.text(60, 12, is_last=True)
    assert "◆" in last
    assert len(last.splitlines()) == 12


def test_where_there_is_no_room_there_is_no_curve() -> None:
    curves = LiveCurves([{"epoch": 1.0, "loss": 2.0}])
    assert curves.text(60, live.LEAST_HEIGHT - 1, is_last=True) == ""
    assert curves.text(60, live.LEAST_HEIGHT, is_last=True) != ""
