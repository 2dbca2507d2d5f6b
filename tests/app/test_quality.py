"""How finely a film is rendered reaches the world that is filmed."""

from __future__ import annotations

import pytest

from cinempc.app.film import simulated
from cinempc.app.options.takes import FilmOptions
from cinempc.app.script import load_script
from cinempc.errors import CinempcError
from sim.scenery import world
from sim.scenery.quality import Quality


@pytest.mark.parametrize("quality", Quality)
def test_a_film_is_rendered_as_asked(quality: Quality, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds: list[world.World] = []
    closed = world.World.close

    def close(self: world.World) -> None:
        worlds.append(self)
        closed(self)

    monkeypatch.setattr(world.World, "close", close)
    options = FilmOptions(quality=quality.value, perception="truth")
    with simulated.production(load_script("orbit"), options):
        pass  # nothing is rendered: it needs no OpenGL
    assert [one.quality for one in worlds] == [quality]


def test_a_quality_that_there_is_not() -> None:
    with pytest.raises(CinempcError, match="standard"):
        FilmOptions(quality="best")
