"""What of a camera's lens can be moved, by what it says of itself and by its file."""

from __future__ import annotations

from collections.abc import Mapping

from cinempc import lens
from cinempc.flight.camera import definition as camera_definition
from cinempc.flight.camera.definition import Definition
from cinempc.flight.camera.reasons import Lack
from cinempc.flight.camera.reports import Information
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.ext_params import KINDS, Parameter
from cinempc.rig.camera import ApertureBy, Camera, Dof
from cinempc.rig.log import Problem, problem


def moves(dof: Dof, camera: Camera) -> bool:
    """Whether the camera's model moves this."""
    if dof is Dof.zoom:
        return camera.focal_length.max > camera.focal_length.min
    if dof is Dof.focus:
        return camera.focus.rate > 0
    return camera.aperture.max > camera.aperture.min


def lack(
    dof: Dof,
    camera: Camera,
    information: Information | None,
    apertures: Mapping[float, float],
    aperture_kind: int,
) -> Problem | None:
    """Why a degree of freedom need not be tried; None where it is to be.

    Args:
        dof: which.
        camera: whose ``mavlink`` says how it is spoken to.
        information: what it says of itself; None where it has not.
        apertures: its parameter's values by stops.
        aperture_kind: MAV_PARAM_EXT_TYPE of that parameter; 0 while unknown.
    """
    how = camera.mavlink
    cannot = information is not None and not information.flags & {
        Dof.zoom: mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_ZOOM,
        Dof.focus: mavlink.CAMERA_CAP_FLAGS_HAS_BASIC_FOCUS,
    }.get(dof, 0)
    if dof is Dof.zoom:
        unused, no = how.zoom == "none", Lack.NO_ZOOM
        return problem(Lack.ZOOM_UNUSED) if unused else problem(no) if cannot else None
    if dof is Dof.focus:
        unused, no = how.focus == "none", Lack.NO_FOCUS
        return problem(Lack.FOCUS_UNUSED) if unused else problem(no) if cannot else None
    if how.aperture == "none":
        return problem(Lack.APERTURE_UNUSED)
    if not apertures:
        return problem(Lack.NO_APERTURES, parameter=how.aperture.parameter)
    if not aperture_kind:
        return problem(Lack.NO_PARAMETER, parameter=how.aperture.parameter)
    return None


def aperture_values(
    how: ApertureBy, definition: Definition | None, low: float, high: float
) -> dict[float, float]:
    """The values of the aperture's parameter by stops: of the file, or else of the camera's
    definition.

    Args:
        how: of the camera's file.
        definition: what the camera says of its parameters, if it does.
        low, high: f-numbers of the camera's model; what is outside is left out.
    """
    setting = None if definition is None else definition.settings.get(how.parameter)
    table = dict(how.values) or ({} if setting is None else camera_definition.numbers(setting))
    return {
        float(lens.stops_from_f_number(f)): value
        for f, value in table.items()
        if 0.95 * low <= f <= 1.05 * high
    }


def aperture_kind(
    how: ApertureBy, definition: Definition | None, known: Mapping[str, Parameter]
) -> int:
    """MAV_PARAM_EXT_TYPE of the aperture's parameter; 0 where nothing tells it.

    Args:
        how: of the camera's file.
        definition: what the camera says of its parameters, if it does.
        known: its parameters.
    """
    setting = None if definition is None else definition.settings.get(how.parameter)
    if how.type is not None:
        return KINDS[how.type]
    if how.parameter in known:
        return known[how.parameter].kind
    return 0 if setting is None else setting.mav_type
