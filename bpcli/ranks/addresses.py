"""By which addresses do other hosts reach this one? On Linux those of its interfaces, elsewhere those of its name."""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress

SIOCGIFADDR = 0x8915
"""Linux: the call that gives an interface's IPv4 address; it stands 20 bytes into a structure that begins with the
interface's name (netdevice(7))."""


def own_addresses() -> list[str]:
    """IPv4 addresses of this host, those of the loopback interface last."""
    found = dict.fromkeys([*(_of_interfaces() if sys.platform == "linux" else _of_name()), "127.0.0.1"])
    return sorted(found, key=lambda address: address.startswith("127."))


def _of_interfaces() -> list[str]:
    import fcntl

    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # it has none
                answer = fcntl.ioctl(asking, SIOCGIFADDR, struct.pack("256s", name.encode()))
                found.append(socket.inet_ntoa(answer[20:24]))
    return found


def _of_name() -> list[str]:
    with suppress(OSError):
        return socket.gethostbyname_ex(socket.gethostname())[2]
    return []
