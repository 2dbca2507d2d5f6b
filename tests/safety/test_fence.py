"""The fence of a safety file: what may be written, and what is inside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc import configs
from cinempc.errors import ConfigError
from cinempc.rig.log import Problem
from cinempc.safety import limits as safety
from cinempc.safety.fence import Fence, FenceAction, FenceReason

HOME = np.zeros(3)
LIMITS = """\
name: test
subject_distance: 3 m
altitude: {min: 1 m, max: 20 m}
stale_after: 0.5 s
tracking_error: 2 m
"""
SQUARE = [[-20, -10], [20, -10], [20, 10], [-20, 10]]
#: An L: the corner at (10, 10) is cut out.
ANGLE = [[0, 0], [20, 0], [20, 10], [10, 10], [10, 20], [0, 20]]


def load(tmp_path, fence: str) -> safety.Safety:
    path = tmp_path / "limits.yaml"
    path.write_text(LIMITS + fence)
    return configs.load(path, safety.Safety)


def depth(fence: Fence, *points: tuple[float, float, float], home=HOME) -> list[float]:
    return fence.depth(np.array(points, dtype=float), np.array(home, dtype=float)).tolist()


def test_a_file_with_a_fence(tmp_path):
    fence = load(tmp_path, "fence: {radius: 60 m, height: 30 m}\n").fence
    assert fence == Fence(radius="60 m", height="30 m")
    assert fence.margin == 2
    assert fence.action is FenceAction.hold
    fence = load(tmp_path, f"fence: {{polygon: {SQUARE}, action: return}}\n").fence
    assert fence.polygon == tuple(map(tuple, SQUARE))
    assert fence.action is FenceAction.return_
    assert load(tmp_path, "").fence is None


@pytest.mark.parametrize(
    ("fence", "words"),
    [
        ("{height: 30 m}", "a radius, a polygon or both"),
        ("{radius: 60}", "has no unit"),
        ("{radius: 1 m}", "radius must be finite and above the margin of 2 m"),
        ("{radius: infinity}", "radius must be finite"),
        ("{radius: 60 m, height: 0 m}", "height must be finite"),
        ("{radius: 60 m, margin: -1 m}", "margin must be zero or more"),
        ("{radius: 60 m, height: 21 m}", "altitude.max, 20 m, must not be above"),
        ("{radius: 60 m, action: explode}", "hold"),
        ("{radius: 60 m, heigth: 30 m}", "did you mean 'height'"),
        ("{polygon: [[0, 0], [10, 0]]}", "three points or more"),
        ("{polygon: [[0, 0], [10, 0], [10, 10], [0, 0]]}", "closes by itself"),
        ("{polygon: [[0, 0], [10, 10], [10, 0], [0, 10]]}", "must not cross"),
        ("{polygon: [[0, 0], [10, 0], [20, 0]]}", "must not cross|holds no vehicle"),
        ("{polygon: [[0, 0], [20, 0], [10, 0], [20, 20]]}", "must not cross"),
        ("{polygon: [[0, 0], [1, 0], [1, 1]]}", "holds no vehicle"),
        ("{polygon: [[0, 0], [10, 0], [nan, 10]]}", "must be finite"),
        ("{polygon: [[0, 0], [10, 0], [10]]}", "polygon"),
    ],
)
def test_mistakes_in_a_fence(tmp_path, fence, words):
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, f"fence: {fence}\n")


def test_an_autopilot_has_no_room_for_more_points():
    def ring(count: int) -> list[tuple[float, float]]:
        turn = 2 * math.pi / count
        return [(50 * math.cos(k * turn), 50 * math.sin(k * turn)) for k in range(count)]

    assert len(Fence(polygon=ring(60)).polygon) == 60
    with pytest.raises(ValueError, match="60 points at most"):
        Fence(polygon=ring(61))


def test_depth_of_a_cylinder():
    fence = Fence(radius="60 m", height="30 m")
    found = depth(fence, (0, 0, 0), (0, 0, 29), (50, 0, 5), (0, 70, 5), (0, 0, 31))
    assert found == pytest.approx([30, 1, 10, -10, -1])
    # Around where the vehicle took off, which need not be the world's origin.
    assert depth(fence, (100, 0, 4), home=(100, 0, 2)) == pytest.approx([28])


def test_depth_of_a_polygon():
    fence = Fence(polygon=ANGLE)
    inside = [(5, 5, 1), (15, 5, 99), (5, 15, 0)]
    assert depth(fence, *inside) == pytest.approx([5, 5, 5])
    # Next to the corner that is cut out, from either side.
    diagonal = math.sqrt(2)
    assert depth(fence, (11, 11, 0), (9, 9, 0)) == pytest.approx([-1, diagonal])
    assert depth(fence, (-3, 5, 0), (25, -2, 0)) == pytest.approx([-3, -math.hypot(5, 2)])
    backwards = Fence(polygon=ANGLE[::-1])
    assert depth(backwards, (5, 5, 1), (11, 11, 0)) == pytest.approx([5, -1])


def test_the_nearest_side_of_all_counts():
    fence = Fence(radius="15 m", polygon=SQUARE, height="12 m")
    found = depth(fence, (12, 0, 0), (0, 8, 0), (18, 0, 0), (0, 0, 11.5))
    assert found == pytest.approx([3, 2, -3, 0.5])


@given(
    x=st.floats(-40, 40),
    y=st.floats(-40, 40),
    turn=st.floats(0, 2 * math.pi),
    east=st.floats(-1e3, 1e3),
    north=st.floats(-1e3, 1e3),
)
def test_depth_does_not_depend_on_where_the_polygon_lies(x, y, turn, east, north):
    def moved(px, py):
        c, s = math.cos(turn), math.sin(turn)
        return c * px - s * py + east, s * px + c * py + north

    here = depth(Fence(polygon=ANGLE), (x, y, 0))[0]
    there = depth(Fence(polygon=[moved(*p) for p in ANGLE]), (*moved(x, y), 0))[0]
    assert there == pytest.approx(here, abs=1e-6)
    inside = 0 < x < 20 and 0 < y < 20 and not (x > 10 and y > 10)
    if abs(here) > 1e-6:
        assert (here > 0) == inside


def test_depth_agrees_with_the_textbook_formulas():
    """Distance to the nearest side, and a ray that crosses the sides an odd number of times."""
    turn = np.arange(24) * 2 * np.pi / 24
    reach = 20 + 9 * np.cos(5 * turn)
    corners = np.column_stack([reach * np.cos(turn), reach * np.sin(turn)])
    points = np.random.default_rng(1).uniform(-35, 35, (500, 2))
    a, b = corners, np.roll(corners, -1, axis=0)
    off = points[:, None] - a
    along = np.clip((off * (b - a)).sum(-1) / ((b - a) ** 2).sum(-1), 0, 1)
    nearest = np.linalg.norm(off - along[..., None] * (b - a), axis=-1).min(-1)
    x, y = points[:, :1], points[:, 1:]
    crossed = x < a[:, 0] + (y - a[:, 1]) * (b - a)[:, 0] / (b - a)[:, 1]
    inside = (((a[:, 1] > y) != (b[:, 1] > y)) & crossed).sum(-1) % 2 == 1
    fence = Fence(polygon=list(map(tuple, corners)))
    found = fence.depth(np.column_stack([points, np.zeros(500)]), HOME)
    assert found == pytest.approx(np.where(inside, nearest, -nearest), abs=1e-9)


def test_a_point_that_is_nowhere_is_outside():
    fence = Fence(polygon=ANGLE)
    here = np.array([5.0, 5.0, 2.0])
    assert depth(fence, (math.nan, 5, 1), (5, math.inf, 1)) == [-math.inf, -math.inf]
    nowhere = np.array([[math.nan, 5, 1]])
    assert fence.reason_to_refuse(nowhere, HOME, here).reason is FenceReason.OUTSIDE


# --- plans ---


def path(*points: tuple[float, float, float]) -> np.ndarray:
    return np.array(points, dtype=float)


def refused(fence: Fence, points: np.ndarray, here=(0, 0, 5)) -> Problem | None:
    return fence.reason_to_refuse(points, HOME, np.array(here, dtype=float))


def test_a_path_inside_is_flown_and_one_that_leads_out_is_not():
    fence = Fence(radius="30 m", height="20 m")
    assert refused(fence, path((0, 0, 5), (27, 0, 5))) is None
    near = refused(fence, path((0, 0, 5), (29, 0, 5)))
    assert near.reason is FenceReason.TOO_NEAR
    assert str(near) == "it leads to 1.0 m from the fence, and 2 m are kept"
    out = refused(fence, path((0, 0, 5), (35, 0, 5)))
    assert out.reason is FenceReason.OUTSIDE
    assert str(out) == "it leads 5.0 m out of the fence"
    assert refused(fence, path((0, 0, 5), (0, 0, 22))).reason is FenceReason.OUTSIDE
    narrow = Fence(radius="30 m", margin="0 m")
    assert refused(narrow, path((0, 0, 5), (29.9, 0, 5))) is None


def test_who_is_outside_is_led_back_and_not_further_out():
    fence = Fence(radius="30 m")
    outside = (34, 0, 5)
    assert refused(fence, path((34, 0, 5), (30, 0, 5), (20, 0, 5)), outside) is None
    assert refused(fence, path((34, 0, 5), (34, 1, 5)), outside) is None
    further = refused(fence, path((34, 0, 5), (36, 0, 5)), outside)
    assert further.reason is FenceReason.OUTSIDE
    # Between margin and fence likewise.
    assert refused(fence, path((29, 0, 5), (25, 0, 5)), (29, 0, 5)) is None
    assert refused(fence, path((29, 0, 5), (29.6, 0, 5)), (29, 0, 5)) is not None
