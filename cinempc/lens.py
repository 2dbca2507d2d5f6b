"""Thin-lens optics.

Units are the camera trade's: focal length, sensor and circle of confusion in mm, f-number
without a unit, distances in m from the lens, infinity allowed. Inverse distances are in
dioptres (1/m), where infinity is 0.

Every function takes floats, numpy arrays and CasADi symbols alike: numpy's ufuncs dispatch to
CasADi. Depth of field is computed in dioptres throughout, because there it has no pole: with the
blur-circle formula solved for the object distance, the limits lie at equal steps on both sides
of the focus,

    1/D_near,far = 1/F ± (1 - f/F) N c / f²                                     (f, c in m)

which is the textbook pair D_near = F (H - f)/(H + F - 2f), D_far = F (H - f)/(H - F) with the
pole at F = H removed. Source of the formulas: S. F. Ray, *Applied Photographic Optics*, 3rd ed.
(2002), chapter 22; L. Larmore, *Introduction to Photographic Principles* (1965), chapter 7.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: A float, a numpy array or a CasADi symbol. Not narrower: no type is common to the three.
Num = Any

_MM = 1e-3  # metres per millimetre


def field_of_view(sensor_mm: Num, focal_length_mm: Num) -> Num:
    """Angle of view across a sensor side, rad, for focus at infinity: 2 atan(s / 2f)."""
    return 2 * np.arctan(sensor_mm / (2 * focal_length_mm))


def focal_length_for_field_of_view(sensor_mm: Num, field_of_view_rad: Num) -> Num:
    """Focal length, mm, for an angle of view (rad) across a sensor side: s / (2 tan(a/2))."""
    return sensor_mm / (2 * np.tan(field_of_view_rad / 2))


def hyperfocal_distance(focal_length_mm: Num, f_number: Num, coc_mm: Num) -> Num:
    """Hyperfocal distance H = f²/(N c) + f, m: focused there, all from H/2 to infinity is sharp."""
    return (focal_length_mm**2 / (f_number * coc_mm) + focal_length_mm) * _MM


def dof_half_width(focus_dioptres: Num, focal_length_mm: Num, f_number: Num, coc_mm: Num) -> Num:
    """Half the depth of field, dioptres: (1 - f/F) N c / f²."""
    f = focal_length_mm * _MM
    return (1 - f * focus_dioptres) * f_number * (coc_mm * _MM) / f**2


def near_limit_dioptres(
    focus_dioptres: Num, focal_length_mm: Num, f_number: Num, coc_mm: Num
) -> Num:
    """Near limit of depth of field as an inverse distance, dioptres."""
    return focus_dioptres + dof_half_width(focus_dioptres, focal_length_mm, f_number, coc_mm)


def far_limit_dioptres(
    focus_dioptres: Num, focal_length_mm: Num, f_number: Num, coc_mm: Num
) -> Num:
    """Far limit of depth of field as an inverse distance, dioptres.

    Signed: zero at the hyperfocal distance, negative when even infinity is sharper than ``coc``.
    """
    return focus_dioptres - dof_half_width(focus_dioptres, focal_length_mm, f_number, coc_mm)


def depth_of_field(
    focus_distance_m: Num, focal_length_mm: Num, f_number: Num, coc_mm: Num
) -> tuple[Num, Num]:
    """Near and far limits of depth of field, m; the far limit is ``inf`` from the hyperfocal on.

    Floats and numpy arrays only: a symbol has no infinity, use the dioptre functions there.
    """
    focus = inverse(focus_distance_m)
    near = near_limit_dioptres(focus, focal_length_mm, f_number, coc_mm)
    far = far_limit_dioptres(focus, focal_length_mm, f_number, coc_mm)
    return inverse(near), inverse(np.maximum(far, 0.0))


def blur_circle_signed(
    object_dioptres: Num, focus_dioptres: Num, focal_length_mm: Num, f_number: Num
) -> Num:
    """Blur-circle diameter of a point on the sensor, mm, positive where the point is too near.

    b = (f²/N) (1/D - 1/F) / (1 - f/F), the thin-lens blur f²/N · |D - F| / (D (F - f)) without
    its absolute value and in dioptres.
    """
    f = focal_length_mm * _MM
    blur_m = f**2 / f_number * (object_dioptres - focus_dioptres) / (1 - f * focus_dioptres)
    return blur_m / _MM


def blur_circle(distance_m: Num, focus_distance_m: Num, focal_length_mm: Num, f_number: Num) -> Num:
    """Diameter, mm, of the blur circle on the sensor of a point at ``distance_m``."""
    return np.fabs(
        blur_circle_signed(
            inverse(distance_m), inverse(focus_distance_m), focal_length_mm, f_number
        )
    )


def pixels_per_metre(
    depth_m: Num, focal_length_mm: Num, sensor_width_mm: Num, image_width_px: Num
) -> Num:
    """Image scale, px/m, of an object at a depth along the optical axis."""
    return focal_length_mm / sensor_width_mm * image_width_px / depth_m


def stops_from_f_number(f_number: Num) -> Num:
    """Aperture value (APEX): 2 log2 N, in stops; one stop halves the light."""
    return 2 * np.log(f_number) / np.log(2.0)


def f_number_from_stops(stops: Num) -> Num:
    """f-number of an aperture value in stops: N = 2^(s/2)."""
    return np.exp(stops * (np.log(2.0) / 2))


def inverse(value: Num) -> Num:
    """1/value with 1/inf = 0 and 1/0 = inf, for distances and dioptres."""
    if isinstance(value, (int, float, np.ndarray, np.number)):
        with np.errstate(divide="ignore"):
            result = np.divide(1.0, value)
        return result if isinstance(value, np.ndarray) else float(result)
    return 1 / value
