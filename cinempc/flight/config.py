"""How the vehicle is reached and what is done around a take, loaded from ``configs/flight/``."""

from __future__ import annotations

import os
import stat
from enum import StrEnum
from pathlib import Path

from pydantic import Field, model_validator

from cinempc import configs
from cinempc.errors import ConfigError
from cinempc.units import Metres, PerSecond, Seconds


class After(StrEnum):
    """What the vehicle does when a take is over."""

    hold = "hold"
    land = "land"
    return_ = "return"


class Recording(StrEnum):
    """Whether the camera records on its own storage."""

    required = "required"
    optional = "optional"
    off = "off"


class Video(configs.Config):
    """The camera's pictures."""

    address: str | None = Field(
        default=None, description="Of the stream; what the camera itself says if not given."
    )
    depth: str | None = Field(default=None, description="Of the depth stream, if there is one.")
    latency: Seconds = Field(
        default=0.15,
        validate_default=False,
        description="From exposure to arrival, for streams that do not carry their own time.",
    )


class Flight(configs.Config):
    """A connection and its rules; see ``docs/flight.md``."""

    name: str
    connection: str = Field(description="As pymavlink takes it: udpin:0.0.0.0:14540, ...")
    vehicle_system: int | None = Field(
        default=None, ge=1, le=255, description="MAVLink system id; the first heard if not given."
    )
    component: int = Field(default=191, ge=1, le=255, description="Our own component id.")
    key: Path | None = Field(
        default=None, description="File with the signing key: 64 hexadecimal digits."
    )
    stream_rate: PerSecond = Field(default=50.0, validate_default=False)
    height: Metres = Field(
        default=3.0, validate_default=False, description="Of the take-off, above the ground."
    )
    after: After = After.hold
    recording: Recording = Field(
        default=Recording.required,
        description="Of the camera's own: not flown without it, or flown all the same, or not "
        "asked for.",
    )
    video: Video = Video()

    @model_validator(mode="after")
    def _sound(self) -> Flight:
        if not 20 <= self.stream_rate <= 200:
            raise ValueError(
                f"stream_rate must be between 20 Hz and 200 Hz, it is {self.stream_rate:g} Hz"
            )
        if not 0.5 <= self.height <= 120:
            raise ValueError(f"height must be between 0.5 m and 120 m, it is {self.height:g} m")
        return self


def read_key(path: Path) -> bytes:
    """A signing key (32 bytes) from its file.

    Raises:
        ConfigError: unreadable, not 64 hexadecimal digits, or readable by others.
    """
    try:
        if os.name == "posix" and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            raise ConfigError(f"others can read this signing key: chmod 600 {path.name}", path=path)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise ConfigError(
            f"the signing key cannot be read ({error.strerror or error})", path=path
        ) from None
    except ValueError:  # what it says may hold a part of the key
        raise ConfigError(
            "is no signing key: write 64 hexadecimal digits into it, for example by "
            "'openssl rand -hex 32'",
            path=path,
        ) from None
    if len(key) != 32:
        raise ConfigError(
            f"a signing key has 64 hexadecimal digits, this one {2 * len(key)}", path=path
        )
    return key


def load(name: str, near: Path | None = None) -> Flight:
    """A connection by its short name in ``configs/flight/`` or by path.

    Raises:
        ConfigError: no such file, or a mistake in it.
    """
    return configs.load(configs.find("flight", name, near), Flight)
