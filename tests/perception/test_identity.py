"""Identities: they outlast walls, crossings and swapped tracks; subjects are bound for good."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from perception.detect.detections import Detections
from perception.identify.appearance import Appearance, measure_appearances
from perception.identify.binding import Place, SubjectBinding
from perception.identify.colours import COLOURS
from perception.identify.explain import explain
from perception.identify.gallery import Gallery
from perception.identify.query import AppearanceQuery, SubjectQuery, parse_appearance
from perception.identify.tracker import Tracker

RATE = 24.0
FOCAL = 240.0  # px
SIZE = (320, 180)  # small, for most of these tests' time goes into drawing
RED, BLUE, GREEN = (190, 25, 30), (30, 60, 170), (40, 130, 60)
DARK, LIGHT = (30, 30, 40), (190, 190, 185)


class Stage:
    """People as (x to the right, depth, torso, legs), drawn and found as a detector would."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)

    def shoot(self, people, walls=(), stops=0.0, colours=True):
        """Picture, detections and who they are; walls (left, right) stand before all, px of 640."""
        image = np.full((SIZE[1], SIZE[0], 3), (125, 140, 115), np.uint8)
        boxes = {}
        owner = np.full((SIZE[1], SIZE[0]), -1, np.int8)
        for k in sorted(range(len(people)), key=lambda k: -people[k][1]):
            x, depth, torso, legs = people[k]
            u, s = SIZE[0] / 2 + FOCAL * x / depth, FOCAL / depth * 1.75 / 180
            foot = SIZE[1] * 0.35 + FOCAL * 1.75 / depth
            top = foot - 180 * s
            shape = np.zeros(owner.shape, np.uint8)

            def p(a, b, u=u, top=top, s=s):
                return int(u + a * s), int(top + b * s)

            for canvas, ink in ((image, (torso, legs)), (shape, (1, 1))):
                cv2.circle(canvas, p(0, 14), int(13 * s), ink[0] if canvas is shape else LIGHT, -1)
                cv2.rectangle(canvas, p(-22, 30), p(22, 95), ink[0], -1)
                cv2.rectangle(canvas, p(-17, 95), p(17, 180), ink[1], -1)
            owner[shape > 0] = k
            boxes[k] = (np.array([u - 25 * s, top, u + 25 * s, foot]), shape.sum())
        for left, right in walls:
            left, right = left // 2, right // 2
            image[:, left:right] = (150, 130, 110)
            owner[:, left:right] = -2
        noise = self.random.integers(-9, 10, (SIZE[1] // 2, SIZE[0] // 2, 3), dtype=np.int16)
        noise = noise.repeat(2, axis=0).repeat(2, axis=1)
        light = (np.arange(256) * 2.0 ** (stops / 2.2)).clip(0, 255).astype(np.int16)
        image = (light[image] + noise).clip(0, 255).astype(np.uint8)
        if not colours:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        found, who = [], []
        for k, (box, area) in boxes.items():
            inside = 0 < (box[0] + box[2]) / 2 < SIZE[0]
            if inside and (owner == k).sum() > 0.45 * area:
                found.append(box + self.random.normal(0, 0.02 * (box[3] - box[1]), 4))
                who.append(k)
        order = self.random.permutation(len(found))
        n = len(found)
        detections = Detections(
            np.array(found).reshape(-1, 4)[order], np.full(n, 0.8), np.zeros(n, int), {0: "person"}
        )
        return image, detections, [who[k] for k in order]


class World:
    """Stands in for the caller's filters: constant velocity, 10 cm of noise."""

    def __init__(self, seed=1):
        self.state = {}
        self.random = np.random.default_rng(seed)

    def distances(self, gallery, time, places):
        out = np.full((len(gallery.identities), len(places)), np.nan)
        for row, i in enumerate(gallery.identities):
            if i.id in self.state:
                t, place, velocity = self.state[i.id]
                gap = time - t
                off = np.array(places).reshape(-1, 2) - place - velocity * gap
                out[row] = (off**2).sum(1) / (0.15 + 0.7 * gap) ** 2
        return out

    def update(self, time, who, places):
        for number, place in zip(who, places, strict=True):
            if number is None:
                continue
            t, old, velocity = self.state.get(number, (None, place, np.zeros(2)))
            if t is not None:
                velocity = velocity + 0.1 * ((place - old) / (time - t) - velocity)
                velocity *= min(1, 2.5 / max(np.hypot(*velocity), 1e-9))
            self.state[number] = (time, place, velocity)


def play(scene, seconds, motion=False, seed=0, gallery=None, tracker=None, light=lambda t: 0.0,
         colours=True):  # fmt: skip
    """Each person's identities over time: lists of (time, id, unsure ids left out); the gallery."""
    stage, world = Stage(seed), World(seed + 1)
    gallery, tracker = gallery or Gallery(), tracker or Tracker(RATE)
    history = {}
    for frame in range(int(seconds * RATE)):
        t = frame / RATE
        people, walls = scene(t)
        image, found, truth = stage.shoot(people, walls, light(t), colours)
        tracks = tracker.update(found, time=t)
        places = [np.array(people[k][:2]) + world.random.normal(0, 0.05, 2) for k in truth]
        who = gallery.assign(
            t,
            found,
            tracks,
            measure_appearances(image, found),
            world.distances(gallery, t, places) if motion else None,
            tracker.boxes,
        )
        world.update(t, who, places)
        for k, number in zip(truth, who, strict=True):
            history.setdefault(k, []).append((t, number))
    return history, gallery


def ids(history, after=0.0):
    """The identities that each person had."""
    return {
        k: {number for t, number in seen if number is not None and t >= after}
        for k, seen in history.items()
    }


def crossing(torsos, legs=(DARK, DARK)):
    """Two who walk towards and past each other, a metre apart in depth."""

    def scene(t):
        return [(-2.4 + 1.2 * t, 8, torsos[0], legs[0]), (2.4 - 1.2 * t, 9, torsos[1], legs[1])], ()

    return scene


def seeds(count):
    """Seeds of a scene; one is enough for the quick tests."""
    return [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, count))]


@pytest.mark.parametrize("motion", [False, True])
@pytest.mark.parametrize("seed", seeds(4))
def test_two_who_cross_keep_their_identities(seed, motion):
    history, gallery = play(crossing((RED, BLUE)), 4, motion, seed)
    found = ids(history)
    assert {k: len(v) for k, v in found.items()} == {0: 1, 1: 1}
    assert found[0] != found[1]
    assert len(gallery.identities) == 2


@pytest.mark.parametrize("seed", seeds(3))
def test_two_dressed_alike_cross_by_their_motion_alone(seed):
    history, _ = play(crossing((BLUE, BLUE)), 4, True, seed)
    early = {k: {n for t, n in v if n is not None and t < 1} for k, v in history.items()}
    assert early == ids(history, after=3)


@pytest.mark.parametrize("motion", [False, True])
@pytest.mark.parametrize("seed", seeds(3))
def test_two_who_meet_and_turn_back(seed, motion):
    def scene(t):
        x = -2.0 + 1.2 * min(t, 3.4 - t)
        return [(x, 8, RED, DARK), (-x, 9, GREEN, LIGHT)], ()

    found = ids(play(scene, 3.4, motion, seed)[0])
    assert {k: len(v) for k, v in found.items()} == {0: 1, 1: 1}


@pytest.mark.parametrize("motion", [False, True])
@pytest.mark.parametrize("seed", seeds(3))
def test_two_seconds_behind_a_wall(seed, motion):
    """A walker goes behind a wall for two seconds while another stays in sight."""

    def scene(t):
        return [(-2.8 + 1.2 * t, 8, RED, DARK), (3.4, 9, BLUE, DARK)], [(240, 384)]

    history, gallery = play(scene, 4.4, motion, seed)
    times = [t for t, _ in history[0]]
    gap = np.diff(times).max()
    again = times[int(np.diff(times).argmax()) + 1]
    assert gap > 1.6
    assert len(ids(history)[0]) == 1
    assert all(number is not None for t, number in history[0] if t > again + 0.2)
    assert len(gallery.identities) == 2


def test_who_left_for_ten_seconds_and_comes_back_elsewhere_is_known_by_the_clothes():
    def scene(t):
        red = (
            (-1.5, 8, RED, DARK)
            if t < 1.5
            else (1.8, 9, RED, DARK)
            if t > 8
            else (99, 9, RED, DARK)
        )
        newcomer = (-1.4, 8, GREEN, LIGHT) if t > 3 else (99, 9, GREEN, LIGHT)
        return [red, newcomer], ()

    history, _ = play(scene, 9)
    found = ids(history)
    assert found[0] == {1}
    assert found[1] == {2}


def test_a_newcomer_in_the_place_of_somebody_hidden_is_somebody_new():
    def scene(t):
        return [(0, 8, RED if t < 1.5 else GREEN, DARK if t < 1.5 else LIGHT)], (
            [(200, 440)] if 1.5 < t < 3.5 else ()
        )

    history, _ = play(scene, 5)
    assert ids(history)[0] == {1, 2}


def test_somebody_forgotten_is_somebody_new_unless_they_are_to_be_kept():
    def scene(t):
        return [(0, 8, RED, DARK)], [(0, 640)] if 1 < t < 4 else ()

    assert ids(play(scene, 5, gallery=Gallery(memory=1.0))[0])[0] == {1, 2}
    gallery = Gallery(memory=1.0)
    gallery.keep.add(1)
    assert ids(play(scene, 5, gallery=gallery)[0])[0] == {1}


def test_a_change_of_light_changes_nobody():
    def scene(t):
        return [(-1, 8, RED, DARK), (1, 8, BLUE, LIGHT)], ()

    history, _ = play(scene, 4, light=lambda t: -1.0 if 1.5 < t < 3 else 0.5)
    assert {k: len(v) for k, v in ids(history).items()} == {0: 1, 1: 1}


GREY, BLACK = (125, 126, 128), (24, 24, 26)


def one_after_the_other(torsos, legs):
    """Each walks through the picture in 2 s; the next comes 1.5 s later."""

    def scene(t):
        since = [t - 3.5 * k for k in range(len(torsos))]
        return [
            (-2.4 + 2.4 * s if 0 <= s <= 2 else 99, 8, torso, leg)
            for s, torso, leg in zip(since, torsos, legs, strict=True)
        ], ()

    return scene


@pytest.mark.parametrize("motion", [False, True])
@pytest.mark.parametrize("share", [1.0, 0.2, 0.05])
def test_in_the_dark_a_woman_in_grey_and_a_man_in_black_are_two(share, motion):
    scene = one_after_the_other((GREY, BLACK), (DARK, DARK))
    history, _ = play(scene, 5.5, motion, light=lambda t: float(np.log2(share)))
    assert list(ids(history).values()) == [{1}, {2}]


@pytest.mark.parametrize("motion", [False, True])
def test_in_black_and_white_nobody_becomes_the_one_before(motion):
    torsos, legs = (GREY, (60, 90, 140), (150, 60, 60)), (DARK, (50, 60, 50), (80, 80, 70))
    history, _ = play(one_after_the_other(torsos, legs), 9, motion, colours=False)
    assert list(ids(history).values()) == [{1}, {2}, {3}]


def test_clothes_of_a_colour_still_tell_who_is_back():
    scene = one_after_the_other((RED, RED), (DARK, DARK))
    assert list(ids(play(scene, 5.5)[0]).values()) == [{1}, {1}]


def test_trust_in_a_likeness_follows_light_and_colour():
    red, vague = plain(0, 20), replace(plain(0, 20), trust=np.full(2, 0.05))
    assert red.agreement(red) == pytest.approx(0, abs=1e-6)
    assert vague.agreement(red) == vague.agreement(vague) == pytest.approx(0.42, abs=0.02)
    # To be different needs no trust.
    assert vague.agreement(plain(8, 26)) == red.agreement(plain(8, 26)) == 1.0


def doubtful():
    """Somebody in clothes that say little, gone for 1.5 s, and somebody where they may be now."""
    gallery, one = Gallery(), pair_of_boxes(100, 250)[:1]
    vague = replace(plain(0, 20), trust=np.full(2, 0.05))
    for k in range(10):
        gallery.assign(k / RATE, one, np.array([7]), [vague], np.zeros((min(k, 1), 1)))
    gallery.keep.add(1)
    for k in range(20):  # as likely as not: 12 of a gate of 16
        who = gallery.assign(2 + k / RATE, one, np.array([9]), [vague], np.full((1, 1), 12.0))
    assert who == [1]
    assert gallery.unsure() == {1}
    return gallery, one


def test_a_motion_alone_does_not_make_sure_for_long():
    gallery, _ = doubtful()
    assert gallery[1].sure_time == pytest.approx(9 / RATE)


def test_a_doubt_ends_when_the_clothes_agree():
    gallery, one = doubtful()
    for k in range(30):
        who = gallery.assign(3 + k / RATE, one, np.array([9]), [plain(0, 20)], np.ones((1, 1)))
    assert who == [1]
    assert gallery.unsure() == {1}  # for what it is compared with says as little as ever
    gallery, one = doubtful()
    gallery[1].appearance = plain(0, 20)
    for k in range(30):
        who = gallery.assign(3 + k / RATE, one, np.array([9]), [plain(0, 20)], np.ones((1, 1)))
    assert who == [1]
    assert not gallery.unsure()


def test_who_turns_out_to_be_somebody_else_gets_an_identity_of_their_own():
    gallery, one = doubtful()
    for k in range(40):
        count = len(gallery.identities)
        who = gallery.assign(3 + k / RATE, one, np.array([9]), [plain(8, 26)], np.ones((count, 1)))
    assert who == [2]
    assert gallery[1].time == pytest.approx(9 / RATE)
    assert gallery[1].track is None
    assert not gallery.unsure()


def plain(torso: int, legs: int) -> Appearance:
    """An appearance of one histogram bin each."""
    bins, shares = np.zeros((2, 28)), np.zeros((2, 11))
    bins[0, torso] = bins[1, legs] = 1
    return Appearance(bins, shares, np.ones(2))


def pair_of_boxes(x0, x1) -> Detections:
    boxes = np.array([[x0, 100, x0 + 40, 220], [x1, 100, x1 + 40, 220]], float)
    return Detections(boxes, np.full(2, 0.9), np.zeros(2, int), {0: "person"})


def test_tracks_that_changed_hands_are_taken_back_at_once_after_an_overlap():
    gallery, red, blue = Gallery(), plain(0, 20), plain(8, 20)
    for k in range(60):
        x = 100 + 4 * k, 336 - 4 * k
        tracks = np.array([7, 8] if k < 30 else [8, 7])  # swapped where they overlap
        who = gallery.assign(k / RATE, pair_of_boxes(*x), tracks, [red, blue])
        if k > 45:
            assert who == [1, 2], k


def test_tracks_that_changed_hands_apart_are_taken_back_after_patience_only():
    gallery, red, blue = Gallery(), plain(0, 20), plain(8, 26)
    late = None
    for k in range(60):
        tracks = np.array([7, 8] if k < 20 else [8, 7])
        who = gallery.assign(k / RATE, pair_of_boxes(100, 250), tracks, [red, blue])
        if k >= 20 and late is None and who == [1, 2]:
            late = (k - 20) / RATE
    assert who == [1, 2]
    assert late <= 0.6


def test_one_odd_look_changes_nothing():
    gallery, red, blue = Gallery(), plain(0, 20), plain(8, 20)
    for k in range(40):
        looks = [blue, red] if k in (20, 21, 30) else [red, blue]
        who = gallery.assign(k / RATE, pair_of_boxes(100, 250), np.array([7, 8]), looks)
        assert who == [1, 2]


def test_motion_in_the_world_forbids_what_clothes_would_allow():
    gallery, red = Gallery(), plain(0, 20)
    one = pair_of_boxes(100, 250)[:1]
    for k in range(10):
        gallery.assign(k / RATE, one, np.array([7]), [red], np.zeros((min(k, 1), 1)))
    far = gallery.assign(1.0, one, np.array([9]), [red], np.array([[400.0]]))
    assert far == [2]
    gallery = Gallery()
    for k in range(10):
        gallery.assign(k / RATE, one, np.array([7]), [red])
    assert gallery.assign(1.0, one, np.array([9]), [red], np.array([[3.0]])) == [1]


def test_motion_of_the_wrong_shape_is_refused():
    gallery = Gallery()
    gallery.assign(0.0, pair_of_boxes(100, 250), np.array([0, 1]), [plain(0, 1)] * 2)
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        gallery.assign(
            0.1, pair_of_boxes(100, 250), np.array([0, 1]), [plain(0, 1)] * 2, np.zeros((1, 2))
        )


def test_a_second_box_around_somebody_is_nobody():
    gallery, appearance = Gallery(), plain(0, 1)
    two = pair_of_boxes(100, 104)
    gallery.assign(0.0, two[:1], np.array([0]), [appearance])
    assert gallery.assign(0.1, two, np.array([0, 1]), [appearance, appearance]) == [1, None]


def test_categories_do_not_mix_and_unconfirmed_are_nobody():
    gallery, appearance = Gallery(), plain(0, 1)
    found = pair_of_boxes(100, 250)
    found = Detections(found.boxes, found.scores, np.array([0, 16]), {0: "person", 16: "dog"})
    assert gallery.assign(0.0, found, np.array([0, 1]), [appearance] * 2) == [1, 2]
    assert gallery.assign(0.1, found[::-1], np.array([5, -1]), [appearance] * 2) == [2, None]
    assert gallery[2].category == "dog"
    assert gallery.assign(0.2, Detections.none(), np.zeros(0, int), []) == []
    with pytest.raises(KeyError):
        gallery[9]


def bound(words, scene, seconds=1.5, **known):
    """Play a scene, then bind: (who is who, bindings)."""
    history, gallery = play(scene, seconds)
    binding = SubjectBinding(
        {n: SubjectQuery(parse_appearance(w), **known.get(n, {})) for n, w in words.items()}
    )
    number = {k: next(iter(v)) for k, v in ids(history).items()}
    return number, binding.bind(gallery), gallery, binding


def test_subjects_are_bound_by_their_colours():
    def scene(t):
        return [(-1.5, 8, BLUE, DARK), (0, 8, RED, DARK), (1.5, 8, RED, LIGHT)], ()

    number, names, _, _ = bound(
        {"anna": "woman in blue", "ben": "man in a red shirt and white trousers", "all": "person"},
        scene,
    )
    assert names == {"anna": number[0], "ben": number[2], "all": number[1]}


def test_nobody_in_the_colours_is_nobody_bound():
    def scene(t):
        return [(0, 8, BLUE, DARK)], ()

    _, names, _, _ = bound({"ben": "man in red", "rex": "dog"}, scene)
    assert names == {}


def wearing(**shares) -> Appearance:
    """A look that goes by words above as far as is said, and by black below."""
    look = plain(0, 20)
    for word, share in shares.items():
        look.shares[0, COLOURS.index(word)] = share
    look.shares[1, COLOURS.index("black")] = 1.0
    return look


def binding_of(words, looks, seconds=1.5):
    """Who is bound to words when people in these looks stand side by side, and why not."""
    gallery, binding = Gallery(), SubjectBinding({"ben": SubjectQuery(parse_appearance(words))})
    boxes = np.array([[100 + 150 * k, 100, 140 + 150 * k, 220] for k in range(len(looks))], float)
    n = len(looks)
    found = Detections(boxes, np.full(n, 0.9), np.zeros(n, int), {0: "person"})
    places = {k + 1: Place(boxes[k] / [640, 360, 640, 360]) for k in range(n)}
    bound = {}
    for k in range(int(seconds * RATE)):
        gallery.assign(k / RATE, found, np.arange(n), looks)
        bound = binding.bind(gallery, places)
    return bound, explain("ben", binding, gallery.identities, places)


def test_who_fits_a_little_is_taken_if_nobody_else_does():
    looks = [wearing(orange=0.2, brown=0.9), wearing(blue=1.0)]
    assert binding_of("person in orange", looks, 0.5)[0] == {}  # a better one may come
    assert binding_of("person in orange", looks)[0] == {"ben": 1}
    assert binding_of("person in orange", [*looks, wearing(orange=0.9)], 0.5)[0] == {"ben": 3}


def test_of_two_who_fit_a_little_nobody_is_taken_and_it_is_said():
    looks = [wearing(orange=0.2, brown=0.9), wearing(orange=0.15, brown=0.9)]
    bound, why = binding_of("person in orange", looks)
    assert bound == {}
    assert "more than one may be meant" in why
    assert "region" in why


def test_who_was_seen_is_told_with_a_look_that_would_have_matched():
    looks = [wearing(blue=1.0), wearing(green=0.8)]
    bound, why = binding_of("person in red", looks)
    assert bound == {}
    assert "ben is a person in red above; seen were 2" in why
    assert "person in blue above and black below, left in the picture" in why
    assert "person in green above and black below, in the middle of the picture" in why
    assert "(goes by those colours to 0 %)" in why
    words = why.rsplit("would have matched: ", 1)[1].strip("'")
    assert binding_of(words, looks, 0.5)[0] == {"ben": 1}


def test_who_saw_nobody_says_so():
    assert binding_of("dog", [wearing(blue=1.0)])[1] == "ben is a dog: no dog was seen"


def test_a_binding_waits_a_few_pictures_and_then_stays_for_good():
    gallery, blue = Gallery(memory=0.5), plain(8, 1)
    binding = SubjectBinding({"anna": SubjectQuery(), "ben": SubjectQuery()})
    one = pair_of_boxes(100, 250)[:1]
    for k in range(5):
        assert binding.bind(gallery) == {}
        gallery.assign(k / RATE, one, np.array([0]), [blue])
    assert binding.bind(gallery) == {"anna": 1}  # and never a second name for the same
    for k in range(5, 60):
        gallery.assign(k / RATE, Detections.none(), np.zeros(0, int), [])
    assert binding.bind(gallery) == {"anna": 1}
    assert gallery[1].track is None
    assert gallery.assign(3.0, one, np.array([4]), [blue]) == [1]


def test_region_and_position_tell_those_dressed_alike_apart():
    gallery, blue = Gallery(), plain(8, 1)
    for k in range(6):
        gallery.assign(k / RATE, pair_of_boxes(100, 500), np.array([0, 1]), [blue, blue])
    places = {1: Place((0.15, 0.3, 0.22, 0.7)), 2: Place((0.78, 0.3, 0.84, 0.7))}
    right = SubjectBinding({"ben": SubjectQuery(region=(0.6, 0.0, 1.0, 1.0))})
    assert right.bind(gallery, places) == {"ben": 2}
    middle_of_nothing = SubjectBinding({"ben": SubjectQuery(region=(0.45, 0.0, 0.5, 0.1))})
    assert middle_of_nothing.bind(gallery, places) == {}
    world = {
        1: Place(position=np.array([10.0, 2, 0])),
        2: Place(position=np.array([10.0, -2, 0])),
    }
    here = SubjectBinding(
        {
            "anna": SubjectQuery(AppearanceQuery(), position=np.array([9.0, -2, 1])),
            "ben": SubjectQuery(AppearanceQuery(), position=np.array([9.5, 1.0, 1])),
        }
    )
    assert here.bind(gallery, world) == {"anna": 2, "ben": 1}
