"""The fence in the autopilot: put there by MAVSDK, read back, and compared.

PX4 keeps areas (the mission protocol's fence items) and a cylinder around home (GF_MAX_HOR_DIST,
GF_MAX_VER_DIST), and does GF_ACTION when the vehicle leaves either. Areas have no height, and
several areas are all of them in newer releases and any of them in older ones: so there is one area
at most, and radius and height are the cylinder's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinempc.mavlink import geodesy
from cinempc.safety.fence import Fence, FenceAction

Floats = NDArray[np.float64]

#: PX4's numbers for what it does about a fence that was left (GF_ACTION).
ACTIONS = {FenceAction.hold: 2, FenceAction.return_: 3, FenceAction.land: 5}
#: How far a fence that is read back may be off, m: seven decimals of a degree are a centimetre.
_SAME = 0.05
#: Time in which PX4 says that it does not take a fence that it has acknowledged, s.
_VERDICT = 1.0


@dataclass(frozen=True)
class Home:
    """Where the vehicle took off, or stands: where it returns to.

    ``latitude`` and ``longitude`` in deg, ``altitude`` in m above mean sea level, ``local`` in
    ENU m from the autopilot's local origin.
    """

    latitude: float
    longitude: float
    altitude: float
    local: tuple[float, float, float]


@dataclass(frozen=True)
class Fencing:
    """What came of it; sentences as in `cinempc.flight.preflight.finding.Preflight`."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fenced: bool = False


@dataclass(frozen=True)
class Area:
    """An area that the vehicle must stay in: a circle, or a polygon of (latitude, longitude)."""

    points: tuple[tuple[float, float], ...]
    radius: float | None = None


def area(fence: Fence, origin: Floats, home: Home) -> Area:
    """A fence's area on the earth.

    Args:
        fence: in the script's world.
        origin: of the autopilot's local frame in the script's world, ENU m.
        home: what the circle is around, and what ties the local frame to the earth.
    """
    place = home.latitude, home.longitude
    if fence.polygon is None:
        return Area((place,), fence.radius)
    centre = origin + np.array(home.local)
    return Area(tuple(geodesy.at(*place, x - centre[0], y - centre[1]) for x, y in fence.polygon))


def keep(
    system: Any,
    fence: Fence | None,
    origin: Floats,
    home: Home | None,
    here: tuple[float, float, float] | None,
    texts: Sequence[str],
) -> Fencing:
    """Put a fence into the autopilot; without one, say what it has.

    Args:
        system: MAVSDK's, connected.
        fence: in the script's world.
        origin: of the autopilot's local frame in the script's world, ENU m.
        home: None where it has none.
        here: where a vehicle in the air is, ENU m from the local origin; None on the ground.
        texts: what the autopilot says of importance, as it comes.
    """
    from mavsdk.plugins.geofence import Geofence
    from mavsdk.plugins.param import Param

    plugin, parameters = Geofence(system), Param(system)
    if fence is None:
        return _report(plugin, parameters)
    if home is None:
        return Fencing(
            ("the fence cannot be placed: the autopilot has no home; wait for its position",)
        )
    reason = _outside(fence, origin, home, here)
    if reason is not None:
        return Fencing((reason,))
    wanted = area(fence, origin, home)
    reason = _upload(plugin, wanted) or _refused(texts)
    if reason is not None:
        return Fencing((reason,))
    return _limit(parameters, fence)


def _outside(
    fence: Fence, origin: Floats, home: Home, here: tuple[float, float, float] | None
) -> str | None:
    """Why the vehicle cannot be fenced in where it is: PX4 drops an area that it is not inside."""
    centre = origin + np.array(home.local)
    depth = float(fence.depth(centre, centre)[0])
    if depth < fence.margin:
        return (
            f"the take-off point is {_where(depth)} the fence, and {fence.margin:g} m inside are "
            "needed: move the vehicle, or the fence's polygon, which counts from the origin of "
            "the script's world"
        )
    if here is not None:
        depth = float(fence.depth(origin + np.array(here), centre)[0])
        if depth < 0:
            return f"the vehicle is {_where(depth)} the fence: fly it inside first"
    return None


def _where(depth: float) -> str:
    return f"{depth:.1f} m inside" if depth >= 0 else f"{-depth:.1f} m outside"


def _upload(plugin: Any, wanted: Area) -> str | None:
    """Send an area and read it back; why it is not there."""
    from mavsdk.plugins.geofence import (
        Circle,
        FenceType,
        GeofenceData,
        GeofenceError,
        Point,
        Polygon,
    )

    points = [Point(*point) for point in wanted.points]
    if wanted.radius is None:
        data = GeofenceData(polygons=[Polygon(points, FenceType.INCLUSION)])
    else:
        data = GeofenceData(circles=[Circle(points[0], wanted.radius, FenceType.INCLUSION)])
    try:
        plugin.upload_geofence(data)
        found = _areas(plugin.download_geofence())
    except GeofenceError as error:
        return (
            f"the autopilot does not take the fence ({_words(error.result)}): is another ground "
            "station at it? Try again, or fly without one in the safety file"
        )
    if len(found) != 1 or not found[0][1] or not _same(found[0][0], wanted):
        return (
            "the fence that the autopilot has is not the one that it was sent: another ground "
            "station has changed it; check again"
        )
    return None


def _areas(data: Any) -> list[tuple[Area, bool]]:
    """The areas in MAVSDK's data, and whether each is to stay in."""
    from mavsdk.plugins.geofence import FenceType

    def point(p: Any) -> tuple[float, float]:
        return p.latitude_deg, p.longitude_deg

    found = [
        (Area(tuple(map(point, polygon.points))), polygon.fence_type == FenceType.INCLUSION)
        for polygon in data.polygons
    ]
    return found + [
        (Area((point(circle.point),), circle.radius), circle.fence_type == FenceType.INCLUSION)
        for circle in data.circles
    ]


def _same(found: Area, wanted: Area) -> bool:
    if len(found.points) != len(wanted.points):
        return False
    if not math.isclose(found.radius or 0.0, wanted.radius or 0.0, rel_tol=1e-5):
        return False
    return all(
        math.hypot(*geodesy.offset(*a, *b)) < _SAME
        for a, b in zip(found.points, wanted.points, strict=True)
    )


def _refused(texts: Sequence[str]) -> str | None:
    """PX4 acknowledges a fence first and says afterwards that it does not keep it: in an event
    that everybody gets, and in a text for ground stations."""
    end = time.monotonic() + _VERDICT
    while time.monotonic() < end:
        for text in tuple(texts):
            if "geofence invalid" in text.lower():
                return f"the autopilot does not keep the fence: {text}"
        time.sleep(0.05)
    return None


def _limit(parameters: Any, fence: Fence) -> Fencing:
    """Set the cylinder around home, and what happens to who leaves it."""
    problems, warnings = [], []
    number = ACTIONS[fence.action]
    if not _set(parameters.set_param_int, parameters.get_param_int, "GF_ACTION", number):
        problems.append(
            f"the autopilot does not take GF_ACTION {number}: it would not {fence.action} a "
            "vehicle that leaves the fence"
        )
    for name, value, words in (
        ("GF_MAX_HOR_DIST", fence.radius, "distance from home"),
        ("GF_MAX_VER_DIST", fence.height, "height above home"),
    ):
        if value is None:
            has = _get(parameters.get_param_float, name)
            if has:
                warnings.append(
                    f"the autopilot has a limit of its own: {name} {has:g} m of {words}; the "
                    "safety file says nothing of it"
                )
        elif not _set(parameters.set_param_float, parameters.get_param_float, name, value):
            problems.append(f"the autopilot does not limit the {words}: it has no {name}")
    if fence.action is FenceAction.hold and _get(parameters.get_param_int, "COM_OBL_RC_ACT") != 5:
        warnings.append(
            "a vehicle that was stopped at the fence returns a second after our stream has ended: "
            "set COM_OBL_RC_ACT to 5 (hold), or say 'action: return' in the safety file"
        )
    climb = _get(parameters.get_param_float, "RTL_RETURN_ALT")
    if fence.height is not None and climb is not None and climb >= fence.height:
        warnings.append(
            f"a return climbs to RTL_RETURN_ALT, {climb:g} m, and the fence ends at "
            f"{fence.height:g} m: from far away the vehicle would be stopped there; set "
            "RTL_RETURN_ALT below it"
        )
    return Fencing(tuple(problems), tuple(warnings), not problems)


def _get(get: Any, name: str) -> float | None:
    from mavsdk.plugins.param import ParamError

    try:
        return float(get(name))
    except ParamError:
        return None


def _set(put: Any, get: Any, name: str, value: float) -> bool:
    """Whether a parameter has a value, set where it had another."""
    from mavsdk.plugins.param import ParamError

    if _get(get, name) == np.float32(value):
        return True
    try:
        put(name, value)
    except ParamError:
        return False
    return bool(_get(get, name) == np.float32(value))


def _report(plugin: Any, parameters: Any) -> Fencing:
    """What fence an autopilot has that was given none by us."""
    from mavsdk.plugins.geofence import GeofenceError

    limits = [
        f"{name} {value:g} m"
        for name in ("GF_MAX_HOR_DIST", "GF_MAX_VER_DIST")
        if (value := _get(parameters.get_param_float, name))
    ]
    try:
        count = len(_areas(plugin.download_geofence()))
    except GeofenceError:
        count = 0  # not every autopilot keeps fences
    if count:
        limits.insert(0, f"{count} area{'s' if count > 1 else ''}")
    if not limits:
        return Fencing()
    return Fencing(
        warnings=(
            f"the autopilot has a fence ({', '.join(limits)}) that the safety file knows nothing "
            "of: it may stop the vehicle in the shot",
        )
    )


def _words(result: Any) -> str:
    return str(result.name).lower().replace("_", " ")
