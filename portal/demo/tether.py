"""Ties a program's life to the process that started it, then becomes that program.

Run as `python -I -S tether.py SIGNAL PARENT COMMAND…`: when PARENT dies, even by `kill -9`, the kernel sends SIGNAL
(Linux, prctl(2) PR_SET_PDEATHSIG). Elsewhere the next start finds what is left by its pid file.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    number, parent, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before the line above took hold
        sys.exit(f"tether: process {parent} is gone.")
    os.execvp(command[0], command)  # noqa: S606 - becoming the given program is the purpose


if __name__ == "__main__":
    main()
