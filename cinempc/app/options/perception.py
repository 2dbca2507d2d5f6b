"""Options of what looks at pictures, and makes them and the weights for it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from pydantic import Field

from cinempc.app.options.options import Options
from cinempc.app.options.shared import PictureQuality, Weights
from cinempc.app.perception import WEIGHTS
from sim.scenery.quality import Quality


class PerceiveOptions(Options):
    """`cinempc.perceive`: people in pictures of any source."""

    weights: Weights = WEIGHTS
    folder: Annotated[
        Path | None, Field(description="Folder of the results. [perceived/NAME-TIME]")
    ] = None
    pictures: Annotated[
        bool, Field(description="Whether annotated pictures or footage are written.")
    ] = True
    ground_truth: Annotated[
        bool, Field(description="Compare with the truth of a sequence; with plots.")
    ] = False
    depth: Annotated[bool, Field(description="Whether the depth of a sequence is used.")] = True
    classes: Annotated[
        tuple[str, ...], Field(description="What to look for; more than once for more. [person]")
    ] = ("person",)
    follow: Annotated[
        bool | None,
        Field(
            description="Whether the pictures are frames of one video. [of images no, otherwise "
            "yes]"
        ),
    ] = None
    fov: Annotated[
        float | None,
        Field(
            ge=1,
            le=170,
            description="Horizontal field of view, degrees: gives positions. [a drone's telemetry]",
        ),
    ] = None
    camera_height: Annotated[
        float | None,
        Field(
            ge=0,
            le=500,
            description="Height of the camera above the ground, m. [a drone's telemetry, or 1.6]",
        ),
    ] = None
    camera_pitch: Annotated[
        float | None,
        Field(
            ge=-90,
            le=90,
            description="Elevation of the camera's view, degrees. [a drone's telemetry, or 0]",
        ),
    ] = None
    camera_heading: Annotated[
        float | None,
        Field(
            ge=-360,
            le=360,
            description="Compass heading of the camera's view, degrees; 0 is north. [a drone's "
            "telemetry, or 90, east]",
        ),
    ] = None
    size: Annotated[
        int | None, Field(ge=64, le=4096, description="Size of the network's input, px.")
    ] = None
    seconds: Annotated[
        float, Field(ge=0.1, description="Stop after this much of the source, s.")
    ] = math.inf


class SequenceOptions(Options):
    """`cinempc.sequence`: people filmed together with the truth about them."""

    seed: Annotated[int, Field(ge=0, description="Seed for people, clothes, paths and noise.")] = 0
    seconds: Annotated[
        float | None, Field(ge=0.1, description="Length, s; all of the sequence if left out.")
    ] = None
    quality: PictureQuality = Quality.STANDARD


class PullOptions(Options):
    """`cinempc.app.models.pull`: weights for real footage."""

    size: Annotated[
        int, Field(ge=64, le=4096, description="Size of the pictures it will look at, px.")
    ] = 640
    half: Annotated[bool, Field(description="Half precision, for GPUs.")] = False
    folder: Annotated[Path | None, Field(description="Folder. [the user's]")] = None


class TrainOptions(Options):
    """`cinempc.app.models.train`: weights from pictures."""

    folder: Annotated[Path, Field(description="Folder for data, training and weights.")] = Path(
        "training"
    )
    data: Annotated[
        Path | None,
        Field(
            description="A data.yaml of your own, in ultralytics' form; without, people are "
            "rendered."
        ),
    ] = None
    model: Annotated[
        str | None, Field(description="Weights to start from, such as yolo11n-pose.pt.")
    ] = None
    epochs: Annotated[int, Field(ge=1, description="Passes over the data.")] = 28
    size: Annotated[int, Field(ge=64, description="Size of the training pictures, px.")] = 320
    batch: Annotated[int, Field(ge=1, description="Pictures a step.")] = 16
    scenes: Annotated[int, Field(ge=1, description="Scenes rendered for training.")] = 200
    test_scenes: Annotated[int, Field(ge=1, description="Scenes rendered for the figures.")] = 20
    pictures: Annotated[int, Field(ge=1, description="Pictures of each scene.")] = 25
    seed: Annotated[int, Field(ge=0, description="Seed for data and training.")] = 0
    device: Annotated[
        str | None,
        Field(description="cpu, or a GPU's number. [the first GPU, or the CPU]"),
    ] = None
