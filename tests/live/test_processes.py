"""What a test starts does not outlive it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.network import ROOT, SIMULATED, free_instance
from tests.live.processes import start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel")

#: A test run in the background, as a shell starts it: it ignores SIGINT. It starts a vehicle.
PARENT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
from tests.live.processes import start
child = start([sys.executable, *sys.argv[1:]])
print(child.pid, flush=True)
time.sleep(600)
"""


def _ends(pid: int) -> bool:
    end = time.monotonic() + 60.0
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", ["interrupted", "its parent is killed"])
def test_a_vehicle_of_a_run_in_the_background_ends(how: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, "-c", SIMULATED, str(free_instance()), "1"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            assert parent.stdout.readline().strip() == "ready"  # the vehicle's
            if how == "interrupted":
                os.kill(child, signal.SIGINT)
            else:
                parent.kill()
            assert _ends(child)
        finally:
            parent.kill()


def test_what_is_started_hears_ctrl_c() -> None:
    process = start([sys.executable, "-c", "print(1, flush=True); import time; time.sleep(600)"],
                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == -signal.SIGINT
