"""The parameters of the simulated autopilot, and the protocol that tells and sets them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cinempc.mavlink.commands import decode_parameter, encode_parameter
from cinempc.mavlink.dialect import mavlink

_INT, _REAL = mavlink.MAV_PARAM_TYPE_INT32, mavlink.MAV_PARAM_TYPE_REAL32
#: Parameters that clients ask for, with PX4's defaults and types.
PARAMETERS: dict[str, tuple[float, int]] = {
    "SYS_AUTOSTART": (10040, _INT),
    "SYS_FAILURE_EN": (1, _INT),  # in simulation
    "COM_OF_LOSS_T": (1.0, _REAL),
    "COM_OBL_RC_ACT": (0, _INT),
    "COM_DISARM_LAND": (2.0, _REAL),
    "COM_DISARM_PRFLT": (10.0, _REAL),
    "COM_RC_IN_MODE": (1, _INT),
    "MIS_TAKEOFF_ALT": (2.5, _REAL),
    "MNT_MODE_IN": (4, _INT),
    "MNT_MODE_OUT": (2, _INT),
    "MPC_XY_P": (0.95, _REAL),
    "MPC_Z_P": (1.0, _REAL),
    "MPC_XY_VEL_P_ACC": (1.8, _REAL),
    "MPC_XY_VEL_I_ACC": (0.4, _REAL),
    "MPC_XY_VEL_D_ACC": (0.2, _REAL),
    "MPC_VELD_LP": (5.0, _REAL),
    "MPC_XY_VEL_MAX": (12.0, _REAL),
    "MPC_ACC_HOR": (3.0, _REAL),
    "MPC_ACC_HOR_MAX": (5.0, _REAL),
    "MPC_TILTMAX_AIR": (45.0, _REAL),
    "MPC_Z_VEL_MAX_UP": (3.0, _REAL),
    "MPC_Z_VEL_MAX_DN": (1.5, _REAL),
    "MPC_JERK_AUTO": (4.0, _REAL),
    "MC_YAW_P": (2.8, _REAL),
    "RTL_RETURN_ALT": (30.0, _REAL),
    "GF_ACTION": (2, _INT),
    "GF_SOURCE": (0, _INT),
    "GF_MAX_HOR_DIST": (0.0, _REAL),
    "GF_MAX_VER_DIST": (0.0, _REAL),
    "COM_FAIL_ACT_T": (5.0, _REAL),
    "SIH_MASS": (1.0, _REAL),
    "SIH_KDV": (1.0, _REAL),
}
#: MAV_PARAM_ERROR_TYPE_MISMATCH, newer than the dialect.
_TYPE_MISMATCH = 7


class Parameters:
    """Values by name, and their protocol.

    Args:
        send: carries a message to every link.
        answer: carries a message to the link that the message being received came over.
    """

    def __init__(self, send: Callable[[Any], None], answer: Callable[[Any], None]) -> None:
        self._send, self._answer = send, answer
        self._values = dict(PARAMETERS)

    def __getitem__(self, name: str) -> float:
        return self._values[name][0]

    def __setitem__(self, name: str, value: float) -> None:
        self._values[name] = (value, self._values[name][1])

    def receive(self, message: Any) -> str | None:
        """Take in a message of the protocol.

        Returns:
            the name of the parameter that it has set; None for none.
        """
        match message.get_type():
            case "PARAM_REQUEST_READ":
                self._read(message)
            case "PARAM_REQUEST_LIST":
                for name in self._values:
                    self._tell(name)
            case "PARAM_SET":
                return self._write(message)
        return None

    def _read(self, message: Any) -> None:
        names = list(self._values)
        name = message.param_id
        if message.param_index >= 0:
            name = names[message.param_index] if message.param_index < len(names) else ""
        if name in self._values:
            self._tell(name)
        else:
            self._refuse(message, mavlink.MAV_PARAM_ERROR_DOES_NOT_EXIST)

    def _write(self, message: Any) -> str | None:
        name = message.param_id
        if name not in self._values:
            self._refuse(message, mavlink.MAV_PARAM_ERROR_DOES_NOT_EXIST)
            return None
        if message.param_type != self._values[name][1]:
            self._refuse(message, _TYPE_MISMATCH)
            return None
        value = decode_parameter(message)
        if math.isfinite(value):
            self[name] = value
        self._tell(name)
        return str(name)

    def _refuse(self, message: Any, why: int) -> None:
        who = message.get_srcSystem(), message.get_srcComponent()
        index = getattr(message, "param_index", -1)
        self._answer(
            mavlink.MAVLink_param_error_message(*who, message.param_id.encode(), index, why)
        )

    def _tell(self, name: str) -> None:
        value, kind = self._values[name]
        self._send(
            mavlink.MAVLink_param_value_message(
                name.encode(),
                encode_parameter(value, kind),
                kind,
                len(self._values),
                list(self._values).index(name),
            )
        )
