"""What this machine has and lacks: a table of small checks, each lack with how to get it."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from cinempc.app.perception import DETECTOR_CONFIDENCE, WEIGHTS
from cinempc.app.progress import OnProgress, Progress, ignore
from cinempc.errors import CinempcError
from cinempc.machine import machine

#: Time for the first picture on a slow machine, s.
_RENDERING = 120.0
#: A film needs about as much memory, and ten takes as much of the disk, bytes.
_MEMORY, _DISK = 1 << 30, 1 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    Attributes:
        name: of the thing.
        there: whether this machine has it.
        needed: whether `film` needs it.
        found: what there is, or what is wrong.
        remedy: how to get it; empty where it is there.
    """

    name: str
    there: bool
    needed: bool
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """All findings, in the order of the table."""

    findings: tuple[Finding, ...]

    @property
    def can_film(self) -> bool:
        """Whether all is there that `film` needs."""
        return all(finding.there for finding in self.findings if finding.needed)


#: What a check gives: whether it is there, what there is, and how to get it.
Answer = tuple[bool, str, str]


def _python() -> Answer:
    return (
        sys.version_info >= (3, 11),
        f"{platform.python_version()} at {sys.executable}",
        "install Python 3.11 or newer, and make the environment from it",
    )


def _cores() -> Answer:
    facts = machine()
    return (
        (facts["cores"] or 1) >= 2,
        f"{facts['cores']}, {facts['processor']}",
        "one core films too, and takes longer: try smaller pictures, or --no-pictures",
    )


def _memory() -> Answer:
    memory = psutil.virtual_memory()
    return (
        memory.available >= _MEMORY,
        f"{memory.available / 1e9:.1f} GB free of {memory.total / 1e9:.1f} GB",
        "end other programs: a film needs about 1 GB",
    )


def _disk() -> Answer:
    free = shutil.disk_usage(Path.cwd()).free
    return (
        free >= _DISK,
        f"{free / 1e9:.1f} GB free in {Path.cwd()}",
        "free some space, or film to another disk with --out",
    )


def _rendering() -> Answer:
    """A picture is really rendered, in a process of its own: a faulty driver may end it."""
    command = [sys.executable, "-m", "cinempc.app.doctor.rendering"]
    remedy = (
        "on Debian or Ubuntu: sudo apt-get install -y libegl1 libgl1 libgl1-mesa-dri; without "
        "it, --no-pictures films figures only"
    )
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_RENDERING, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, f"no picture came: {error}", remedy
    if done.returncode != 0:
        reason = (done.stderr.strip() or f"status {done.returncode}").splitlines()[-1]
        return False, reason, remedy
    facts = json.loads(done.stdout.splitlines()[-1])
    return True, f"{facts['renderer']}, {1e3 * facts['seconds']:.0f} ms a picture", remedy


def _codec() -> Answer:
    import av

    try:
        av.codec.Codec("libx264", "w")
    except (av.FFmpegError, ValueError) as error:
        return (
            False,
            f"PyAV {av.__version__} has no H.264 encoder ({error})",
            "pip install --force-reinstall --only-binary av av: its wheels bring FFmpeg along",
        )
    return True, f"libx264 by PyAV {av.__version__}", ""


def _solver() -> Answer:
    import casadi

    return (
        bool(casadi.has_conic("hpipm")),
        f"CasADi {casadi.__version__}",
        "this CasADi comes without HPIPM: pip install --force-reinstall casadi takes the wheel "
        "that has it",
    )


def _weights() -> Answer:
    from perception.detect import loading, models

    remedy = "reinstall cinempc: the weights are part of it; or film with --perception simulated"
    try:
        path = models.find(WEIGHTS)
        loading.load(path, confidence=DETECTOR_CONFIDENCE)
    except CinempcError as error:
        return False, str(error), remedy
    return True, str(path), remedy


def _gpu() -> Answer:
    import onnxruntime

    remedy = (
        "not needed: the detector runs on the processor. For an NVIDIA card: pip install "
        "onnxruntime-gpu in place of onnxruntime"
    )
    program = shutil.which("nvidia-smi")
    cards = ""
    if program is not None:
        command = [program, "--query-gpu=name", "--format=csv,noheader"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        cards = ", ".join(done.stdout.split("\n")).strip(", ")
    if not cards:
        return False, "no NVIDIA card", remedy
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return False, f"{cards}; ONNX Runtime cannot use it", remedy
    return True, cards, remedy


def _px4(simulator: str) -> Answer:
    from sim.px4 import find

    try:
        return True, str(find.find(find.Simulator(simulator))), ""
    except CinempcError as error:
        what, _, remedy = str(error).partition("\n")
        if not remedy:  # PX4_BUILD is wrong: the message says what is right
            return False, what, what
        return False, what.removesuffix(". Get it in one of three ways:"), remedy


def _gazebo() -> Answer:
    from sim.gazebo import launch, transport

    try:
        program = launch.find_gazebo()
        transport.bindings()
    except CinempcError as error:
        what, _, remedy = str(error).partition(". ")
        return False, what, remedy or what
    return True, str(program), ""


def _training() -> Answer:
    there = importlib.util.find_spec("ultralytics") is not None
    return (
        there,
        "ultralytics" if there else "ultralytics is not installed",
        "pip install 'cinempc[yolo]', for `models pull` and `models train`",
    )


@dataclass(frozen=True)
class Check:
    """A row of the table: what is looked for, whether `film` needs it, and how it is looked for."""

    name: str
    needed: bool
    look: Callable[[], Answer]


CHECKS = (
    Check("Python", True, _python),
    Check("processor cores", False, _cores),
    Check("memory", True, _memory),
    Check("disk space", True, _disk),
    Check("rendering (OpenGL by EGL)", True, _rendering),
    Check("H.264 encoder", True, _codec),
    Check("solver (HPIPM)", True, _solver),
    Check("detector weights", True, _weights),
    Check("graphics card for the detector", False, _gpu),
    Check("PX4 with its own simulator", False, partial(_px4, "sih")),
    Check("PX4 for Gazebo", False, partial(_px4, "gazebo")),
    Check("Gazebo", False, _gazebo),
    Check("training of weights", False, _training),
)


def doctor(*, progress: OnProgress = ignore) -> Diagnosis:
    """Look for all that cinempc uses, on this machine.

    Args:
        progress: told what is looked for.
    """
    findings = []
    for number, check in enumerate(CHECKS):
        progress(Progress(number, len(CHECKS), check.name))
        findings.append(_examine(check))
    progress(Progress(len(CHECKS), len(CHECKS), "done"))
    return Diagnosis(tuple(findings))


def _examine(check: Check) -> Finding:
    try:
        there, found, remedy = check.look()
    except Exception as error:  # a broken installation is what is looked for
        there, found = False, f"{type(error).__name__}: {error}"
        remedy = "install cinempc anew: bash launch/setup.sh in its checkout"
    return Finding(check.name, there, check.needed, found, "" if there else remedy)
