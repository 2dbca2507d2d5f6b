"""What the tests of the Gazebo bridge share: a camera, a Gazebo that plays recorded messages, and a
check by Gazebo's own parser."""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cinempc.rig import camera as cameras
from sim.gazebo import model, sdf

RECORDED = Path(__file__).parent / "gazebo_messages"


def camera() -> cameras.Camera:
    """A small zoom: its row in Gazebo has two cameras, of 24 and about 34 mm."""
    whole = cameras.load("super35_zoom")
    picture = whole.picture.model_copy(update={"width": 96, "height": 54})
    zoom = whole.focal_length.model_copy(update={"max": 48.0})
    return whole.model_copy(update={"picture": picture, "focal_length": zoom})


class PlayedGazebo:
    """A transport that plays messages to who has subscribed, and answers services."""

    def __init__(self, refuse: tuple[str, ...] = ()) -> None:
        self.heard: dict[str, tuple[str, Callable[[bytes], None]]] = {}
        self.asked: list[tuple[str, str, bytes]] = []
        self.refuse = refuse

    def subscribe(self, topic: str, kind: str, give: Callable[[bytes], None]) -> None:
        assert topic not in self.heard, "subscribed twice"
        self.heard[topic] = (kind, give)

    def unsubscribe(self, topic: str) -> None:
        del self.heard[topic]

    def request(self, service: str, kind: str, data: bytes, patience: float) -> bool:
        self.asked.append((service, kind, data))
        return service.rsplit("/", 1)[1] not in self.refuse

    def play(self, topic: str, data: bytes) -> bool:
        """Publish a message; whether somebody heard it."""
        if topic not in self.heard:
            return False
        self.heard[topic][1](data)
        return True


def px4_models(folder: Path) -> Path:
    """PX4's models as far as our model stands on them; PX4's own where ``PX4_GZ_MODELS`` is."""
    own = os.environ.get("PX4_GZ_MODELS")
    if own:
        return Path(own)
    base = sdf.Element("model", name=model.BASE)
    for name, pose in (("base_link", (0, 0, 0.24)), ("camera_link", (0, 0, 0.26))):
        link = sdf.add(base, "link", name=name)
        sdf.add(link, "pose", (*pose, 0, 0, 0 if name == "base_link" else 3.14))
        sdf.add(link, "inertial/mass", 1.0)
        for axis in ("ixx", "iyy", "izz"):
            sdf.add(link, f"inertial/inertia/{axis}", 0.01)
    joint = sdf.add(base, "joint", name="gimbal", type="revolute")
    sdf.add(joint, "parent", "base_link")
    sdf.add(joint, "child", "camera_link")
    sdf.add(joint, "axis/xyz", (0, 0, -1))
    gimbal = sdf.Element("model", name=model.GIMBAL)
    sensor = sdf.add(
        sdf.add(gimbal, "link", name="camera_link"), "sensor", name="camera", type="camera"
    )
    sdf.add(sensor, "pose", (-0.05, 0, -0.15, 0, 0, 3.14))
    for part in (base, gimbal):
        home = folder / part.attrib["name"]
        whole = sdf.root()
        whole.append(part)
        sdf.write(home / "model.sdf", whole)
        config = sdf.Element("model")
        sdf.add(config, "name", part.attrib["name"])
        sdf.add(config, "sdf", "model.sdf", version=sdf.VERSION)
        sdf.write(home / "model.config", config)
    return folder


_CHECK = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
sys.exit(0 if library.cmdCheck(sys.argv[2].encode()) == 0 else 1)
"""
_SPEC = Path("/usr/share/sdformat12") / sdf.VERSION


def sdformat_says(file: Path, models: Path) -> str | None:
    """What is wrong with a file and all that it includes; None if it is valid.

    First what libsdformat finds: the parser that Gazebo reads worlds with (12, of Fortress, is
    Debian 12's; SDF 1.9 is the same in it), by the check that ``gz sdf --check`` runs. It lets
    elements pass that it does not know, so each is looked up in its specification too.
    """
    library = ctypes.util.find_library("sdformat12") or "libsdformat12.so.12"
    try:
        ctypes.CDLL(library)
    except OSError:
        if os.environ.get("CI"):
            raise
        pytest.skip("libsdformat12 is not installed (Debian 12: libsdformat12-12)")
    done = subprocess.run(
        [sys.executable, "-c", _CHECK, library, str(file)],
        env={**os.environ, "SDF_PATH": str(models)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        return (done.stderr + done.stdout)[:2000]
    unknown = _unknown(tree(file), _described("root"))
    return ", ".join(sorted(unknown)) if unknown else None


@cache
def _described(name: str) -> ElementTree.Element:
    return tree(_SPEC / f"{name}.sdf")


def _unknown(element: ElementTree.Element, known: ElementTree.Element) -> set[str]:
    """Elements and attributes that the specification has not, with where they stand."""
    attributes = {entry.get("name") for entry in known.findall("attribute")}
    found = {f"{element.tag}@{name}" for name in element.attrib if name not in attributes}
    parts = {str(entry.get("name")): entry for entry in known.findall("element")}
    for entry in known.findall("include"):
        name = str(entry.get("filename")).removesuffix(".sdf")
        if (_SPEC / f"{name}.sdf").is_file():  # the package lacks one or two
            described = _described(name)
            parts[str(described.get("name"))] = described
    for child in element:
        if child.tag not in parts:
            found.add(f"{element.tag}/{child.tag}")
        else:
            found |= _unknown(child, parts[child.tag])
    return found


def tree(file: Path) -> ElementTree.Element:
    return ElementTree.parse(file).getroot()
