"""How a flight ends when something went wrong in it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cinempc.app import fly
from cinempc.app.flight.log import FlyEvent
from cinempc.flight.config import After, Flight
from cinempc.flight.pilot.reasons import FlightReason
from cinempc.mavlink.px4 import Mode
from cinempc.mavlink.transport import LinkError
from cinempc.rig.log import Problem, problem
from tests.fakes.events import Heard


class Rig:
    """Notes what it is ordered."""

    def __init__(self, *, controls: bool, over: Problem | None = None, fails: bool = False) -> None:
        state = SimpleNamespace(position=np.array([0.0, 0.0, 3.1]))
        self.report: Any = SimpleNamespace(
            controls=controls, over=over, mode=Mode.HOLD, armed=True, state=state
        )
        self.ordered: list[str] = []
        self._fails = fails

    def __getattr__(self, name: str) -> Any:
        def order() -> None:
            self.ordered.append(name)
            if self._fails:
                raise LinkError("nobody answers")

        return order


CONFIG = Flight(name="test", connection="udpin:0.0.0.0:14540", after=After.land)


def test_a_flight_that_was_in_control_ends_as_its_file_says() -> None:
    rig = Rig(controls=True)
    with Heard() as heard:
        fly._end_if_it_can_be(rig, CONFIG)
    assert rig.ordered == ["land"]
    (now,) = heard.of(FlyEvent.VEHICLE)
    assert (now.data["mode"], now.data["height"], now.data["armed"]) == (Mode.HOLD, 3.1, "armed")


@pytest.mark.parametrize("over", [None, problem(FlightReason.TAKEN_OVER, mode=Mode.POSITION)])
def test_a_flight_that_is_not_in_control_orders_nothing(over: Problem | None) -> None:
    """It was refused before it had taken the vehicle, or somebody has taken over since."""
    rig = Rig(controls=False, over=over)
    with Heard() as heard:
        fly._end_if_it_can_be(rig, CONFIG)
    assert rig.ordered == []
    assert FlyEvent.VEHICLE in heard
    assert (FlyEvent.NOT_IN_CONTROL in heard) == (over is None)


def test_an_end_that_fails_does_not_hide_why_the_flight_did() -> None:
    with Heard() as heard:
        fly._end_if_it_can_be(Rig(controls=True, fails=True), CONFIG)
    (event,) = heard.of(FlyEvent.NOT_ENDED)
    assert event.data["error"] == "nobody answers"
