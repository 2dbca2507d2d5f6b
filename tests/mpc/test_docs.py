"""docs/control-problem.md against the code: its example as it stands there, and what it names."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from cinempc import lens
from cinempc.frames import project, world_to_camera
from cinempc.mpc import objectives
from cinempc.mpc.constraints.constraint import ENVELOPE, OBSTACLE, PEOPLE, PICTURE, Constraint
from cinempc.rig import plan
from cinempc.rig.plan import Origin
from cinempc.rig.subject import SubjectEstimate

PAGE = Path(__file__).parents[2] / "docs" / "control-problem.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_an_objective_of_your_own(flight, example):
    names = example("An objective of your own")
    hero = SubjectEstimate("hero", 0.0, np.zeros(3))
    friend = SubjectEstimate("friend", 0.0, np.array([4.0, 1.0, 0.0]), height=1.82)
    fly = flight(focal_length=35.0)
    for found in fly.steps(200, names["goals"], hero, friend):
        assert found.origin is Origin.SOLVED
    x, sensor = fly.state, fly.camera.sensor
    (u, v), (other, _) = (
        project(
            world_to_camera(subject.point("eyes"), x[plan.POSITION], *x[plan.ANGLES]),
            np.exp(x[plan.LOG_FOCAL_LENGTH]),
            sensor.width,
            sensor.height,
        )
        for subject in (hero, friend)
    )
    assert other - u == pytest.approx(0.3, abs=0.005)
    assert (u, v) == pytest.approx((0.35, 0.4), abs=0.01)


def test_the_page_names_every_objective():
    for name, kind in vars(objectives).items():
        if isinstance(kind, type) and issubclass(kind, objectives.Objective):
            assert f"`{name}`" in TEXT or kind is objectives.Objective


def test_the_page_names_every_constraint():
    """In a row of its table, which ends with its kind."""
    shipped = [k for k in Constraint.__subclasses__() if k.__module__.startswith("cinempc.")]
    assert shipped
    for kind in shipped:
        rows = re.findall(rf"^\| `{kind.__name__}`.*$", TEXT, re.M)
        assert rows
        for row in rows:
            assert row.rstrip(" |").rpartition("|")[2].strip() == kind.kind.name


def test_the_prices_are_those_of_the_code():
    powers = {"–": None, "10⁴": 1e4, "3 · 10³": 3e3, "10²": 1e2}
    for name, kind in (
        ("ENVELOPE", ENVELOPE),
        ("PEOPLE", PEOPLE),
        ("OBSTACLE", OBSTACLE),
        ("PICTURE", PICTURE),
    ):
        (row,) = re.findall(rf"^\| `{name}` \|(.*?)\|(.*?)\|(.*?)\|", TEXT, re.M)
        linear, quadratic, tolerance = (cell.strip() for cell in row)
        assert powers[linear] == (kind.slack and kind.slack.linear)
        assert powers[quadratic] == (kind.slack and kind.slack.quadratic)
        assert float(tolerance) == kind.tolerance


def test_the_page_names_every_formula_of_the_lens():
    for name, function in vars(lens).items():
        if getattr(function, "__module__", "") == lens.__name__ and name != "inverse":
            assert f"`{name}`" in TEXT


def test_the_scales_are_those_of_the_code():
    for kind in objectives.Objective.__subclasses__():
        if not kind.__module__.startswith(objectives.__name__):
            continue
        for row in re.findall(rf"^\| `{kind.__name__}`.*$", TEXT, re.M):
            scale = row.rstrip(" |").rpartition("|")[2].strip()
            if scale == "below":
                continue
            value = {"0.5°": np.deg2rad(0.5), "3°": np.deg2rad(3)}.get(scale)
            if value is None and scale == "√2 · 3°":
                value = np.sqrt(2) * np.deg2rad(3)
            assert kind.scale == pytest.approx(float(scale) if value is None else value)


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (PAGE.parent / target).exists(), target
