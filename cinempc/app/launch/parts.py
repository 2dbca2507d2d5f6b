"""The processes of a set-up, from the parts in its file."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from cinempc.app.launch.values import Values
from cinempc.errors import CinempcError
from cinempc.launch import ready, setup
from cinempc.launch.ready import Condition
from cinempc.launch.supervisor import Part
from sim.gazebo import launch as gazebo
from sim.gazebo import transport
from sim.px4 import start
from sim.px4.find import Container, Simulator
from sim.px4.start import Command


def compose(parts: list[setup.PartConfig], values: Values, options: list[str]) -> list[Part]:
    """The processes of a set-up's parts.

    Args:
        parts: of the file, those that shall run.
        values: to fill in.
        options: more words for the main part's command.

    Raises:
        CinempcError: something that they need is missing; all that is missing is said.
    """
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


def _missing(part: setup.PartConfig, values: Values) -> list[str]:
    """What a part needs and this machine lacks, and how to get it."""
    lacks = [
        f"{program} was not found. {how.strip()}"
        for program, how in part.needs.items()
        if shutil.which(program) is None
    ]
    try:
        if part.px4 is not None:
            values.px4(start.airframe(part.px4.model, part.px4.autostart).simulator)
        if part.gazebo is not None:
            px4 = values.px4(Simulator.GAZEBO)
            if part.gazebo == "window" or not isinstance(px4, Container):
                gazebo.find_gazebo()
        if part.command is not None and part.command.startswith("cinempc sim gazebo"):
            transport.bindings()
    except CinempcError as error:
        lacks.append(str(error))
    return lacks


def _log(part: setup.PartConfig, values: Values) -> Path:
    return values.folder / "logs" / f"{part.name}.log"


def _command(part: setup.PartConfig, values: Values) -> Command:
    if part.px4 is not None:
        return _px4(part, part.px4, values)
    if part.gazebo is not None:
        return _gazebo(part, values)
    assert part.command is not None
    words = setup.words(part.command, values)
    if words[0] == "cinempc":  # this installation's, whatever is in the path
        words = [sys.executable, "-m", "cinempc", *words[1:]]
    return Command(tuple(words), _environment(part, values))


def _environment(part: setup.PartConfig, values: Values) -> dict[str, str]:
    """A part's variables, with those by which it finds Gazebo if there is one."""
    gazebos = dict(values.gazebo.environment) if values.with_gazebo else {}
    return gazebos | {key: setup.fill(text, values) for key, text in part.environment.items()}


def _px4(part: setup.PartConfig, config: setup.Px4, values: Values) -> Command:
    airframe = start.airframe(config.model, config.autostart)
    environment = {key: setup.fill(text, values) for key, text in part.environment.items()}
    if values.with_gazebo and airframe.simulator is Simulator.GAZEBO:
        environment = {**values.gazebo.px4_environment, **environment}
    return start.command(
        values.px4(airframe.simulator),
        airframe,
        instance=values.instance,
        speed=values.speed,
        parameters=config.parameters,
        environment=environment,
    )


def _gazebo(part: setup.PartConfig, values: Values) -> Command:
    """Gazebo's server or window: PX4's container has one, elsewhere it is this machine's."""
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
    return Command(tuple(words), environment)


def _condition(part: setup.PartConfig, values: Values) -> Condition:
    when = part.ready
    conditions: list[Condition] = []
    if when.heartbeat is not None:
        conditions.append(ready.Heartbeat(values.onboard, when.heartbeat, 1 + values.instance))
    if when.line is not None:
        conditions.append(ready.Line(when.line, _log(part, values)))
    if when.packet is not None:
        conditions.append(ready.Packet(_port(when.packet, values)))
    if when.port is not None:
        conditions.append(ready.Connection(_port(when.port, values)))
    if when.answer is not None:
        words = setup.words(when.answer.command, values)
        conditions.append(ready.Answer(words, when.answer.says, _environment(part, values)))
    if part.gazebo == "server":
        words = list(values.gazebo.ready)
        px4 = values.px4(Simulator.GAZEBO)
        if isinstance(px4, Container):
            words = [str(px4.engine), "exec", values.gazebo_container, *words]
        conditions.append(ready.Answer(words, gazebo.READY, values.gazebo.environment))
    if not conditions:
        return ready.Runs()
    return conditions[0] if len(conditions) == 1 else ready.All(conditions)


def _port(template: str, values: Values) -> int:
    text = setup.fill(template, values)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CinempcError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)
