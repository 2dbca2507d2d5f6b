"""The people begin when the camera records: what Gazebo is asked for, and when it refuses."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from cinempc.errors import CinempcError
from sim.gazebo import actor_start, messages, sdf, trajectories, world
from sim.scenery import actors, scene
from tests.sim.gazebo_parts import PlayedGazebo, px4_models, sdformat_says

PARK = scene.load("park")


@pytest.fixture
def waiting(tmp_path: Path) -> Path:
    for person in actors.people(PARK):
        alone = sdf.root()
        alone.append(world.actor(person, trajectories.trajectory(person), "/meshes", 0.0))
        sdf.write(tmp_path / f"{sdf.entity(person.actor.id)}.sdf", alone)
    return tmp_path


@pytest.mark.slow
def test_actors_come_and_figures_go(waiting: Path, tmp_path: Path) -> None:
    gazebo = PlayedGazebo()
    assert actor_start.begin(gazebo, "park", waiting, 41.5) == []
    (service, kind, data), *others = gazebo.asked
    assert (service, kind) == ("/world/park/create_multiple", "EntityFactory_V")
    factories = messages.parse(kind, data).data
    delays = {}
    for factory in factories:
        root = ElementTree.fromstring(factory.sdf)
        actor = root.find("actor")
        assert actor is not None
        delays[actor.get("name")] = float(actor.findtext("script/delay_start") or 0)
        file = tmp_path / "check" / "actor.sdf"
        file.parent.mkdir(exist_ok=True)
        file.write_text(factory.sdf, encoding="utf-8")
        assert sdformat_says(file, px4_models(tmp_path / "px4")) is None
    # From the action on: the elder begins 2 s later, who goes round half a ramp.
    assert delays == pytest.approx(
        {"hero": 41.5, "partner": 41.5, "runner": 41.9, "painter": 41.5, "elder": 43.5}, abs=1e-4
    )
    removed = set()
    for service, kind, data in others:
        assert (service, kind) == ("/world/park/remove", "Entity")
        entity = messages.parse(kind, data)
        assert entity.type == messages.MODEL  # Gazebo removes models, not actors
        removed.add(entity.name)
    figures = {str(m.get("name")) for m in world.build(PARK, "/meshes").iter("model")}
    assert removed == {name for name in figures if name.endswith("_waiting")}


def test_figures_stay_where_actors_are_refused(waiting: Path) -> None:
    gazebo = PlayedGazebo(refuse=("create_multiple",))
    assert actor_start.begin(gazebo, "park", waiting, 10.0) == ["the actors"]
    assert len(gazebo.asked) == 1


def test_what_is_refused_is_reported(waiting: Path) -> None:
    gazebo = PlayedGazebo(refuse=("remove",))
    refused = actor_start.begin(gazebo, "park", waiting, 10.0)
    assert "to remove hero_waiting" in refused
    assert len(refused) == 5


def test_orders_are_answered_line_by_line() -> None:
    said: list[str] = []
    begun: list[float] = []

    def begin(time: float) -> list[str]:
        begun.append(time)
        return [] if time < 100 else ["the actors"]

    actor_start.answer(["begin 12.5\n", "end\n", "begin soon\n", "begin 200\n"], said.append, begin)
    assert begun == [12.5, 200.0]
    assert said[0] == "ok"
    assert said[1].startswith("failed: unknown order")
    assert said[2].startswith("failed: could not convert")
    assert said[3] == "failed: the actors"


def test_file_without_an_actor_is_told(tmp_path: Path) -> None:
    (tmp_path / "nobody.sdf").write_text("<sdf version='1.9'/>", encoding="utf-8")
    with pytest.raises(CinempcError, match="written anew"):
        actor_start.begin(PlayedGazebo(), "park", tmp_path, 1.0)


def test_starter_that_has_ended_is_reported(tmp_path: Path) -> None:
    reported: list[str] = []
    starter = actor_start.ActorStarter("park", tmp_path, reported.append)
    starter._process.kill()
    starter._process.wait()
    starter.begin(3.0)
    assert reported == ["the people cannot begin: the process that starts them has ended"]
    starter.close()
