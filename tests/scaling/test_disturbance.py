"""What a measurement was disturbed by, from the system's own counts."""

from __future__ import annotations

import os
from pathlib import Path
from time import sleep

import pytest

from bpcli.scaling import disturbance
from bpcli.scaling.disturbance import Disturbance, watched


def test_other_processes_and_guests_are_read_from_the_processors_ticks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(disturbance, "perf_counter", iter([0.0, 10.0]).__next__)
    monkeypatch.setattr(disturbance, "thread_time", iter([0.0, 8.0]).__next__)
    stat = tmp_path / "proc/stat"
    stat.parent.mkdir()
    stat.write_text("cpu  10 0 0 0 0 0 0 0 0 0\ncpu0 1\n", encoding="ascii")
    with watched(2, tmp_path) as watch:
        # 400 ticks of each of four processors: 1040 busy, so 2.6 cores, 160 stolen
        stat.write_text("cpu  810 200 30 300 100 5 5 160 0 0\ncpu0 1\n", encoding="ascii")
        watch.rounds += [(1.0, 1.1), (2.0, 2.6), (1.0, 1.9)]
    assert watch.found.lost == pytest.approx(0.2)
    assert watch.found.stolen == pytest.approx(0.1)
    assert watch.found.others == pytest.approx(2.6 - 2 * 0.8)
    assert watch.found.uneven == pytest.approx(0.3)
    assert watch.found.reasons == [
        "other work took 20% of the core's time",
        "other guests of the host took 10% of the processors' time",
        "other processes kept 1.0 cores busy",
        "a usual round took 30% longer than the best",
    ]


def test_time_in_which_the_thread_does_not_run_is_lost_and_a_quiet_machine_gives_no_reasons(tmp_path: Path) -> None:
    with watched(root=tmp_path) as watch:
        sleep(0.02)
    assert 0.5 < watch.found.lost <= 1
    assert (watch.found.stolen, watch.found.others, watch.found.uneven) == (0, 0, 0)
    assert Disturbance(0.01, 0.01, 0.1, 0.1).reasons == []
