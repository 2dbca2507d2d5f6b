"""The MAVLink dialect that is spoken: common, version 2.

pymavlink reads the protocol version from the environment when it is imported, so nothing else
imports it.
"""

from __future__ import annotations

import os

os.environ["MAVLINK20"] = "1"

from pymavlink import mavutil
from pymavlink.dialects.v20 import common as mavlink

__all__ = ["enum_name", "mavlink", "mavutil"]


def enum_name(enum: str, value: int) -> str:
    """The name of an enum's value without what all of its names begin with, in lower case:
    ``enum_name("MAV_RESULT", 2)`` is ``"denied"``; the number itself for an unknown one."""
    entries = mavlink.enums[enum]
    if value not in entries:
        return str(value)
    name: str = entries[value].name
    return name.removeprefix(f"{enum}_").lower().replace("_", " ")
