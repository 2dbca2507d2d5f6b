"""Scene files: the shipped ones load, and a mistake is told with its line and field."""

import math
from pathlib import Path as File

import numpy as np
import pytest

from cinempc.errors import ConfigError
from sim.scenery import scene
from sim.scenery.path import Path


@pytest.mark.parametrize("name", ["plaza", "park"])
def test_shipped_scenes_load(name: str) -> None:
    loaded = scene.load(name)
    assert len(loaded.actors) >= 4
    assert loaded.actors[0].id == "hero"
    assert loaded.wind.gust_time > 0


def test_the_plaza_hero_walks_for_forty_seconds_clear_of_obstacles() -> None:
    plaza = scene.load("plaza")
    hero = plaza.actors[0]
    path = Path.through(hero.waypoints, hero.speed, start=hero.start)
    assert path.walked(40.0)[1] == pytest.approx(hero.speed)
    for time in np.arange(0, 40, 2.0):
        point, _ = path.at(path.walked(float(time))[0])
        assert min(math.dist(point, tree.at) for tree in plaza.trees) > 25
        for block in plaza.buildings:
            reach = math.hypot(*block.size[:2]) / 2
            assert math.dist(point, block.at) - reach > 15


def _write(folder: File, text: str) -> File:
    path = folder / "scene.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ("name: a\nground: {kind: lava}\n", 2, "ground.kind", "paving"),
        ("name: a\nsky:\n  cloud: 0.2\n", 3, "sky.cloud", "clouds"),
        (
            "name: a\nactors:\n  - id: b\n    waypoints: [[0, 0], [9, 0]]\n    speed: 1.3\n",
            5,
            "actors.0.speed",
            "unit",
        ),
        (
            "name: a\nactors:\n  - id: b\n    body: wman\n    waypoints: [[0, 0]]\n",
            3,
            "actors.0",
            "woman",
        ),
        ("name: a\ntrees:\n  - {at: [1, 2], colour: greenish}\n", 3, "trees.0.colour", "#b03a2e"),
    ],
)
def test_a_mistake_is_told_with_line_and_field(
    tmp_path: File, text: str, line: int, field: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        scene.load(str(_write(tmp_path, text)))
    assert caught.value.line == line
    assert caught.value.field == field
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "actor",
    [
        "{id: a, waypoints: [[0, 0], [5, 0]]}",  # a walk without a speed
        "{id: a, waypoints: [[0, 0]], speed: 1 m/s}",  # a speed without a walk
        "{id: a, waypoints: [[0, 0], [0, 0.1]], speed: 1 m/s}",
        "{id: a, waypoints: [[0, 0], [5, 0]], speed: 9 m/s}",
        "{id: a, waypoints: [[0, 0], [5, 0]], speed: 1 m/s, loop: true}",
        "{id: a, waypoints: []}",
        "{id: a, waypoints: [[.nan, 0]]}",
    ],
)
def test_impossible_actors_are_refused(tmp_path: File, actor: str) -> None:
    with pytest.raises(ConfigError, match="actors"):
        scene.load(str(_write(tmp_path, f"name: a\nactors:\n  - {actor}\n")))


def test_two_actors_cannot_share_an_id(tmp_path: File) -> None:
    twice = "name: a\nactors:\n" + "  - {id: a, waypoints: [[0, 0]]}\n" * 2
    with pytest.raises(ConfigError, match="used twice: a"):
        scene.load(str(_write(tmp_path, twice)))


def test_a_walk_keeps_its_speed_and_turns_smoothly() -> None:
    path = Path.through([[0, 0], [6, 0], [6, 6]], 1.3)
    times = np.arange(1.0, 8.0, 0.02)
    places = np.array([path.at(path.walked(t)[0])[0] for t in times])
    headings = np.array([path.at(path.walked(t)[0])[1] for t in times])
    speeds = np.linalg.norm(np.diff(places, axis=0), axis=1) / 0.02
    np.testing.assert_allclose(speeds, 1.3, rtol=0.02)
    assert np.max(np.abs(np.diff(headings))) / 0.02 < math.radians(150)


def test_a_walk_ends_standing_on_its_last_waypoint() -> None:
    path = Path.through([[0, 0], [5, 0]], 1.0, start=1.0)
    assert path.walked(0.5) == (0.0, 0.0)
    distance, speed = path.walked(60.0)
    assert speed == 0
    np.testing.assert_allclose(path.at(distance)[0], [5, 0], atol=1e-9)


def test_a_loop_comes_round_again_without_a_jump() -> None:
    path = Path.through([[0, 0], [8, 0], [8, 8], [0, 8]], 1.5, loop=True)
    lap = path.length / 1.5
    before, after = (path.at(path.walked(10 * lap + dt)[0]) for dt in (-0.01, 0.01))
    assert np.linalg.norm(after[0] - before[0]) == pytest.approx(0.03, abs=0.005)
    assert path.at(3.0)[1] + 2 * math.pi == pytest.approx(path.at(3.0 + path.length)[1], abs=1e-6)
