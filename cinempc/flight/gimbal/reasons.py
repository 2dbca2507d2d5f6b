"""What can be wrong with a gimbal, and what is reported of it: every reason and kind of event, with
its sentence."""

from __future__ import annotations

from collections.abc import Hashable
from enum import unique
from logging import INFO, WARNING
from typing import Any

from cinempc.mavlink.commands import Target
from cinempc.mavlink.transport import LinkError
from cinempc.rig.log import EventLogger, Kind, Problem, Reason


@unique
class GimbalReason(Reason):
    """What is wrong."""

    NO_MANAGER = (
        "no gimbal manager: {answers}. On PX4 set MNT_MODE_IN to 4 and MNT_MODE_OUT to 2 and "
        "restart it, and see that the gimbal has power; a vehicle without a gimbal says so in its "
        "file, under gimbal.mount"
    )
    NOT_GIVEN = "{error}"
    TAKEN = "the gimbal was taken from us: {name} controls it now"
    ABSENT = "no gimbal (component {component}) reports its attitude{heard}"
    SILENT = "the gimbal has not reported its attitude for {silence:g} s"
    FAILURE = "the gimbal reports a failure: {failure}"
    RANGE = "{words}"
    NO_NORTH = (
        "the gimbal takes no yaw from north: write 'frame: vehicle' under gimbal.mount in the "
        "vehicle's file"
    )
    SERVO = (
        "the autopilot does not move the tilt servo ({result}): see gimbal.mount in the vehicle's "
        "file, and which output has the servo on the autopilot"
    )


@unique
class GimbalEvent(Kind):
    """What is reported."""

    PROBLEM = WARNING, "{problem}"
    MANAGER_FOUND = INFO, "the gimbal manager is {manager}"
    MANAGER_ANSWERS = INFO, "the gimbal manager answers"
    CLAIMED = INFO, "the gimbal is ours"
    OURS_AGAIN = INFO, "the gimbal is ours again"
    REPORTS_AGAIN = INFO, "the gimbal reports its attitude again"
    NO_CLOCK = INFO, "the gimbal's clock stands still: its reports count from when they come"
    FAILURE_OVER = INFO, "the gimbal's failure is over: {failure}"
    REPORTS_ELSEWHERE = (
        WARNING,
        "the gimbal device {device} reports no attitude; component {component} does, and nobody "
        "else: it is taken for it",
    )
    AT_END = INFO, "the gimbal's {axis} is at its end (told once)"
    SERVO_AGAIN = INFO, "the autopilot takes the tilt servo's commands again"


class GimbalError(LinkError):
    """What was to be done with the gimbal was not done; ``problem`` says why.

    Args:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Problems:
    """What is wrong now; each is reported when it arises.

    Args:
        log: where it is reported.
    """

    def __init__(self, log: EventLogger) -> None:
        self._log = log
        self._standing: dict[Hashable, Problem] = {}

    @property
    def standing(self) -> tuple[Problem, ...]:
        """All of them, the oldest first."""
        return tuple(self._standing.values())

    def arise(self, key: Hashable, problem: Problem) -> None:
        """Something is wrong; under a key that is known already nothing is new."""
        if key not in self._standing:
            self._standing[key] = problem
            self._log.log(GimbalEvent.PROBLEM, problem=problem)

    def end(self, key: Hashable, kind: GimbalEvent, /, **data: Any) -> None:
        """It is not wrong any more, which is an event if it was."""
        if self._standing.pop(key, None) is not None:
            self._log.log(kind, **data)


def name_of(owner: tuple[int, int], autopilot: Target) -> str:
    """Who has the gimbal, in words.

    Args:
        owner: its system and component; zeros for nobody.
        autopilot: the vehicle's.
    """
    if owner == (0, 0):
        return "nobody"
    if owner == (autopilot.system, autopilot.component):
        return "the autopilot itself"  # in landing, for one
    return f"component {owner[1]} of system {owner[0]} (a pilot's ground station?)"
