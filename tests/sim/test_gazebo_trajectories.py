"""The people's files, read back without our code for writing them."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sim.gazebo import assets, trajectories
from sim.scenery import gait, scene
from sim.scenery.actors import Person

DAE = "{http://www.collada.org/2005/11/COLLADASchema}"
WALKER = scene.Actor.model_validate(
    {"id": "Walker", "waypoints": [[1, 2], [2, 2.5], [2, 3]], "speed": "1.3 m/s", "start": "3 s"}
)


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> tuple[Person, Path]:
    folder = tmp_path_factory.mktemp("walker")
    person = Person.of(WALKER, 4)
    assets.write_body(person, folder)
    return person, folder


class Skeleton:
    """A COLLADA file's skin, posed at a key frame as the format says."""

    def __init__(self, file: Path) -> None:
        self.root = ElementTree.parse(file).getroot()
        self.ids = {e.get("id"): e for e in self.root.iter() if e.get("id")}
        skin = self.root.find(f".//{DAE}skin")
        assert skin is not None
        self.rest = self.floats("body-positions").reshape(-1, 3)
        self.joints = (self.ids["body-joints"].findtext(f"{DAE}Name_array") or "").split()
        self.bind = self.floats("body-bind").reshape(-1, 4, 4)
        self.shape = np.array((skin.findtext(f"{DAE}bind_shape_matrix") or "").split(), float)
        self.weights = np.zeros((len(self.rest), len(self.joints)))
        listed = skin.find(f"{DAE}vertex_weights")
        assert listed is not None
        counts = np.array((listed.findtext(f"{DAE}vcount") or "").split(), int)
        pairs = np.array((listed.findtext(f"{DAE}v") or "").split(), int).reshape(-1, 2)
        vertex = np.repeat(np.arange(len(counts)), counts)
        self.weights[vertex, pairs[:, 0]] = self.floats("body-weights")[pairs[:, 1]]
        self.most = int(counts.max())
        self.parents: dict[str, str] = {}
        for node in self.root.iter(f"{DAE}node"):
            for child in node.findall(f"{DAE}node"):
                self.parents[str(child.get("id"))] = str(node.get("id"))

    def floats(self, id: str) -> np.ndarray:
        return np.array((self.ids[id].findtext(f"{DAE}float_array") or "").split(), float)

    def local(self, joint: str, key: int | None) -> np.ndarray:
        if key is None:
            text = self.ids[joint].findtext(f"{DAE}matrix") or ""
            return np.array(text.split(), float).reshape(4, 4)
        matrices = self.floats(f"{joint}-matrices").reshape(-1, 4, 4)
        return matrices[min(key, len(matrices) - 1)]

    def whole(self, joint: str, key: int | None) -> np.ndarray:
        own = self.local(joint, key)
        parent = self.parents.get(joint)
        return own if parent is None else self.whole(parent, key) @ own

    def posed(self, key: int | None) -> np.ndarray:
        moves = np.array([self.whole(j, key) for j in self.joints]) @ self.bind
        points = np.column_stack([self.rest, np.ones(len(self.rest))]) @ self.shape.reshape(4, 4).T
        blend = np.einsum("vj,jab->vab", self.weights, moves)
        return np.einsum("vab,vb->va", blend, points)[:, :3]


@pytest.mark.slow
def test_body_moves_as_in_our_simulator(walker: tuple[Person, Path]) -> None:
    person, folder = walker
    skeleton = Skeleton(folder / "walker.dae")
    way = trajectories.trajectory(person)
    keys = skeleton.floats("pelvis-times")
    assert keys[0] == 0
    assert keys[-1] == pytest.approx(way.duration, abs=1e-3)
    for key in (0, 11, 30, len(keys) - 1):
        time = person.actor.start + keys[key]
        pose = gait.pose(person.joints, person.actor.height, person.path, time, person.seed)
        figure = person.figure
        world, _ = figure.mesh.skin(figure.joints, pose.rotations, pose.positions, person.scale)
        distance, _ = person.path.walked(time)
        (east, north), heading = person.path.at(distance)
        c, s = math.cos(heading), math.sin(heading)
        posed = skeleton.posed(key) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        posed += [east, north, 0]
        assert np.abs(posed - world).max() < 2e-3


@pytest.mark.slow
def test_body_stands_as_it_is_made(walker: tuple[Person, Path]) -> None:
    person, folder = walker
    skeleton = Skeleton(folder / "walker.dae")
    assert np.abs(skeleton.posed(None) - person.scale * person.figure.mesh.vertices).max() < 1e-4
    assert skeleton.posed(None)[:, 2].max() == pytest.approx(person.actor.height, abs=1e-3)


@pytest.mark.slow
def test_file_is_of_the_kind_that_gazebo_reads(walker: tuple[Person, Path]) -> None:
    """What gz-common's loader asks of a file, and what Gazebo does with an actor's root."""
    _, folder = walker
    skeleton = Skeleton(folder / "walker.dae")
    root = skeleton.root
    assert root.tag == f"{DAE}COLLADA"
    assert root.findtext(f"{DAE}asset/{DAE}up_axis") == "Z_UP"
    assert all(node.get("name") for node in root.iter(f"{DAE}node"))  # nameless ones hang it
    assert skeleton.most <= 4  # bones of a vertex
    assert np.allclose(skeleton.weights.sum(axis=1), 1, atol=1e-4)
    # Gazebo forgets the root's translation: it must have none.
    assert root.findtext(f".//{DAE}skeleton") == "#root"
    assert np.allclose(skeleton.local("root", None), np.eye(4))
    assert np.allclose(skeleton.local("root", 0), np.eye(4))
    whole = root.findall(f"{DAE}library_animations/{DAE}animation")
    assert len(whole) == 1  # only the first is played
    for channel in whole[0].iter(f"{DAE}channel"):
        joint, slash, sid = str(channel.get("target")).partition("/")
        matrix = skeleton.ids[joint].find(f"{DAE}matrix")
        assert slash
        assert matrix is not None
        assert matrix.get("sid") == sid
    image = root.findtext(f"{DAE}library_images/{DAE}image/{DAE}init_from")
    assert (folder / str(image)).is_file()


def test_who_stands_moves_there_and_back() -> None:
    reader = scene.Actor.model_validate(
        {"id": "reader", "waypoints": [[5, 5]], "heading": "90 deg"}
    )
    person = Person.of(reader, 2)
    way = trajectories.trajectory(person)
    assert way.loop
    short = trajectories.ActorTrajectory(0.0, True, way.walk, 0.0, np.array([0.0, 1.0]), way.way)
    moved = trajectories.animation(person, short)
    assert np.allclose(moved.positions[0], moved.positions[-1])
    assert np.allclose(moved.positions, moved.positions[::-1])
    assert np.abs(np.diff(moved.positions, axis=0)).max() > 1e-5
    assert np.allclose(trajectories.along(way, 33.0), [5, 5, math.pi / 2])
