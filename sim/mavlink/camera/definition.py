"""What settings a simulated camera has, and the camera definition file that says so."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from cinempc.rig.camera import Camera
from sim.mavlink.camera.behaviour import Lacks

#: Third stops as lenses have them engraved.
_ENGRAVED = (
    *(1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5, 2.8, 3.2, 3.5, 4.0, 4.5, 5.0, 5.6),
    *(6.3, 7.1, 8.0, 9.0, 10.0, 11.0, 13.0, 14.0, 16.0, 18.0, 20.0, 22.0, 25.0, 29.0, 32.0),
)


@dataclass(frozen=True)
class Setting:
    """A setting of the camera; its options are name, value, and the settings that it excludes."""

    name: str
    kind: str
    description: str
    options: tuple[tuple[str, float, tuple[str, ...]], ...]
    default: float
    shown: bool = True
    updates: tuple[str, ...] = ()


def apertures(camera: Camera) -> list[float]:
    """f-numbers of the lens in third stops, as they are engraved."""
    low, high = camera.aperture.min, camera.aperture.max
    if high <= low:
        return [low]
    inside = [f for f in _ENGRAVED if low * 1.02 < f < high / 1.02]
    return sorted({round(low, 2), *inside, round(high, 2)})


def settings(camera: Camera, lacks: Lacks) -> list[Setting]:
    """The settings of a simulated camera."""
    shutters = (24, 25, 30, 48, 50, 60, 100, 125, 250, 500, 1000, 2000)
    parameters = [
        Setting(
            "CAM_MODE",
            "uint32",
            "Camera mode",
            (("Photo", 0, ("CAM_VIDRES",)), ("Video", 1, ())),
            1,
            shown=False,
            updates=("CAM_SHUTTERSPD", "CAM_ISO"),
        ),
        Setting(
            "CAM_EXPMODE",
            "uint8",
            "Exposure mode",
            (("Auto", 0, ("CAM_SHUTTERSPD", "CAM_ISO")), ("Manual", 1, ())),
            1,
        ),
        Setting(
            "CAM_SHUTTERSPD",
            "float",
            "Exposure time",
            tuple((f"1/{n}", 1 / n, ()) for n in shutters),
            1 / 50,
        ),
        Setting(
            "CAM_ISO",
            "uint32",
            "ISO",
            tuple((str(n), n, ()) for n in (100, 200, 400, 800, 1600, 3200, 6400)),
            400,
        ),
        Setting(
            "CAM_WBMODE",
            "uint8",
            "White balance",
            (("Auto", 0, ()), ("Daylight", 1, ()), ("Cloudy", 2, ()), ("Tungsten", 3, ())),
            1,
        ),
        Setting(
            "CAM_VIDRES",
            "uint8",
            "Video size",
            ((f"{camera.picture.width} x {camera.picture.height}", 0, ()),),
            0,
        ),
    ]
    if not lacks & Lacks.APERTURE:
        f_numbers = apertures(camera)
        parameters.append(
            Setting(
                "CAM_APERTURE",
                "float",
                "Aperture",
                tuple((f"f/{f:g}", f, ()) for f in f_numbers),
                f_numbers[0],
            )
        )
    return parameters


def definition_xml(camera: Camera, lacks: Lacks = Lacks.NOTHING) -> str:
    """The camera definition file of the simulated camera, to be served where its URI points."""
    version = definition_version(camera, lacks)
    return f"""<?xml version="1.0" encoding="UTF-8" ?>
<mavlinkcamera>
<definition version="{version}">
{_body(camera, lacks)}
</mavlinkcamera>
"""


def definition_version(camera: Camera, lacks: Lacks = Lacks.NOTHING) -> int:
    """Version of the definition file, other for another file: clients keep it by this."""
    return zlib.crc32(_body(camera, lacks).encode()) % 65535 + 1


def _body(camera: Camera, lacks: Lacks) -> str:
    lines = [
        f"  <model>{escape(camera.name)}</model>",
        "  <vendor>cinempc</vendor>",
        "</definition>",
        "<parameters>",
    ]
    for setting in settings(camera, lacks):
        control = "" if setting.shown else ' control="0"'
        lines += [
            f'  <parameter name={quoteattr(setting.name)} type="{setting.kind}" '
            f'default="{setting.default:.9g}"{control}>',
            f"    <description>{escape(setting.description)}</description>",
        ]
        if setting.updates:
            names = "".join(f"<update>{name}</update>" for name in setting.updates)
            lines.append(f"    <updates>{names}</updates>")
        lines.append("    <options>")
        for name, value, excludes in setting.options:
            head = f'      <option name={quoteattr(name)} value="{value:.9g}"'
            if not excludes:
                lines.append(f"{head} />")
                continue
            names = "".join(f"<exclude>{excluded}</exclude>" for excluded in excludes)
            lines.append(f"{head}><exclusions>{names}</exclusions></option>")
        lines += ["    </options>", "  </parameter>"]
    return "\n".join([*lines, "</parameters>"])
