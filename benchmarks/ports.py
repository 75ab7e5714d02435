"""Ports to listen on that stay ours: none that an outgoing connection may get, none that other tests have."""

import contextlib
import os
import random
import socket

SLICE = 750
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
_FIRST = 20_000 + _WORKER * SLICE
"""Below what Linux gives to outgoing connections (net.ipv4.ip_local_port_range, from 32768 on), a slice a worker."""

_PORTS = random.Random(os.getpid()).sample(range(_FIRST, _FIRST + SLICE), SLICE)  # noqa: S311 - each its own order


def free_port() -> int:
    """Find a port on the loopback that nobody listens on; the one that was given out longest ago may come again."""
    while True:
        port = _PORTS.pop()
        _PORTS.insert(0, port)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
