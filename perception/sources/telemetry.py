"""What a drone wrote of itself beside its film: subtitles that tell place, height and lens.

DJI's drones and their kin write them as an SRT file of the film's name, or into a subtitle stream
of the film; no standard describes them. The dialects below are those of public samples and of the
parsers that read them (JuanIrache/DJI_SRT_Parser; OpenDroneMap, ``opendm/video/srtparser.py``):

- ``[focal_len: 24.00] [latitude: 48.1] [longitude: 11.5] [rel_alt: 1.300 abs_alt: 25.1]`` with
  ``gb_yaw``, ``gb_pitch`` on some; older ones write ``focal_len : 240`` in tenths, beside ``fnum :
  280`` in hundredths and ``dzoom_ratio: 10000`` in ten-thousandths, and ``longtitude``;
- ``GPS(131.166,-25.209,14) BAROMETER:1.9``: longitude, latitude, number of satellites. A third
  number in metres (``0.0M``) comes after latitude, longitude;
- ``GPS (11.5, 48.1, 15), D 2.80m, H 1.50m`` with ``G.PRY (pitch°, roll°, yaw°)`` on some.

The focal length is taken as that of 35 mm film (36 mm across), which is what DJI means by it; the
height counts from the take-off point. A lone ``altitude`` is not used: some count it from the
take-off point, some from the sea.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Width of the film that focal lengths are equivalent to, mm.
FILM_WIDTH = 36.0
#: Time at most between two places that a receiver tells while the drone moves, s.
_BETWEEN = 3.0

_NUMBER = r"[-+]?\d{1,9}(?:\.\d{1,12})?"
_GAP = r"\s{0,4}"  # never without end: that costs the square of a text's length
_TIME = r"(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,6})"
_CUE = re.compile(rf"^[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}.*$", re.MULTILINE)
_TAG = re.compile(r"<[^<>\n]{0,200}>")
_PAIR = re.compile(rf"\b([A-Za-z][A-Za-z_]{{1,20}})\s{{0,2}}:\s{{0,2}}({_NUMBER})")
_PLACE = re.compile(
    rf"\b(?:GPS|RTK)\s?\({_GAP}([NSEW]:)?{_GAP}({_NUMBER}){_GAP},{_GAP}([NSEW]:)?{_GAP}({_NUMBER})"
    rf"{_GAP}(?:,{_GAP}{_NUMBER}{_GAP}(m)?{_GAP})?\)",
    re.IGNORECASE,
)
_ABOVE_HOME = re.compile(rf"(?<![\w.])H\s({_NUMBER})\s?m\b")
_ANGLE = rf"{_GAP}({_NUMBER})[^\d,]{{0,4}}"
_GIMBAL = re.compile(rf"\bG\.PRY\s?\({_ANGLE},{_ANGLE},{_ANGLE}")


@dataclass(frozen=True)
class Sample:
    """What one subtitle tells, or a track of a time; None for what it does not.

    Attributes:
        time: from the film's start, s.
        latitude, longitude: deg.
        height: above the take-off point, m.
        focal_mm: focal length on 35 mm film, with the digital zoom, mm.
        yaw, pitch: of the camera, as in `cinempc.frames`, rad.
    """

    time: float
    latitude: float | None = None
    longitude: float | None = None
    height: float | None = None
    focal_mm: float | None = None
    yaw: float | None = None
    pitch: float | None = None

    @property
    def tells(self) -> bool:
        """Whether there is anything but the time."""
        return any(getattr(self, f.name) is not None for f in fields(self) if f.name != "time")


def parse(text: str) -> list[Sample]:
    """The samples of a whole SRT file, by time; those that tell nothing are left out.

    Example:
        >>> parse("1\\n00:00:02,000 --> 00:00:03,000\\n[rel_alt: 1.300 abs_alt: 25.1]\\n")[0].height
        1.3
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    cues = list(_CUE.finditer(text))
    ends = [cue.start() for cue in cues[1:]] + [len(text)]
    found = []
    for cue, end in zip(cues, ends, strict=False):
        hours, minutes, seconds, fraction = cue.groups()[:4]
        time = 3600.0 * int(hours) + 60.0 * int(minutes) + int(seconds) + float(f"0.{fraction}")
        found.append(parse_cue(time, text[cue.end() : end]))
    return sorted((sample for sample in found if sample.tells), key=lambda sample: sample.time)


def parse_cue(time: float, text: str) -> Sample:
    """What the text of one subtitle tells, in whatever dialect."""
    text = _TAG.sub(" ", text)
    pairs = {name.lower(): number for name, number in _PAIR.findall(text)}
    latitude, longitude = _place(text, pairs)
    yaw, pitch = pairs.get("gb_yaw"), pairs.get("gb_pitch")
    if (gimbal := _GIMBAL.search(text)) is not None:
        pitch, _, yaw = gimbal.groups()
    height = pairs.get("rel_alt", pairs.get("barometer"))
    if height is None and (above := _ABOVE_HOME.search(text)) is not None:
        height = above[1]
    heading, elevation = _within(yaw, -360.0, 360.0), _within(pitch, -135.0, 135.0)
    return Sample(
        time,
        latitude,
        longitude,
        _within(height, -1000.0, 10_000.0),
        _focal_length(pairs),
        None if heading is None else math.remainder(math.radians(90.0 - heading), math.tau),
        None if elevation is None else math.radians(min(max(elevation, -90.0), 90.0)),
    )


def _within(number: str | None, low: float, high: float) -> float | None:
    """A number that can be one; None for one that cannot."""
    value = math.nan if number is None else float(number)
    return value if low <= value <= high else None


def _place(text: str, pairs: dict[str, str]) -> tuple[float | None, float | None]:
    """Latitude and longitude, deg; both None where either is not there, or there was no fix."""
    latitude: float | None = _within(pairs.get("latitude"), -90.0, 90.0)
    longitude = _within(pairs.get("longitude", pairs.get("longtitude")), -180.0, 180.0)
    if latitude is None and (found := _PLACE.search(text)) is not None:
        axes = [(letter or "").rstrip(":").upper() for letter in (found[1], found[3])]
        values = [-float(n) if a and a in "SW" else float(n)
                  for a, n in zip(axes, (found[2], found[4]), strict=True)]  # fmt: skip
        latitude_first = axes[0] in ("N", "S") if axes[0] else found[5] is not None
        if not latitude_first:
            values.reverse()
        latitude, longitude = values
    if latitude is None or longitude is None or (latitude, longitude) == (0.0, 0.0):
        return None, None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else (None, None)


def _focal_length(pairs: dict[str, str]) -> float | None:
    """mm on 35 mm film. Older dialects write whole numbers: tenths of the focal length, hundredths
    of the f-number, ten-thousandths of the digital zoom."""
    focal = _within(pairs.get("focal_len"), 1.0, 20_000.0)
    if focal is None:
        return None
    number = _within(pairs.get("fnum"), 0.5, 10_000.0)
    old = number >= 50.0 if number is not None else "." not in pairs["focal_len"]
    if old and focal >= 80.0:
        focal /= 10.0
    zoom = _within(pairs.get("dzoom_ratio"), 1.0, 1e6) or 1.0
    zoom = zoom / 10_000.0 if zoom >= 1000.0 else zoom
    return focal * zoom if 5.0 <= focal * zoom <= 5000.0 else None


class Telemetry:
    """A drone's samples as a track through time.

    Places run straight from one change to the next: receivers tell a new place less often than
    there are subtitles, and in steps of up to 11 m (four decimals).

    Args:
        samples: by time, at least one.
        name: of where they come from.

    Attributes:
        begin, end: times of the first and the last sample, s.
    """

    def __init__(self, samples: Iterable[Sample], name: str) -> None:
        self.name = name
        known = list(samples)
        self.begin, self.end = known[0].time, known[-1].time
        self._place = _Track(_changes([(s.time, p) for s in known if (p := _pair(s)) is not None]))
        self._height = _track(known, "height")
        self._focal = _track(known, "focal_mm")
        self._yaw = _track(known, "yaw", turns=True)
        self._pitch = _track(known, "pitch")

    def at(self, time: float) -> Sample:
        """Everything at a time, s; before the first sample and after the last, what they tell."""
        place = self._place.at(time)
        latitude, longitude = (None, None) if place is None else map(float, place)
        return Sample(
            time,
            latitude,
            longitude,
            *(
                None if (value := track.at(time)) is None else float(value[0])
                for track in (self._height, self._focal, self._yaw, self._pitch)
            ),
        )


Knots = list[tuple[float, tuple[float, ...]]]


def _pair(sample: Sample) -> tuple[float, ...] | None:
    if sample.latitude is None or sample.longitude is None:
        return None
    return sample.latitude, sample.longitude


def _track(samples: list[Sample], name: str, turns: bool = False) -> _Track:
    values = [(sample.time, getattr(sample, name)) for sample in samples]
    return _Track([(time, (value,)) for time, value in values if value is not None], turns)


def _changes(knots: Knots) -> Knots:
    """Those at which the value changes, the first and the last; a value that stood for long keeps
    standing until `_BETWEEN` before the next."""
    kept = knots[:1]
    for time, value in knots[1:]:
        if value != kept[-1][1]:
            if time - kept[-1][0] > _BETWEEN:
                kept.append((time - _BETWEEN, kept[-1][1]))
            kept.append((time, value))
    return kept + [knot for knot in knots[-1:] if knot[0] > kept[-1][0]]


class _Track:
    """Values through time, straight between knots by time; ``turns`` of angles, rad."""

    def __init__(self, knots: Knots, turns: bool = False) -> None:
        self._times: Floats = np.array([time for time, _ in knots])
        self._values: Floats = np.array([value for _, value in knots])
        if turns and len(knots):
            self._values = np.unwrap(self._values, axis=0)

    def at(self, time: float) -> Floats | None:
        if not len(self._times):
            return None
        return np.array([np.interp(time, self._times, column) for column in self._values.T])
