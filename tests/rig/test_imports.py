"""What flies, what keeps it safe, the wire and the records load no solver."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
names = [package.__name__]
names += [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    importlib.import_module(name)
print(len(names), "casadi" in sys.modules)
"""


@pytest.mark.parametrize("room", ["rig", "safety", "mavlink", "record"])
def test_it_needs_no_casadi(room: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"cinempc.{room}"],
        capture_output=True,
        text=True,
        check=True,
    )
    count, loaded = done.stdout.split()
    assert int(count) > 3
    assert loaded == "False"
