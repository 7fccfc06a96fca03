"""Files damaged by chance: bytes written over, and JSON with values changed; the same by the same generator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

TOKENS = (
    *(b"", b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b",", b";", b"\t", b"=1+1", b"-", b"nan", b"inf"),
    *(b"1e999", b"-1", b"0", b"9" * 330, b"1_000", b"null", b"true", b"{}", b"[]", b"\xed\xa0\x80"),
    *(b"\xf0\x9f\x98\x80", b"\xff\xff\xff\x7f", b"\x80", b"\x1b[31m", b": ", b"- ", b"&a ", b"*a"),
    *(b"!!python/name:os.system ", b"../" * 9),
)
"""What damage writes into a file."""

MOST_PLACES = 6
"""In how many places a file is damaged at most."""


def damaged(content: bytes, rng: Random) -> bytes:
    """The bytes with up to six places overwritten, deleted, repeated or flipped, or the end cut off."""
    data = bytearray(content)
    for _ in range(rng.randint(0, MOST_PLACES)):
        _damage(data, rng.randint(0, len(data)), rng)
    return bytes(data)


def _damage(data: bytearray, at: int, rng: Random) -> None:
    length = rng.randint(0, 16)
    match rng.choice(("write", "insert", "noise", "delete", "repeat", "flip", "cut")):
        case "write":
            token = rng.choice(TOKENS)
            data[at : at + len(token)] = token
        case "insert":
            data[at:at] = rng.choice(TOKENS)
        case "noise":
            data[at:at] = rng.randbytes(length)
        case "delete":
            del data[at : at + length]
        case "repeat":
            data[at:at] = data[at : at + length] * rng.randint(1, 40)
        case "flip" if at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        case _:
            del data[at:]


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 2**31, 2**63, 2**64, 10**18, -(10**40), 10**400),
    *(0.0, -0.0, 0.5, -0.5, 1.5, 1e-320, 1e308, float("nan"), float("inf"), -float("inf")),
    *("", " ", "x", "null", "\n", "\0", "é", "\ud800", "a" * 5000, "relu", "matrix", "epoch", "1e999", "=1+1"),
    *("../../x", "/dev/null", "os.system", [], [[]], [None], [1], [1, 2, 3], ["x"], ["a", "a"], [0] * 50),
    *({}, {"name": "x"}, {"name": None}, {"name": "relu"}, {"name": "x", "kind": "table"}, {"kind": "number"}),
    *({"units": -1}, {"a": {"b": {"c": []}}}),
)
"""Values that no key expects, and some that several do."""

MOST_CHANGES = 3
"""How many changes a mutant has at most."""


@dataclass(frozen=True)
class Place:
    """Where a value stands: at a key of a mapping, or at a number of a list."""

    holder: Any
    key: Any

    @property
    def value(self) -> Any:
        return self.holder[self.key]


def mutant(value: Any, rng: Random) -> Any:
    """A JSON value with one to three of its parts changed."""
    changed = deepcopy(value)
    for _ in range(rng.randint(1, MOST_CHANGES)):
        places = list(_places(changed))
        if places:
            _change(rng.choice(places), rng.choice(places), rng)
    return changed


def _places(value: Any) -> Iterator[Place]:
    """The place of every value within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield Place(value, key)
        yield from _places(item)


def _change(place: Place, other: Place, rng: Random) -> None:
    """Change what stands at a place; some changes take what stands at another."""
    holder, key, own = place.holder, place.key, place.value
    match rng.choice(("replace", "replace", "remove", "double", "bury", "copy", "deepen", "scale", "rename")):
        case "remove":
            del holder[key]
        case "double" if isinstance(holder, list):
            holder.insert(key, deepcopy(own))
        case "double":
            holder[f"{key}x"] = deepcopy(own)
        case "bury":
            holder[key] = [own]
        case "copy":
            holder[key] = deepcopy(other.value)
        case "deepen" if rng.random() < 0.3:
            holder[key] = _deep(rng.randint(10, 300))
        case "scale" if isinstance(own, int | float):
            holder[key] = rng.choice((-own, own * 10**12))
        case "rename" if isinstance(holder, dict):
            holder[rng.choice(("name", "x", "kind", "units"))] = holder.pop(key)
        case _:
            holder[key] = deepcopy(rng.choice(VALUES))


def _deep(levels: int) -> Any:
    """A list in a list in a list …."""
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def text(value: Any) -> str:
    """JSON, also of numbers that JSON does not have."""
    return json.dumps(value, sort_keys=True)
