"""Programs that end with who started them, and hear Ctrl-C whatever their parent does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psutil
import pytest

from cinempc.launch import processes
from tests.launch.parts import until

#: Starts a program that says its pid and stays; as in the background of a shell and under nohup, it
#: ignores SIGINT and SIGHUP.
PARENT = """
import signal, subprocess, sys
from cinempc.launch.processes import bound
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
child = subprocess.Popen(bound([sys.executable, "-c", sys.argv[1]]), stdout=subprocess.PIPE)
print(child.pid, child.stdout.readline().decode().strip(), flush=True)
print(child.wait(), flush=True)
"""
CHILD = "import time; print('here', flush=True); time.sleep(600)"


@pytest.fixture
def parent():
    process = subprocess.Popen(
        processes.bound([sys.executable, "-c", PARENT, CHILD]), stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def child_of(parent: subprocess.Popen[str]) -> psutil.Process:
    assert parent.stdout is not None
    pid, said = parent.stdout.readline().split()
    assert said == "here"
    return psutil.Process(int(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
def test_a_program_ends_when_its_parent_is_killed(parent: subprocess.Popen[str]) -> None:
    child = child_of(parent)
    parent.kill()
    parent.wait()
    assert until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_program_hears_signals_that_its_parent_ignores(
    parent: subprocess.Popen[str], number: signal.Signals
) -> None:
    child = child_of(parent)
    child.send_signal(number)
    assert parent.stdout is not None
    assert int(parent.stdout.readline()) == -number


def test_what_carries_a_token_is_found_and_ended() -> None:
    token = f"test-{os.getpid()}"
    child = subprocess.Popen(
        processes.bound([sys.executable, "-c", CHILD]),
        stdout=subprocess.PIPE,
        env=os.environ | {processes.TOKEN: token},
        start_new_session=True,
    )
    assert child.stdout is not None
    child.stdout.readline()
    assert processes.marked(token) == [child.pid]
    assert processes.group(child.pid) == [child.pid]
    processes.sweep(token)
    assert child.wait(10) == -signal.SIGTERM
    assert processes.marked(token) == []
    child.stdout.close()
