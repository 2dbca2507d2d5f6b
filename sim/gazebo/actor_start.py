"""Lets the people of a world begin: ``python -m sim.gazebo.actor_start WORLD FOLDER``.

Until the action the people are figures that stand where their ways begin. Then Gazebo is asked to
put its actors in their places, timed from that moment, and to take the figures away. It is done
in a process of its own, because a service cannot be asked by one that hears messages (see
`sim.gazebo.transport`). It reads lines from its standard input:

    begin SECONDS    the simulated time at which the action begins

and answers each with a line: "ok", or "failed: " and what Gazebo refused. It ends with its input.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

from cinempc.errors import CinempcError
from sim.gazebo import messages, sdf
from sim.gazebo.transport import GazeboTransport, Transport

#: Where `sim.gazebo.launch` writes the actors that wait, beside the world.
ACTORS = "actors"
#: Patience with Gazebo, s: it may be loading.
_PATIENCE = 5.0


def begin(transport: Transport, world: str, folder: Path, time: float) -> list[str]:
    """Let the people begin.

    Args:
        world: its name.
        folder: of the actors' files.
        time: simulated time at which the action begins, s.

    Returns:
        What Gazebo refused, in words; nothing if all went well.
    """
    files = sorted(folder.glob("*.sdf"))
    factories = [messages.make("EntityFactory", sdf=_starting(file, time)) for file in files]
    if not files:
        return []
    refused = []
    asked = messages.make("EntityFactory_V", data=factories).SerializeToString()
    service = f"/world/{world}/create_multiple"
    if not transport.request(service, "EntityFactory_V", asked, _PATIENCE):
        return ["the actors"]  # and the figures stay: better than nobody
    for file in files:
        model = sdf.waiting(file.stem)
        entity = messages.make("Entity", name=model, type=messages.MODEL)
        service = f"/world/{world}/remove"
        if not transport.request(service, "Entity", entity.SerializeToString(), _PATIENCE):
            refused.append(f"to remove {model}")
    return refused


def _starting(file: Path, action: float) -> str:
    """An actor's SDF, its clock set: the file's ``delay_start`` counts from the action on."""
    root = ElementTree.parse(file).getroot()
    delay = root.find("actor/script/delay_start")
    if delay is None or delay.text is None:
        raise CinempcError(f"{file} holds no actor: let the world be written anew")
    delay.text = sdf.milliseconds(action + float(delay.text))
    return ElementTree.tostring(root, encoding="unicode")


def answer(
    lines: Iterable[str], say: Callable[[str], None], let_begin: Callable[[float], list[str]]
) -> None:
    """Answer lines until there are no more."""
    for line in lines:
        word, _, value = line.strip().partition(" ")
        try:
            if word != "begin":
                raise ValueError(f"unknown order {word!r}")
            refused = let_begin(float(value))
        except (ValueError, CinempcError) as error:
            refused = [str(error)]
        say("ok" if not refused else "failed: " + ", ".join(refused))


class ActorStarter:
    """The other side: the process, and its answers.

    Args:
        world: the world's name.
        folder: of the world's files.
        report: called with what failed, in another thread.
    """

    def __init__(self, world: str, folder: Path, report: Callable[[str], None]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sim.gazebo.actor_start", world, str(folder / ACTORS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the bridge, which ends it
        )
        self._report = report
        assert self._process.stdout is not None
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True).start()

    def begin(self, time: float) -> None:
        """Let the people begin at a simulated time, s; what fails is reported later."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"begin {time:.3f}\n")
            self._process.stdin.flush()
        except OSError:
            self._report("the people cannot begin: the process that starts them has ended")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(_PATIENCE)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()

    def _listen(self, answers: IO[str]) -> None:
        for line in answers:
            if line.startswith("failed: "):
                self._report(f"Gazebo refused {line.strip().removeprefix('failed: ')}")


def main() -> None:
    """Answer standard input."""
    world, folder = sys.argv[1], Path(sys.argv[2])
    transport = GazeboTransport()
    answer(
        sys.stdin,
        lambda line: print(line, flush=True),
        lambda time: begin(transport, world, folder, time),
    )


if __name__ == "__main__":
    main()
