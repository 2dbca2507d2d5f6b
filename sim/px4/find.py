"""Finds a PX4 that can run on this machine: a source build, a container image, or its package.

`find` looks in this order and gives the first that can run the simulator that is asked for:

1. a source build, where the environment's ``PX4_BUILD`` names its folder,
2. PX4's published container images, pulled already, with docker or podman,
3. PX4's Debian packages, ``px4`` (SIH) and ``px4-gazebo``, by what they put into the path.

Nothing is downloaded: what is missing is said, with the commands that get it.
Names and layouts: PX4's user guide, "Pre-built SITL Packages".
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cinempc.errors import CinempcError

#: Answers of a container engine that does not answer are not waited for longer, s.
_PATIENCE = 10.0


class Simulator(Enum):
    """What moves PX4's vehicle."""

    SIH = "sih"  # inside PX4
    GAZEBO = "gazebo"  # Gazebo Harmonic or newer, beside it

    @property
    def image(self) -> str:
        """PX4's published container image."""
        return {"sih": "px4io/px4-sitl", "gazebo": "px4io/px4-sitl-gazebo"}[self.value]

    @property
    def package(self) -> str:
        """PX4's Debian package, and the program that it puts into the path."""
        return {"sih": "px4", "gazebo": "px4-gazebo"}[self.value]


class NoPx4Error(CinempcError):
    """No PX4 was found, or the one that is named cannot run what is asked."""


@dataclass(frozen=True)
class Build:
    """A source build: a folder with ``bin/px4`` and ``etc/``."""

    folder: Path

    @property
    def program(self) -> Path:
        """PX4 itself."""
        return self.folder / "bin" / "px4"

    @property
    def etc(self) -> Path:
        """Its start scripts."""
        return self.folder / "etc"

    def __str__(self) -> str:
        return f"source build {self.folder}"


@dataclass(frozen=True)
class Container:
    """A container image, with the engine that runs it (docker or podman)."""

    engine: Path
    image: str

    def __str__(self) -> str:
        return f"container image {self.image} ({self.engine.name})"


@dataclass(frozen=True)
class Package:
    """What PX4's Debian package installed: ``program`` is the one below ``/opt``, where PX4's
    commands stand beside it: through the link in the path they would not be found."""

    program: Path

    @property
    def folder(self) -> Path:
        """Where it is installed: the program is ``bin/...`` in there."""
        return self.program.parent.parent

    @property
    def etc(self) -> Path:
        """Its start scripts."""
        return self.folder / "etc"

    def __str__(self) -> str:
        return f"package, {self.program}"


Px4 = Build | Container | Package


def find(simulator: Simulator, environment: Mapping[str, str] | None = None) -> Px4:
    """A PX4 that runs a simulator.

    Args:
        simulator: which one.
        environment: ``PX4_BUILD`` and ``PATH``; this process's if not given.

    Raises:
        NoPx4Error: there is none, or ``PX4_BUILD`` names a folder that is no build of it.
    """
    environment = os.environ if environment is None else environment
    if environment.get("PX4_BUILD"):
        return _build(Path(environment["PX4_BUILD"]).expanduser(), simulator)
    path = environment.get("PATH", "")
    why = []
    for engine in ("docker", "podman"):
        program = shutil.which(engine, path=path)
        if program is None:
            continue
        image, reason = _image(Path(program), simulator)
        if image is not None:
            return Container(Path(program), image)
        why.append(reason)
    package = _package(simulator, path)
    if package is not None:
        return package
    raise NoPx4Error(_missing(simulator, why))


def _build(folder: Path, simulator: Simulator) -> Build:
    build = Build(folder.absolute())
    for file in (build.program, build.etc / "init.d-posix" / "rcS"):
        if not file.exists():
            raise NoPx4Error(
                f"PX4_BUILD is {folder}, which is no build of PX4: it has no "
                f"{file.relative_to(build.folder)}. Give the folder that "
                f"'make {_target(simulator)}' wrote (build/{_target(simulator)} in PX4's source), "
                "or unset PX4_BUILD"
            )
    # PX4 has a link for each module that it was built with.
    if simulator is Simulator.GAZEBO and not (build.folder / "bin" / "px4-gz_bridge").exists():
        raise NoPx4Error(
            f"PX4_BUILD is {folder}, a build without Gazebo: install Gazebo's development packages "
            "(PX4's Tools/setup/ubuntu.sh does), then 'make px4_sitl_default' anew; or unset "
            "PX4_BUILD"
        )
    return build


def _target(simulator: Simulator) -> str:
    return {Simulator.SIH: "px4_sitl_sih", Simulator.GAZEBO: "px4_sitl_default"}[simulator]


def _image(engine: Path, simulator: Simulator) -> tuple[str | None, str]:
    """A pulled image, ``latest`` before others; or None, and why there is none."""
    name = simulator.image
    command = [str(engine), "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{engine.name} does not answer ({error})"
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        return None, f"{engine.name} says: {said[-1]}"
    # podman writes the registry in front, and knows the image by it.
    images = [
        line.strip()
        for line in done.stdout.splitlines()
        if line.strip().rpartition(":")[0].endswith(name) and not line.strip().endswith(":<none>")
    ]
    if not images:
        return None, f"{engine.name} is there, without the image {name}"
    latest = [image for image in images if image.endswith(":latest")]
    return (latest or images)[0], ""


def _package(simulator: Simulator, path: str) -> Package | None:
    program = shutil.which(simulator.package, path=path)
    if program is None:
        return None
    package = Package(Path(program).resolve())
    return package if (package.etc / "init.d-posix" / "rcS").is_file() else None


def _missing(simulator: Simulator, why: list[str]) -> str:
    name = {Simulator.SIH: "PX4", Simulator.GAZEBO: "PX4 with Gazebo"}[simulator]
    reasons = f" ({'; '.join(why)})" if why else ""
    target = _target(simulator)
    size = {Simulator.SIH: "100 MB", Simulator.GAZEBO: "2 GB"}[simulator]
    return (
        f"{name} was not found{reasons}. Get it in one of three ways:\n"
        f"  container: docker pull {simulator.image}:latest   (about {size}; podman works too)\n"
        f"  package:   download {simulator.package}_*.deb for Ubuntu 22.04 or 24.04 from "
        "https://github.com/PX4/PX4-Autopilot/releases, then\n"
        f"             sudo apt install ./{simulator.package}_*.deb\n"
        "  source:    git clone --recursive https://github.com/PX4/PX4-Autopilot, then in it\n"
        f"             bash Tools/setup/ubuntu.sh && make {target}, then\n"
        f"             export PX4_BUILD=$PWD/build/{target}"
    )
