"""Ports to listen on that stay ours: none that an outgoing connection may get, none that other tests have."""

import contextlib
import os
import random
import socket

_PORTS = random.Random(os.getpid()).sample(range(20_000, 32_000), 12_000)  # noqa: S311 - each process has its own order
"""Below what Linux gives to outgoing connections (net.ipv4.ip_local_port_range, from 32768 on)."""


def free_port() -> int:
    """Find a port on the loopback that nobody listens on."""
    while True:
        port = _PORTS.pop()
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
