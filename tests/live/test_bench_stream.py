"""`cinempc bench stream` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.live.network import ROOT, free_instance


def test_the_stream_is_measured_while_everything_else_is_at_work() -> None:
    """The figures are there and make sense; whether they are kept is for a quiet machine to say."""
    done = subprocess.run(
        [
            sys.executable, "-m", "cinempc", "bench", "stream", "--seconds", "4", "--json",
            "--instance", str(free_instance()),
        ],
        capture_output=True,
        cwd=ROOT,
        text=True,
        timeout=240,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    assert found["targets"]["kept"] == (done.returncode == 0)
    assert found["load"] == {"processor": found["load"]["processor"], "disk": 1}
    assert found["load"]["processor"] >= 1
    assert 20 <= found["rate"] <= 60
    stream = found["stream"]
    assert stream["count"] > 20
    assert 0 <= stream["median_ms"] <= stream["p99_ms"] <= stream["max_ms"]
    assert found["lens_latency_s"]["zoom"]["count"] >= 1
    assert 0 < found["lens_latency_s"]["zoom"]["median"] < 3.0
    assert 0 < found["tracking_rms_m"] < 2.0


def test_a_vehicle_that_does_not_start_says_why() -> None:
    import socket

    instance = free_instance()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 14580 + instance))
        done = subprocess.run(
            [
                sys.executable, "-m", "cinempc", "bench", "stream",
                "--instance", str(instance),
            ],
            capture_output=True,
            cwd=ROOT,
            text=True,
            timeout=120,
        )  # fmt: skip
    assert done.returncode == 2
    assert "the simulated vehicle does not start" in done.stderr
    assert "cannot be had" in done.stderr
