"""What a machine has and lacks."""

from __future__ import annotations

import json

import pytest

from cinempc.app.doctor import doctor
from cinempc.app.doctor.doctor import Check, Diagnosis, Finding
from cinempc.app.progress import Progress
from tests.cli.program import invoke

THERE = Check("wings", True, lambda: (True, "two", "grow some"))
LACKS = Check("wings", True, lambda: (False, "none", "grow some"))
NICE = Check("a hat", False, lambda: (False, "none", "buy one"))


def test_only_what_a_film_needs_keeps_one_from_filming() -> None:
    def found(*checks: Check) -> bool:
        return Diagnosis(tuple(map(doctor._examine, checks))).can_film

    assert found(THERE, NICE)
    assert not found(LACKS, THERE)


def test_a_remedy_is_told_for_a_lack_alone() -> None:
    assert doctor._examine(THERE) == Finding("wings", True, True, "two", "")
    assert doctor._examine(LACKS) == Finding("wings", False, True, "none", "grow some")


def test_a_check_that_breaks_is_a_lack() -> None:
    def broken() -> doctor.Answer:
        raise ImportError("no module named feather")

    finding = doctor._examine(Check("wings", True, broken))
    assert not finding.there
    assert "no module named feather" in finding.found
    assert finding.remedy


@pytest.mark.parametrize(("checks", "status"), [((THERE, NICE), 0), ((LACKS, NICE), 1)])
def test_the_command_tells_and_ends_by_it(
    checks: tuple[Check, ...], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", checks)
    ended, text = invoke("doctor")
    assert ended == status
    assert "a hat buy one" in text
    assert ("wings grow some" in text) == (status == 1)
    ended, text = invoke("doctor", "--json")
    assert ended == status
    found = json.loads(text[text.index("{") :])
    assert found["can_film"] == (status == 0)
    assert [finding["name"] for finding in found["findings"]] == ["wings", "a hat"]


@pytest.mark.parametrize(
    "check",
    [check for check in doctor.CHECKS if "rendering" not in check.name],
    ids=lambda check: check.name,
)
def test_every_check_looks_at_this_machine(check: Check) -> None:
    finding = doctor._examine(check)
    assert finding.found
    assert finding.there or len(finding.remedy) > 10
    assert "Error" not in finding.found or not finding.there
    # What the tests themselves need is here.
    assert finding.there or not check.needed


@pytest.mark.slow
def test_rendering_is_really_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    check = next(check for check in doctor.CHECKS if "rendering" in check.name)
    finding = doctor._examine(check)
    assert finding.there, finding.found
    assert "ms a picture" in finding.found
    monkeypatch.setenv("MUJOCO_GL", "nonsense")
    finding = doctor._examine(check)
    assert not finding.there
    assert "libegl1" in finding.remedy


def test_no_build_of_px4_is_told_with_what_to_do(
    tmp_path: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PX4_BUILD", str(tmp_path))
    finding = doctor._examine(next(c for c in doctor.CHECKS if c.name.startswith("PX4 with")))
    assert not finding.there
    assert "no build of PX4" in finding.found
    assert "PX4_BUILD" in finding.remedy


def test_progress_is_told() -> None:
    told: list[Progress] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "CHECKS", (THERE, NICE))
        doctor.doctor(progress=told.append)
    assert [(p.done, p.total, p.what) for p in told] == [
        (0, 2, "wings"), (1, 2, "a hat"), (2, 2, "done"),
    ]  # fmt: skip
