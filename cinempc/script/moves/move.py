"""What every move can be asked. A move's own file says only where it differs from a `Follow`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from cinempc import configs
from cinempc.rig.camera import Camera
from cinempc.rig.subject import body_fraction
from cinempc.rig.vehicle import Vehicle
from cinempc.script.framing.composition import Composition, compose
from cinempc.script.framing.fields import FieldPath, Mistake, ShotFields
from cinempc.script.framing.focus_pull import FocusPull
from cinempc.script.framing.targets import Priorities, Start, Targets
from cinempc.script.framing.terms import headroom, lead_room
from cinempc.script.framing.track import CameraStart, Track

Floats = NDArray[np.float64]


class Move(configs.Config):
    """What changes over a shot: curves of the picture, of the focus, or a way through the world.

    A move is the fields that a director writes, and answers in terms of these and the rest of its
    shot. Its docstring is its documentation, see `cinempc.script.moves.registry.help_of`. Times
    are s from the shot's start; past the shot's end a move asks what it asks there.
    """

    kind: str  #: In each move a literal: its name in a script.

    #: Whether the camera's side turns with the subject's heading; if not, it is counted from the
    #: side where the shot began.
    turns_with_subject: ClassVar[bool] = True
    #: Whether the camera comes to rest where the shot begins.
    stays: ClassVar[bool] = False

    # --- how the shot opens ---

    def asked_focal_length(self, shot: ShotFields, camera: Camera) -> float | None:
        """The focal length, mm, that the shot opens with by its words or for want of a zoom."""
        if camera.focal_length.max <= camera.focal_length.min:
            return camera.focal_length.min
        return shot.lens.focal_length

    def opening(self, shot: ShotFields, camera: Camera, height: float) -> Composition:
        """How a shot that breaks no rule opens, about a subject of that height, m."""
        framing, focal = shot.framing, self.asked_focal_length(shot, camera)
        return compose(framing.scale, framing.distance, focal, camera, height)

    def point(self, shot: ShotFields, camera: Camera, height: float) -> str:
        """The body point that the framing places, throughout the shot."""
        return self.opening(shot, camera, height).scale.point

    # --- what is asked over the shot ---

    def targets(
        self, shot: ShotFields, camera: Camera, height: float, times: Floats, start: Start
    ) -> Targets:
        """What is asked of the picture: here, the framing at all times.

        Args:
            shot: the rest of the shot.
            camera: its sensor and lens.
            height: of the framing's subject, m.
            times: (n,).
            start: what the move starts from.
        """
        return self.framed(shot, camera, height, times, start)

    def framed(
        self,
        shot: ShotFields,
        camera: Camera,
        height: float,
        times: Floats,
        start: Start,
        *,
        stature: Floats | None = None,
        room: Floats | None = None,
        azimuth: Floats | None = None,
        elevation: Floats | None = None,
        focal_length: Floats | None = None,
    ) -> Targets:
        """The framing, but for the curves (n,) that a move gives.

        Args:
            shot, camera, height, times, start: as in `targets`.
            stature: image height of the body, fraction of the frame's height.
            room: above the head, fraction of the frame's height.
            azimuth: from the subject to the camera, rad, in the world.
            elevation: of the camera above the subject's eyes, rad.
            focal_length: mm.
        """
        framing, flat = shot.framing, np.ones_like(times)
        opening = self.opening(shot, camera, height)
        if focal_length is None:
            focal_length = (opening.focal_length or start.focal_length) * flat
        if stature is None:
            stature = opening.scale.stature * flat
        if room is None:
            room = headroom(opening.scale, framing.position.v) * flat
        if azimuth is None:
            azimuth = start.azimuth * flat
        u = framing.position.u
        point = body_fraction(self.point(shot, camera, height))
        return Targets(
            u=lead_room(start.heading, azimuth) if u is None else u * flat,
            v=room + (1 - point) * stature,
            stature=stature,
            azimuth=azimuth,
            elevation=framing.angle * flat if elevation is None else elevation,
            focal_length=focal_length,
            roll=framing.roll * flat,
        )

    def priorities(self, shot: ShotFields, camera: Camera, times: Floats) -> Priorities:
        """What leads and what yields: numbers, or curves (n,) over the times."""
        return Priorities(focal_length=4.0)

    def track(self, shot: ShotFields, times: Floats, start: CameraStart) -> Track | None:
        """The way through the world, for a move that asks for one."""
        return None

    # --- the focus ---

    def focus_pull(self, times: Floats) -> FocusPull | None:
        """A focus that goes from one subject to another, for a move that asks for it."""
        return None

    def focus_at_start(self, shot: ShotFields) -> str:
        """The subject that the focus is on at the shot's start."""
        pull = self.focus_pull(np.zeros(1))
        return shot.focus.on or shot.framing.subject if pull is None else pull.from_subject

    def sharpness(self, shot: ShotFields, times: Floats) -> dict[str, tuple[Floats, Floats]]:
        """How much each subject is asked sharp and soft, 0 to 1, each (n,)."""
        flat = np.ones_like(times)
        pull = self.focus_pull(times)
        if pull is not None:
            share = pull.share
            asked = {pull.from_subject: (1 - share, share), pull.to_subject: (share, 1 - share)}
        else:
            asked = dict.fromkeys((self.focus_at_start(shot), *shot.focus.sharp), (flat, 0 * flat))
        for name in shot.focus.soft:
            asked[name] = (0 * flat, flat)
        return asked

    # --- its mistakes, each with the path of its field from the shot ---

    def named_subjects(self) -> Iterator[tuple[str, FieldPath]]:
        """The subjects that the move's own fields name, and where."""
        yield from ()

    def field_mistakes(self, shot: ShotFields, first: bool) -> Iterator[Mistake]:
        """What does not go together in the shot's fields.

        Args:
            shot: the rest of the shot.
            first: whether it is the script's first.
        """
        yield from ()

    def lens_mistakes(self, shot: ShotFields, camera: Camera) -> Iterator[Mistake]:
        """What the move asks of a lens that cannot give it."""
        yield from ()

    def size_mistakes(self, shot: ShotFields, camera: Camera, height: float) -> Iterator[Mistake]:
        """What is wrong about sizes, for a shot whose opening is sound."""
        yield from ()

    def gimbal_mistakes(self, shot: ShotFields, vehicle: Vehicle) -> Iterator[Mistake]:
        """What the move asks of a gimbal that cannot give it."""
        yield from ()
