"""A TCP connection between rank 0 and each other rank, beside MPI: it breaks within seconds of what it leads to.

A process that ends closes its connections at once, however it ends. Of a host that cannot be reached the system gives
up what it has sent, because the other system confirms nothing: so a process that is stopped, or busy for long in one
call, is not taken for dead.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any

SILENCE = 2.4
"""Seconds without a confirmation of what was sent, after which the other host counts as lost."""

TRY = 3.0
"""Seconds to wait for an address to answer."""

PATIENCE = 20.0
"""Seconds in which all ranks must have come: each tries the addresses of rank 0 one after the other."""

TOKEN = 32
"""Bytes that show who connects; MPI has handed them out."""

RXT_CONNDROPTIME = 0x80
"""macOS: the option of TCP that Linux calls TCP_USER_TIMEOUT, in seconds (netinet/tcp.h)."""


@dataclass
class Wire:
    """One end of a connection: messages are JSON objects, a line each; an empty line says nothing."""

    connection: socket.socket
    _received: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.connection.setblocking(False)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        seconds = (RXT_CONNDROPTIME, round(SILENCE)) if option is None else (option, int(SILENCE * 1000))
        with suppress(OSError):
            self.connection.setsockopt(socket.IPPROTO_TCP, *seconds)

    def send(self, message: Mapping[str, Any] | None = None) -> None:
        """Send a message, or that there is none. What is short always fits the system's buffer.

        Raises:
            OSError: the connection is broken.
        """
        line = json.dumps(message).encode() if message else b""
        with suppress(BlockingIOError):
            self.connection.sendall(line + b"\n")

    def receive(self) -> list[dict[str, Any]]:
        """The messages that have come whole; what came before an end is heard before it.

        Raises:
            OSError: the connection is broken.
            EOFError: the other end is closed.
        """
        try:
            self._fill()
        except (OSError, EOFError):
            if b"\n" not in self._received:
                raise
        *lines, rest = bytes(self._received).split(b"\n")
        self._received = bytearray(rest)
        return [json.loads(line) for line in lines if line]

    def _fill(self) -> None:
        with suppress(BlockingIOError):
            while piece := self.connection.recv(1 << 16):
                self._received += piece
            raise EOFError

    def close(self) -> None:
        """Close this end."""
        self.connection.close()


def listening() -> socket.socket:
    """Where the other ranks are to connect to, on all addresses of this host."""
    return socket.create_server(("", 0), backlog=4096)


def accept(listener: socket.socket, token: bytes, others: int) -> dict[int, Wire]:
    """The connections of the other ranks, by their index, until all have come or :data:`PATIENCE` is over.

    What cannot show the token is no rank.
    """
    found: dict[int, Wire] = {}
    listener.settimeout(PATIENCE)
    with suppress(TimeoutError):
        while len(found) < others:
            connection, _ = listener.accept()
            connection.settimeout(TRY)
            greeting = _exactly(connection, TOKEN + 4)
            if compare_digest(greeting[:TOKEN], token):
                connection.sendall(token)
                found[int.from_bytes(greeting[TOKEN:])] = Wire(connection)
            else:
                connection.close()
    return found


def connect(addresses: list[str], port: int, token: bytes, index: int) -> Wire | None:
    """The connection of rank ``index`` to rank 0, by the first address at which it is; None where it is at none."""
    for address in addresses:
        with suppress(OSError):
            connection = socket.create_connection((address, port), TRY)
            connection.sendall(token + index.to_bytes(4))
            if compare_digest(_exactly(connection, TOKEN), token):
                return Wire(connection)
            connection.close()
    return None


def _exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes, or fewer where the other end stops."""
    found = b""
    with suppress(OSError):
        while len(found) < size and (piece := connection.recv(size - len(found))):
            found += piece
    return found
