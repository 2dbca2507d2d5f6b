"""Options of what films and flies."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from cinempc.app.options.options import Options
from cinempc.app.options.shared import (
    Connection,
    FlightFile,
    Folder,
    Monitor,
    PictureQuality,
    Seed,
    Weights,
)
from cinempc.app.perception import WEIGHTS, FlightPerceptionKind, PerceptionKind
from sim.scenery.quality import Quality


class Solver(StrEnum):
    """What solves the control problem."""

    hpipm = "hpipm"
    ipopt = "ipopt"


class FilmOptions(Options):
    """`cinempc.film`: a take in the embedded simulator."""

    folder: Folder = None
    perception: Annotated[
        PerceptionKind | None,
        Field(
            description="Where the subject estimates come from: a detector in the pictures, a "
            "simulated detector, or the truth. [yolo; without pictures simulated]"
        ),
    ] = None
    weights: Weights = WEIGHTS
    depth: Annotated[
        bool, Field(description="Whether the camera measures depth; without, colours must do.")
    ] = True
    seed: Seed = 0
    pictures: Annotated[
        bool,
        Field(
            description="Whether pictures are rendered: without, there are figures and a log, "
            "much sooner."
        ),
    ] = True
    quality: PictureQuality = Quality.STANDARD
    report: Annotated[
        bool | None,
        Field(description="Whether the report is written. [with pictures yes, otherwise no]"),
    ] = None
    monitor: Monitor = False
    solver: Annotated[
        Solver, Field(description="ipopt converges every step: slow, for reference.")
    ] = Solver.hpipm
    standby: Annotated[
        float, Field(ge=0.5, le=60, description="Time to get on the mark before rolling, s.")
    ] = 3.0

    @property
    def kind(self) -> PerceptionKind:
        """The kind of perception, chosen or by default."""
        if self.perception is not None:
            return self.perception
        return PerceptionKind.yolo if self.pictures else PerceptionKind.simulated

    @model_validator(mode="after")
    def _needs_pictures(self) -> FilmOptions:
        if self.pictures:
            return self
        if self.perception is PerceptionKind.yolo:
            raise ValueError(
                "without pictures there is nothing for a detector to look at: use --perception "
                "simulated or --perception truth, or film with pictures"
            )
        if self.monitor:
            raise ValueError(
                "the monitor is drawn into the pictures: film with pictures, or without --monitor"
            )
        return self


class FlyOptions(Options):
    """`cinempc.fly`: a take on a vehicle that speaks MAVLink."""

    folder: Folder = None
    flight: FlightFile = "sitl"
    connection: Connection = None
    perception: Annotated[
        FlightPerceptionKind,
        Field(
            description="Where the subject estimates come from: a detector in the pictures, or "
            "the truth that a simulator sends with them."
        ),
    ] = FlightPerceptionKind.yolo
    weights: Weights = WEIGHTS
    depth: Annotated[
        bool, Field(description="Whether the camera's depth is used, if it has any.")
    ] = True
    monitor: Monitor = False
    in_air: Annotated[bool, Field(description="The vehicle hovers already: do not take off.")] = (
        False
    )
    origin: Annotated[
        tuple[float, float, float],
        Field(
            description="Origin of the autopilot's local frame in the script's world, m. [0,0,0]"
        ),
    ] = (0.0, 0.0, 0.0)
    standby: Annotated[
        float, Field(ge=0.5, le=60, description="Time on the mark before rolling, s.")
    ] = 3.0
    patience: Annotated[
        float,
        Field(ge=5, le=600, description="Time to find the subjects and fly to the mark, s."),
    ] = 60.0
    check: Annotated[
        bool,
        Field(
            description="Ask the vehicle whether it is fit to fly, and upload its fence, before "
            "the take-off."
        ),
    ] = True
    vehicle: Annotated[
        str | None, Field(description="A vehicle's file, in place of the script's.")
    ] = None


class IdentifyOptions(Options):
    """`cinempc.identify`: how a vehicle answers."""

    vehicle: Annotated[
        str, Field(description="The vehicle's file: its limits bound the manoeuvre.")
    ] = "x500_cinema"
    write: Annotated[
        Path | None, Field(description="Where the vehicle's file goes, with what was identified.")
    ] = None
    camera: Annotated[str, Field(description="The camera's file.")] = "super35_zoom"
    flight: FlightFile = "sitl"
    connection: Connection = None
    height: Annotated[float, Field(ge=2, le=50, description="Height of the flight, m.")] = 10.0
    speed: Annotated[float, Field(ge=1, le=10, description="Highest speed, m/s.")] = 3.0
    in_air: Annotated[
        bool, Field(description="The vehicle hovers already: neither take off nor land.")
    ] = False
