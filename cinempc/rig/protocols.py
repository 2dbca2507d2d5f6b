"""The protocols that hide where a take runs.

The simulator, PX4 SITL, Gazebo and a real drone each give an `Eye` and a `Rig`; the take loop
does not know which one it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from cinempc.rig.plan import Plan
from cinempc.rig.state import Frame, RigState
from cinempc.rig.subject import SubjectEstimate


class Eye(Protocol):
    """Gives frames."""

    def frame(self, pixels: bool = True) -> Frame | None:
        """The next frame that was not given yet, or None while there is none.

        Without ``pixels`` nobody will look at the picture: an eye to whom it costs something may
        leave it black.
        """


class Rig(Protocol):
    """Vehicle, gimbal and lens: gives its state, follows plans."""

    def state(self) -> RigState:
        """The newest state."""

    def follow(self, plan: Plan) -> None:
        """From now on, follow this plan; when it runs out, stand still."""

    def wait_until(self, time: float) -> float:
        """Return when the rig's clock shows ``time``, s (a simulator gets there by stepping); what
        it shows then, which in real time is a little later."""


class Perception(Protocol):
    """Turns frames into subject estimates."""

    needs_pixels: bool  #: Whether it looks at the picture itself.

    def observe(self, frame: Frame) -> None:
        """Take in a frame."""

    def subjects(self, time: float) -> Sequence[SubjectEstimate]:
        """The estimates at a time, every subject of the script, seen or predicted."""


@runtime_checkable
class ExplainsItself(Protocol):
    """A perception that can say why a subject is not found."""

    def explain(self, name: str) -> str:
        """Who was seen instead, and what would have matched; empty for one that is found."""
