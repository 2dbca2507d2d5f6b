"""``import cinempc`` as its user writes it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cinempc


def test_the_functions_are_those_of_the_application_layer() -> None:
    from cinempc.app.check import check
    from cinempc.app.film.film import film

    assert cinempc.film is film
    assert cinempc.check is check
    assert set(cinempc._PLACES) <= set(dir(cinempc))  # type: ignore[attr-defined]


def test_a_wrong_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="flim"):
        cinempc.flim  # type: ignore[attr-defined]  # noqa: B018


def test_it_is_light() -> None:
    """Parts of the package, such as the rig, import it: they must not get a solver with it."""
    code = "import sys, cinempc; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "casadi", "mujoco", "pydantic"} & set(done.stdout.split())


def test_the_types_are_told_of_all_that_there_is() -> None:
    stub = Path(cinempc.__file__).with_name("__init__.pyi")
    typed = {
        alias.asname: node.module
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == cinempc._PLACES  # type: ignore[attr-defined]


def test_a_script_is_checked() -> None:
    result = cinempc.check("dolly_zoom")
    assert [shot.name for shot in result.shots] == ["Vertigo"]
    assert cinempc.check(result.script).shots == result.shots
