"""Takes pictures of a scene with MuJoCo's OpenGL renderer, off screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.scenery import edges, model, textures
from sim.scenery.actors import Person
from sim.scenery.bodies.body import Mesh
from sim.scenery.model import FAR, NEAR, SHADOW_REACH
from sim.scenery.opengl import context, mujoco, no_opengl
from sim.scenery.quality import SETTINGS, Quality
from sim.scenery.scene import Scene

Floats = NDArray[np.float64]

_FAR_MESH_BELOW = 150  # px: people smaller than this in the picture get the coarse mesh
_HIDDEN = 5  # a group that is not drawn
_SKY = 1000.0  # m, what lies deeper is sky (MuJoCo draws its sky box at a depth)


class Renderer:
    """Renders one scene.

    Args:
        scene: what there is.
        people: `sim.scenery.actors.people` of it.
        quality: how finely.
        seed: of textures and trees.

    Raises:
        CinempcError: the scene cannot be built.
    """

    def __init__(self, scene: Scene, people: Sequence[Person], quality: Quality, seed: int) -> None:
        self._haze_reach = scene.sky.haze
        self._air = textures.haze_colour(scene.sky.clouds)
        self._sun = model.sun(scene.sky)
        self._people = people
        self._settings = SETTINGS[quality]
        self._model = model.build(scene, people, self._settings, seed)
        self._data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, self._data)
        self._option = mujoco.MjvOption()
        self._option.skingroup[_HIDDEN] = 0
        self._option.geomgroup[_HIDDEN] = 0
        self._view = mujoco.MjvScene(self._model, maxgeom=2000)
        self._view.flags[mujoco.mjtRndFlag.mjRND_HAZE] = False
        self._free = mujoco.MjvCamera()
        self._context: Any = None
        self._gl: Any = None
        self._size = (0, 0)

    def render(
        self,
        time: float,
        position: ArrayLike,
        rotation_world_from_camera: ArrayLike,
        focal_mm: float,
        sensor_mm: tuple[float, float],
        size: tuple[int, int],
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """A pinhole picture.

        Args:
            time: s.
            position: the camera's place (3,), m.
            rotation_world_from_camera: (3, 3), camera frame x right, y down, z forward.
            focal_mm: focal length, mm; any.
            sensor_mm: the sensor's width and height, mm.
            size: the picture's width and height, px.

        Returns:
            RGB (height, width, 3) uint8, and depth (height, width) float32, m along the optical
            axis, ``inf`` for the sky.

        Raises:
            CinempcError: no OpenGL on this machine, with how to install it.
        """
        width, height = size
        self._prepare(width, height)
        place = np.asarray(position, dtype=float)
        turn = np.asarray(rotation_world_from_camera, dtype=float)
        self._arrange(time, place, turn, focal_mm, sensor_mm, height)
        view = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(view, self._view, self._context)
        rgb = np.empty((height, width, 3), np.uint8)
        raw = np.empty((height, width), np.float32)
        mujoco.mjr_readPixels(rgb, raw, view, self._context)
        # Window depth of the reversed buffer: d = near (far - z) / (z (far - near)).
        with np.errstate(divide="ignore"):
            depth = np.float32(NEAR * FAR) / (raw * np.float32(FAR - NEAR) + np.float32(NEAR))
        depth[depth > _SKY] = np.inf
        upright = np.asarray(cv2.flip(depth, 0), np.float32)
        picture = self._haze(np.asarray(cv2.flip(rgb, 0), np.uint8), upright)
        if self._settings.filter_edges:
            picture = edges.smooth(picture, upright)
        return picture, upright

    def _haze(self, rgb: NDArray[np.uint8], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The picture with what is far paled by the air. MuJoCo's own fog would hide the sky."""
        rate = np.float32(1 / self._haze_reach)
        through = np.exp(-2.5 * rate * np.maximum(depth - np.float32(20), 0))
        through[np.isinf(depth)] = 1
        air = np.empty_like(rgb)
        air[:] = np.rint(255 * self._air)
        return np.asarray(cv2.blendLinear(rgb, air, through, 1 - through), dtype=np.uint8)

    def close(self) -> None:
        """Give the graphics memory back."""
        if self._context is not None:
            self._context.free()
            self._context = None
        if self._gl is not None:
            self._gl.free()
            self._gl = None

    def _prepare(self, width: int, height: int) -> None:
        try:
            if self._gl is None:
                self._gl = context(width, height)
            self._gl.make_current()
            if self._context is None or (width, height) != self._size:
                if self._context is not None:
                    self._context.free()
                self._model.vis.global_.offwidth = width
                self._model.vis.global_.offheight = height
                self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except Exception as error:  # EGL fails in as many ways as there are drivers
            raise no_opengl(error) from error
        if (width, height) != self._size:
            mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
            self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
            self._size = (width, height)

    def _arrange(
        self,
        time: float,
        place: Floats,
        turn: Floats,
        focal_mm: float,
        sensor_mm: tuple[float, float],
        height_px: int,
    ) -> None:
        """Put people, camera and sun where they are at a time."""
        shown: list[tuple[Person, int, Mesh]] = []
        focus, nearest = place + 12 * turn[:, 2], np.inf
        for number, person in enumerate(self._people):
            truth = person.truth(time)
            middle = truth.point("centre") - place
            ahead = float(middle @ turn[:, 2])
            aside = np.abs(middle @ turn[:, :2]) - 3.0
            inside = ahead > 0 and bool(np.all(aside / ahead < np.array(sensor_mm) / 2 / focal_mm))
            near_by = float(np.linalg.norm(middle)) < 10.0  # whose shadow may be seen
            skins = 2 * number, 2 * number + 1
            for index in skins:
                self._model.skin_group[index] = _HIDDEN
            if inside or near_by:
                pixels = (
                    focal_mm / sensor_mm[1] * height_px * truth.height / max(ahead, 0.5)
                    if inside
                    else 0.0
                )
                which = 0 if pixels > _FAR_MESH_BELOW else 1
                index = skins[which]
                self._model.skin_group[index] = 0
                shown.append((person, index, (person.figure.mesh, person.figure.far)[which]))
            if inside and ahead < nearest:
                nearest, focus = ahead, truth.position
        self._cull(place, turn, np.array(sensor_mm) / (2 * focal_mm), focus)
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, None, self._free,
            mujoco.mjtCatBit.mjCAT_ALL, self._view,
        )  # fmt: skip
        for person, index, mesh in shown:
            pose = person.pose(time)
            vertices, normals = mesh.skin(
                person.figure.joints, pose.rotations, pose.positions, person.scale
            )
            start = 3 * self._model.skin_vertadr[index]
            self._view.skinvert[start : start + vertices.size] = vertices.ravel()
            self._view.skinnormal[start : start + normals.size] = normals.ravel()
        half = NEAR / (2 * focal_mm)
        for camera in self._view.camera:
            camera.pos[:] = place
            camera.forward[:] = turn[:, 2]
            camera.up[:] = -turn[:, 1]
            camera.orthographic = 0
            camera.frustum_center = 0.0
            camera.frustum_width = half * sensor_mm[0]
            camera.frustum_bottom = -half * sensor_mm[1]
            camera.frustum_top = half * sensor_mm[1]
            camera.frustum_near = NEAR
            camera.frustum_far = FAR
        # The shadow map follows what is filmed, in whole texels so that edges do not crawl.
        texel = 2 * SHADOW_REACH / self._settings.shadow_map
        forward = turn[:2, 2] / max(float(np.linalg.norm(turn[:2, 2])), 1e-6)
        middle = np.array([*(focus[:2] + 0.35 * SHADOW_REACH * forward), 0.0])
        middle = np.round(middle / (64 * texel)) * 64 * texel
        for k in range(self._view.nlight):
            if self._view.lights[k].castshadow:
                self._view.lights[k].pos[:] = middle + 80 * self._sun

    def _cull(self, place: Floats, turn: Floats, half: Floats, focus: Floats) -> None:
        """Leave out what is neither in the picture nor throws a shadow into it.

        Args:
            place: the camera's, m.
            turn: world-from-camera (3, 3).
            half: half the picture's width and height at depth 1.
            focus: the middle of where shadows fall, m.
        """
        radius = self._model.geom_rbound
        offset = self._data.geom_xpos - place
        x, y, z = turn.T @ offset.T
        slack = radius * np.sqrt(1 + half[:, None] ** 2)
        seen = (z > -radius) & (np.abs(x) < half[0] * z + slack[0])
        seen &= np.abs(y) < half[1] * z + slack[1]
        away = np.linalg.norm(self._data.geom_xpos[:, :2] - focus[:2], axis=1)
        shade = away < 1.5 * SHADOW_REACH + radius
        small = radius < 12.0  # buildings stand too far off to shade the action
        shown = seen | (shade & small) | (radius == 0)  # a plane has no radius
        self._model.geom_group[:] = np.where(shown, 0, _HIDDEN)
