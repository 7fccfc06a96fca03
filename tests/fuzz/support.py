"""How many examples there are, how files are damaged, and what may come of them.

``make fuzz`` sets ``BP_FUZZ`` to the number of examples, drawn anew; without it there are few, the same each time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bpcli.errors import BpError, ExitStatus
from tests.cli.support import bp

EXAMPLES = int(os.environ.get("BP_FUZZ") or 0)

SECONDS = 2.0
"""How long a file may take; it is measured by ``make fuzz`` alone, where nothing else runs."""

STATUSES = {ExitStatus.DONE, ExitStatus.USAGE, ExitStatus.DATA, ExitStatus.DIVERGED, ExitStatus.SYSTEM}
"""How a command may end on a file; a defect is none of them."""


def examples(few: int) -> settings:
    """The settings of a test that has ``few`` examples where ``make fuzz`` does not ask for more."""
    return settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def answer(read: Callable[[], object]) -> None:
    """Read something; it has to succeed or to fail with an error of bp's, of a documented status."""
    start = time.process_time()
    error = _error_of(read)
    if error is not None:
        assert error.status in STATUSES
        assert error.lines()[0].startswith("error: ")
        assert all(line.isprintable() for line in error.lines())
    assert not EXAMPLES or time.process_time() - start < SECONDS


def _error_of(read: Callable[[], object]) -> BpError | None:
    try:
        read()
    except BpError as error:
        return error
    return None


def answer_of_command(*words: str, cwd: Path) -> None:
    """Run a command; it has to end with a documented status, and JSON is whole and finite."""
    start = time.process_time()
    result = bp(*words, cwd=cwd)
    assert result.status in STATUSES, result
    assert "Traceback" not in result.err
    assert result.status == 0 or result.err.startswith(("error: ", "warning: ")) or "\nerror: " in result.err
    if "--json" in words and result.out:
        json.loads(result.out, parse_constant=_no_number)
    assert not EXAMPLES or time.process_time() - start < SECONDS


def _no_number(word: str) -> Any:
    raise AssertionError(f"{word} is not JSON")


TOKENS = [
    *(b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b",", b";", b"\t", b"=1+1", b"-", b"nan", b"inf"),
    *(
        b"1e999",
        b"-1",
        b"0",
        b"9" * 330,
        b"1_000",
        b"null",
        b"true",
        b"{}",
        b"[]",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
    ),
    *(b"\xff\xff\xff\x7f", b"\x80", b"\x1b[31m", b": ", b"- ", b"&a ", b"*a", b"!!python/name:os.system ", b"../" * 9),
]
"""What damage writes into a file."""


@st.composite
def damaged(draw: st.DrawFn, contents: list[bytes]) -> bytes:
    """One of the contents with up to six places overwritten, deleted, repeated, or the end cut off."""
    data = bytearray(draw(st.sampled_from(contents)))
    for _ in range(draw(st.integers(0, 6))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 16))
        match draw(st.sampled_from(["write", "insert", "delete", "repeat", "flip", "cut"])):
            case "write":
                token = draw(st.sampled_from(TOKENS))
                data[at : at + len(token)] = token
            case "insert":
                data[at:at] = draw(st.sampled_from(TOKENS) | st.binary(max_size=8))
            case "delete":
                del data[at : at + length]
            case "repeat":
                data[at:at] = data[at : at + length] * draw(st.integers(1, 40))
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at:]
            case _:
                pass
    return bytes(data)


ODD_VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2**31,
        2**63,
        2**64,
        -(10**40),
        10**330,
        0.0,
        -0.0,
        0.5,
        1e-320,
        1e308,
        1.5,
        "",
        " ",
    ),
    *("x", "null", "\n", "\x00", "é", "a" * 5000, "../../x", "/dev/null", "os.system", [], {}, [[]], [None]),
    *([1, 2, 3], ["x"], {"name": "x"}, {"name": None}, [0] * 50, {"units": -1}, {"a": {"b": {"c": []}}}),
]
"""Values that no key expects, and some that several do."""


@st.composite
def restructured(draw: st.DrawFn, value: Any) -> Any:
    """A JSON value with up to four of its parts replaced, removed, renamed or exchanged."""
    copy = json.loads(json.dumps(value))
    for _ in range(draw(st.integers(1, 4))):
        holder = draw(st.sampled_from(_containers(copy)))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            continue
        key = draw(st.sampled_from(keys))
        match draw(st.sampled_from(["replace", "replace", "remove", "rename", "exchange"])):
            case "replace":
                holder[key] = deepcopy(draw(st.sampled_from(ODD_VALUES)))
            case "remove":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["name", "x", "kind", "units"]))] = holder.pop(key)
            case _:
                other = draw(st.sampled_from(keys))
                holder[key], holder[other] = holder[other], holder[key]
    return copy


def _containers(value: Any) -> list[Any]:
    """Every mapping and list in a value, itself first."""
    if isinstance(value, dict):
        return [value, *(inner for item in value.values() for inner in _containers(item))]
    if isinstance(value, list):
        return [value, *(inner for item in value for inner in _containers(item))]
    return []
