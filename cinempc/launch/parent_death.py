"""Becomes a program that the kernel kills when the process that started it dies:
``python parent_death.py PARENT PROGRAM ...``, with the pid of the parent.

A script for a bare interpreter, by itself: the parent death signal (Linux, ``prctl(2)``) has to be
asked for by the process itself, before it becomes the program; asking between fork and exec of the
parent, which has threads, could hang.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Ask for the parent death signal, and become the program."""
    parent, words = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel knew
            sys.exit(1)
    # Python ignores SIGPIPE, a shell lets what runs in the background ignore SIGINT and SIGQUIT,
    # and nohup SIGHUP; the program would inherit all of it.
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        print(f"{words[0]} cannot be run: {error.strerror}", flush=True)
        sys.exit(127)


if __name__ == "__main__":
    main()
