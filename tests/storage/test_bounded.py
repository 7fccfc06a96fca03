"""What is read whole has an end, or a limit."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bpcli.errors import DataError
from bpcli.storage import bounded
from bpcli.storage.bounded import read_file, read_regular, read_stream


def test_files_and_streams_are_read_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "PIECE", 4)
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")

    assert read_file(path, 10) == read_stream(io.BytesIO(b"0123456789"), 10) == b"0123456789"
    assert read_stream(io.BytesIO(b"0123456789"), 9) is None
    assert read_file(path, 9) is None
    assert read_file(Path("/dev/zero"), 9) is None


def test_a_file_of_a_run_that_grows_while_it_is_looked_at_is_not_read_beyond_the_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"0123456789")
    assert read_regular(path, 10) == b"0123456789"
    with pytest.raises(DataError, match="it is of 10 bytes, beyond the 9 that bp reads of it"):
        read_regular(path, 9)
    monkeypatch.setattr(bounded, "require_regular", lambda path, most: None)
    with pytest.raises(DataError, match="it is of more bytes, beyond the 9 that bp reads of it"):
        read_regular(path, 9)
