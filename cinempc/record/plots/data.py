"""A take's records as the series that plots draw."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cinempc.record.plots.style import SERIES
from cinempc.record.records import CycleRecord, FrameRecord, SubjectRecord, TargetRecord
from cinempc.rig.events import Shot

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TakeData:
    """What a take left to draw.

    Attributes:
        shots: of the take; their boundaries are marked.
        frames: records of the pictures.
        cycles: records of the control steps.
        coc_mm: the camera's circle of confusion.
        deadline_ms: the control step's deadline, drawn with the solve times.
    """

    shots: Sequence[Shot]
    frames: Sequence[FrameRecord]
    cycles: Sequence[CycleRecord]
    coc_mm: float
    deadline_ms: float | None = None

    @cached_property
    def times(self) -> Floats:
        """Of the pictures, s."""
        return np.array([record.time for record in self.frames])

    @cached_property
    def names(self) -> list[str]:
        """The subjects, those that were framed first."""
        framed = [target.subject for record in self.frames for target in record.targets]
        seen = [s.id for record in self.frames for s in record.subjects]
        return list(dict.fromkeys(framed + seen))

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for each subject."""
        return {name: SERIES[i % len(SERIES)] for i, name in enumerate(self.names)}

    def framed(self) -> list[str]:
        """The subjects that some picture was to frame."""
        seen = {target.subject for record in self.frames for target in record.targets}
        return [name for name in self.names if name in seen]

    def target(
        self, name: str, read: Callable[[TargetRecord], float | None]
    ) -> tuple[Floats, Floats]:
        """A series of a subject's first target, NaN where the picture had none."""
        values = []
        for record in self.frames:
            found = next((t for t in record.targets if t.subject == name), None)
            value = None if found is None else read(found)
            values.append(math.nan if value is None else value)
        return self.times, np.array(values, float)

    def subject(self, name: str, read: Callable[[SubjectRecord], float]) -> tuple[Floats, Floats]:
        """A series of a subject, NaN where the picture did not have it."""
        values = []
        for record in self.frames:
            found = next((s for s in record.subjects if s.id == name), None)
            values.append(math.nan if found is None else read(found))
        return self.times, np.array(values, float)

    def span(self) -> tuple[float, float]:
        """When the take begins and ends, s."""
        times = [r.time for r in self.frames] or [r.time for r in self.cycles] or [0.0]
        spacing = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
        return times[0], times[-1] + spacing
