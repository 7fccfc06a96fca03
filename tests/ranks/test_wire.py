"""A connection to rank 0: what is heard of the other end."""

from __future__ import annotations

import socket

import pytest

from bpcli.ranks.wire import Wire


def test_what_is_said_before_the_end_is_heard_before_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        near, (far, _) = socket.create_connection(server.getsockname()), server.accept()
    here, there = Wire(near), Wire(far)
    there.send({"end": 143})
    there.send({"over": True})
    there.close()
    assert here.receive() == [{"end": 143}, {"over": True}]
    with pytest.raises(EOFError):
        here.receive()
    here.close()
