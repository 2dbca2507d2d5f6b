"""One layout of the parameters: what is packed under a name is what its symbols get."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import casadi as ca
import numpy as np
import pytest

from cinempc.mpc.constraints.constraint import PICTURE, Constraint
from cinempc.mpc.objectives import DepthOfField, FocalLength, Roll, ScreenPosition
from cinempc.mpc.parameters import Layout
from cinempc.rig.subject import SubjectEstimate

HERO = SubjectEstimate(
    "hero", 0.0, np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, 0.0]), heading=0.7, height=1.8
)
FRIEND = SubjectEstimate("friend", 1.0, np.array([-4.0, 5.0, 6.0]), heading=-2.0, height=1.6)
TIMES = np.linspace(2.0, 4.0, 21)


@dataclass(frozen=True)
class Own(Constraint):
    """With a vector and a number of its own."""

    shift: float = 0.0

    kind: ClassVar = PICTURE
    data: ClassVar = ("shift",)
    parameters: ClassVar[Mapping[str, int]] = {"vector": 3, "number": 1}

    def rows(self, node, own):
        return []

    def limits(self, subjects):
        return -math.inf, math.inf

    def values(self, times):
        return {"vector": self.shift + np.outer(times, (1.0, 2.0, 3.0)), "number": 9.0}


OBJECTIVES = (
    ScreenPosition(subject="hero", v=0.4),
    FocalLength(mm=np.linspace(30.0, 50.0, 21)),
    DepthOfField(near=4.0, far=math.inf),
    Roll(),
)
CONSTRAINTS = (Own(), Own(shift=100.0))
OFFSETS = np.outer(np.linspace(1.0, 0.0, 21), (0.1, 0.2, 0.3))
HEADINGS = np.linspace(0.5, 1.5, 21)


@pytest.fixture
def layout():
    return Layout(("hero", "friend"), OBJECTIVES, CONSTRAINTS)


@pytest.fixture
def packed(layout):
    # Given by name: the order of the estimates does not matter.
    known = {"friend": FRIEND, "hero": HERO}
    return layout.pack(TIMES, known, OBJECTIVES, CONSTRAINTS, OFFSETS, HEADINGS)


def read(layout, packed, expression):
    """What an expression of the symbols is at the nodes, (N + 1, width)."""
    p = ca.SX.sym("p", layout.size)
    function = ca.Function("f", [p], [ca.vertcat(*expression(layout.symbols(p)))])
    return np.array(function(packed.T)).T


def test_each_place_is_filled_once(layout, packed):
    places = [
        *(at for s in layout.subjects.values() for at in vars(s).values()),
        *(at for targets in layout.targets for at in targets.values()),
        layout.offset,
        layout.heading,
        *(at for own in layout.constraints for at in own.values()),
    ]
    every = np.concatenate([np.atleast_1d(np.arange(layout.size)[at]) for at in places])
    assert sorted(every) == list(range(layout.size))
    assert np.isfinite(packed).all()


@pytest.mark.parametrize("subject", [HERO, FRIEND], ids=lambda s: s.id)
def test_subjects(subject, layout, packed):
    def all_of(symbols):
        s = symbols.subjects[subject.id]
        return (*s.position, s.cos_heading, s.sin_heading, s.height)

    found = read(layout, packed, all_of)
    np.testing.assert_array_equal(found[:, :3], subject.positions(TIMES))
    rest = (math.cos(subject.heading), math.sin(subject.heading), subject.height)
    np.testing.assert_array_equal(found[:, 3:], np.tile(rest, (21, 1)))


def test_targets(layout, packed):
    def all_of(symbols):
        screen, focal, limits, roll = symbols.targets
        assert [set(t) for t in symbols.targets] == [{"v"}, {"mm"}, {"near", "far"}, {"angle"}]
        return screen["v"], focal["mm"], limits["near"], limits["far"], roll["angle"]

    found = read(layout, packed, all_of)
    np.testing.assert_array_equal(found[:, 1], OBJECTIVES[1].mm)
    assert found[7, [0, 2, 4]].tolist() == [0.4, 4.0, 0.0]
    assert found[7, 3] == 1e9, "infinity, as the solver takes it"


def test_offset_and_heading(layout, packed):
    found = read(layout, packed, lambda s: (s.offset, s.heading))
    np.testing.assert_array_equal(found, np.column_stack([OFFSETS, HEADINGS]))


def test_parameters_of_constraints(layout, packed):
    for i, constraint in enumerate(CONSTRAINTS):
        found = read(
            layout,
            packed,
            lambda s, i=i: (s.constraints[i]["vector"], s.constraints[i]["number"]),
        )
        expected = constraint.values(TIMES)
        np.testing.assert_array_equal(found[:, :3], expected["vector"])
        np.testing.assert_array_equal(found[:, 3], 9.0)


def test_objectives_of_another_structure_are_refused(layout):
    known = {"friend": FRIEND, "hero": HERO}
    with pytest.raises(ValueError, match="zip"):
        layout.pack(TIMES, known, OBJECTIVES[:-1], CONSTRAINTS, OFFSETS, HEADINGS)
