"""JSON files that note their SHA-256: what is written is read, and a file that changed since is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bpcli.errors import DataError
from bpcli.storage.sealed import MOST_BYTES, read_json, write_json

VALUE: dict[str, Any] = {"b": [1, {"d": 0.1, "c": None}], "größe": "ß\n", "path\udcff": True}


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_json(path)
    assert (caught.value.where, bool(caught.value.hint)) == (str(path), True)
    return caught.value.message


def test_what_is_written_is_read_and_equal_values_give_equal_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "one", VALUE)
    write_json(tmp_path / "other", dict(reversed(VALUE.items())))
    assert read_json(tmp_path / "one") == VALUE
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_any_bit_flipped_and_any_cut_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_json(path, VALUE)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            assert refusal(path) == "the file is damaged: its SHA-256 is not that noted in it"
        path.write_bytes(whole[:place])
        assert "SHA-256" in refusal(path)


def test_what_is_no_file_or_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == "it is a device or a pipe, not a file"
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    assert refusal(tmp_path / "large").startswith("it is of 67,108,865 bytes, beyond ")
