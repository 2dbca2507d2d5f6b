"""Sequences: what they promise of ranges, lenses and hiding; and that a folder gives them back."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.sequences import folder as folders
from sim.sequences import sequence, walkers
from sim.sequences.sequence import LabelledFrames, SequenceError

SIZE = (160, 90)
SENSOR_HEIGHT = 14.0  # mm


def _truth(name: str, seed: int, step: float = 0.1):
    """Choreography, cameras, lenses and ways (actors, n, 2) of a sequence; nothing is rendered."""
    plan = sequence.choreograph(name, seed)
    times = np.arange(0, plan.duration, step)
    poses, lenses = zip(*(plan.camera(float(t)) for t in times), strict=True)
    return plan, poses, lenses, walkers.ways_of(list(plan.scene.actors), times)


@pytest.mark.parametrize("seed", range(4))
def test_walk_keeps_its_ranges_and_zooms(seed: int) -> None:
    plan, poses, lenses, ways = _truth("walk", seed)
    ids = [actor.id for actor in plan.scene.actors]
    assert 2 <= len(ids) <= 3
    hero = plan.scene.actors[ids.index(plan.subject)]
    place = np.array([pose.position for pose in poses])
    focal = np.array([lens.focal_length_mm for lens in lenses])
    body = np.column_stack([ways[ids.index(plan.subject)], np.full(len(place), hero.height / 2)])
    distance = np.linalg.norm(body - place, axis=1)
    level = np.linalg.norm((body - place)[:, :2], axis=1) / distance
    share = focal * hero.height * level / distance / SENSOR_HEIGHT
    assert distance.min() >= 5
    assert distance.max() <= 30
    assert focal.min() >= 24
    assert focal.max() <= 120.001
    assert focal.max() > 2 * focal.min()
    assert share.min() >= 0.15
    assert share.max() <= 1.0
    assert place[:, 2].min() >= 1.45
    assert place[:, 2].max() <= 8.05
    assert np.linalg.norm(np.diff(place, axis=0), axis=1).max() / 0.1 < 6.5
    focus = np.array([lens.focus_distance_m for lens in lenses])
    np.testing.assert_allclose(focus, distance, rtol=0.12)


@pytest.mark.parametrize("seed", range(3))
def test_crossing_has_each_before_the_other(seed: int) -> None:
    _, poses, _, ways = _truth("crossing", seed)
    place = np.array([pose.position for pose in poses])
    assert walkers.passes(place, ways, 1.3) >= 1
    assert walkers.passes(place, ways[::-1], 1.4) >= 1
    assert walkers.nearest(ways) > 0.9


def test_unknown_names_and_shapes_are_refused() -> None:
    with pytest.raises(SequenceError, match=r"'wlak'.*crossing, walk, wall"):
        sequence.shoot("wlak", 0)
    with pytest.raises(ValueError, match="16:9"):
        sequence.shoot("walk", 0, size=(100, 100))


def test_in_the_same_clothes_bodies_and_faces_stay_their_own() -> None:
    scene = sequence.choreograph("crossing", 0).scene
    dressed = walkers.in_same_clothes(scene)
    first, second = (actor.outfit for actor in dressed.actors)
    assert first == scene.actors[0].outfit
    assert (second.shirt, second.trousers, second.shoes) == (
        first.shirt, first.trousers, first.shoes,
    )  # fmt: skip
    before = scene.actors[1]
    assert (second.skin, second.hair) == (before.outfit.skin, before.outfit.hair)
    assert dressed.actors[1].body == before.body


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_wall_hides_for_two_seconds(seed: int) -> None:
    rate = 10.0
    shown = [
        {person.id: person.shown for person in shot.people}.get("p0", 0.0)
        for shot in sequence.shoot("wall", seed, size=SIZE, frame_rate=rate, start=2.5, end=7.5)
    ]
    runs = [len(list(run)) for gone, run in itertools.groupby(s == 0 for s in shown) if gone]
    assert len(runs) == 1
    assert abs(runs[0] / rate - 2) <= 0.4
    assert shown[0] > 0.9
    assert shown[-1] > 0.9


@pytest.mark.slow
def test_crossing_hides() -> None:
    shown: dict[str, list[float]] = {"p0": [], "p1": []}
    for shot in sequence.shoot("crossing", 0, size=SIZE, frame_rate=12):
        here = {person.id: person.shown for person in shot.people}
        for id, shares in shown.items():
            shares.append(here.get(id, 0.0))
    least = sorted(min(shares) for shares in shown.values())
    assert least[0] < 0.25
    assert least[1] < 0.75


@pytest.mark.slow
def test_reported_values_are_noisy_truth_and_always_the_same() -> None:
    def shots(noise: bool = True) -> LabelledFrames:
        return sequence.shoot("walk", 1, size=SIZE, frame_rate=2, end=1.6, noise=noise)

    first, again, clean = list(shots()), list(shots()), list(shots(noise=False))
    assert len(first) == len(shots()) == 4
    for a, b, c in zip(first, again, clean, strict=True):
        np.testing.assert_array_equal(a.frame.image, b.frame.image)
        np.testing.assert_array_equal(a.frame.depth, b.frame.depth)
        np.testing.assert_array_equal(a.frame.pose.position, b.frame.pose.position)
        assert 0 < np.linalg.norm(a.frame.pose.position - a.true_pose.position) < 0.15
        assert 0 < abs(a.frame.pose.pitch - a.true_pose.pitch) < np.radians(0.1)
        np.testing.assert_array_equal(c.frame.pose.position, c.true_pose.position)
        np.testing.assert_array_equal(c.frame.image, a.frame.image)
        assert a.frame.depth is not None
        assert c.frame.depth is not None
        seen = np.isfinite(a.frame.depth)
        error = a.frame.depth[seen] / c.frame.depth[seen] - 1
        assert 0.008 < error.std() < 0.012
        assert abs(error.mean()) < 0.04
        assert [x.id for x in a.people] == [x.id for x in c.people]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walk")
    seen: list[tuple[int, int]] = []
    shots = sequence.shoot("walk", 0, size=SIZE, frame_rate=2, end=1.1)
    folders.save(shots, folder, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    return folder


@pytest.mark.slow
def test_a_folder_gives_the_shots_back(saved: Path) -> None:
    assert folders.is_sequence(saved)
    assert not folders.is_sequence(saved / "images")
    loaded = folders.load(saved)
    assert (loaded.name, loaded.seed, loaded.size, len(loaded)) == ("walk", 0, SIZE, 3)
    for a, b in zip(
        sequence.shoot("walk", 0, size=SIZE, frame_rate=2, end=1.1), loaded, strict=True
    ):
        assert b.frame.time == a.frame.time
        assert b.frame.lens == a.frame.lens
        assert b.frame.sensor_mm == a.frame.sensor_mm
        assert np.abs(b.frame.image.astype(float) - a.frame.image).mean() < 6  # JPEG
        assert a.frame.depth is not None
        assert b.frame.depth is not None
        np.testing.assert_array_equal(np.isinf(a.frame.depth), np.isinf(b.frame.depth))
        seen = np.isfinite(a.frame.depth)
        assert np.abs(a.frame.depth[seen] - b.frame.depth[seen]).max() < 0.0051
        for mine, its in ((a.frame.pose, b.frame.pose), (a.true_pose, b.true_pose)):
            np.testing.assert_array_equal(its.position, mine.position)
            assert (its.yaw, its.pitch, its.roll) == (mine.yaw, mine.pitch, mine.roll)
        assert len(a.people) == len(b.people)
        for person, its_person in zip(a.people, b.people, strict=True):
            assert its_person.id == person.id
            assert its_person.shown == person.shown
            np.testing.assert_allclose(its_person.keypoints, person.keypoints, atol=1e-3)
            np.testing.assert_allclose(its_person.box, person.box, atol=1e-3)
        for subject, its_subject in zip(a.subjects, b.subjects, strict=True):
            np.testing.assert_array_equal(its_subject.position, subject.position)
            np.testing.assert_array_equal(its_subject.velocity, subject.velocity)
            bare = {"position": np.zeros(0), "velocity": np.zeros(0), "covariance": np.zeros(0)}
            assert repr(replace(its_subject, **bare)) == repr(replace(subject, **bare))


@pytest.mark.slow
def test_interrupted_it_holds_what_was_written(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folders.save(sequence.shoot("walk", 0, size=SIZE, frame_rate=2, end=3), tmp_path, stop)
    assert len(list(folders.load(tmp_path))) == 2
    assert not json.loads((tmp_path / "sequence.json").read_text())["complete"]


def test_missing_and_damaged_indices_are_named(tmp_path: Path) -> None:
    with pytest.raises(SequenceError, match=r"sequence\.json: there is no such file; make"):
        folders.load(tmp_path)
    file = tmp_path / "sequence.json"
    file.write_text('{"version": 1, "name"')
    with pytest.raises(SequenceError, match=r"sequence\.json: damaged .*again"):
        folders.load(tmp_path)
    whole = {"version": 1, "name": "walk", "seed": 0, "size": [160, 90], "frame_rate": 24.0,
             "noise": True, "complete": True, "frames": []}  # fmt: skip
    file.write_text(json.dumps({**whole, "seed": "x"}))
    with pytest.raises(SequenceError, match=r"sequence\.json: seed: damaged"):
        folders.load(tmp_path)
    file.write_text(json.dumps({**whole, "version": 9}))
    with pytest.raises(SequenceError, match="version: it is 9, this cinempc reads 1"):
        folders.load(tmp_path)
    file.write_text(json.dumps(whole))
    with pytest.raises(SequenceError, match="frames: there are none"):
        folders.load(tmp_path)


@pytest.mark.slow
def test_missing_and_damaged_pictures_are_named(saved: Path) -> None:
    depth, image = saved / "depth" / "0001.png", saved / "images" / "0002.jpg"
    kept = depth.read_bytes(), image.read_bytes()
    try:
        depth.write_bytes(kept[0][:40])
        shots = folders.load(saved)
        next(shots)
        with pytest.raises(SequenceError, match=r"0001\.png: damaged"):
            next(shots)
        depth.write_bytes(kept[0])
        image.unlink()
        with pytest.raises(SequenceError, match=r"0002\.jpg: cannot be read .*render it again"):
            list(folders.load(saved))
    finally:
        depth.write_bytes(kept[0])
        image.write_bytes(kept[1])
