"""What is reported of the simulators: every kind of event, with its sentence."""

from __future__ import annotations

from enum import unique
from logging import ERROR, WARNING

from cinempc.rig.log import EventLogger, Kind

LOG = EventLogger("cinempc.sim")


@unique
class SimEvent(Kind):
    """What is reported."""

    TOO_SLOW = (
        WARNING,
        "this machine cannot keep up with PX4: {missed:.1f} s of its time were not filmed so far. "
        "Fly in slower motion (PX4_SIM_SPEED_FACTOR, launch's --speed), or with smaller or fewer "
        "pictures (--size, --frame-rate)",
    )
    NO_PX4 = (
        WARNING,
        "nothing is heard from PX4 (SYSTEM_TIME on its camera link)",
    )
    NO_GAZEBO = (
        WARNING,
        "nothing is heard of the vehicle in Gazebo's world {world!r} (partition {partition}): does "
        "it run, with the same GZ_PARTITION and GZ_IP?",
    )
    NO_PEOPLE = ERROR, "{error}"
