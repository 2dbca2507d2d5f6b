import math
from dataclasses import replace

import numpy as np
import pytest

from cinempc import frames
from cinempc.rig import camera, vehicle
from cinempc.rig.camera import LensState
from cinempc.rig.plan import Plan
from cinempc.rig.state import CameraPose, Frame
from sim.body.gimbal import StabilisationError
from sim.embedded import NO_NOISE, EmbeddedEye, EmbeddedRig, SensorNoise
from sim.scenery.scene import Wind

X500 = vehicle.load("x500_cinema")
SUPER35 = camera.load("super35_zoom")
POSE = CameraPose(np.array([5.0, 0.0, 10.0]), math.pi, 0.0, 0.0)
LENS = LensState(50.0, 5.0, 4.0)
WINDY = Wind(speed="2 m/s", gusts="0.5 m/s")
RADIUS, RATE = 5.0, 0.6


def circle(start, nodes=20, dt=0.1):
    """Round a circle at 3 m/s, looking at its middle, zooming and racking slowly."""
    times = start + dt * np.arange(nodes + 1)
    states, inputs = np.zeros((nodes + 1, 18)), np.zeros((nodes, 9))
    c, s = np.cos(RATE * times), np.sin(RATE * times)
    states[:, 0:3] = np.stack([RADIUS * c, RADIUS * s, np.full_like(c, 10.0)], axis=1)
    states[:, 3:5] = RADIUS * RATE * np.stack([-s, c], axis=1)
    states[:, 6:8] = -RADIUS * RATE**2 * np.stack([c, s], axis=1)
    states[:, 9], states[:, 12] = RATE * times + math.pi, RATE
    states[:, 15] = math.log(50) + 0.02 * times
    states[:, 16], states[:, 17] = 0.2 + 0.01 * times, 4.0
    inputs[:, 0:3] = np.diff(states[:, 6:9], axis=0) / dt
    inputs[:, 6], inputs[:, 7] = 0.02, 0.01
    return Plan(times, states, inputs, states[:, 9].copy())


def rig(**options):
    options.setdefault("velocity", (0, RADIUS * RATE, 0))
    return EmbeddedRig(X500, SUPER35, POSE, LENS, **options)


def exact(**options):
    return rig(noise=NO_NOISE, stabilisation=StabilisationError(deviation=0.0), **options)


def fly(flyer, until):
    for k in range(round(until / 0.05)):
        flyer.follow(circle(k * 0.05))
        flyer.wait_until((k + 1) * 0.05)
    return flyer


def test_follows_plans_closely():
    flyer = exact()
    for k in range(160):
        flyer.follow(circle(k * 0.05))
        flyer.wait_until((k + 1) * 0.05)
        wanted = circle(flyer.time).sample(flyer.time)
        pose, lens = flyer.true_pose(), flyer.true_lens()
        # It starts level, and has to lean first.
        assert np.linalg.norm(pose.position - wanted.position) < (0.2 if k < 80 else 0.05)
        if k > 10:
            assert abs(frames.wrap_angle(pose.yaw - wanted.angles[0])) < math.radians(0.1)
            assert lens.focal_length_mm == pytest.approx(wanted.lens.focal_length_mm, rel=1e-3)
            assert 1 / lens.focus_distance_m == pytest.approx(
                1 / wanted.lens.focus_distance_m, abs=1e-3
            )


def test_reports_the_truth_without_noise():
    flyer = fly(exact(), 1.0)
    state, pose = flyer.state(), flyer.true_pose()
    assert np.array_equal(state.position, pose.position)
    assert np.array_equal(state.velocity, flyer.true_velocity())
    assert (state.camera.yaw, state.camera.pitch) == (pose.yaw, pose.pitch)
    assert state.lens == flyer.true_lens()
    assert state.time == flyer.time == 1.0


def test_same_seed_same_flight():
    flyers = [fly(rig(seed=seed, wind=WINDY), 2.0) for seed in (7, 7, 8)]
    states = [flyer.state() for flyer in flyers]
    assert np.array_equal(states[0].position, states[1].position)
    assert np.array_equal(states[0].velocity, states[1].velocity)
    assert states[0].camera.yaw == states[1].camera.yaw
    assert not np.array_equal(states[0].position, states[2].position)


def test_asking_for_the_state_changes_nothing():
    asked, silent = rig(seed=3, wind=WINDY), rig(seed=3, wind=WINDY)
    for k in range(20):
        for _ in range(k % 3):
            first, second = asked.state(), asked.state()
            assert np.array_equal(first.position, second.position)
        for flyer in (asked, silent):
            flyer.follow(circle(k * 0.05))
            flyer.wait_until((k + 1) * 0.05)
    assert np.array_equal(asked.state().position, silent.state().position)


def test_noise_has_its_size():
    flyer = rig(velocity=(0, 0, 0))
    positions, angles, velocities = [], [], []
    for k in range(400):
        flyer.wait_until((k + 1) * 0.02)
        state, pose = flyer.state(), flyer.true_pose()
        positions.append(state.position - pose.position)
        velocities.append(state.velocity - flyer.true_velocity())
        angles.append(state.camera.pitch - pose.pitch)
    noise = SensorNoise()
    assert np.diff(positions, axis=0).std() == pytest.approx(
        math.sqrt(2) * noise.position, rel=0.15
    )
    assert np.abs(np.mean(positions, axis=0)).max() < 4 * noise.position_bias
    assert np.std(velocities) == pytest.approx(noise.velocity, rel=0.1)
    assert np.std(angles) == pytest.approx(noise.camera, rel=0.15)


def test_hovers_as_steadily_as_px4():
    flyer = rig(velocity=(0, 0, 0))
    offsets = []
    for k in range(300):
        flyer.wait_until((k + 1) * 0.1)
        offsets.append(np.linalg.norm(flyer.true_pose().position - POSE.position))
    assert 0.005 < np.sqrt(np.mean(np.square(offsets))) < 0.06


def test_brakes_to_a_hover_when_the_plan_runs_out():
    flyer = fly(exact(), 3.0)
    end = circle(2.95).sample(circle(2.95).end)
    accelerations, before = [], flyer.true_velocity()
    for k in range(150):
        flyer.wait_until(3.0 + 0.1 * (k + 1))
        accelerations.append(np.linalg.norm(flyer.true_velocity() - before) / 0.1)
        before = flyer.true_velocity()
    assert max(accelerations[20:]) < X500.limits.acceleration
    assert np.linalg.norm(before) < 0.02
    assert np.linalg.norm(flyer.true_pose().position - end.position) < 4.0
    there = flyer.true_pose().position
    flyer.wait_until(20.0)
    assert np.linalg.norm(flyer.true_pose().position - there) < 0.05
    assert abs(frames.wrap_angle(flyer.true_pose().yaw - end.angles[0])) < 0.2


def test_hovers_without_a_plan_from_a_negative_start():
    flyer = exact(velocity=(0, 0, 0), start=-3.0)
    assert flyer.time == -3.0
    flyer.wait_until(0.0)
    assert flyer.time == 0.0
    assert np.linalg.norm(flyer.true_pose().position - POSE.position) < 1e-3
    assert flyer.true_lens().focal_length_mm == pytest.approx(50)


def test_waiting_for_the_past_does_nothing():
    flyer = exact()
    flyer.wait_until(0.5)
    flyer.wait_until(0.2)
    assert flyer.time == 0.5


def test_clock_stops_where_asked():
    flyer = exact()
    for k in range(1, 49):
        flyer.wait_until(k / 24)
        assert flyer.time == k / 24


def test_an_expired_plan_is_not_followed_from_its_start():
    flyer = exact(velocity=(0, 0, 0), start=10.0)
    flyer.follow(circle(0.0))
    flyer.wait_until(10.1)  # no error


class FakeCamera:
    def __init__(self):
        self.calls = []

    def expose(self, time, pose, state):
        self.calls.append((time, pose, state))
        image = np.zeros((2, 2, 3), np.uint8)
        return Frame(time, image, pose, state, (24.89, 14.0))


def test_eye_renders_the_truth_and_tells_the_reported_pose():
    flyer, film = rig(wind=WINDY), FakeCamera()
    eye = EmbeddedEye(flyer, film)
    fly(flyer, 0.5)
    frame = eye.frame()
    assert frame is not None
    time, pose, lens = film.calls[0]
    assert time == frame.time == 0.5
    assert np.array_equal(pose.position, flyer.true_pose().position)
    assert lens == flyer.true_lens()
    assert frame.pose is flyer.state().camera
    assert not np.array_equal(frame.pose.position, pose.position)


def test_eye_gives_each_time_once():
    flyer, film = rig(), FakeCamera()
    eye = EmbeddedEye(flyer, film)
    assert eye.frame() is not None
    assert eye.frame() is None
    flyer.wait_until(0.1)
    assert eye.frame() is not None
    assert len(film.calls) == 2


def test_noise_can_be_changed_in_part():
    assert replace(SensorNoise(), position=0.0).velocity == SensorNoise().velocity
