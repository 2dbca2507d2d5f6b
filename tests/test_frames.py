"""Frames: handedness, signs, and that everything can be undone."""

from __future__ import annotations

import math

import casadi as ca
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cinempc.mpc  # noqa: F401 - numpy functions of CasADi symbols, silently
from cinempc import frames

YAW = st.floats(-3.1, 3.1)
PITCH = st.floats(-1.5, 1.5)
ROLL = st.floats(-3.0, 3.0)
PLACE = st.tuples(*[st.floats(-50, 50)] * 3)


@given(YAW, PITCH, ROLL)
def test_the_axes_are_right_handed_and_orthonormal(yaw, pitch, roll):
    rotation = frames.camera_rotation(yaw, pitch, roll)
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


@given(YAW, PITCH, ROLL)
def test_angles_undo_the_rotation(yaw, pitch, roll):
    found = frames.camera_angles(frames.camera_rotation(yaw, pitch, roll))
    np.testing.assert_allclose(found, (yaw, pitch, roll), atol=1e-6)


def test_signs():
    right, down, forward = frames.camera_axes(0.0, 0.0, 0.0)
    np.testing.assert_allclose(forward, (1, 0, 0), atol=1e-12)  # east
    np.testing.assert_allclose(right, (0, -1, 0), atol=1e-12)  # south
    np.testing.assert_allclose(down, (0, 0, -1), atol=1e-12)
    np.testing.assert_allclose(frames.camera_axes(math.pi / 2, 0, 0)[2], (0, 1, 0), atol=1e-12)
    assert frames.camera_axes(0.0, 0.3, 0.0)[2][2] > 0, "pitch is positive up"
    assert frames.camera_axes(0.0, 0.0, 0.3)[0][2] < 0, "roll takes the right side down"


@given(PLACE, PLACE, YAW, PITCH, ROLL)
def test_camera_coordinates_keep_distances(point, position, yaw, pitch, roll):
    found = frames.world_to_camera(point, position, yaw, pitch, roll)
    assert np.linalg.norm(found) == pytest.approx(math.dist(point, position), abs=1e-9)
    back = frames.camera_rotation(yaw, pitch, roll) @ np.array(found) + np.array(position)
    np.testing.assert_allclose(back, point, atol=1e-9)


@given(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5), st.floats(10, 200), st.floats(0.5, 100))
def test_projection_and_bearing_undo_each_other(u, v, focal, depth):
    x, y, z = frames.bearing(u, v, focal, 25.0, 14.0)
    found = frames.project((x * depth, y * depth, z * depth), focal, 25.0, 14.0)
    np.testing.assert_allclose(found, (u, v), atol=1e-9)


def test_the_picture_is_not_mirrored():
    # Looking east, a point in the south is on the right, one above in the upper half.
    ahead = frames.world_to_camera((10.0, -1.0, 3.0), (0.0, 0.0, 2.0), 0.0, 0.0, 0.0)
    u, v = frames.project(ahead, 35.0, 25.0, 14.0)
    assert u == pytest.approx(0.5 + 35 / 25 / 10)
    assert v == pytest.approx(0.5 - 35 / 14 / 10)


@given(PLACE)
def test_north_east_down_there_and_back(vector):
    ned = frames.ned_from_enu(np.array(vector))
    np.testing.assert_array_equal(frames.enu_from_ned(ned), vector)
    np.testing.assert_array_equal(ned, [vector[1], vector[0], -vector[2]])


def test_north_east_down_takes_many():
    many = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(frames.enu_from_ned(many)[2], frames.enu_from_ned(many[2]))


@given(st.floats(-20, 20))
def test_headings_there_and_back(yaw):
    back = frames.yaw_enu_from_ned(frames.yaw_ned_from_enu(yaw))
    assert math.cos(back) == pytest.approx(math.cos(yaw), abs=1e-9)
    assert math.sin(back) == pytest.approx(math.sin(yaw), abs=1e-9)
    # The direction itself, turned as a vector.
    enu = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    ned, heading = frames.ned_from_enu(enu), frames.yaw_ned_from_enu(yaw)
    np.testing.assert_allclose(ned[:2], [math.cos(heading), math.sin(heading)], atol=1e-9)


@given(st.floats(-1000, 1000))
def test_wrapped_angles(angle):
    found = frames.wrap_angle(angle)
    assert -math.pi <= found < math.pi + 1e-9
    assert math.cos(found - angle) == pytest.approx(1.0, abs=1e-9)


@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(0.1, 1000.0))
def test_a_direction_has_its_azimuth_and_elevation(azimuth, elevation, length):
    offset = tuple(length * x for x in frames.direction(azimuth, elevation))
    assert np.linalg.norm(offset) == pytest.approx(length)
    assert frames.azimuth_elevation(offset) == pytest.approx((azimuth, elevation))


def test_azimuth_and_elevation():
    azimuth, elevation = frames.azimuth_elevation((0.0, 3.0, 3.0))
    assert (azimuth, elevation) == (pytest.approx(math.pi / 2), pytest.approx(math.pi / 4))


def test_symbols_give_what_numbers_give():
    x = ca.SX.sym("x", 6)
    symbol = frames.world_to_camera((4.0, 1.0, 1.7), (x[0], x[1], x[2]), x[3], x[4], x[5])
    numbers = [-3.0, 0.5, 2.0, 0.3, -0.1, 0.05]
    found = ca.Function("f", [x], [ca.vertcat(*symbol)])(numbers)
    expected = frames.world_to_camera((4.0, 1.0, 1.7), numbers[:3], *numbers[3:])
    np.testing.assert_allclose(np.array(found).ravel(), expected, atol=1e-12)


STEEP_PITCH = st.floats(-2.9, 2.9).filter(lambda p: abs(math.cos(p)) > 2e-3)
CAMERA_ROLL = st.floats(-1.5, 1.5)
HEADING = st.one_of(st.none(), st.floats(-10, 10))


def rotation_of(quaternion):
    """By another formula: v' = q v q*, of the three axes."""
    w, *v = quaternion
    v = np.array(v)
    axes = np.eye(3)
    return np.stack([a + 2 * np.cross(v, np.cross(v, a) + w * a) for a in axes], axis=1)


@given(YAW, PITCH, ROLL)
def test_the_gimbal_quaternion_turns_the_camera_as_its_axes_say(yaw, pitch, roll):
    right, down, forward = frames.camera_axes(yaw, pitch, roll)
    turn = rotation_of(frames.gimbal_quaternion((yaw, pitch, roll)))
    for column, axis in enumerate((forward, right, down)):
        np.testing.assert_allclose(turn[:, column], frames.ned_from_enu(np.array(axis)), atol=1e-9)


@given(YAW, STEEP_PITCH, CAMERA_ROLL, HEADING)
def test_gimbal_quaternion_there_and_back(yaw, pitch, roll, heading):
    quaternion = np.float32(frames.gimbal_quaternion((yaw, pitch, roll), heading))
    for sign in (1, -1):  # the same attitude
        found = frames.gimbal_angles(sign * quaternion, heading)
        assert math.cos(found[0] - yaw) == pytest.approx(1, abs=1e-6)
        assert found[1:] == pytest.approx((pitch, roll), abs=2e-3)


@given(YAW, PITCH, st.floats(-10, 10))
def test_the_vehicle_frame_is_the_earth_frame_turned_by_the_heading(yaw, pitch, heading):
    relative = frames.gimbal_quaternion((yaw, pitch, 0.1), heading)
    # A vehicle that points north sees the earth frame.
    same = frames.gimbal_quaternion((yaw - heading + math.pi / 2, pitch, 0.1))
    np.testing.assert_allclose(rotation_of(relative), rotation_of(same), atol=1e-9)


@given(YAW, st.sampled_from([-1, 1]))
def test_straight_down_the_yaw_is_the_picture_s(yaw, side):
    quaternion = frames.gimbal_quaternion((yaw, side * math.pi / 2, 0.0))
    found = frames.gimbal_angles(np.float32(quaternion))
    assert math.cos(found[0] - yaw) == pytest.approx(1, abs=1e-6)
    assert found[1:] == pytest.approx((side * math.pi / 2, 0.0), abs=1e-3)


def test_gimbal_signs():
    north = math.pi / 2
    assert frames.gimbal_quaternion((north, 0, 0)) == pytest.approx((1, 0, 0, 0))
    assert frames.gimbal_quaternion((north, 0.2, 0))[2] > 0, "up is a positive turn about y"
    assert frames.gimbal_quaternion((north, 0, 0.2))[1] > 0, "right side down about x"
    assert frames.gimbal_quaternion((north - 0.2, 0, 0))[3] > 0, "to the right about z"
    assert frames.gimbal_quaternion((0.7, 0, 0), heading=0.7) == pytest.approx((1, 0, 0, 0))
    assert frames.gimbal_rates((0.3, 0.2, 0.1)) == (0.1, 0.2, -0.3)
    assert frames.gimbal_rates((0.3, 0.2, 0.1), heading_rate=0.3)[2] == 0, "turns with the vehicle"


@given(st.tuples(*[st.floats(-5, 5)] * 3), st.floats(-5, 5))
def test_gimbal_rates_there_and_back(rates, heading_rate):
    there = frames.gimbal_rates(rates, heading_rate)
    assert frames.rates_from_gimbal(there, heading_rate) == pytest.approx(rates)


@pytest.mark.parametrize(
    ("quaternion", "heading"),
    [
        ((math.nan, 0, 0, 0), None),
        ((1, 0, math.inf, 0), None),
        ((0, 0, 0, 0), None),
        ((1, 0, 0, 0), math.nan),
    ],
)
def test_what_is_no_attitude_is_refused(quaternion, heading):
    with pytest.raises(ValueError, match="not one"):
        frames.gimbal_angles(quaternion, heading)


@given(YAW, st.floats(-0.7, 0.7), st.sampled_from([-1, 1]))
def test_straight_down_the_angles_still_give_the_rotation(yaw, roll, side):
    rotation = frames.camera_rotation(yaw, side * math.pi / 2, roll)
    found = frames.camera_angles(rotation)
    np.testing.assert_allclose(frames.camera_rotation(*found), rotation, atol=1e-6)


@given(YAW, PITCH, ROLL)
def test_upright_is_the_same_attitude(yaw, pitch, roll):
    found = frames.upright((yaw, pitch, roll))
    assert abs(found[2]) <= math.pi / 2
    np.testing.assert_allclose(
        frames.camera_rotation(*found), frames.camera_rotation(yaw, pitch, roll), atol=1e-9
    )
