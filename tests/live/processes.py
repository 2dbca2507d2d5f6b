"""Processes that a test starts: with signals as in a terminal, and gone when the test is."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import Any

from cinempc.launch.processes import bound


def start(words: Sequence[object], **options: Any) -> subprocess.Popen[str]:
    """A process that hears SIGINT, and that the kernel ends when this one has ended.

    Args:
        words: the program and its arguments.
        options: of `subprocess.Popen`; text, not bytes.
    """
    return subprocess.Popen(bound([str(word) for word in words]), text=True, **options)
