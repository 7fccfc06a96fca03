"""What ranks compare before they train together."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.runs.sameness import KERNELS, sameness
from tests.runs.support import experiment


def test_other_kernels_than_the_processors_own_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = experiment(tmp_path)
    before = sameness(built, None)
    assert sameness(built, None) == before
    for name in KERNELS:
        monkeypatch.setenv(name, "another")
        assert {key for key, value in sameness(built, None).items() if value != before[key]} == {name}
        monkeypatch.undo()
