"""What a series was asked for is read back as it was written, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bpcli.errors import DataError
from bpcli.runs.series import SERIES_FILE, SeriesRequest, read_request, write_series
from bpcli.storage.sealed import read_json, write_json


@pytest.mark.parametrize("asked", [SeriesRequest(seeds=3), SeriesRequest(2, 5, refit=True)])
def test_a_request_is_read_back(tmp_path: Path, asked: SeriesRequest) -> None:
    write_series(tmp_path, asked, [], {})
    assert read_request(tmp_path) == asked


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seeds": None}, "malformed: it has neither seeds nor folds"),
        ({"seeds": 1}, "malformed: seeds is 1, not from 2 to 10000"),
        ({"seeds": 200, "folds": 100}, "malformed: it asks for more than 10,000 runs"),
        ({"folds": True}, "malformed: folds is True, not a whole number"),
        ({"refit": 1}, "malformed: refit is 1, not true or false"),
        ({"x": 0}, "malformed: it has 'x', which is unknown"),
    ],
)
def test_a_request_that_nobody_made_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    write_series(tmp_path, SeriesRequest(seeds=3), [], {})
    path = tmp_path / SERIES_FILE
    write_json(path, {**read_json(path), **change})
    with pytest.raises(DataError) as caught:
        read_request(tmp_path)
    assert (caught.value.message, caught.value.where) == (said, str(path))


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, SeriesRequest(seeds=3), [], {})
    path = tmp_path / SERIES_FILE
    path.write_text(path.read_text().replace('"seeds": 3', '"seeds": 4'))
    with pytest.raises(DataError, match="damaged"):
        read_request(tmp_path)
