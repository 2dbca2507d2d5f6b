"""Options: typed, with ranges, from an object or from keywords."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from cinempc.app.options.options import Options, choose
from cinempc.app.options.takes import FilmOptions
from cinempc.app.perception import PerceptionKind
from cinempc.cli.main import app
from cinempc.errors import CinempcError


def kinds(kind: type[Options]) -> Iterator[type[Options]]:
    """All options that there are: the command line has imported them."""
    for below in kind.__subclasses__():
        yield below
        yield from kinds(below)


KINDS = list(kinds(Options))


def test_keywords_an_object_or_both() -> None:
    assert choose(FilmOptions, None, {"seed": 3}) == FilmOptions(seed=3)
    assert choose(FilmOptions, FilmOptions(seed=3), {}).seed == 3
    both = choose(FilmOptions, FilmOptions(seed=3, standby=2.0), {"seed": 4})
    assert (both.seed, both.standby) == (4, 2.0)


def test_what_is_written_as_text_is_understood() -> None:
    options = FilmOptions(perception="truth", folder="takes/one")  # type: ignore[arg-type]
    assert options.perception is PerceptionKind.truth
    assert options.folder == Path("takes/one")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"sed": 3}, "did you mean 'seed'"),
        ({"seed": -1}, "'seed'"),
        ({"standby": 0.1}, "greater than or equal to 0.5, not 0.1"),
        ({"perception": "magic"}, "'yolo', 'simulated' or 'truth'"),
        ({"pictures": False, "perception": "yolo"}, "nothing for a detector to look at"),
        ({"pictures": False, "monitor": True}, "drawn into the pictures"),
    ],
)
def test_a_wrong_option_says_what_would_be_right(values: dict[str, object], words: str) -> None:
    with pytest.raises(CinempcError, match=words):
        FilmOptions(**values)  # type: ignore[arg-type]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(CinempcError) as caught:
        FilmOptions(sed=3, standby=0.1)  # type: ignore[call-arg]
    assert "sed" in str(caught.value)
    assert "standby" in str(caught.value)


def test_options_stay_as_they_are() -> None:
    with pytest.raises(ValueError, match="frozen"):
        FilmOptions().seed = 3  # type: ignore[misc]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_is_described_and_has_a_sound_default(kind: type[Options]) -> None:
    kind()
    for name, field in kind.model_fields.items():
        assert field.description, name


def test_there_are_some() -> None:
    assert len(KINDS) > 12


def test_a_film_without_pictures_is_simulated_unless_told_otherwise() -> None:
    assert FilmOptions().kind is PerceptionKind.yolo
    assert FilmOptions(pictures=False).kind is PerceptionKind.simulated
    assert FilmOptions(pictures=False, perception=PerceptionKind.truth).kind is PerceptionKind.truth


def test_the_command_has_the_same_options() -> None:
    film = get_command(app).commands["film"]  # type: ignore[attr-defined]
    asked = {parameter.name for parameter in film.params} - {"script"}
    assert asked == set(FilmOptions.model_fields)
    for parameter in film.params:
        if parameter.name in FilmOptions.model_fields:
            assert parameter.default == FilmOptions.model_fields[parameter.name].default
