"""`cinempc launch`: whole set-ups with one command; part of the composition root."""

from __future__ import annotations

import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinempc.console import err, out
from cinempc.errors import CinempcError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cinempc.launch import setup
    from cinempc.launch.ready import Condition
    from cinempc.launch.supervisor import Part
    from cinempc.script.script import Script
    from sim.gazebo import launch as gazebo
    from sim.px4.find import Px4, Simulator
    from sim.px4.start import Command
    from sim.scene import Scene

LAUNCH_EXAMPLE = "Example: cinempc launch embedded dolly_zoom --speed 0.5 -- --monitor"

#: Lines of the main part's output that are shown when it has ended.
_LINES = 30
#: Status of a shell for a program that Ctrl-C ended.
_INTERRUPTED = 130


def launch(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SETUP", help="embedded, px4-sih, px4-gazebo, or a file (docs/launch.md)."
        ),
    ],
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT", help="A script file, or the name of a shipped one.")
    ],
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- OPTION", help="More options of `cinempc fly`, after --."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where the take and all logs go. [takes/NAME-TIME]"),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.05, max=20, help="Simulated seconds a second.")
    ] = 1.0,
    instance: Annotated[
        int, typer.Option(min=0, max=50, help="Shifts all ports and the system id, as PX4's -i.")
    ] = 0,
    fly: Annotated[
        bool,
        typer.Option(
            "--fly/--no-fly", help="Without: everything but `cinempc fly`, for other clients."
        ),
    ] = True,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Of the pictures, px, if not the camera's: fewer are faster."
        ),
    ] = None,
    frame_rate: Annotated[
        float | None,
        typer.Option(min=1, max=120, help="Pictures a simulated second, if not the camera's."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of wind, noise and textures.")] = 0,
    gui: Annotated[bool, typer.Option("--gui", help="With the simulator's window.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the commands instead of running them.")
    ] = False,
) -> int:
    """Bring a whole set-up up, fly a script in it, and take all of it down again.

    The autopilot, the simulator, the camera and `cinempc fly` start in order, each when the one
    before is ready. Ctrl-C ends all of them. Every part's output is in OUT/logs.
    """
    from cinempc.launch import setup
    from cinempc.launch.supervisor import Supervisor, tail
    from cinempc.launch.table import Board

    chosen = setup.load(name)
    if folder is None:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = Path("takes") / f"{Path(script).stem}-{stamp}"
    pictures = []
    if size is not None:
        pictures += ["--size", size]
    if frame_rate is not None:
        pictures += ["--frame-rate", f"{frame_rate:g}"]
    if pictures and not any(setup.PICTURES in (part.command or "") for part in chosen.parts):
        raise CinempcError(
            f"{chosen.name} takes the pictures as the camera's file says: without --size and "
            "--frame-rate"
        )
    values = Values(script, folder, speed, instance, seed, shlex.join(pictures))
    wanted = [part for part in chosen.parts if (fly or not part.main) and (gui or not part.gui)]
    if options and not any(part.main for part in wanted):
        raise CinempcError(
            f"{shlex.join(options)}: there is no `cinempc fly` to take these options"
        )
    parts = compose(wanted, values, options or [])
    if dry_run:
        for part in parts:
            variables = [f"{key}={value}" for key, value in part.environment.items()]
            out.print(shlex.join([*variables, *part.words]), soft_wrap=True, highlight=False)
        return 0
    with Board(err, f"{chosen.name}: logs in {folder / 'logs'}") as board:
        status = Supervisor(parts, board.show).run()
    main = next((part for part in parts if part.main), None)
    if main is not None:
        for line in tail(main.log, _LINES):
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    elif status == _INTERRUPTED:
        return 0  # it is how a set-up without a main part ends
    return status


class Values(Mapping[str, str]):
    """What a set-up's file can have filled in, found out when it is asked for."""

    _NAMES = (
        "script", "out", "speed", "instance", "seed", "pictures", "onboard", "video", "mark",
        "world",
    )  # fmt: skip

    def __init__(
        self,
        script: str,
        folder: Path,
        speed: float = 1.0,
        instance: int = 0,
        seed: int = 0,
        pictures: str = "",
    ) -> None:
        self.script, self.folder, self.speed, self.instance = script, folder, speed, instance
        self.seed, self.pictures = seed, pictures
        self.onboard = 14540 + instance
        self.with_gazebo = False
        self._px4: dict[Simulator, Px4] = {}

    def __getitem__(self, key: str) -> str:
        match key:
            case "script":
                return self.script
            case "out":
                return str(self.folder)
            case "speed":
                return f"{self.speed:g}"
            case "instance":
                return str(self.instance)
            case "seed":
                return str(self.seed)
            case "pictures":
                return self.pictures
            case "onboard":
                return str(self.onboard)
            case "video":
                from sim.mavlink.video import VIDEO_PORT

                return str(VIDEO_PORT + self.instance)
            case "mark":
                x, y, _ = self.mark[0]
                return f"{x:.2f},{y:.2f}"
            case "world":
                return str(self.folder / "gazebo")
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._NAMES)

    def __len__(self) -> int:
        return len(self._NAMES)

    @cached_property
    def loaded(self) -> Script:
        """The script."""
        from cinempc.cli import load_script

        return load_script(self.script)

    @cached_property
    def scene(self) -> Scene:
        """Its scene.

        Raises:
            CinempcError: it has none.
        """
        from sim import scene as scenes

        if self.loaded.scene_path is None:
            raise CinempcError(
                f"{self.loaded.path}: a simulation needs a scene: add 'scene: plaza'"
            )
        return scenes.load(str(self.loaded.scene_path))

    @cached_property
    def mark(self) -> tuple[NDArray[np.float64], float]:
        """Where the vehicle stands at the start, ENU m in the scene, and its heading, rad."""
        from cinempc.cli_flight import mark

        return mark(self.loaded, self.scene)

    def px4(self, simulator: Simulator) -> Px4:
        """The PX4 that flies in a simulator."""
        from sim.px4 import find

        if simulator not in self._px4:
            self._px4[simulator] = find.find(simulator)
        return self._px4[simulator]

    @cached_property
    def gazebo_container(self) -> str:
        """Name of Gazebo's container, where it runs in one."""
        return f"cinempc-gazebo-{self.instance}-{secrets.token_hex(4)}"

    @cached_property
    def gazebo(self) -> gazebo.Setup:
        """Gazebo with the script's scene; its files are written when this is asked for."""
        from sim.gazebo import launch
        from sim.px4.find import Container, Simulator

        (x, y, _), heading = self.mark
        px4 = self.px4(Simulator.GAZEBO)
        files = None if isinstance(px4, Container) else launch.Px4Files.of(px4.folder)
        return launch.prepare(
            Path(self["world"]),
            self.scene,
            self.loaded.camera,
            px4=files,
            place=(float(x), float(y)),
            heading=heading,
            instance=self.instance,
            speed=self.speed,
            seed=self.seed,
        )


def compose(parts: list[setup.Part], values: Values, options: list[str]) -> list[Part]:
    """The processes of a set-up's parts.

    Args:
        parts: of the file, those that shall run.
        values: to fill in.
        options: more words for the main part's command.

    Raises:
        CinempcError: something that they need is missing; all that is missing is said.
    """
    from cinempc.launch.supervisor import Part

    missing = [sentence for part in parts for sentence in _missing(part, values)]
    if missing:
        raise CinempcError("\n".join(dict.fromkeys(missing)))
    values.with_gazebo = any(part.gazebo for part in parts)
    commands = {part.name: _command(part, values) for part in parts}
    return [
        Part(
            name=part.name,
            words=[*commands[part.name].words, *(options if part.main else [])],
            log=_log(part, values),
            ready=_condition(part, values),
            within=part.ready.within,
            grace=part.grace,
            main=part.main,
            environment=commands[part.name].environment,
            folder=None if part.px4 is None else values.folder / part.name,
            clean_up=commands[part.name].clean_up,
        )
        for part in parts
    ]


def _missing(part: setup.Part, values: Values) -> list[str]:
    """What a part needs and this machine lacks, and how to get it."""
    from sim.gazebo import launch as gazebo
    from sim.gazebo import transport
    from sim.px4 import find, start

    found = [
        f"{program} was not found. {how.strip()}"
        for program, how in part.needs.items()
        if shutil.which(program) is None
    ]
    try:
        if part.px4 is not None:
            values.px4(start.airframe(part.px4.model, part.px4.autostart).simulator)
        if part.gazebo is not None:
            px4 = values.px4(find.Simulator.GAZEBO)
            if part.gazebo == "window" or not isinstance(px4, find.Container):
                gazebo.find_gazebo()
        if part.command is not None and part.command.startswith("cinempc sim gazebo"):
            transport.bindings()
    except CinempcError as error:
        found.append(str(error))
    return found


def _log(part: setup.Part, values: Values) -> Path:
    return values.folder / "logs" / f"{part.name}.log"


def _command(part: setup.Part, values: Values) -> Command:
    if part.px4 is not None:
        return _px4(part, part.px4, values)
    if part.gazebo is not None:
        return _gazebo(part, values)
    from cinempc.launch import setup
    from sim.px4.start import Command

    assert part.command is not None
    words = setup.words(part.command, values)
    if words[0] == "cinempc":  # this installation's, whatever is in the path
        words = [sys.executable, "-m", "cinempc.cli", *words[1:]]
    return Command(tuple(words), _environment(part, values))


def _environment(part: setup.Part, values: Values) -> dict[str, str]:
    """A part's variables, with those by which it finds Gazebo if there is one."""
    from cinempc.launch import setup

    found = dict(values.gazebo.environment) if values.with_gazebo else {}
    return found | {key: setup.fill(text, values) for key, text in part.environment.items()}


def _px4(part: setup.Part, config: setup.Px4, values: Values) -> Command:
    from cinempc.launch import setup
    from sim.px4 import find, start

    airframe = start.airframe(config.model, config.autostart)
    environment = {key: setup.fill(text, values) for key, text in part.environment.items()}
    if values.with_gazebo and airframe.simulator is find.Simulator.GAZEBO:
        environment = {**values.gazebo.px4_environment, **environment}
    return start.command(
        values.px4(airframe.simulator),
        airframe,
        instance=values.instance,
        speed=values.speed,
        parameters=config.parameters,
        environment=environment,
    )


def _gazebo(part: setup.Part, values: Values) -> Command:
    """Gazebo's server or window: PX4's container has one, elsewhere it is this machine's."""
    from sim.px4 import start
    from sim.px4.find import Container, Simulator

    environment = _environment(part, values)
    words = values.gazebo.gazebo if part.gazebo == "server" else values.gazebo.gui
    px4 = values.px4(Simulator.GAZEBO)
    if isinstance(px4, Container) and part.gazebo == "server":
        return start.in_container(
            px4,
            words[1:],
            environment,
            name=values.gazebo_container,
            program=words[0],
            folder=values.gazebo.folder,
        )
    return start.Command(tuple(words), environment)


def _condition(part: setup.Part, values: Values) -> Condition:
    from cinempc.launch import ready, setup
    from sim.px4.find import Container, Simulator

    when = part.ready
    found: list[Condition] = []
    if when.heartbeat is not None:
        found.append(ready.Heartbeat(values.onboard, when.heartbeat, 1 + values.instance))
    if when.line is not None:
        found.append(ready.Line(when.line, _log(part, values)))
    if when.packet is not None:
        found.append(ready.Packet(_port(when.packet, values)))
    if when.port is not None:
        found.append(ready.Connection(_port(when.port, values)))
    if when.answer is not None:
        words = setup.words(when.answer.command, values)
        found.append(ready.Answer(words, when.answer.says, _environment(part, values)))
    if part.gazebo == "server":
        from sim.gazebo import launch as gazebo

        words = list(values.gazebo.ready)
        px4 = values.px4(Simulator.GAZEBO)
        if isinstance(px4, Container):
            words = [str(px4.engine), "exec", values.gazebo_container, *words]
        found.append(ready.Answer(words, gazebo.READY, values.gazebo.environment))
    if not found:
        return ready.Runs()
    return found[0] if len(found) == 1 else ready.All(found)


def _port(template: str, values: Values) -> int:
    from cinempc.launch import setup

    text = setup.fill(template, values)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CinempcError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)
