"""The simulator's world: builds a scene in MuJoCo, moves its people, and takes pictures of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cinempc.errors import CinempcError
from cinempc.subject import SubjectEstimate
from sim import actors, gait, props, textures
from sim.bodies import body
from sim.bodies.body import Body, Mesh
from sim.bodies.labels import JOINTS
from sim.path import Path
from sim.scene import Actor, Scene

os.environ.setdefault("MUJOCO_GL", "egl")

Floats = NDArray[np.float64]

_NO_GL = (
    "the simulator cannot render: {error}. It needs OpenGL through EGL; on Debian or Ubuntu: "
    "sudo apt-get install -y libegl1 libgl1 libgl1-mesa-dri (and do not set MUJOCO_GL, or set it "
    "to egl)"
)
try:
    import mujoco
except (ImportError, OSError, AttributeError) as error:  # what PyOpenGL raises without a library
    raise CinempcError(_NO_GL.format(error=error)) from error

_NEAR, _FAR = 0.25, 2000.0  # m, clipping planes; the depth buffer is reversed-z floating point
_SHADOW_REACH = 15.0  # m, half the side of the square in which the sun casts shadows
_SHADOW_MAP = 2048  # px
_FAR_MESH_BELOW = 150  # px: people smaller than this in the picture get the coarse mesh
_HIDDEN = 5  # a group that is not drawn
_GROUND = 700.0  # m, half the side of the ground
#: Joints that are COCO's keypoints from the shoulders down, in its order.
_LIMBS = tuple(
    f"{joint}_{side}"
    for joint in ("upperarm", "forearm", "hand", "thigh", "shin", "foot")
    for side in "lr"
)
_SKY = 1000.0  # m, what lies deeper is sky (MuJoCo draws its sky box at a depth)


def _gl_context(width: int, height: int) -> Any:
    # By its own module: mujoco.gl_context chose when mujoco was first imported, maybe elsewhere.
    if os.environ["MUJOCO_GL"].lower() == "egl":
        from mujoco.egl import GLContext
    else:
        from mujoco.gl_context import GLContext
    return GLContext(width, height)


@dataclass
class _Person:
    """An actor with its body, its way, and where its meshes lie in the scene's arrays."""

    actor: Actor
    body: Body
    path: Path
    seed: int
    scale: float
    skins: tuple[int, int] = (-1, -1)


class World:
    """A scene one can ask for its people and take pictures of. Frame ENU, m, s, rad.

    Example:
        >>> world = World(scene.load("plaza"))
        >>> hero = world.subjects(2.0)[0]
        >>> rgb, depth = world.render(2.0, [8, 0, 1.6], rotation, 35, (24.89, 14.0), (960, 540))

    Args:
        scene: what there is.
        seed: of textures, trees and idle movement; the same seed gives the same pictures.

    Raises:
        CinempcError: no OpenGL on this machine, with how to install it.
    """

    def __init__(self, scene: Scene, seed: int = 0) -> None:
        self.scene = scene
        self.seed = seed
        self.people = [
            _Person(
                actor,
                loaded := body.load(actor.body),
                actors.way(actor),
                seed * 1000 + k,
                actor.height / loaded.height,
            )
            for k, actor in enumerate(scene.actors)
        ]
        azimuth, elevation = scene.sky.sun_azimuth, scene.sky.sun_elevation
        self.sun = np.array(
            [
                np.cos(elevation) * np.cos(azimuth),
                np.cos(elevation) * np.sin(azimuth),
                np.sin(elevation),
            ]
        )
        self._model = self._build()
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

    # -- truth ---------------------------------------------------------------------------------

    def subjects(self, time: float) -> list[SubjectEstimate]:
        """Where the people truly are at a time, s, in the scene's order.

        ``position`` is the ground point between the feet; covariances are zero.
        """
        return [self._truth(person, time) for person in self.people]

    def subject(self, id: str, time: float) -> SubjectEstimate:
        """One person's truth.

        Raises:
            CinempcError: nobody of that id.
        """
        for person in self.people:
            if person.actor.id == id:
                return self._truth(person, time)
        known = ", ".join(person.actor.id for person in self.people) or "nobody"
        raise CinempcError(f"scene {self.scene.name!r} has nobody called {id!r} (there is {known})")

    def _truth(self, person: _Person, time: float) -> SubjectEstimate:
        return actors.truth(person.actor, person.path, time)

    def pose(self, id: str, time: float) -> gait.Pose:
        """The joints of one person, world frame."""
        person = next(person for person in self.people if person.actor.id == id)
        return self._pose(person, time)

    def shape(self, id: str, time: float) -> tuple[Floats, Floats]:
        """One person's surface (n, 3) and COCO's 17 keypoints (17, 3), world frame, m."""
        person = next(person for person in self.people if person.actor.id == id)
        pose, figure = self._pose(person, time), person.body
        surface, _ = figure.far.skin(figure.joints, pose.rotations, pose.positions, person.scale)
        head = JOINTS.index("head")
        face = person.scale * (figure.face - figure.joints[head]) @ pose.rotations[head].T
        limbs = pose.positions[[JOINTS.index(name) for name in _LIMBS]]
        return surface.astype(float), np.concatenate([face + pose.positions[head], limbs])

    def _pose(self, person: _Person, time: float) -> gait.Pose:
        joints = person.scale * person.body.joints
        return gait.pose(joints, person.actor.height, person.path, time, person.seed)

    # -- pictures ------------------------------------------------------------------------------

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
            depth = np.float32(_NEAR * _FAR) / (raw * np.float32(_FAR - _NEAR) + np.float32(_NEAR))
        depth[depth > _SKY] = np.inf
        upright = np.asarray(cv2.flip(depth, 0), np.float32)
        return self._haze(np.asarray(cv2.flip(rgb, 0), np.uint8), upright), upright

    def _haze(self, rgb: NDArray[np.uint8], depth: NDArray[np.float32]) -> NDArray[np.uint8]:
        """The picture with what is far paled by the air. MuJoCo's own fog would hide the sky."""
        rate = np.float32(1 / self.scene.sky.haze)
        through = np.exp(-2.5 * rate * np.maximum(depth - np.float32(20), 0))
        through[np.isinf(depth)] = 1
        air = np.empty_like(rgb)
        air[:] = np.rint(255 * textures.haze_colour(self.scene.sky.clouds))
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
                self._gl = _gl_context(width, height)
            self._gl.make_current()
            if self._context is None or (width, height) != self._size:
                if self._context is not None:
                    self._context.free()
                self._model.vis.global_.offwidth = width
                self._model.vis.global_.offheight = height
                self._context = mujoco.MjrContext(self._model, mujoco.mjtFontScale.mjFONTSCALE_100)
        except Exception as error:  # EGL fails in as many ways as there are drivers
            raise CinempcError(_NO_GL.format(error=error)) from error
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
        shown: list[tuple[_Person, int, Mesh]] = []
        focus, nearest = place + 12 * turn[:, 2], np.inf
        for person in self.people:
            truth = self._truth(person, time)
            middle = truth.point("centre") - place
            ahead = float(middle @ turn[:, 2])
            aside = np.abs(middle @ turn[:, :2]) - 3.0
            inside = ahead > 0 and bool(np.all(aside / ahead < np.array(sensor_mm) / 2 / focal_mm))
            near_by = float(np.linalg.norm(middle)) < 10.0  # whose shadow may be seen
            for index in person.skins:
                self._model.skin_group[index] = _HIDDEN
            if inside or near_by:
                pixels = (
                    focal_mm / sensor_mm[1] * height_px * truth.height / max(ahead, 0.5)
                    if inside
                    else 0.0
                )
                which = 0 if pixels > _FAR_MESH_BELOW else 1
                index = person.skins[which]
                self._model.skin_group[index] = 0
                shown.append((person, index, (person.body.mesh, person.body.far)[which]))
            if inside and ahead < nearest:
                nearest, focus = ahead, truth.position
        self._cull(place, turn, np.array(sensor_mm) / (2 * focal_mm), focus)
        mujoco.mjv_updateScene(
            self._model, self._data, self._option, None, self._free,
            mujoco.mjtCatBit.mjCAT_ALL, self._view,
        )  # fmt: skip
        for person, index, mesh in shown:
            pose = self._pose(person, time)
            vertices, normals = mesh.skin(
                person.body.joints, pose.rotations, pose.positions, person.scale
            )
            start = 3 * self._model.skin_vertadr[index]
            self._view.skinvert[start : start + vertices.size] = vertices.ravel()
            self._view.skinnormal[start : start + normals.size] = normals.ravel()
        half = _NEAR / (2 * focal_mm)
        for camera in self._view.camera:
            camera.pos[:] = place
            camera.forward[:] = turn[:, 2]
            camera.up[:] = -turn[:, 1]
            camera.orthographic = 0
            camera.frustum_center = 0.0
            camera.frustum_width = half * sensor_mm[0]
            camera.frustum_bottom = -half * sensor_mm[1]
            camera.frustum_top = half * sensor_mm[1]
            camera.frustum_near = _NEAR
            camera.frustum_far = _FAR
        # The shadow map follows what is filmed, in whole texels so that edges do not crawl.
        texel = 2 * _SHADOW_REACH / _SHADOW_MAP
        forward = turn[:2, 2] / max(float(np.linalg.norm(turn[:2, 2])), 1e-6)
        middle = np.array([*(focus[:2] + 0.35 * _SHADOW_REACH * forward), 0.0])
        middle = np.round(middle / (64 * texel)) * 64 * texel
        for k in range(self._view.nlight):
            if self._view.lights[k].castshadow:
                self._view.lights[k].pos[:] = middle + 80 * self.sun

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
        shade = away < 1.5 * _SHADOW_REACH + radius
        small = radius < 12.0  # buildings stand too far off to shade the action
        shown = seen | (shade & small) | (radius == 0)  # a plane has no radius
        self._model.geom_group[:] = np.where(shown, 0, _HIDDEN)

    # -- building ------------------------------------------------------------------------------

    def _build(self) -> Any:
        spec = mujoco.MjSpec()
        sky = self.scene.sky
        spec.stat.extent = 1.0
        spec.stat.center = [0, 0, 0]
        spec.visual.map.znear = _NEAR
        spec.visual.map.zfar = _FAR
        spec.visual.map.shadowclip = _SHADOW_REACH
        spec.visual.quality.shadowsize = _SHADOW_MAP
        spec.visual.quality.offsamples = 4
        strength = 1 - 0.35 * sky.clouds
        low = np.clip(sky.sun_elevation / 0.6, 0.35, 1.0)
        spec.visual.headlight.active = 1
        spec.visual.headlight.ambient = [0.40, 0.42, 0.46]
        spec.visual.headlight.diffuse = [0.06, 0.06, 0.06]
        spec.visual.headlight.specular = [0, 0, 0]
        spec.worldbody.add_light(
            name="sun",
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            pos=(80 * self.sun).tolist(),
            dir=(-self.sun).tolist(),
            castshadow=True,
            diffuse=[0.90 * strength, 0.86 * strength * (0.85 + 0.15 * low),
                     0.77 * strength * (0.65 + 0.35 * low)],
            ambient=[0, 0, 0],
            specular=[0.25, 0.24, 0.22],
        )  # fmt: skip
        spec.worldbody.add_light(  # the open sky: soft light from above, without shadows
            name="sky",
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            pos=[0, 0, 80],
            dir=[0.25 * self.sun[0], 0.25 * self.sun[1], -1],
            castshadow=False,
            diffuse=[0.13, 0.15, 0.19],
            ambient=[0, 0, 0],
            specular=[0, 0, 0],
        )
        self._sky(spec)
        self._ground(spec)
        for k, block in enumerate(self.scene.buildings):
            length, depth, height = block.size
            at = [*block.at, 0.0]
            wall = textures.facade(block.colour, self.seed * 100 + k)
            tile = textures.leaves(block.roof, self.seed * 100 + k, 128)
            self._add(spec, f"wall{k}", props.walls(length, depth, height), wall, at, block.heading)
            self._add(spec, f"roof{k}", props.roof(length, depth, height), tile, at, block.heading)
        bark = textures.bark(self.seed)
        for k, tree in enumerate(self.scene.trees):
            at = [*tree.at, 0.0]
            leaf = textures.leaves(tree.colour, self.seed * 100 + k)
            turn = 2.4 * k
            number = self.seed * 100 + k
            self._add(spec, f"trunk{k}", props.trunk(tree.height, number), bark, at, turn)
            self._add(spec, f"crown{k}", props.crown(tree.height, number), leaf, at, turn)
        skins = 0
        for k, person in enumerate(self.people):
            self._dress(spec, k, person)
            person.skins = (skins, skins + 1)
            skins += 2
        try:
            return spec.compile()
        except ValueError as error:
            raise CinempcError(f"scene {self.scene.name!r} cannot be built: {error}") from error

    def _texture(self, spec: Any, name: str, image: NDArray[np.uint8], repeat: float = 1.0) -> str:
        texture = spec.add_texture(
            name=name,
            type=mujoco.mjtTexture.mjTEXTURE_2D,
            width=image.shape[1],
            height=image.shape[0],
            nchannel=3,
        )
        texture.data = image.tobytes()
        material = spec.add_material(name=name, specular=0.06, shininess=0.15)
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
        material.texrepeat = [repeat, repeat]
        return name

    def _add(
        self, spec: Any, name: str, prop: props.Prop, image: NDArray[np.uint8], at: list[float],
        heading: float,
    ) -> None:  # fmt: skip
        mesh = spec.add_mesh(name=name, inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
        mesh.uservert = prop.vertices.ravel().tolist()
        mesh.usernormal = prop.normals.ravel().tolist()
        mesh.usertexcoord = prop.uv.ravel().tolist()
        mesh.userface = prop.faces.ravel().tolist()
        spec.worldbody.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            material=self._texture(spec, name, image),
            pos=at,
            quat=[np.cos(heading / 2), 0, 0, np.sin(heading / 2)],
            contype=0,
            conaffinity=0,
        )

    def _ground(self, spec: Any) -> None:
        ground = self.scene.ground
        draw, tile = {
            "paving": (textures.paving, 16 * 0.75),
            "grass": (textures.grass, 9.0),
            "asphalt": (textures.asphalt, 6.0),
        }[ground.kind]
        spec.worldbody.add_geom(
            name="ground",
            type=mujoco.mjtGeom.mjGEOM_PLANE,
            size=[_GROUND, _GROUND, 1],
            material=self._texture(spec, "ground", draw(self.seed), 2 * _GROUND / tile),
            contype=0,
            conaffinity=0,
        )
        for k, line in enumerate(ground.paths):
            strip = props.ribbon(line, ground.path_width, 0.008 + 0.002 * k)
            self._add(spec, f"path{k}", strip, textures.gravel(self.seed), [0, 0, 0], 0.0)

    def _sky(self, spec: Any) -> None:
        size = 512
        t = (np.arange(size) + 0.5) / size * 2 - 1
        x, y = np.meshgrid(t, t)
        one = np.ones_like(x)
        # MuJoCo's order: right, left, up, down, front, back, each as seen from inside (rows
        # downwards), for a cube whose "up" is z.
        faces = [(one, -x, -y), (-one, x, -y), (x, y, one), (x, -y, -one), (x, one, -y),
                 (-x, -one, -y)]  # fmt: skip
        directions = np.concatenate([np.stack(face, axis=-1) for face in faces])
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        image = textures.sky(directions, self.sun, self.scene.sky.clouds, self.seed)
        texture = spec.add_texture(
            name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, width=size, height=6 * size,
            nchannel=3,
        )  # fmt: skip
        texture.data = image.tobytes()

    def _dress(self, spec: Any, number: int, person: _Person) -> None:
        outfit = person.actor.outfit
        skin = np.array(outfit.skin)
        colours = {
            "skin": outfit.skin,
            "lips": tuple(skin * [0.82, 0.66, 0.68]),
            "eye": (0.86, 0.85, 0.83),
            "iris": (0.24, 0.17, 0.11),
            "pupil": (0.02, 0.02, 0.02),
            "hair": outfit.hair,
            "shirt": outfit.shirt,
            "undershirt": outfit.undershirt,
            "trousers": outfit.trousers,
            "shoes": outfit.shoes,
            "sole": (0.12, 0.11, 0.10),
        }
        material = self._texture(
            spec, f"person{number}", person.body.texture(colours, seed=person.seed)
        )
        name = f"person{number}"
        spec.worldbody.add_body(name=name, mocap=True)
        for mesh, suffix in ((person.body.mesh, ""), (person.body.far, "_far")):
            skinned = spec.add_skin(name=name + suffix, material=material)
            count = len(mesh.vertices)
            skinned.vert = mesh.vertices.ravel().tolist()
            skinned.face = mesh.faces.ravel().tolist()
            skinned.texcoord = mesh.uv.ravel().tolist()
            skinned.bodyname = [name]
            skinned.bindpos = [0, 0, 0]
            skinned.bindquat = [1, 0, 0, 0]
            skinned.vertid = [list(range(count))]
            skinned.vertweight = [[1.0] * count]
