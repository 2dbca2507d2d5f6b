"""Moves are files of one folder, found by their kind, and nobody else tells them apart."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import TypeAdapter, ValidationError

from cinempc import configs
from cinempc.script import moves
from cinempc.script.moves.move import Move
from cinempc.script.moves.registry import MOVES, discover, help_of, union

ROOT = Path(moves.__file__).parents[3]
PAGE = (configs.root().parent / "docs" / "scripts.md").read_text()

TILT = '''
from typing import Literal
from pydantic import Field
from cinempc.script.moves.move import Move

class Shared(Move):
    """What moves share is no move."""

class {name}(Shared):
    """The camera tilts."""

    kind: Literal["tilt"]
    by: str = Field(description="how far")
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / f"moves_of_{tmp_path.name.replace('-', '_')}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def imported(folder: Path) -> ModuleType:
    importlib.invalidate_caches()
    return importlib.import_module(folder.name)


def test_a_file_in_the_folder_is_a_move(package: Path) -> None:
    (package / "tilt.py").write_text(TILT.format(name="Tilt"))
    kinds = discover(imported(package))
    assert list(kinds) == ["tilt"]
    reader = TypeAdapter(union([*MOVES.values(), *kinds.values()]))
    move = reader.validate_python({"kind": "tilt", "by": "far"})
    assert isinstance(move, kinds["tilt"])
    assert help_of(kinds["tilt"]).row() == "| `tilt` | `by` (how far) | The camera tilts. |"
    with pytest.raises(ValidationError, match=r"by\n.*required"):
        reader.validate_python({"kind": "tilt"})


def test_two_moves_of_one_kind_are_refused(package: Path) -> None:
    (package / "tilt.py").write_text(TILT.format(name="Tilt"))
    (package / "tilt_again.py").write_text(TILT.format(name="Again"))
    with pytest.raises(ValueError, match=r"tilt_again: there is a move of the kind 'tilt'"):
        discover(imported(package))


def test_the_registry_has_the_moves_and_only_these() -> None:
    assert {"hold", "follow", "orbit", "push-in", "pull-out", "dolly-zoom", "rack-focus"} <= {
        *MOVES
    }
    for kind, move in MOVES.items():
        file = kind.replace("-", "_")
        assert move.__module__ == f"cinempc.script.moves.{file}"


@pytest.mark.parametrize("kind", MOVES)
def test_a_move_says_what_it_does_and_what_its_fields_are(kind: str) -> None:
    move_help = help_of(MOVES[kind])
    assert MOVES[kind].__doc__ != Move.__doc__
    assert re.fullmatch(r"[A-Z].*\.", move_help.text)
    for name, what in move_help.fields.items():
        assert what, f"{kind}.{name} has no description"
    assert "\n" not in move_help.row()


def test_the_pages_table_says_of_each_move_what_its_file_says() -> None:
    start = PAGE.index("### Moves")
    section = PAGE[start : PAGE.index("\n### ", start + 1)]
    rows = {kind: row for row, kind in re.findall(r"^(\| `([\w-]+)` \| .*\|)$", section, re.M)}
    del rows["kind"]  # the heading
    assert {*rows} == {*MOVES}
    for kind, row in rows.items():
        assert row == help_of(MOVES[kind]).row(), "copy the second into docs/scripts.md"


def test_check_lists_the_moves() -> None:
    command = [sys.executable, "-m", "cinempc", "check", "--moves"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    words = " ".join(done.stdout.split())
    for move in MOVES.values():
        move_help = help_of(move)
        for word in (move_help.kind, *move_help.fields, move_help.text.split()[-1]):
            assert word in words


def test_no_module_outside_the_folder_knows_a_move() -> None:
    """Whoever needs to know what moves asks the move."""
    files = {move.__module__ for move in MOVES.values()}
    for path in [*ROOT.glob("cinempc/**/*.py"), *ROOT.glob("perception/**/*.py")]:
        if path.parent == Path(moves.__file__).parent:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            assert not {*names} & files, f"{path} imports a move"
