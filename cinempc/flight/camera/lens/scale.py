"""Between a lens's own units and what the camera protocol carries for it: mm or per cent of the
zoom's range, metres or per cent of the focus's range, a field of view."""

from __future__ import annotations

import math

from cinempc import lens
from cinempc.mavlink.dialect import mavlink
from cinempc.rig.camera import Camera

#: How far a reported value may be outside the lens's range: nominal values are rounded.
_ROUNDED = 0.1


class LensScale:
    """The scales of one camera.

    Args:
        camera: its model; ``camera.mavlink`` says which units it takes and sends.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera, self._how = camera, camera.mavlink
        zoom = camera.focal_length
        #: Focal lengths at 0 and 100 %.
        self._low, self._full = zoom.min, camera.mavlink.zoom_full or zoom.max

    # --- out ---

    def zoom_command(self, focal_length: float) -> tuple[int, float]:
        """CAMERA_ZOOM_TYPE and value for a focal length, mm."""
        if self._how.zoom == "focal_length":
            return mavlink.ZOOM_TYPE_FOCAL_LENGTH, focal_length
        low, full = self._low, self._full
        if full <= low:
            share = 0.0
        elif self._how.zoom_scale == "logarithmic":
            share = math.log(focal_length / low) / math.log(full / low)
        else:
            share = (focal_length - low) / (full - low)
        return mavlink.ZOOM_TYPE_RANGE, min(max(100 * share, 0.0), 100.0)

    def focus_command(self, dioptres: float) -> tuple[int, float]:
        """SET_FOCUS_TYPE and value for a focus, dioptres."""
        if self._how.focus == "metres":
            distance = min(lens.inverse(dioptres), self._how.farthest)
            return mavlink.FOCUS_TYPE_METERS, distance
        # From the closest distance, 0 %, to infinity: the protocol's "in" and "out".
        share = 1 - dioptres * self._camera.focus.closest
        return mavlink.FOCUS_TYPE_RANGE, min(max(100 * share, 0.0), 100.0)

    # --- in; None for what cannot be ---

    def zoom_of_view(self, angle: float) -> float | None:
        """Focal length, mm, for a horizontal field of view, rad."""
        if not 1e-4 < angle < math.pi:
            return None
        width = self._camera.sensor.width
        return self._possible(float(lens.focal_length_for_field_of_view(width, angle)))

    def zoom_of_level(self, level: float) -> float | None:
        """Focal length, mm, for CAMERA_SETTINGS.zoomLevel."""
        if self._how.levels == "native":
            return self._possible(level)
        if not 0 <= level <= 100:
            return None
        low, full = self._low, self._full
        if self._how.zoom_scale == "logarithmic":
            return self._possible(float(low * (full / low) ** (level / 100)))
        return self._possible(low + level / 100 * (full - low))

    def focus_of_level(self, level: float) -> float | None:
        """Dioptres for CAMERA_SETTINGS.focusLevel."""
        closest = self._camera.focus.closest
        if self._how.levels == "native":
            good = level >= (1 - _ROUNDED) * closest
            return lens.inverse(max(level, closest)) if good else None
        return (1 - level / 100) / closest if 0 <= level <= 100 else None

    def _possible(self, focal: float) -> float | None:
        low, high = self._camera.focal_length.min, self._camera.focal_length.max
        if not (1 - _ROUNDED) * low <= focal <= (1 + _ROUNDED) * high:
            return None
        return min(max(focal, low), high)
