"""The script's shots one after the other, on the take's clock: s from when the camera rolls."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cinempc.rig.camera import Camera
from cinempc.rig.events import Shot
from cinempc.script.format import ShotConfig
from cinempc.script.framing.focus_pull import FocusPull
from cinempc.script.framing.targets import Priorities, Start, Targets
from cinempc.script.framing.terms import Side
from cinempc.script.framing.track import CameraStart, Track
from cinempc.script.load import Script

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScheduledShot:
    """A shot of the script with its time in the take, and what its move asks on the take's clock.

    Attributes:
        timing: its place in the take.
        config: its fields.
        camera: the script's.
        height: of the framing's subject, m.
        absent: named subjects that it is filmed without, as nobody knows where they are.
    """

    timing: Shot
    config: ShotConfig
    camera: Camera
    height: float
    absent: frozenset[str] = frozenset()

    @property
    def index(self) -> int:
        """Its place in the script, from 0."""
        return self.timing.index

    @property
    def start(self) -> float:
        """When it begins, s."""
        return self.timing.start

    @property
    def subject(self) -> str:
        """The framing's subject."""
        return self.config.framing.subject

    @property
    def named_subjects(self) -> tuple[str, ...]:
        """Every subject that it names. Only the framing's is necessary."""
        return tuple(dict.fromkeys(name for name, _ in self.config.named_subjects()))

    def among(self, known: Container[str]) -> ScheduledShot:
        """The shot without those of its subjects who are not known: nothing is asked of their
        sharpness or place, and a focus that would go to or from them stays."""
        return replace(self, absent=frozenset(n for n in self.named_subjects if n not in known))

    @property
    def keep_in_frame(self) -> tuple[str, ...]:
        """Who stays in the picture beside the framing's subject."""
        return tuple(n for n in self.config.framing.keep_in_frame if n not in self.absent)

    @property
    def point(self) -> str:
        """The body point that its framing places."""
        return self.config.move.point(self.config, self.camera, self.height)

    @property
    def side(self) -> Side:
        """The side that it asks for: the front, if none."""
        side = self.config.framing.side
        return Side(0.0) if side is None else side

    def targets(self, times: Floats, start: Start) -> Targets:
        """What it asks of the picture."""
        local = np.clip(times - self.start, 0.0, None)
        return self.config.move.targets(self.config, self.camera, self.height, local, start)

    def priorities(self, times: Floats) -> Priorities:
        """What leads and what yields."""
        local = np.clip(times - self.start, 0.0, None)
        return self.config.move.priorities(self.config, self.camera, local)

    def track(self, times: Floats, start: CameraStart) -> Track | None:
        """Its way through the world, if it asks for one."""
        local = np.clip(times - self.start, 0.0, None)
        return self.config.move.track(self.config, local, start)

    def focus_pull(self, times: Floats) -> FocusPull | None:
        """Its focus pull, if it has one."""
        pull = self.config.move.focus_pull(times - self.start)
        if pull is not None and {pull.from_subject, pull.to_subject} & self.absent:
            return None
        return pull

    def sharpness(self, times: Floats) -> dict[str, tuple[Floats, Floats]]:
        """How much each subject is asked sharp and soft, 0 to 1."""
        asked = self.config.move.sharpness(self.config, times - self.start)
        pull = self.config.move.focus_pull(times - self.start)
        if pull is not None and {pull.from_subject, pull.to_subject} & self.absent:
            # There is nothing to pull to: who is left is sharp throughout.
            for name in (pull.from_subject, pull.to_subject):
                asked.pop(name, None)
        asked = {name: much for name, much in asked.items() if name not in self.absent}
        asked.setdefault(self.focus_at_start, (np.ones_like(times), np.zeros_like(times)))
        return asked

    @property
    def focus_at_start(self) -> str:
        """The subject that the focus is on when it begins."""
        pull = self.config.move.focus_pull(np.zeros(1))
        focus = self.config.move.focus_at_start(self.config)
        others = () if pull is None else (pull.to_subject,)
        choices: tuple[str, ...] = (focus, *others, self.subject)
        return next((name for name in choices if name not in self.absent), self.subject)


class Timeline:
    """The shots of a checked script in order."""

    def __init__(self, script: Script) -> None:
        configs, subjects = script.config.shots, script.config.subjects
        starts = np.cumsum([0.0, *(config.duration for config in configs)])
        self.duration = float(starts[-1])  #: Of the take, s.
        self.shots = tuple(
            ScheduledShot(
                Shot(
                    i,
                    config.name,
                    config.move.kind,
                    float(starts[i]),
                    float(starts[i + 1]),
                    _settle(config, i),
                ),
                config,
                script.camera,
                subjects[config.framing.subject].height,
            )
            for i, config in enumerate(configs)
        )

    def at(self, time: float) -> ScheduledShot:
        """The shot at a time; before the first and after the last, these."""
        for shot in self.shots:
            if time < shot.timing.end - 1e-9:
                return shot
        return self.shots[-1]


def _settle(shot: ShotConfig, index: int) -> float:
    """What the figures leave out of a shot: what it says, else its blend."""
    if shot.settle is not None:
        return shot.settle
    return shot.blend if index else 0.0
