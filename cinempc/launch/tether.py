"""Becomes the program of a part, tied to the launcher: ``python tether.py LAUNCHER PROGRAM ...``.

A script for a bare interpreter, by itself: the kernel's promise to kill a process when its parent
dies has to be asked for by the process itself, before it becomes the program; asking between fork
and exec of the launcher, which has threads, could hang.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Tie this process to its parent, and become the program."""
    launcher, words = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != launcher:  # it died before the kernel knew
            sys.exit(1)
    # Python ignores SIGPIPE, and a shell lets what runs in the background ignore SIGINT; the
    # program would inherit both.
    for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(words[0], words)
    except OSError as error:
        print(f"{words[0]} cannot be run: {error.strerror}", flush=True)
        sys.exit(127)


if __name__ == "__main__":
    main()
