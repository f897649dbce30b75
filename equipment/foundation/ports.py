"""Loopback ports that a data directory keeps across restarts."""

import socket
from pathlib import Path


def is_free(port: int) -> bool:
    """Whether nothing listens on this loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def remembered_port(file: Path, wanted: int | None = None) -> int:
    """The port of the last run if it is still free, else another; what is chosen is written to ``file``."""
    port = wanted
    if port is None and file.exists():
        port = int(file.read_text())
    if port is None or not is_free(port):
        port = free_port()
    file.write_text(str(port))
    return port
