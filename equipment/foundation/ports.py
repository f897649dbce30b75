"""Loopback ports that a data directory keeps across restarts."""

import socket
from pathlib import Path

from equipment.foundation.errors import PortInUseError


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
    """The port asked for, else that of the last run if it is still free, else another; written to ``file``.

    Raises
    ------
    PortInUseError
        The port that was asked for is taken. (Moving on silently would leave devices on the wrong one.)
    """
    port = wanted or _read(file)
    if wanted and not is_free(wanted):
        raise PortInUseError(f"port {wanted} of this machine is in use: stop the other program or choose another port")
    if port is None or not is_free(port):
        port = free_port()
    file.write_text(str(port))
    return port


def _read(file: Path) -> int | None:
    """The remembered port; None when there is none, or when a crash left half a file."""
    text = file.read_text() if file.exists() else ""
    return int(text) if text.isdecimal() and 0 < int(text) < 65_536 else None
