"""The director's monitor.

Framing guides, the subjects that the controller believes in and where they were asked to be, and
a strip with timecode, shot, lens, depth of field and a distance scale.
"""

from __future__ import annotations

import math

import numpy as np

from cinempc.record import distance
from cinempc.record.metrics import VIOLATION_TOLERANCE
from cinempc.record.monitor.screen import Colour, Pixels, Screen
from cinempc.record.optics import FOCUS_POINT, blur_mm, depth_and_image
from cinempc.rig.camera import Camera
from cinempc.rig.events import CycleEvent, FrameEvent, FramingTarget, Shot
from cinempc.rig.plan import Origin
from cinempc.rig.subject import BODY_POINTS, SubjectEstimate

_WHITE: Colour = (244, 244, 240)
_GREY: Colour = (178, 182, 184)
_SHARP: Colour = (116, 232, 164)  # asked sharp, and it is
_ALARM: Colour = (255, 176, 66)  # asked and not so
_RED: Colour = (240, 62, 54)
_TARGET: Colour = (112, 200, 255)
_LAST_TICK = 30.0  # m: the scale's last written distance before infinity


class Monitor:
    """Draws the monitor's picture.

    Args:
        camera: the camera that films.
        fps: frames per second, for the timecode.
        shots: of the take, for their names.
    """

    def __init__(self, camera: Camera, fps: float, shots: tuple[Shot, ...] = ()) -> None:
        self._camera = camera
        self._fps = fps
        self._shots = {shot.index: shot for shot in shots}

    def draw(
        self,
        event: FrameEvent,
        number: int,
        cycle: CycleEvent | None = None,
    ) -> Pixels:
        """The event's picture with the overlay, a new array.

        Args:
            event: the picture; the subjects shown are its estimates.
            number: the picture's number in the take, from 0, for the timecode.
            cycle: the newest control step.
        """
        screen = Screen(event.frame.image)
        self._guides(screen)
        self._shades(screen)
        for target in event.framing:
            self._target(screen, event, target)
        for subject in event.estimates:
            self._subject(screen, event, subject)
        self._top(screen, event, number, cycle)
        self._bottom(screen, event)
        return screen.image

    # --- in the picture ---

    def _guides(self, screen: Screen) -> None:
        """Thirds, and a cross in the middle."""
        w, h = screen.width, screen.height
        for part in (1 / 3, 2 / 3):
            screen.bar(part * w, 0, 1, h, _WHITE, 0.16)
            screen.bar(0, part * h, w, 1, _WHITE, 0.16)
        screen.bar(w / 2 - 7, h / 2, 15, 1, _WHITE, 0.5)
        screen.bar(w / 2, h / 2 - 7, 1, 15, _WHITE, 0.5)

    def _shades(self, screen: Screen) -> None:
        screen.shade(0, 64, 0.66, 0.0)
        screen.shade(screen.height - 104, screen.height, 0.0, 0.80)

    def _target(self, screen: Screen, event: FrameEvent, target: FramingTarget) -> None:
        """Where a point was asked to be: a ring; with the asked size as two marks."""
        x, y = target.u * screen.width, target.v * screen.height
        subject = {s.id: s for s in event.estimates}.get(target.subject)
        if subject is not None:
            _, image = depth_and_image(subject.point(target.point), event.frame.pose, event.frame)
            if image is not None:
                px, py = image[0] * screen.width, image[1] * screen.height
                if 10 < math.hypot(px - x, py - y) < 400:
                    screen.line((x, y), (px, py), _TARGET, 1)
                screen.dot((px, py), 2.6, _TARGET)
        screen.ring((x, y), 9, _TARGET)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            screen.line((x + 9 * dx, y + 9 * dy), (x + 14 * dx, y + 14 * dy), _TARGET, 1.2)
        if target.scale is None:
            return
        size = target.scale * screen.height
        top = y - (BODY_POINTS["top"] - BODY_POINTS[target.point]) * size
        side = x + max(22.0, 0.17 * size) + 12
        for edge, turn in ((top, 1), (top + size, -1)):
            if 0 <= edge <= screen.height:
                screen.line((side - 9, edge), (side, edge), _TARGET, 1.2)
                screen.line((side, edge), (side, edge + 9 * turn), _TARGET, 1.2)

    def _subject(self, screen: Screen, event: FrameEvent, subject: SubjectEstimate) -> None:
        """A subject's box with its name and distance; its colour says whether it is in focus."""
        frame = event.frame
        depth, _ = depth_and_image(subject.point(FOCUS_POINT), frame.pose, frame)
        box = self._box(screen, event, subject)
        if box is None or depth <= 0.1:
            return
        left, top, right, bottom = box
        colour = self._colour(event, subject.id, depth)
        size = min(14.0, 0.3 * (right - left), 0.3 * (bottom - top))
        for x, sx in ((left, 1), (right, -1)):
            for y, sy in ((top, 1), (bottom, -1)):
                screen.line((x, y), (x + sx * size, y), colour, 1.5)
                screen.line((x, y), (x, y + sy * size), colour, 1.5)
        middle = min(max((left + right) / 2, 40), screen.width - 40)
        above = max(top - 6, 62.0)
        words = f"{subject.id}  {distance.text(depth)}"
        if subject.age > 0.2:
            words += "  lost" if subject.age > 1.0 else "  …"
        screen.text((middle, above), words, 12, colour, anchor="ms", halo=True)

    def _box(
        self, screen: Screen, event: FrameEvent, subject: SubjectEstimate
    ) -> tuple[float, float, float, float] | None:
        """The image of an upright cylinder around the subject, px of a 540 px high picture."""
        pose, frame = event.frame.pose, event.frame
        toward = subject.position[:2] - pose.position[:2]
        across = np.array([-toward[1], toward[0], 0.0]) / max(float(np.hypot(*toward)), 1e-6)
        corners = [
            subject.point(name) + side * subject.width / 2 * across
            for name in ("top", "feet")
            for side in (-1, 1)
        ]
        points = []
        for corner in corners:
            _, image = depth_and_image(corner, pose, frame)
            if image is None:
                return None
            points.append((image[0] * screen.width, image[1] * screen.height))
        us, vs = zip(*points, strict=True)
        left, right, top, bottom = min(us), max(us), min(vs), max(vs)
        if right < 0 or left > screen.width or bottom < 0 or top > screen.height:
            return None
        return left, top, right, bottom

    def _colour(self, event: FrameEvent, name: str, depth: float) -> Colour:
        sharp = blur_mm(depth, event.frame) <= self._camera.sensor.circle_of_confusion
        if name in event.sharp:
            return _SHARP if sharp else _ALARM
        if name in event.soft:
            return _ALARM if sharp else _GREY
        return _WHITE if sharp else _GREY

    # --- the strips ---

    def _top(
        self, screen: Screen, event: FrameEvent, number: int, cycle: CycleEvent | None
    ) -> None:
        middle = screen.width / 2
        if math.floor(number / self._fps) % 2 == 0:
            screen.dot((25, 23), 5.5, _RED)
        else:
            screen.ring((25, 23), 5, _RED)
        screen.text((38, 28), "REC", 13, _WHITE, bold=True)
        screen.text((78, 28), timecode(number, self._fps), 15, _WHITE, mono=True)
        shot = self._shots.get(event.shot_index)
        if shot is not None:
            name = shot.name.upper()
            screen.text((middle, 26), name, 14, _WHITE, bold=True, anchor="ms", spacing=1.0)
            words = shot.move.replace("_", " ")
            if len(self._shots) > 1:
                words = f"shot {shot.index + 1} of {len(self._shots)}  ·  {words}"
            if words.upper() != name:
                screen.text((middle, 41), words, 10.5, _WHITE, anchor="ms", halo=True)
        right = screen.width - 20
        if cycle is not None:
            late = cycle.deadline_missed or cycle.plan.origin is not Origin.SOLVED
            colour = _ALARM if late else _WHITE
            solve = f"{cycle.step_ms:.1f} ms"
            right -= screen.text((right, 28), solve, 13, colour, mono=True, anchor="rs") + 8
            label = "MPC" if cycle.plan.origin is Origin.SOLVED else cycle.plan.origin.name
            right -= screen.text((right, 28), label, 10.5, _GREY, anchor="rs", spacing=0.6) + 18
            broken = sorted(k for k, v in cycle.violations.items() if v > VIOLATION_TOLERANCE)
            if broken:
                names = ", ".join(broken).replace("_", " ")
                screen.text((screen.width - 20, 44), names, 10.5, _ALARM, anchor="rs")
        screen.text((right, 28), f"{self._fps:.5g} fps", 13, _GREY, anchor="rs")

    def _bottom(self, screen: Screen, event: FrameEvent) -> None:
        state = event.frame.lens
        near, far = state.depth_of_field(self._camera.sensor.circle_of_confusion)
        base = screen.height - 18
        x = 20.0
        for label, value, width in (
            ("LENS", f"{state.focal_length_mm:.0f} mm", 100),
            ("IRIS", f"f/{state.f_number:.1f}", 82),
            ("FOCUS", distance.text(state.focus_distance_m), 94),
            (
                "DEPTH OF FIELD",
                f"{distance.text(near, unit=False)} – {distance.text(far)}",
                150,
            ),
        ):
            screen.text((x, base - 27), label, 9.5, _GREY, bold=True, spacing=0.8)
            screen.text((x, base), value, 20, _WHITE)
            x += width
        self._scale(screen, event, x + 12, screen.width - 24, base - 12)

    def _scale(
        self, screen: Screen, event: FrameEvent, left: float, right: float, y: float
    ) -> None:
        """The distance scale: depth of field as a band, focus as a line, subjects as flags."""
        camera, state = self._camera, event.frame.lens
        near, far = state.depth_of_field(camera.sensor.circle_of_confusion)
        middle = 8.0
        first = distance.position(camera.focus.closest, middle)

        def place(metres: float) -> float:
            share = float(distance.position(metres, middle) - first) / (1 - first)
            return left + float(min(max(share, 0.0), 1.0)) * (right - left)

        a, b = place(near), place(far)
        screen.bar(left, y, right - left, 1.5, _WHITE, 0.45)
        screen.bar(a, y - 6, max(b - a, 2), 13, _SHARP, 0.45)
        for end in (a, b):
            screen.bar(end, y - 6, 1, 13, _SHARP, 0.9)
        for metres in distance.ticks(middle, 0.075, camera.focus.closest):
            if metres > _LAST_TICK and not math.isinf(metres):
                continue
            x = place(metres)
            screen.bar(x, y, 1, 5, _WHITE, 0.7)
            anchor = "rs" if math.isinf(metres) else "ms"
            size = 16 if math.isinf(metres) else 10
            shift = 4 if math.isinf(metres) else 0
            screen.text((x + shift, y + 18), distance.tick_text(metres), size, _GREY, anchor=anchor)
        focus = place(state.focus_distance_m)
        screen.bar(focus - 1, y - 9, 2, 19, _WHITE, 1.0)
        flags = []
        for subject in event.estimates:
            depth, _ = depth_and_image(subject.point(FOCUS_POINT), event.frame.pose, event.frame)
            if depth > 0.1 and self._box(screen, event, subject) is not None:
                flags.append((place(depth), subject.id, self._colour(event, subject.id, depth)))
        end = -math.inf
        for x, name, colour in sorted(flags):
            screen.triangle((x, y - 9), 5, colour)
            half = screen.measure(name, 10.5) / 2
            at = min(max(x, left + half, end + 8 + half), right - half)
            if at - half >= end + 4 and at - x < 40:
                screen.text((at, y - 19), name, 10.5, colour, anchor="ms")
                end = at + half


def timecode(number: int, fps: float) -> str:
    """HH:MM:SS:FF of a picture's number, non-drop (SMPTE ST 12-1)."""
    base = max(1, round(fps))
    seconds, frame = divmod(number, base)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}"
