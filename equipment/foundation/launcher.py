"""Runs as a child, then becomes another program that stops when its parent does.

``python -I launcher.py PARENT_PID SIGNAL NAMESPACE -- argv…``

The parent-death signal is set after the user namespace, because a change of credentials clears it. It fires when the
*thread* that spawned this process ends: :func:`equipment.foundation.process.spawn` insists on the main thread.
"""

import ctypes
import os
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def enter_namespace() -> None:
    """Appear as "nobody" to a program that refuses to run as root, while files stay root's own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(
            "this machine does not let root make a user namespace: run the command as an ordinary user"
            f" ({os.strerror(ctypes.get_errno())})"
        )
    for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} 0 1"), ("gid_map", f"{NOBODY} 0 1")):
        Path(f"/proc/self/{name}").write_text(text, encoding="ascii")


def main() -> None:
    """Tie this process to its parent and become the program."""
    parent, signal_number, namespace = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "namespace"
    if namespace:
        enter_namespace()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        sys.exit("the parent ended before its child began")
    argv = sys.argv[5:]
    os.execvp(argv[0], argv)  # noqa: S606  # becoming the program, without a shell, is the purpose


if __name__ == "__main__":
    main()
