"""MAVLink's extended parameters: typed values in 128 bytes, read, listed and set.

Source: the extended parameter protocol of mavlink.io; values are little-endian bytes at the
beginning of the field, whatever their type.
"""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cinempc.mavlink.commands import NoAnswer, Target
from cinempc.mavlink.dialect import enum_name, mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError

Value = int | float | bytes

#: Bytes of the value field.
SIZE = 128
#: Time for an answer, s, how often it is asked for again, and for how long a parameter may say
#: that it is being set.
TIMEOUT, RETRIES, IN_PROGRESS = 0.5, 8, 10.0
#: Most parameters that are taken from a camera: a count in a message is anybody's.
MOST = 1000

_FORMS = {
    mavlink.MAV_PARAM_EXT_TYPE_UINT8: "<B",
    mavlink.MAV_PARAM_EXT_TYPE_INT8: "<b",
    mavlink.MAV_PARAM_EXT_TYPE_UINT16: "<H",
    mavlink.MAV_PARAM_EXT_TYPE_INT16: "<h",
    mavlink.MAV_PARAM_EXT_TYPE_UINT32: "<I",
    mavlink.MAV_PARAM_EXT_TYPE_INT32: "<i",
    mavlink.MAV_PARAM_EXT_TYPE_UINT64: "<Q",
    mavlink.MAV_PARAM_EXT_TYPE_INT64: "<q",
    mavlink.MAV_PARAM_EXT_TYPE_REAL32: "<f",
    mavlink.MAV_PARAM_EXT_TYPE_REAL64: "<d",
}
#: MAV_PARAM_EXT_TYPE by the names that camera definitions use.
KINDS: dict[str, int] = {
    "bool": mavlink.MAV_PARAM_EXT_TYPE_UINT8,
    "uint8": mavlink.MAV_PARAM_EXT_TYPE_UINT8,
    "int8": mavlink.MAV_PARAM_EXT_TYPE_INT8,
    "uint16": mavlink.MAV_PARAM_EXT_TYPE_UINT16,
    "int16": mavlink.MAV_PARAM_EXT_TYPE_INT16,
    "uint32": mavlink.MAV_PARAM_EXT_TYPE_UINT32,
    "int32": mavlink.MAV_PARAM_EXT_TYPE_INT32,
    "uint64": mavlink.MAV_PARAM_EXT_TYPE_UINT64,
    "int64": mavlink.MAV_PARAM_EXT_TYPE_INT64,
    "float": mavlink.MAV_PARAM_EXT_TYPE_REAL32,
    "double": mavlink.MAV_PARAM_EXT_TYPE_REAL64,
    "string": mavlink.MAV_PARAM_EXT_TYPE_CUSTOM,
    "custom": mavlink.MAV_PARAM_EXT_TYPE_CUSTOM,
}
_REALS = (mavlink.MAV_PARAM_EXT_TYPE_REAL32, mavlink.MAV_PARAM_EXT_TYPE_REAL64)


class ParameterRefused(LinkError):  # noqa: N818 - as the protocol says
    """An extended parameter that was answered with no.

    Attributes:
        name: of the parameter.
        result: PARAM_ACK.
    """

    def __init__(self, name: str, result: int, who: str) -> None:
        self.name, self.result = name, result
        super().__init__(
            f"{who} does not set {name}: it answered {enum_name('PARAM_ACK', result)!r}"
        )


@dataclass(frozen=True)
class Parameter:
    """A parameter as the camera reports it: its MAV_PARAM_EXT_TYPE and value."""

    name: str
    kind: int
    value: Value

    @property
    def number(self) -> float:
        """Its value as a number; NaN for one that is none."""
        return math.nan if isinstance(self.value, bytes) else float(self.value)


def encode(value: Value, kind: int) -> bytes:
    """A value as the 128 bytes that carry it.

    Raises:
        ValueError: the type does not hold the value.
    """
    if kind == mavlink.MAV_PARAM_EXT_TYPE_CUSTOM:
        data = value if isinstance(value, bytes) else str(value).encode()
    elif kind not in _FORMS:
        raise ValueError(f"there is no extended parameter type {kind}")
    elif isinstance(value, bytes):
        raise ValueError(f"{value!r} is no number")
    else:
        number: int | float = value
        if kind not in _REALS:
            if not math.isfinite(value) or value != round(value):
                raise ValueError(f"{value} is no integer")
            number = round(value)
        try:
            data = struct.pack(_FORMS[kind], number)
        except (struct.error, OverflowError):
            raise ValueError(
                f"{value} does not fit into {enum_name('MAV_PARAM_EXT_TYPE', kind)}"
            ) from None
    if len(data) > SIZE:
        raise ValueError(f"a value has at most {SIZE} bytes, this one {len(data)}")
    return data.ljust(SIZE, b"\0")


def decode(data: bytes, kind: int) -> Value:
    """The value in the bytes of the field; undoes `encode`. A custom value is its bytes without
    zeros behind it.

    Raises:
        ValueError: there is no such type.
    """
    data = data.ljust(SIZE, b"\0")
    if kind == mavlink.MAV_PARAM_EXT_TYPE_CUSTOM:
        return data.rstrip(b"\0")
    if kind not in _FORMS:
        raise ValueError(f"there is no extended parameter type {kind}")
    form = _FORMS[kind]
    value: int | float = struct.unpack(form, data[: struct.calcsize(form)])[0]
    return value


def read_message(message: Any) -> Parameter:
    """The parameter in a PARAM_EXT_VALUE, PARAM_EXT_SET or PARAM_EXT_ACK.

    Raises:
        ValueError: its type does not exist.
    """
    # The public field is text up to the first zero; numbers need the bytes.
    value = decode(bytes(message._param_value_raw), message.param_type)
    return Parameter(message.param_id, int(message.param_type), value)


class ExtParams:
    """The extended parameters of one component.

    Args:
        link: to speak on.
        target: whose they are.
        on_value: told of every value that the component reports; not of those that it says it will
            take.

    Attributes:
        values: the newest of each, by name.
    """

    def __init__(
        self,
        link: Link,
        target: Target,
        on_value: Callable[[Parameter], None] = lambda parameter: None,
    ) -> None:
        self._link, self._target, self._on_value = link, target, on_value
        self.values: dict[str, Parameter] = {}
        self._indices: dict[int, str] = {}
        self._count: int | None = None
        self._heard = asyncio.Event()
        self._ends = [
            link.on("PARAM_EXT_VALUE", self._value),
            link.on("PARAM_EXT_ACK", self._ack),
        ]

    def close(self) -> None:
        """Listen no more."""
        for end in self._ends:
            end()
        self._ends = []

    # --- what comes ---

    def _value(self, message: Any) -> None:
        if not self._target.sent(message):
            return
        self._take(message)
        if 0 < message.param_count <= MOST:
            self._count = int(message.param_count)
            if message.param_index < self._count:
                self._indices[int(message.param_index)] = message.param_id
        self._heard.set()

    def _ack(self, message: Any) -> None:
        if self._target.sent(message) and message.param_result == mavlink.PARAM_ACK_ACCEPTED:
            self._take(message, report=False)

    def _take(self, message: Any, report: bool = True) -> None:
        try:
            parameter = read_message(message)
        except ValueError:
            return
        if isinstance(parameter.value, float) and not math.isfinite(parameter.value):
            return
        if parameter.name in self.values or len(self.values) < MOST:
            self.values[parameter.name] = parameter
            if report:
                self._on_value(parameter)

    # --- asking ---

    async def read_all(self) -> dict[str, Parameter]:
        """Every parameter; those that were lost on the way are asked for one by one.

        Returns:
            `values`: empty where the component has none, or does not speak this protocol.
        """
        self._indices, self._count = {}, None
        for _ in range(RETRIES // 2):
            self._link.send(
                mavlink.MAVLink_param_ext_request_list_message(
                    self._target.system, self._target.component
                )
            )
            await self._quiet()
            if self._indices:
                break
        for _ in range(RETRIES):
            missing = [i for i in range(self._count or 0) if i not in self._indices]
            if not missing:
                break
            for index in missing[:32]:
                self._link.send(self._read(b"", index))
            await self._quiet()
        return self.values

    async def _quiet(self) -> None:
        """Until nothing has come for a while."""
        while True:
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), TIMEOUT)
            except TimeoutError:
                return
            if self._count is not None and len(self._indices) >= self._count:
                return

    def _read(self, name: bytes, index: int) -> Any:
        return mavlink.MAVLink_param_ext_request_read_message(
            self._target.system, self._target.component, name, index
        )

    async def read(self, name: str, retries: int = RETRIES) -> Parameter:
        """One parameter.

        Raises:
            NoAnswer: there is none of that name, or nobody answers.
        """
        for _ in range(retries):
            waiting = asyncio.ensure_future(
                self._link.wait(
                    "PARAM_EXT_VALUE",
                    lambda m: m.param_id == name and self._target.sent(m),
                    TIMEOUT,
                )
            )
            await asyncio.sleep(0)
            self._link.send(self._read(name.encode(), -1))
            try:
                return read_message(await waiting)
            except (TimeoutError, ValueError):
                continue
        raise NoAnswer(f"{self._target} does not tell its extended parameter {name}")

    def send(self, name: str, value: Value, kind: int) -> None:
        """Set a parameter, and wait for nothing.

        Raises:
            ValueError: the type does not hold the value.
        """
        self._link.send(
            mavlink.MAVLink_param_ext_set_message(
                self._target.system,
                self._target.component,
                name.encode(),
                encode(value, kind),
                kind,
            )
        )

    async def set(self, name: str, value: Value, kind: int | None = None) -> Parameter:
        """Set a parameter, and wait until it is set.

        Args:
            name: of it.
            value: to set.
            kind: MAV_PARAM_EXT_TYPE; asked for if not given.

        Returns:
            what the component says that it is set to.

        Raises:
            ParameterRefused: the component says no.
            NoAnswer: it says nothing.
            ValueError: the type does not hold the value.
        """
        if kind is None:
            known = self.values.get(name) or await self.read(name)
            kind = known.kind

        def answers(message: Any) -> bool:
            return bool(message.param_id == name and self._target.sent(message))

        for _ in range(RETRIES):
            waiting = asyncio.ensure_future(self._link.wait("PARAM_EXT_ACK", answers, TIMEOUT))
            await asyncio.sleep(0)
            try:
                self.send(name, value, kind)
            except ValueError:
                waiting.cancel()
                raise
            try:
                ack = await waiting
                while ack.param_result == mavlink.PARAM_ACK_IN_PROGRESS:
                    ack = await self._link.wait("PARAM_EXT_ACK", answers, IN_PROGRESS)
            except TimeoutError:
                continue
            if ack.param_result != mavlink.PARAM_ACK_ACCEPTED:
                raise ParameterRefused(name, ack.param_result, str(self._target))
            return read_message(ack)
        raise NoAnswer(f"{self._target} did not answer the setting of {name}")
