"""The vehicle in Gazebo: PX4's x500 with its gimbal, and our camera on the gimbal.

PX4's model is included by its name, ``model://x500_gimbal``, and stays as it is: PX4 finds its
motors, sensors and gimbal in it. Our camera is one more link, screwed to the gimbal's camera,
with a row of cameras (`sim.gazebo.zoom`) that give pictures and depth.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from cinempc.errors import CinempcError
from cinempc.rig.camera import Camera
from sim.gazebo import sdf
from sim.gazebo.sdf import add
from sim.gazebo.zoom import Row

#: Of the vehicle in the world, as PX4 is told to look for it, and of our camera's link.
NAME, LINK = "cinempc_x500", "cinempc_lens_link"
#: The model of PX4's that is flown, and its gimbal's.
BASE, GIMBAL = "x500_gimbal", "gimbal"
#: Where PX4's own camera looks from on its gimbal's ``camera_link``: x, y, z m, roll, pitch, yaw
#: rad. Of PX4-gazebo-models, models/gimbal/model.sdf, of 2026; read from the file where there is.
GIMBAL_CAMERA = (-0.0412, 0.0, -0.162, 0.0, 0.0, 3.14)
#: Clipping planes, m: the embedded simulator's. Depth beyond is infinite.
NEAR, FAR = 0.25, 2000.0
_MASS, _INERTIA = 0.01, 1e-5  # kg, kg m²: next to nothing, so that the gimbal holds as PX4's does


def vehicle(
    camera: Camera, pose: tuple[float, ...] = (0.0,) * 6, mount: tuple[float, ...] = GIMBAL_CAMERA
) -> sdf.Element:
    """The ``<model>`` of the vehicle with a camera.

    Args:
        camera: its sensor, lens and picture.
        pose: of the vehicle in the world: x, y, z, roll, pitch, yaw.
        mount: of the camera on the gimbal, as `GIMBAL_CAMERA`.
    """
    model = sdf.Element("model", name=NAME)
    add(model, "pose", pose)
    add(add(model, "include", merge="true"), "uri", f"model://{BASE}")
    link = add(model, "link", name=LINK)
    add(link, "pose", mount, relative_to="camera_link")
    add(link, "inertial/mass", _MASS)
    for axis in ("ixx", "iyy", "izz"):
        add(link, f"inertial/inertia/{axis}", _INERTIA)
    for step in Row.of(camera).steps:
        sensor = add(link, "sensor", name=step.name, type="rgbd_camera")
        add(sensor, "topic", topic(step.name))
        add(sensor, "update_rate", camera.picture.frame_rate)
        add(sensor, "always_on", True)
        add(sensor, "camera/horizontal_fov", step.field_of_view)
        add(sensor, "camera/image/width", step.width)
        add(sensor, "camera/image/height", step.height)
        add(sensor, "camera/image/format", "R8G8B8")
        add(sensor, "camera/clip/near", NEAR)
        add(sensor, "camera/clip/far", FAR)
    joint = add(model, "joint", name="cinempc_lens_joint", type="fixed")
    add(joint, "parent", "camera_link")
    add(joint, "child", LINK)
    return model


def topic(sensor: str) -> str:
    """Where a camera of the row publishes ``/image``, ``/depth_image`` and ``/camera_info``."""
    return f"/cinempc/{sensor}"


def mount(models: Path) -> tuple[float, ...]:
    """Where PX4's own camera looks from on its gimbal: so ours turns with it as PX4 thinks.

    Args:
        models: PX4's folder of models.

    Raises:
        CinempcError: no such model there, or one with another build.
    """
    path = models / GIMBAL / "model.sdf"
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError) as error:
        raise CinempcError(
            f"PX4's gimbal model cannot be read: {error}. Give the folder of PX4's Gazebo models: "
            "Tools/simulation/gz/models in its source (a submodule: git submodule update --init)"
        ) from None
    for sensor in tree.findall(".//link[@name='camera_link']/sensor[@type='camera']"):
        pose = [float(part) for part in (sensor.findtext("pose") or "0 0 0 0 0 0").split()]
        if len(pose) == 6:
            return tuple(pose)
    raise CinempcError(
        f"{path} has no camera on a camera_link: this PX4's gimbal is built in another way than "
        "those that are known here"
    )
