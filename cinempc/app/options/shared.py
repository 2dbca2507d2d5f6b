"""Options that several functions have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from sim.scenery.quality import Quality

Seed = Annotated[int, Field(ge=0, description="Seed for wind, noise and detector.")]
Folder = Annotated[Path | None, Field(description="Folder of the take. [takes/NAME-TIME]")]
Weights = Annotated[
    str, Field(description="Detector weights: a file, or a name of `cinempc models list`.")
]
Monitor = Annotated[bool, Field(description="Also film the director's monitor.")]
Connection = Annotated[
    str | None,
    Field(description="Address in place of the one in --flight, such as udpin:0.0.0.0:14540."),
]
FlightFile = Annotated[
    str, Field(description="How the vehicle is reached: a name of configs/flight/, or a file.")
]
Instance = Annotated[
    int, Field(ge=0, le=50, description="Shifts all ports and the system id, as PX4's -i.")
]
PictureSize = Annotated[
    tuple[int, int] | None,
    Field(description="Size of the pictures, px, if not the camera's: fewer are faster."),
]
FrameRate = Annotated[
    float | None,
    Field(ge=1, le=120, description="Pictures a simulated second, if not the camera's."),
]

PictureQuality = Annotated[
    Quality,
    Field(description="How finely pictures are rendered: final takes nearly twice the time."),
]
