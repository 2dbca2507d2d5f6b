"""Whole set-ups with one call: the autopilot, the simulator, the camera and `cinempc fly`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cinempc.app.launch.parts import compose
from cinempc.app.launch.values import Values
from cinempc.app.options.options import choose
from cinempc.app.options.simulation import LaunchOptions
from cinempc.app.script import load_script, take_folder
from cinempc.errors import CinempcError
from cinempc.launch import setup
from cinempc.launch.supervisor import Part, Status, Supervisor, tail
from sim.scenery.quality import Quality

#: Lines of the main part's output that are given when it has ended.
_LINES = 30
#: Status of a shell for a program that Ctrl-C ended.
_INTERRUPTED = 130


@dataclass(frozen=True)
class Prepared:
    """A set-up that can be run.

    Attributes:
        name: of the set-up.
        parts: its processes, in order.
        folder: of its files.
        fly: the command that flies in it, where it does not itself; None where it does, or has
            none.
    """

    name: str
    parts: tuple[Part, ...]
    folder: Path
    fly: str | None = None

    @property
    def logs(self) -> Path:
        """Where the output of every part goes."""
        return self.folder / "logs"

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that it runs, with their variables, as in a shell."""
        return tuple(
            shlex.join(
                [*(f"{key}={value}" for key, value in part.environment.items()), *part.words]
            )
            for part in self.parts
        )


@dataclass(frozen=True)
class LaunchResult:
    """How a set-up ended: its exit status, and the last lines of its main part's output."""

    status: int
    lines: tuple[str, ...]


def prepare(
    name: str, script: str, options: LaunchOptions | None = None, **changes: Any
) -> Prepared:
    """Work out the processes of a set-up; nothing is started.

    Args:
        name: embedded, px4-sih, px4-gazebo, or a file (docs/launch.md).
        script: a file, or the name of a shipped one.
        options: `LaunchOptions`.
        **changes: single options by their names in `LaunchOptions`.

    Raises:
        CinempcError: the set-up, the script or an option is wrong, or something that it needs is
            missing.
    """
    options = choose(LaunchOptions, options, changes)
    chosen = setup.load(name)
    if any("{script}" in (part.command or "") for part in chosen.parts):
        load_script(script)  # its mistakes are told before anything is started
    folder = options.folder or take_folder(Path(script).stem)
    pictures = []
    if options.size is not None:
        pictures += ["--size", "{}x{}".format(*options.size)]
    if options.frame_rate is not None:
        pictures += ["--frame-rate", f"{options.frame_rate:g}"]
    if options.quality is not Quality.STANDARD:
        pictures += ["--quality", options.quality.value]
    if pictures and not any(setup.PICTURES in (part.command or "") for part in chosen.parts):
        raise CinempcError(
            f"{chosen.name} takes the pictures as the camera's file says: without --size, "
            "--frame-rate and --quality"
        )
    values = Values(
        script, folder, options.speed, options.instance, options.seed, shlex.join(pictures)
    )
    running = [
        part
        for part in chosen.parts
        if (options.fly or not part.main) and (options.gui or not part.gui)
    ]
    if options.more and not any(part.main for part in running):
        raise CinempcError(
            f"{shlex.join(options.more)}: there is no `cinempc fly` to take these options"
        )
    parts = tuple(compose(running, values, list(options.more)))
    main = next((part.command for part in chosen.parts if part.main), None)
    fly = None
    if not options.fly and main is not None:
        # Without the folder: who flies by hand may fly many takes.
        fly = shlex.join(setup.words(main.replace("--out {out}", ""), values))
    return Prepared(chosen.name, parts, folder, fly)


def launch(
    prepared: Prepared,
    *,
    progress: Callable[[Sequence[Status]], None] = lambda statuses: None,
) -> LaunchResult:
    """Bring a set-up up, wait until its main part has ended, and take all of it down again.

    Args:
        prepared: by `prepare`.
        progress: told how all parts are, many times a second; must return soon.

    Raises:
        LaunchError: a part failed; all the others have been ended.
    """
    status = Supervisor(prepared.parts, progress).run()
    main = next((part for part in prepared.parts if part.main), None)
    if main is not None:
        return LaunchResult(status, tuple(tail(main.log, _LINES)))
    # It is how a set-up without a main part ends.
    return LaunchResult(0 if status == _INTERRUPTED else status, ())
