"""Run a command that ends when the process that started it ends. Run by path, so it imports next to nothing.

Owns the last step before a supervised command starts, and must not outlive it: it becomes the command. Linux
itself sends SIGTERM when the parent dies. Elsewhere there is no such call, and the supervisor's warden does it.

    python leash.py PARENT_PID COMMAND [ARGUMENT …]
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the command."""
    parent, argv = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        # It died before the call above, so nobody will ever tell us.
        sys.exit(1)
    try:
        os.execvp(argv[0], argv)  # noqa: S606 - the command comes from our own code
    except OSError as error:
        sys.exit(f"cannot start {argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
