"""What the file of a set-up can have filled in, worked out when it is asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cinempc.app.script import load_scene, load_script, mark
from cinempc.script.load import Script
from sim.gazebo import launch as gazebo
from sim.gazebo.launch import GazeboSetup
from sim.px4 import find
from sim.px4.find import Container, Px4, Simulator
from sim.scenery.scene import Scene


class Values(Mapping[str, str]):
    """What a set-up's file can have filled in, found out when it is asked for."""

    _NAMES = (
        "script", "out", "speed", "instance", "seed", "pictures", "onboard", "video", "mark",
        "world",
    )  # fmt: skip

    def __init__(
        self,
        script: str,
        folder: Path,
        speed: float = 1.0,
        instance: int = 0,
        seed: int = 0,
        pictures: str = "",
    ) -> None:
        self.script, self.folder, self.speed, self.instance = script, folder, speed, instance
        self.seed, self.pictures = seed, pictures
        self.onboard = 14540 + instance
        self.with_gazebo = False
        self._px4: dict[Simulator, Px4] = {}

    def __getitem__(self, key: str) -> str:
        match key:
            case "script":
                return self.script
            case "out":
                return str(self.folder)
            case "speed":
                return f"{self.speed:g}"
            case "instance":
                return str(self.instance)
            case "seed":
                return str(self.seed)
            case "pictures":
                return self.pictures
            case "onboard":
                return str(self.onboard)
            case "video":
                from sim.mavlink.video import VIDEO_PORT  # renders: not every set-up does

                return str(VIDEO_PORT + self.instance)
            case "mark":
                x, y, _ = self.mark[0]
                return f"{x:.2f},{y:.2f}"
            case "world":
                return str(self.folder / "gazebo")
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._NAMES)

    def __len__(self) -> int:
        return len(self._NAMES)

    @cached_property
    def loaded(self) -> Script:
        """The script."""
        return load_script(self.script)

    @cached_property
    def scene(self) -> Scene:
        """Its scene.

        Raises:
            CinempcError: it has none.
        """
        return load_scene(self.loaded)

    @cached_property
    def mark(self) -> tuple[NDArray[np.float64], float]:
        """Where the vehicle stands at the start, ENU m in the scene, and its heading, rad."""
        return mark(self.loaded, self.scene)

    def px4(self, simulator: Simulator) -> Px4:
        """The PX4 that flies in a simulator."""
        if simulator not in self._px4:
            self._px4[simulator] = find.find(simulator)
        return self._px4[simulator]

    @cached_property
    def gazebo_container(self) -> str:
        """Name of Gazebo's container, where it runs in one."""
        return f"cinempc-gazebo-{self.instance}-{secrets.token_hex(4)}"

    @cached_property
    def gazebo(self) -> GazeboSetup:
        """Gazebo with the script's scene; its files are written when this is asked for."""
        (x, y, _), heading = self.mark
        px4 = self.px4(Simulator.GAZEBO)
        files = None if isinstance(px4, Container) else gazebo.Px4Files.of(px4.folder)
        return gazebo.prepare(
            Path(self["world"]),
            self.scene,
            self.loaded.camera,
            px4=files,
            place=(float(x), float(y)),
            heading=heading,
            instance=self.instance,
            speed=self.speed,
            seed=self.seed,
        )
