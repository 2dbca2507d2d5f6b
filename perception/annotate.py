"""Draws onto a picture what was found in it: boxes, who, how sure, skeletons, places."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from perception.detect.detections import SKELETON, Detections

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

#: M. Okabe and K. Ito, *Color Universal Design* (2008), without black: told apart by colour-blind
#: eyes too. Sky blue and orange first, they are the easiest to tell apart and on grass.
OKABE_ITO: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (240, 228, 66), (0, 158, 115), (204, 121, 167), (213, 94, 0),
    (0, 114, 178),
)  # fmt: skip

_NOBODY: Colour = (200, 200, 200)  # without an identity
_SURE = 0.3  # confidence from which a keypoint is drawn
_SHIFT = 4  # cv2 takes 1/16 px


@dataclass(frozen=True)
class GroundMark:
    """A subject's place on the ground, projected into the picture.

    Attributes:
        id: whose; gives the colour.
        ring: (k, 2) u, v px of a closed line, such as the 95 % ellipse; or (1, 2), one point.
        tip: (2,) u, v px of the end of an arrow from the ring's middle: the heading.
    """

    id: int | str | None
    ring: Floats
    tip: Floats | None = None


def colour(identity: int | str | None) -> Colour:
    """The colour of an identity, RGB, always the same; 21 of them before they repeat.

    Numbers take the palette in turn; names by their letters.
    """
    if identity is None or (isinstance(identity, int | np.integer) and identity < 0):
        return _NOBODY
    number = int(identity) if not isinstance(identity, str) else sum(
        (i + 1) * ord(letter) for i, letter in enumerate(identity)
    )  # fmt: skip
    base = OKABE_ITO[number % len(OKABE_ITO)]
    turn = number // len(OKABE_ITO) % 3
    if not turn:
        return base
    hue, light, saturation = colorsys.rgb_to_hls(*(c / 255 for c in base))
    light = 0.5 * light if turn == 1 else light + 0.55 * (1 - light)
    red, green, blue = colorsys.hls_to_rgb(hue, light, saturation)
    return round(255 * red), round(255 * green), round(255 * blue)


def draw(
    image: Pixels,
    detections: Detections,
    labels: Sequence[str] | None = None,
    *,
    ids: Sequence[int | str | None] | None = None,
    unsure: Sequence[bool] | None = None,
    positions: Sequence[Floats | None] | None = None,
    headings: Sequence[float | None] | None = None,
    ground: Iterable[GroundMark] = (),
) -> Pixels:
    """A copy of the picture with what was found in it.

    Args:
        image: RGB (height, width, 3) uint8; line widths and text follow its width.
        detections: boxes and keypoints in this picture's px.
        labels: a text for each; without, its identity, class and score.
        ids: an identity for each, None or negative for nobody known; gives the colour.
        unsure: whether each may be somebody else; a question mark follows the identity.
        positions: of each, world frame ENU m, written under its label; None or NaN for unknown.
        headings: of each, rad from east to north, written as degrees; None or NaN for unknown.
        ground: marks on the ground, drawn under the boxes.

    Raises:
        ValueError: lists of another length than the detections.
    """
    for name, values in (
        ("labels", labels), ("ids", ids), ("unsure", unsure), ("positions", positions),
        ("headings", headings),
    ):  # fmt: skip
        if values is not None and len(values) != len(detections):
            raise ValueError(f"{len(detections)} detections, {len(values)} {name}")
    canvas = np.ascontiguousarray(image).copy()
    line = max(1, round(image.shape[1] / 640))
    for mark in ground:
        _mark(canvas, mark, line)
    # The least sure first, so that the best lie on top; labels above all lines.
    order = np.argsort(detections.scores, kind="stable")
    colours = [colour(None if ids is None else ids[k]) for k in range(len(detections))]
    for k in order:
        _box(canvas, detections.boxes[k], colours[k], line)
        if detections.keypoints is not None:
            _skeleton(canvas, detections.keypoints[k], colours[k], line)
    taken: list[tuple[int, int, int, int]] = []
    for k in order[::-1]:
        doubt = unsure is not None and unsure[k]
        text = labels[k] if labels is not None else _label(detections, k, ids, doubt)
        place = _place(
            None if positions is None else positions[k], None if headings is None else headings[k]
        )
        text = "\n".join(part for part in (text, place) if part)
        if text and np.isfinite(detections.boxes[k]).all():
            _text(canvas, text, detections.boxes[k], colours[k], taken)
    return canvas


def _label(
    detections: Detections, k: int, ids: Sequence[int | str | None] | None, unsure: bool
) -> str:
    who = None if ids is None else ids[k]
    nobody = who is None or (not isinstance(who, str) and who < 0)
    name = "" if nobody else who if isinstance(who, str) else f"#{who}"
    name += "?" if unsure and name else ""
    return f"{name} {detections.name(k)} {100 * detections.scores[k]:.0f}%".strip()


def _place(position: Floats | None, heading: float | None) -> str:
    words = []
    if position is not None and np.isfinite(position).all():
        words.append(", ".join(f"{value:.1f}" for value in position) + " m")
    if heading is not None and math.isfinite(heading):
        words.append(f"{math.degrees(heading) % 360:.0f}°")
    return "  ".join(words)


def _fixed(points: Floats) -> NDArray[np.int32]:
    """Points as cv2 takes them, in 1/16 px; a pixel's middle is whole there, its edge here."""
    return np.asarray(np.round((np.clip(points, -1e4, 1e5) - 0.5) * 2**_SHIFT), np.int32)


def _box(canvas: Pixels, box: Floats, ink: Colour, line: int) -> None:
    if not np.isfinite(box).all():
        return
    # On whole pixels, for an upright line between two of them is a blur; by slices, for cv2's
    # thick rectangles are wider than asked.
    left, top, right, bottom = (round(float(edge)) for edge in np.clip(box, -1e4, 1e5))
    for colour_, out, into in ((_dark(ink), 1, line + 1), (ink, 0, line)):
        x0, y0, x1, y1 = (
            max(0, edge) for edge in (left - out, top - out, right + out, bottom + out)
        )
        inner_x0, inner_y0, inner_x1, inner_y1 = (
            max(0, edge) for edge in (left + into, top + into, right - into, bottom - into)
        )
        canvas[y0:inner_y0, x0:x1] = colour_
        canvas[inner_y1:y1, x0:x1] = colour_
        canvas[y0:y1, x0:inner_x0] = colour_
        canvas[y0:y1, inner_x1:x1] = colour_


def _skeleton(canvas: Pixels, points: Floats, ink: Colour, line: int) -> None:
    sure = (points[:, 2] >= _SURE) & np.isfinite(points).all(axis=1)
    at = _fixed(np.nan_to_num(points[:, :2]))
    lines = [at[[a, b]][:, None] for a, b in SKELETON if sure[a] and sure[b]]
    for colour_, width in ((_dark(ink), line + 2), (ink, line)):
        cv2.polylines(canvas, lines, False, colour_, width, cv2.LINE_AA, _SHIFT)
    radius = (line + 1) << _SHIFT
    for u, v in at[sure].tolist():
        cv2.circle(canvas, (u, v), radius, (255, 255, 255), -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(canvas, (u, v), radius, _dark(ink), 1, cv2.LINE_AA, _SHIFT)


def _mark(canvas: Pixels, mark: GroundMark, line: int) -> None:
    ring = np.atleast_2d(np.asarray(mark.ring, float))
    if not np.isfinite(ring).all():
        return
    ink = colour(mark.id)
    closed = _fixed(ring)[:, None]
    middle = _fixed(ring.mean(axis=0))
    for colour_, width in ((_dark(ink), line + 2), (ink, line)):
        if len(ring) > 2:
            cv2.polylines(canvas, [closed], True, colour_, width, cv2.LINE_AA, _SHIFT)
        else:
            radius = (2 * line + width) << _SHIFT
            cv2.circle(canvas, middle.tolist(), radius, colour_, -1, cv2.LINE_AA, _SHIFT)
        if mark.tip is not None and np.isfinite(mark.tip).all():
            end = np.asarray(mark.tip, float)
            tip = _fixed(end)
            head = 7 * line / max(math.dist(end, ring.mean(axis=0)), 14.0 * line)
            cv2.arrowedLine(
                canvas, middle.tolist(), tip.tolist(), colour_, width, cv2.LINE_AA, _SHIFT, head
            )


def _text(
    canvas: Pixels,
    text: str,
    box: Floats,
    ink: Colour,
    taken: list[tuple[int, int, int, int]],
) -> None:
    """A label above the box, or within where there is no room, clear of those there are."""
    height, width = canvas.shape[:2]
    patch = _patch(text, ink, max(10, round(width / 64)))
    high, wide = patch.shape[:2]
    if box[2] <= 0 or box[0] >= width or box[3] <= 0 or box[1] >= height:
        return
    left = int(np.clip(round(float(box[0])) - 1, 0, max(0, width - wide)))
    top = round(float(box[1])) - high
    top = int(np.clip(top, 0, max(0, height - high)))
    for _ in range(len(taken) + 1):
        blocking = [
            b for b in taken
            if left < b[2] and b[0] < left + wide and top < b[3] and b[1] < top + high
        ]  # fmt: skip
        below = max((b[3] for b in blocking), default=top)
        if not blocking or below + high > height:
            break
        top = below
    taken.append((left, top, left + wide, top + high))
    target = canvas[top : top + high, left : left + wide]
    target[:] = patch[: target.shape[0], : target.shape[1]]


@lru_cache(maxsize=512)
def _patch(text: str, ink: Colour, size: int) -> Pixels:
    """Text on its colour. cv2's own letters are a few strokes; these are a typeface's."""
    font = _font(size)
    pad = max(2, size // 4)
    ruler = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    # The height is the typeface's and not the text's: labels are all alike.
    lines = text.split("\n")
    wide = max(math.ceil(ruler.textlength(row, font=font)) for row in lines)
    ascent, descent = font.getmetrics()
    step = ascent + descent
    sheet = Image.new("RGB", (wide + 2 * pad, step * len(lines) + pad), ink)
    pen = ImageDraw.Draw(sheet)
    paper = 0.299 * ink[0] + 0.587 * ink[1] + 0.114 * ink[2]
    for i, row in enumerate(lines):
        fill = (0, 0, 0) if paper > 110 else (255, 255, 255)
        pen.text((pad, pad // 2 + i * step), row, font=font, fill=fill)
    return np.asarray(sheet)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf", size)


def _dark(ink: Colour) -> Colour:
    """What lies under a line, so that it reads on light and on its own colour."""
    return ink[0] // 5, ink[1] // 5, ink[2] // 5
