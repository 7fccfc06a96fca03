"""A file's SHA-256 noted in the file itself, so that one changed bit anywhere in it shows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bpcli.errors import DataError

KEY = "SHA-256"
"""The key of JSON that has the digest: capitals sort before the names of other keys, so it has a fixed place."""

BLANK = "0" * 64
"""What stands for the digits while they are not known."""


@dataclass(frozen=True)
class Place:
    """Where files of one kind note their digest: behind ``lead``, which begins at byte ``start``.

    It is of all bytes of the file, its own digits being :data:`BLANK`.
    """

    start: int
    lead: bytes

    def seal(self, data: bytes) -> list[bytes | memoryview]:
        """The pieces of the file ``data``, whose digits are blank, with its digest.

        Raises:
            ValueError: the place for it is not in the data.
        """
        before, digits, after = self._parts(data)
        if not before.tobytes().endswith(self.lead) or digits != BLANK.encode():
            raise ValueError(f"no place for a digest in {data[: self.start + len(self.lead) + 64]!r}")
        return [before, self._digest(data), after]

    def is_in(self, data: bytes) -> bool:
        """Whether a file notes a digest; one wrong byte before it may be the damage that it is to show."""
        found = data[self.start : self.start + len(self.lead)]
        return len(found) == len(self.lead) and sum(a != b for a, b in zip(found, self.lead, strict=True)) <= 1

    def require_intact(self, data: bytes, where: str) -> None:
        """Refuse a file that has changed since it was written.

        Raises:
            DataError: it has, or it notes no digest.
        """
        if not self.is_in(data):
            raise DataError(
                f"it notes no {KEY}, as every file of this kind by bp does", where=where, hint="copy the file again"
            )
        before, noted, _ = self._parts(data)
        if not before.tobytes().endswith(self.lead) or noted != self._digest(data):
            raise DataError(
                f"the file is damaged: its {KEY} is not that noted in it", where=where, hint="copy the file again"
            )

    def _parts(self, data: bytes) -> tuple[memoryview, memoryview, memoryview]:
        """What is before the digits, they, and what is after them."""
        view, first = memoryview(data), self.start + len(self.lead)
        return view[:first], view[first : first + len(BLANK)], view[first + len(BLANK) :]

    def _digest(self, data: bytes) -> bytes:
        before, _, after = self._parts(data)
        digest = hashlib.sha256(before)
        digest.update(BLANK.encode())
        digest.update(after)
        return digest.hexdigest().encode()
