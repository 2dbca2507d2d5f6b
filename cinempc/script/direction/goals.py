"""What a shot asks, as the control problem's objectives.

The structure of a shot's goals, which objectives there are and about whom, stays the same
throughout it: only their targets and weights change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cinempc.mpc.objectives import (
    Aperture,
    CameraPosition,
    DepthOfField,
    FocalLength,
    FocusOn,
    Goals,
    InFrame,
    LookAt,
    Objective,
    Roll,
    ScreenPosition,
    Sharp,
    ShotScale,
    Soft,
    Viewpoint,
)
from cinempc.rig.state import RigState
from cinempc.rig.subject import SubjectEstimate
from cinempc.script.direction.entry import Entry
from cinempc.script.direction.opening import camera_coordinates
from cinempc.script.direction.timeline import ScheduledShot
from cinempc.script.framing.composition import f_number
from cinempc.script.framing.targets import Priorities, Targets, is_asked
from cinempc.script.framing.track import Track

Floats = NDArray[np.float64]
Subjects = Mapping[str, SubjectEstimate]

#: Blur, in circles of confusion, from which a subject reads as out of focus.
SOFT_BLUR = 6.0
#: Weight of the focus on the main subject where the depth of field has others to hold as well: it
#: then only says where in the free range the focus rests.
_RESTING = 0.02


def picture_goals(
    shot: ScheduledShot, asked: Targets, weights: Priorities, track: Track | None
) -> list[Objective]:
    """What is asked of picture and camera at the nodes.

    Args:
        shot: the running shot.
        asked: its targets at the nodes.
        weights: what leads and what yields.
        track: its way through the world at the nodes, if it has one.
    """
    name = shot.subject
    objectives: list[Objective] = []
    if is_asked(weights.screen):
        objectives.append(
            ScreenPosition(
                subject=name, point=shot.point, u=asked.u, v=asked.v, weight=weights.screen
            )
        )
    objectives.append(Roll(angle=asked.roll))
    if is_asked(weights.scale):
        objectives.append(ShotScale(subject=name, fraction=asked.stature, weight=weights.scale))
    if is_asked(weights.focal_length):
        objectives.append(FocalLength(mm=asked.focal_length, weight=weights.focal_length))
    objectives += _track_goals(track)
    if is_asked(weights.viewpoint):
        objectives.append(
            Viewpoint(
                subject=name,
                azimuth=asked.azimuth,
                elevation=asked.elevation,
                relative=False,
                weight=weights.viewpoint,
            )
        )
    return objectives


def _track_goals(track: Track | None) -> list[Objective]:
    objectives: list[Objective] = []
    if track is not None and track.position is not None:
        x, y, z = track.position.T
        objectives.append(CameraPosition(x=x, y=y, z=z, weight=track.position_weight))
    if track is not None and track.look_at is not None:
        x, y, z = track.look_at.T
        objectives.append(LookAt(x=x, y=y, z=z, weight=track.look_at_weight))
    return objectives


def focus_goals(
    shot: ScheduledShot, entry: Entry, times: Floats, subjects: Subjects, state: RigState
) -> list[Objective]:
    """What is asked of focus and aperture at the nodes.

    Args:
        shot: the running shot.
        entry: what it eases in from.
        times: of the nodes, s on the take's clock.
        subjects: the newest estimates.
        state: the rig's.
    """
    asked, pull = shot.sharpness(times), shot.focus_pull(times)
    focus, main = shot.config.focus, shot.focus_at_start
    depth = {
        name: camera_coordinates(subjects[name], "eyes", state.camera)[2] for name in (main, *asked)
    }
    objectives: list[Objective] = []
    focused = main  # now
    if pull is not None:
        objectives.append(FocusOn(subject=main, other=pull.to_subject, share=pull.share))
        focused = pull.to_subject if pull.share[0] > 0.5 else main
    else:
        whole = focus.near is not None and focus.far is not None
        shared = whole or any(name in asked for name in focus.sharp)
        objectives.append(FocusOn(subject=main, weight=_RESTING if shared else 1.0))
    for name, (sharp, soft) in asked.items():
        if sharp.any() or pull is not None:
            objectives.append(Sharp(subject=name, weight=np.where(sharp > 0.99, 1.0, 0.0)))
        if soft.any() or pull is not None:
            against = focused
            if pull is not None and name in (main, pull.to_subject):
                against = pull.to_subject if name == main else main
            side = 1.0 if depth[name] < depth[against] else -1.0
            objectives.append(Soft(subject=name, least=SOFT_BLUR, side=side, weight=0.2 * soft))
    if focus.near is not None or focus.far is not None:
        objectives.append(DepthOfField(near=focus.near, far=focus.far))
    objectives.append(_aperture(shot, entry, times))
    return objectives


def _aperture(shot: ScheduledShot, entry: Entry, times: Floats) -> Aperture:
    wish = shot.config.focus.f_number
    stops = np.log2(f_number(wish, shot.camera)) * np.ones_like(times)
    weight = entry.weight(times)
    if weight is not None:
        before = math.log2(entry.f_number)
        stops = before + (stops - before) * weight
    return Aperture(f_number=2.0**stops, weight=0.05 if wish is None else 2.0)


def in_frame(shot: ScheduledShot, weights: Priorities) -> tuple[InFrame, ...]:
    """Who stays in the picture: those whom the shot keeps there, and the framing's subject where
    its place in the picture counts throughout."""
    throughout = not np.ndim(weights.screen) and is_asked(weights.screen)
    names = dict.fromkeys((*([shot.subject] if throughout else []), *shot.keep_in_frame))
    return tuple(
        InFrame(subject=name, point=shot.point if name == shot.subject else "eyes")
        for name in names
    )


def goals(
    shot: ScheduledShot,
    entry: Entry,
    asked: Targets,
    weights: Priorities,
    track: Track | None,
    times: Floats,
    subjects: Subjects,
    state: RigState,
) -> Goals:
    """All of it; the arguments are those of the functions above."""
    objectives = picture_goals(shot, asked, weights, track)
    objectives += focus_goals(shot, entry, times, subjects, state)
    return Goals(tuple(objectives), in_frame(shot, weights))
