"""From metres around a place to latitude and longitude, and back.

The azimuthal equidistant projection on a sphere (Snyder, Map Projections: A Working Manual, USGS
Professional Paper 1395, eq. 25-1 to 25-5 and 20-14, 20-15), with the radius that PX4 takes: so a
point is in the same place for the autopilot and for us, to a millimetre within a kilometre.
"""

from __future__ import annotations

import math

#: Radius of the earth, m, as PX4's map projection has it.
RADIUS = 6371000.0


def at(latitude: float, longitude: float, east: float, north: float) -> tuple[float, float]:
    """Latitude and longitude, deg, of a point some metres east and north of a place, deg."""
    distance = math.hypot(east, north) / RADIUS
    if distance == 0:
        return latitude, longitude
    azimuth = math.atan2(east, north)
    lat = math.radians(latitude)
    sine = math.sin(lat) * math.cos(distance)
    sine += math.cos(lat) * math.sin(distance) * math.cos(azimuth)
    turned = math.atan2(
        math.sin(azimuth) * math.sin(distance) * math.cos(lat),
        math.cos(distance) - math.sin(lat) * sine,
    )
    return (
        math.degrees(math.asin(min(max(sine, -1.0), 1.0))),
        math.remainder(longitude + math.degrees(turned), 360.0),
    )


def offset(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> tuple[float, float]:
    """Metres (east, north) of another place, deg, from a place, deg: undoes `at`."""
    lat, other = math.radians(latitude), math.radians(other_latitude)
    turned = math.radians(math.remainder(other_longitude - longitude, 360.0))
    # Of the great circle, by haversines: exact also where the cosine cannot tell two points apart.
    half = math.sin((other - lat) / 2) ** 2
    half += math.cos(lat) * math.cos(other) * math.sin(turned / 2) ** 2
    distance = 2 * math.asin(math.sqrt(min(half, 1.0)))
    azimuth = math.atan2(
        math.sin(turned) * math.cos(other),
        math.cos(lat) * math.sin(other) - math.sin(lat) * math.cos(other) * math.cos(turned),
    )
    return RADIUS * distance * math.sin(azimuth), RADIUS * distance * math.cos(azimuth)
