"""Rack focus: the focus goes from one subject to another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from cinempc.script.framing.easing import ease
from cinempc.script.framing.fields import FieldPath, Mistake, ShotFields
from cinempc.script.framing.focus_pull import FocusPull
from cinempc.script.moves.move import Move
from cinempc.units import Seconds

Floats = NDArray[np.float64]


class RackFocus(Move):
    """The focus goes from one subject to another; the camera follows the framing's subject. Who
    is not in focus shall be soft."""

    kind: Literal["rack-focus"]
    from_: str = Field(alias="from", description="a subject")
    to: str = Field(description="a subject")
    at: Seconds = Field(description="when the focus leaves the one, from the start of the shot")
    over: Seconds = Field(
        default=1.5, validate_default=False, description="how long until it is on the other; 1.5 s"
    )

    def focus_pull(self, times: Floats) -> FocusPull:
        """From one to the other."""
        over = max(self.over, 1e-9)  # asked also by the rules that refuse it
        return FocusPull(self.from_, self.to, ease((times - self.at) / over))

    def named_subjects(self) -> Iterator[tuple[str, FieldPath]]:
        """Both."""
        yield self.from_, ("move", "from")
        yield self.to, ("move", "to")

    def field_mistakes(self, shot: ShotFields, first: bool) -> Iterator[Mistake]:
        """One subject twice, a pull outside the shot, and a second word about the focus."""
        if self.from_ == self.to:
            yield f"the focus is on {self.from_} already: name two subjects", ("move", "to")
        if not (self.at >= 0 and self.over > 0 and self.at + self.over <= shot.duration):
            yield (
                f"{self.at:g} s, and {self.over:g} s for the pull, do not fit into the shot's "
                f"{shot.duration:g} s",
                ("move", "at"),
            )
        for name in ("on", "sharp", "near", "far"):
            if name in shot.focus.model_fields_set:
                yield f"the rack focus says what is sharp: leave {name}", ("focus", name)
