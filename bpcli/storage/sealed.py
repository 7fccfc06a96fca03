"""An object as a JSON file that notes its own SHA-256."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpcli.errors import DataError
from bpcli.storage import digests
from bpcli.storage.bounded import read_regular
from bpcli.storage.files import write
from bpcli.storage.strict_json import MalformedError, parse_json
from bpcli.storage.text import to_json

DIGEST = digests.Place(0, f'{{\n  "{digests.KEY}": "'.encode())
"""Where such a file notes its digest: in its second line."""

MOST_BYTES = 1 << 26
"""More than any such file has."""


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write an object whose keys begin with small letters; names of files that are not UTF-8 keep their bytes.

    Raises:
        SystemRefusedError: the system refused; the old file, if any, is untouched.
    """
    text = to_json({digests.KEY: digests.BLANK, **value}, indent=2) + "\n"
    write(path, b"".join(DIGEST.seal(text.encode("utf-8", "surrogateescape"))))


def read_json(path: Path) -> dict[str, Any]:
    """The object that :func:`write_json` wrote.

    Raises:
        DataError: the file is damaged, malformed, no file or too large.
        OSError: the system refused to read it.
    """
    data = read_regular(path, MOST_BYTES)
    DIGEST.require_intact(data, str(path))
    try:
        value = parse_json(data.decode("utf-8", "surrogateescape"))
    except MalformedError as error:
        raise DataError(f"malformed: {error}", where=str(path), hint="copy the run again") from error
    return {key: each for key, each in value.items() if key != digests.KEY}
