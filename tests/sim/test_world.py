"""The world: people are where the truth says, walls are as far as they are, feet do not slide."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from cinempc import frames
from cinempc.errors import CinempcError
from sim.scenery import gait
from sim.scenery.bodies import body
from sim.scenery.path import Path
from sim.scenery.quality import Quality
from sim.scenery.scene import Scene
from sim.scenery.world import World

SENSOR = (24.89, 14.0)
SIZE = (960, 540)
#: Towards west, level.
WEST = frames.camera_rotation(math.pi, 0.0, 0.0)


def _scene(*actors: dict[str, object], **more: object) -> Scene:
    return Scene.model_validate({"name": "test", "actors": list(actors), **more})


@pytest.fixture(scope="module")
def one_person() -> Iterator[World]:
    made = World(
        _scene(
            {"id": "ann", "body": "woman", "height": "1.70 m", "waypoints": [(0.0, 0.4)]},
            buildings=[{"at": (-45.0, 0.0), "size": (10.0, 80.0, 40.0)}],
        )
    )
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize(("distance", "focal"), [(4.0, 24.0), (8.0, 50.0), (20.0, 120.0)])
def test_a_subject_is_drawn_where_its_truth_projects(
    one_person: World, distance: float, focal: float
) -> None:
    camera = (distance, 0.0, 1.2)
    _, depth = one_person.render(1.0, camera, WEST, focal, SENSOR, SIZE)
    truth = one_person.subject("ann", 1.0)
    knee = frames.project(
        frames.world_to_camera(tuple(truth.point("knees")), camera, math.pi, 0.0, 0.0),
        focal,
        *SENSOR,
    )
    rows, columns = np.nonzero(np.abs(depth - distance) < 0.45)
    on_body = rows < knee[1] * SIZE[1]
    top = frames.project(
        frames.world_to_camera(tuple(truth.point("top")), camera, math.pi, 0.0, 0.0),
        focal,
        *SENSOR,
    )
    rows = rows[on_body]
    assert rows.min() == pytest.approx(top[1] * SIZE[1], abs=3)
    middle = (columns[on_body].min() + columns[on_body].max()) / 2
    # A body is not a post: its outline's middle may be a little off its axis.
    scale = focal / SENSOR[0] * SIZE[0] / distance
    assert middle == pytest.approx(top[0] * SIZE[0], abs=2 + 0.05 * scale)


@pytest.mark.slow
def test_the_soles_stand_on_the_ground_at_the_true_position(one_person: World) -> None:
    pose = one_person.pose("ann", 1.0)
    person = one_person.people[0]
    vertices, _ = person.figure.mesh.skin(
        person.figure.joints, pose.rotations, pose.positions, person.scale
    )
    assert vertices[:, 2].min() == pytest.approx(0.0, abs=0.012)
    assert vertices[:, 2].max() == pytest.approx(1.70, abs=0.012)
    soles = vertices[vertices[:, 2] < 0.03]
    np.testing.assert_allclose(soles[:, :2].mean(axis=0), [0.05, 0.4], atol=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("focal", [24.0, 120.0, 500.0])
def test_depth_of_a_wall_is_right_within_a_percent(one_person: World, focal: float) -> None:
    for distance in (15.0, 60.0, 200.0):
        _, depth = one_person.render(0.0, (-40.0 + distance, 8.0, 9.0), WEST, focal, SENSOR, SIZE)
        assert depth[270, 480] == pytest.approx(distance, rel=0.005)


@pytest.mark.slow
def test_the_sky_is_infinitely_far(one_person: World) -> None:
    up = frames.camera_rotation(0.0, math.radians(50), 0.0)
    rgb, depth = one_person.render(0.0, (0.0, 0.0, 2.0), up, 35.0, SENSOR, SIZE)
    assert np.all(np.isinf(depth))
    blue = rgb.reshape(-1, 3).mean(axis=0)
    assert blue[2] > blue[0]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_picture() -> None:
    pictures = []
    for _ in range(2):
        made = World(_scene({"id": "ann", "waypoints": [(0.0, 0.0)]}), seed=3)
        made.render(0.4, (9.0, 1.0, 1.0), WEST, 35.0, SENSOR, (320, 180))  # an earlier frame
        pictures.append(made.render(2.0, (6.0, 0.0, 1.5), WEST, 35.0, SENSOR, (320, 180)))
        made.close()
    np.testing.assert_array_equal(pictures[0][0], pictures[1][0])
    np.testing.assert_array_equal(pictures[0][1], pictures[1][1])


def test_truth_is_consistent_with_itself() -> None:
    made = World(
        _scene(
            {
                "id": "bob",
                "waypoints": [(0.0, 0.0), (8.0, 0.0), (8.0, 8.0), (0.0, 8.0)],
                "speed": "1.4 m/s",
                "loop": True,
            }
        )
    )
    for time in np.arange(1.0, 30.0, 0.37):
        early, late = (made.subject("bob", float(time) + d) for d in (-1e-3, 1e-3))
        now = made.subject("bob", float(time))
        slope = (late.position - early.position) / 2e-3
        np.testing.assert_allclose(now.velocity, slope, atol=0.05)
        assert math.hypot(*now.velocity[:2]) == pytest.approx(1.4)
        assert frames.wrap_angle(
            math.atan2(now.velocity[1], now.velocity[0]) - now.heading
        ) == pytest.approx(0.0, abs=1e-6)
    with pytest.raises(CinempcError, match="nobody called 'eve'"):
        made.subject("eve", 0.0)


@pytest.mark.parametrize("speed", [0.8, 1.3, 1.9])
def test_walking_feet_do_not_slide(speed: float) -> None:
    loaded = body.load("man")
    low = loaded.mesh.vertices[:, 2] < 0.3  # m: feet and shins are all that may touch the ground
    feet = replace(
        loaded.mesh,
        vertices=loaded.mesh.vertices[low],
        normals=loaded.mesh.normals[low],
        weights=loaded.mesh.weights[low],
    )
    path = Path.through([[0, 0], [12, 0], [16, 5]], speed)
    step = 0.01
    slides = []
    for time in np.arange(2.0, 9.0, 0.05):
        places = []
        for t in (time, time + step):
            pose = gait.pose(loaded.joints, loaded.height, path, float(t))
            vertices, _ = feet.skin(loaded.joints, pose.rotations, pose.positions, 1.0)
            places.append(vertices)
        assert places[0][:, 2].min() == pytest.approx(0.0, abs=0.03)
        planted = np.argsort(places[0][:, 2])[:40]
        moved = np.linalg.norm((places[1] - places[0])[planted, :2], axis=1)
        slides.append(np.min(moved) / step)
    assert np.quantile(slides, 0.95) < 0.05 * speed
    assert np.max(slides) < 0.25 * speed


def test_legs_swing_against_arms() -> None:
    loaded = body.load("woman")
    path = Path.through([[0, 0], [40, 0]], 1.3)
    ankle, wrist = [], []
    for time in np.arange(3, 6, 0.05):
        pose = gait.pose(loaded.joints, loaded.height, path, float(time))
        names = dict(zip(gait.JOINTS, pose.positions[:, 0], strict=True))
        ankle.append(names["foot_l"] - names["pelvis"])
        wrist.append(names["hand_l"] - names["pelvis"])
    assert np.corrcoef(ankle, wrist)[0, 1] < -0.8


@pytest.mark.slow
def test_both_qualities_show_the_same() -> None:
    pictures = {}
    for quality in Quality:
        made = World(_scene({"id": "ann", "waypoints": [(0.0, 0.0)]}), seed=3, quality=quality)
        pictures[quality] = made.render(1.0, (5.0, 0.0, 1.2), WEST, 35.0, SENSOR, (320, 180))
        made.close()
    (fast, fast_depth), (fine, fine_depth) = pictures[Quality.STANDARD], pictures[Quality.FINAL]
    ann, same = np.abs(fast_depth - 5) < 0.4, np.abs(fine_depth - 5) < 0.4
    assert np.sum(ann & same) > 0.97 * np.sum(ann | same) > 1000
    assert np.mean(np.abs(fast.astype(int) - fine)) < 2
    assert not np.array_equal(fast, fine)


@pytest.mark.slow
def test_without_opengl_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    made = World(_scene())

    def broken(*_: object) -> None:
        raise ImportError("no EGL here")

    monkeypatch.setattr("sim.scenery.renderer.context", broken)
    with pytest.raises(CinempcError, match="apt-get install") as caught:
        made.render(0.0, (0, 0, 2), WEST, 35.0, SENSOR, (64, 36))
    assert "no EGL here" in str(caught.value)
