"""A scene as a Gazebo world: read by Gazebo's own parser, and the numbers of our simulator."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinempc import configs, lens
from cinempc.errors import CinempcError
from cinempc.rig import camera as cameras
from sim.gazebo import actor_start, assets, launch, model, sdf, trajectories, world
from sim.gazebo.zoom import Row
from sim.mavlink.autopilot.reference import Geodetic
from sim.scenery import actors, scene
from tests.sim.gazebo_parts import px4_models, sdformat_says, tree

SCENES = sorted(path.stem for path in (configs.root() / "scenes").glob("*.yaml"))
CAMERAS = sorted(path.stem for path in (configs.root() / "cameras").glob("*.yaml"))

Lane = Callable[..., launch.GazeboSetup]

LANE = scene.Scene.model_validate(
    {
        "name": "Short lane",
        "actors": [
            {"id": "hero", "waypoints": [[0, 0], [3, 0.5], [4, 3]], "speed": "1.2 m/s",
             "start": "2 s"},
            {"id": "Child 2", "waypoints": [[2, 2], [-1, 2], [-1, -1]], "speed": "1.9 m/s",
             "loop": True, "height": "1.2 m"},
            {"id": "reader", "waypoints": [[5, 5]], "heading": "-40 deg"},
        ],
        "buildings": [{"at": [-20, 3], "size": [10, 6, 8], "heading": "30 deg"}],
        "trees": [{"at": [9, -9]}, {"at": [12, -9], "height": "9 m"}],
        "ground": {"kind": "grass", "paths": [[[-5, 0], [5, 1]]]},
    }
)  # fmt: skip


@pytest.fixture
def lane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., launch.GazeboSetup]:
    """Prepares the little scene, without its meshes: they take seconds to write."""
    monkeypatch.setattr(assets, "write", lambda *args: None)
    files = launch.Px4Files(px4_models(tmp_path / "px4"), tmp_path, tmp_path, tmp_path / "none")
    camera = cameras.load("super35_zoom")

    def prepare(**options: Any) -> launch.GazeboSetup:
        return launch.prepare(tmp_path, LANE, camera, px4=files, **options)

    return prepare


@pytest.mark.parametrize("action", [None, 12.5])
def test_world_is_valid(tmp_path: Path, lane: Lane, action: float | None) -> None:
    setup = lane(place=(8.0, 1.0), heading=3.0, action=action)
    assert sdformat_says(setup.file, tmp_path / "px4") is None
    waiting = sorted((tmp_path / actor_start.ACTORS).glob("*.sdf"))
    assert [file.stem for file in waiting] == ([] if action else ["child_2", "hero", "reader"])
    for file in waiting:
        assert sdformat_says(file, tmp_path / "px4") is None


@pytest.mark.slow
def test_parser_finds_mistakes(tmp_path: Path, lane: Lane) -> None:
    """Else the test above would tell nothing."""
    setup = lane(action=1.0)
    good = setup.file.read_text(encoding="utf-8")
    for right, wrong in (
        ('<link name="cinempc_lens_link">', '<link name="base_link">'),
        ("model://x500_gimbal", "model://x600_gimbal"),
        ("<parent>camera_link</parent>", "<parent>cameralink</parent>"),
        ("<delay_start>", "<delay_start>soon "),
        ("<horizontal_fov>", "<horizontal_fov>9"),
        ("max_step_size>", "step_size>"),
        ('relative_to="camera_link"', 'relative_to="camera"'),
    ):
        assert right in good
        setup.file.write_text(good.replace(right, wrong), encoding="utf-8")
        assert sdformat_says(setup.file, tmp_path / "px4"), f"{wrong} passed"


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_shipped_scenes_are_valid_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(trajectories, "KEY", 2.0)  # coarse steps: it is not about them here
    files = launch.Px4Files(px4_models(tmp_path / "px4"), tmp_path, tmp_path, tmp_path / "none")
    setup = launch.prepare(
        tmp_path, scene.load(name), cameras.load("super35_zoom"), px4=files, action=5.0
    )
    assert sdformat_says(setup.file, files.models) is None
    root = tree(setup.file)
    named = {e.text for e in root.iter("uri") if not str(e.text).startswith("model://")}
    named |= {e.text for e in root.iter("filename")}
    assert len(named) > 10
    for mesh in map(Path, filter(None, named)):
        assert mesh.stat().st_size > 100
        assert (mesh.parent / f"{mesh.stem}.png").is_file()


@pytest.mark.parametrize("name", CAMERAS)
def test_every_camera_gives_a_valid_vehicle(tmp_path: Path, name: str) -> None:
    root = sdf.root()
    root.append(model.vehicle(cameras.load(name)))
    sdf.write(tmp_path / "vehicle.sdf", root)
    assert sdformat_says(tmp_path / "vehicle.sdf", px4_models(tmp_path / "px4")) is None


@pytest.mark.parametrize("name", SCENES)
def test_actors_are_where_the_scene_says_when_it_says(name: str) -> None:
    """From the world's text alone, by Gazebo's rules, against the embedded simulator's people."""
    there = scene.load(name)
    action = 7.25
    root = world.build(there, "meshes", action=action)
    assert len(root.findall("world/actor")) == len(there.actors)
    for who, element in zip(there.actors, root.iter("actor"), strict=True):
        path = actors.way(who)
        delay = _milliseconds(element.findtext("script/delay_start"))
        loop = element.findtext("script/loop") == "true"
        points = element.findall("script/trajectory/waypoint")
        times = np.array([_milliseconds(point.findtext("time")) for point in points]) / 1e3
        way = np.array([_floats(point.findtext("pose")) for point in points])[:, [0, 1, 5]]
        assert times[0] == 0
        assert np.all(np.diff(times) > 0)
        played = trajectories.ActorTrajectory(delay / 1e3, loop, path, 0.0, times, way)
        # In its first 0.8 s somebody on a round is a little ahead.
        begins = who.start + (0.8 if loop and path.length else 0.0)
        for since in np.arange(begins, begins + 90, 0.437):
            place = trajectories.along(played, action + since - played.delay)
            distance, _ = path.walked(since)
            point, heading = path.at(distance)
            assert math.dist(place[:2], point) < 0.012, (who.id, since)
            assert abs(math.remainder(place[2] - heading, math.tau)) < 0.03, (who.id, since)


def test_round_is_ahead_by_little_in_the_first_moment() -> None:
    child = actors.people(LANE)[1]
    way = trajectories.trajectory(child)
    assert way.delay == pytest.approx(0.4)
    ahead = []
    for since in np.arange(0.0, 0.8, 0.02):
        distance, _ = child.path.walked(since)
        point, _ = child.path.at(distance)
        ahead.append(math.dist(trajectories.along(way, since - way.delay)[:2], point))
    assert max(ahead) == pytest.approx(0.8 * 1.9 / 8, abs=0.01)


def test_world_says_when_its_people_begin() -> None:
    assert world.action_of(world.build(LANE, "meshes", action=12.5), LANE) == pytest.approx(
        12.5, abs=1e-3
    )
    assert world.action_of(world.build(LANE, "meshes"), LANE) is None


def test_people_wait_where_they_begin() -> None:
    root = world.build(LANE, "meshes")
    assert root.find("world/actor") is None
    figures = {m.get("name"): m for m in root.iter("model") if "waiting" in str(m.get("name"))}
    assert set(figures) == {"hero_waiting", "child_2_waiting", "reader_waiting"}
    for person in actors.people(LANE):
        pose = _floats(figures[sdf.waiting(person.actor.id)].findtext("pose"))
        assert pose[:2] == pytest.approx(person.path.at(0)[0], abs=1e-3)
    assert _floats(figures["reader_waiting"].findtext("pose"))[5] == pytest.approx(
        math.radians(-40), abs=1e-4
    )


def test_place_on_the_earth_is_the_simulated_vehicles() -> None:
    place = world.build(LANE, "meshes").find("world/spherical_coordinates")
    assert place is not None
    origin = Geodetic()
    # A ten millionth of a degree is a centimetre.
    assert float(place.findtext("latitude_deg") or 0) == pytest.approx(origin.latitude, abs=1e-7)
    assert float(place.findtext("longitude_deg") or 0) == pytest.approx(origin.longitude, abs=1e-7)
    assert float(place.findtext("elevation") or 0) == origin.altitude
    assert place.findtext("world_frame_orientation") == "ENU"


def test_sun_shines_from_where_it_stands() -> None:
    there = scene.load("plaza")
    light = world.build(there, "meshes").findtext("world/light/direction")
    azimuth, elevation = there.sky.sun_azimuth, there.sky.sun_elevation
    sun = [math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth),
           math.sin(elevation)]  # fmt: skip
    assert np.dot(_floats(light), sun) == pytest.approx(-1, abs=1e-6)


def test_two_actors_of_one_name_are_told() -> None:
    twins = [actor.model_copy(update={"id": name}) for actor, name in
             zip(LANE.actors[:2], ("hero", "Hero"), strict=True)]  # fmt: skip
    with pytest.raises(CinempcError, match="hero_waiting"):
        world.build(LANE.model_copy(update={"actors": tuple(twins)}), "meshes")


def test_cameras_on_the_gimbal_see_what_the_lens_sees() -> None:
    camera = cameras.load("super35_zoom")
    sensors = model.vehicle(camera).findall("link/sensor")
    steps = Row.of(camera).steps
    assert len(sensors) == len(steps) > 1
    for sensor, step in zip(sensors, steps, strict=True):
        sees = float(sensor.findtext("camera/horizontal_fov") or 0)
        assert sees == pytest.approx(
            lens.field_of_view(camera.sensor.width, step.focal_length), abs=1e-3
        )
        assert sensor.findtext("topic") == model.topic(step.name)
        assert float(sensor.findtext("update_rate") or 0) == camera.picture.frame_rate


def test_camera_sits_where_px4s_own_does(tmp_path: Path, lane: Lane) -> None:
    setup = lane()
    link = tree(setup.file).find(f".//link[@name='{model.LINK}']/pose")
    assert link is not None
    assert link.get("relative_to") == "camera_link"
    assert _floats(link.text) == pytest.approx(model.mount(tmp_path / "px4"))
    with pytest.raises(CinempcError, match="submodule"):
        model.mount(tmp_path / "nowhere")


def test_px4_is_told_of_world_and_vehicle(lane: Lane) -> None:
    setup = lane(place=(8.0, 1.0), heading=3.0, instance=2, speed=0.5)
    root = tree(setup.file)
    vehicle = root.find(f"world/model[@name='{setup.px4_environment['PX4_GZ_MODEL_NAME']}']")
    assert vehicle is not None
    assert _floats(vehicle.findtext("pose")) == pytest.approx([8, 1, 0, 0, 0, 3])
    name = setup.px4_environment["PX4_GZ_WORLD"]
    assert root.find(f"world[@name='{name}']") is not None
    assert f"/world/{name}/scene/info" in setup.ready
    assert setup.environment["GZ_PARTITION"] == setup.px4_environment["GZ_PARTITION"]
    assert setup.environment["GZ_IP"] == "127.0.0.1"
    assert float(root.findtext("world/physics/real_time_factor") or 0) == 0.5
    assert str(setup.file) in setup.gazebo


def test_systems_are_px4s_own_where_it_has_them(tmp_path: Path) -> None:
    files = launch.Px4Files(tmp_path, tmp_path, tmp_path, tmp_path / "server.config")
    ours = launch.environment(tmp_path / "run", files)["GZ_SIM_SERVER_CONFIG_PATH"]
    assert ours == str(tmp_path / "run" / "server.config")
    files.server_config.write_text("<server_config/>", encoding="utf-8")
    theirs = launch.environment(tmp_path / "run", files)["GZ_SIM_SERVER_CONFIG_PATH"]
    assert theirs == str(files.server_config)
    names = [plugin.get("name") for plugin in launch.server_config().iter("plugin")]
    for system in ("Physics", "Sensors", "UserCommands", "SceneBroadcaster", "Imu", "NavSat"):
        assert f"gz::sim::systems::{system}" in names


@pytest.mark.parametrize("layout", ["source", "package"])
def test_px4s_files_are_found(tmp_path: Path, layout: str) -> None:
    if layout == "source":
        folder = tmp_path / "PX4-Autopilot" / "build" / "px4_sitl_default"
        models = tmp_path / "PX4-Autopilot" / "Tools/simulation/gz/models"
    else:
        folder = tmp_path / "px4-gazebo"
        models = folder / "share/gz/models"
    folder.mkdir(parents=True)
    with pytest.raises(CinempcError, match="submodule update"):
        launch.Px4Files.of(folder)
    px4_models(models)
    assert launch.Px4Files.of(folder).models == models


def test_missing_gazebo_is_told() -> None:
    with pytest.raises(launch.NoGazeboError, match="gz-harmonic"):
        launch.find_gazebo(path="")


EXAMPLE = Path(world.__file__).parent / "plaza.sdf"


def test_example_is_what_is_written_today() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == launch.example()


def test_example_is_valid(tmp_path: Path) -> None:
    assert sdformat_says(EXAMPLE, px4_models(tmp_path / "px4")) is None


def _floats(text: str | None) -> list[float]:
    return [float(word) for word in (text or "").split()]


def _milliseconds(text: str | None) -> int:
    """As Gazebo reads a time: seconds, cut to whole milliseconds."""
    return int(float(text or "nan") * 1000)
