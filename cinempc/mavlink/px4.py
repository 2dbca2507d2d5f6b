"""PX4's flight modes as it puts them into HEARTBEAT's custom mode (``px4_custom_mode.h``): the
main mode in bits 16 to 23, the sub mode in bits 24 to 31."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """A flight mode: (main mode, sub mode)."""

    MANUAL = (1, 0)
    ALTITUDE = (2, 0)
    POSITION = (3, 0)
    ACRO = (5, 0)
    OFFBOARD = (6, 0)
    STABILIZED = (7, 0)
    READY = (4, 1)
    TAKEOFF = (4, 2)
    HOLD = (4, 3)
    MISSION = (4, 4)
    RETURN = (4, 5)
    LAND = (4, 6)
    FOLLOW_ME = (4, 8)
    PRECISION_LAND = (4, 9)
    DESCEND = (4, 20)  # a failsafe: down, without a position
    UNKNOWN = (0, 0)

    @property
    def custom(self) -> int:
        """The number in HEARTBEAT."""
        main, sub = self.value
        return int(main) << 16 | int(sub) << 24

    def __str__(self) -> str:
        return self.name.capitalize().replace("_", " ")


_BY_NUMBER = {mode.custom: mode for mode in Mode}


def mode_of(custom: int) -> Mode:
    """The mode in a heartbeat's custom mode."""
    main, sub = custom >> 16 & 0xFF, custom >> 24 & 0xFF
    if main != 4:  # only AUTO is told apart by its sub modes here
        sub = 0
    return _BY_NUMBER.get(main << 16 | sub << 24, Mode.UNKNOWN)
