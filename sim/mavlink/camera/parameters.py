"""The extended parameters of a simulated camera: read, listed, set."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.ext_params import KINDS, decode, encode
from sim.mavlink.camera.definition import Setting

#: Time that a change of the mode takes, s, in which it is answered with "in progress".
_MODE_CHANGE = 0.2


class Parameters:
    """The parameters of a simulated camera.

    Args:
        settings: what there is.
        send: carries a message away.
        applied: called with name and value of one that was set; whether its new value is told at
            once, and not when the lens has got there.
        change_mode: changes the camera's mode.
        answers, obeys: whether settings are acknowledged, and carried out.
        encoded: makes the bytes of a value, by its name.

    Attributes:
        values: by name.
    """

    def __init__(
        self,
        settings: Sequence[Setting],
        send: Callable[[Any], None],
        applied: Callable[[str, float], bool],
        change_mode: Callable[[int], None],
        *,
        answers: bool = True,
        obeys: bool = True,
        encoded: Callable[[str], bytes] | None = None,
    ) -> None:
        self._settings = {setting.name: setting for setting in settings}
        self._send, self._applied, self._change_mode = send, applied, change_mode
        self._answers, self._obeys = answers, obeys
        self._encoded = self.encoded if encoded is None else encoded
        self.values = {setting.name: float(setting.default) for setting in settings}
        self._time = 0.0
        self._later: list[tuple[float, int]] = []  # modes that will be changed to

    def step(self, time: float) -> None:
        """Go on to a simulated time, s since boot."""
        self._time = time
        for due, mode in [entry for entry in self._later if entry[0] <= time]:
            self._later.remove((due, mode))
            self._change_mode(mode)
            self._acknowledge("CAM_MODE", mavlink.PARAM_ACK_ACCEPTED)

    def encoded(self, name: str) -> bytes:
        """The bytes of a value."""
        return encode(self.values[name], KINDS[self._settings[name].kind])

    def tell(self, name: str) -> None:
        """Send a value, if there is one of this name."""
        if name not in self._settings:
            return
        names = list(self._settings)
        self._send(
            mavlink.MAVLink_param_ext_value_message(
                name.encode(),
                self._encoded(name),
                KINDS[self._settings[name].kind],
                len(names),
                names.index(name),
            )
        )

    def receive(self, message: Any) -> bool:
        """Take in a message; whether it was one of this protocol."""
        match message.get_type():
            case "PARAM_EXT_REQUEST_READ":
                self._read(message)
            case "PARAM_EXT_REQUEST_LIST":
                for name in self._settings:
                    self.tell(name)
            case "PARAM_EXT_SET":
                self._set(message)
            case _:
                return False
        return True

    def reset(self) -> None:
        """All of them to their defaults."""
        for setting in self._settings.values():
            self._put(setting, float(setting.default))
            self.tell(setting.name)

    def _read(self, message: Any) -> None:
        names = list(self._settings)
        if 0 <= message.param_index < len(names):
            self.tell(names[message.param_index])
        elif message.param_index == -1:
            self.tell(message.param_id)

    def _set(self, message: Any) -> None:
        setting = self._settings.get(message.param_id)
        if setting is None:
            return
        if not self._obeys:
            self._acknowledge(setting.name, mavlink.PARAM_ACK_FAILED)
            return
        wanted: Any = math.nan
        if message.param_type == KINDS[setting.kind]:
            wanted = decode(bytes(message._param_value_raw), message.param_type)
        value = next(
            (v for _, v, _ in setting.options if math.isclose(v, wanted, rel_tol=1e-5)), None
        )
        if value is None:
            self._acknowledge(setting.name, mavlink.PARAM_ACK_VALUE_UNSUPPORTED)
            return
        if setting.name == "CAM_MODE" and value != self.values["CAM_MODE"]:
            self._acknowledge(setting.name, mavlink.PARAM_ACK_IN_PROGRESS)
            self._later.append((self._time + _MODE_CHANGE, int(value)))
            return
        at_once = self._put(setting, float(value))
        self._acknowledge(setting.name, mavlink.PARAM_ACK_ACCEPTED)
        if at_once:
            self.tell(setting.name)

    def _put(self, setting: Setting, value: float) -> bool:
        self.values[setting.name] = value
        return self._applied(setting.name, value)

    def _acknowledge(self, name: str, result: int) -> None:
        if not self._answers:
            return
        self._send(
            mavlink.MAVLink_param_ext_ack_message(
                name.encode(), self._encoded(name), KINDS[self._settings[name].kind], result
            )
        )
