"""How PX4 is started: the command, its environment, and the UDP ports that it then has."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cinempc.errors import CinempcError
from sim.px4.find import Build, Container, Package, Px4, Simulator

#: What cinempc needs of a PX4 in simulation: PX4 as gimbal manager (MAVLink gimbal protocol v2 in
#: and out), and Hold when the stream ends (the default, Position, wants a pilot with sticks).
PARAMETERS: Mapping[str, float] = {"MNT_MODE_IN": 4, "MNT_MODE_OUT": 2, "COM_OBL_RC_ACT": 5}


@dataclass(frozen=True)
class Airframe:
    """A simulated vehicle of PX4: ``PX4_SIM_MODEL`` and ``PX4_SYS_AUTOSTART``."""

    model: str
    autostart: int
    simulator: Simulator


SIH_QUADROTOR = Airframe("sihsim_quadx", 10040, Simulator.SIH)
GAZEBO_X500_GIMBAL = Airframe("gz_x500_gimbal", 4019, Simulator.GAZEBO)


@dataclass(frozen=True)
class Ports:
    """UDP ports on this machine of PX4's links, by its ``px4-rc.mavlink``: PX4 sends from ``...``
    ``_local`` to the other one."""

    gcs: int
    gcs_local: int
    onboard: int
    onboard_local: int
    camera: int
    camera_local: int
    gimbal: int
    gimbal_local: int


def ports(instance: int = 0) -> Ports:
    """PX4's ports as instance ``-i``.

    From instance 10 on, PX4's onboard links all lead to port 14549.
    """
    return Ports(
        gcs=14550,
        gcs_local=18570 + instance,
        onboard=14540 + min(instance, 9),
        onboard_local=14580 + instance,
        camera=14030 + instance,
        camera_local=14280 + instance,
        gimbal=13280 + instance,
        gimbal_local=13030 + instance,
    )


@dataclass(frozen=True)
class Command:
    """Something to run.

    Attributes:
        words: program and arguments.
        environment: variables to set, beside those that there are.
        clean_up: commands that end what a kill of the process leaves behind.
    """

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    clean_up: tuple[tuple[str, ...], ...] = ()


def command(
    px4: Px4,
    airframe: Airframe = SIH_QUADROTOR,
    *,
    instance: int = 0,
    speed: float = 1.0,
    parameters: Mapping[str, float] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Command:
    """The command that starts PX4, to be run in an empty folder: it writes parameters and flight
    logs where it runs (a container keeps them to itself).

    Args:
        px4: which one.
        airframe: the vehicle, with its simulator.
        instance: shifts ports and system id.
        speed: simulated seconds a second.
        parameters: of PX4, beside and before `PARAMETERS`.
        environment: more variables, such as ``PX4_GZ_WORLD``.

    Raises:
        CinempcError: an instance or speed that PX4 does not take.
    """
    if not 0 <= instance <= 9:
        raise CinempcError(
            f"PX4 instance {instance}: its onboard links are told apart by their ports from 0 to 9"
        )
    if not 0.05 <= speed <= 40:
        raise CinempcError(f"PX4 cannot run at a speed of {speed:g}: give 0.05 to 40")
    # PX4's start script scales its time-outs with the speed, so that a faster simulation is not
    # cut off by a client in real time. In a slower one they would become shorter in the vehicle's
    # time, in which cinempc lives.
    values = {**PARAMETERS, "COM_OF_LOSS_T": max(1.0, speed), **(parameters or {})}
    variables = {
        "PX4_SIM_MODEL": airframe.model,
        "PX4_SYS_AUTOSTART": str(airframe.autostart),
        # With Gazebo PX4 sets the world's physics where a speed is given: not without need.
        **({} if speed == 1.0 else {"PX4_SIM_SPEED_FACTOR": _number(speed)}),
        **{f"PX4_PARAM_{name}": _number(value) for name, value in values.items()},
        **(environment or {}),
    }
    match px4:
        case Container():
            name = f"cinempc-px4-{instance}-{secrets.token_hex(4)}"
            return in_container(px4, ("-i", str(instance), "-d"), variables, name=name)
        case Build() | Package():
            words = (
                *(str(px4.program), "-i", str(instance), "-d"),
                *(str(px4.etc), "-s", "etc/init.d-posix/rcS"),
            )
            return Command(words, variables)


def in_container(
    px4: Container,
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    name: str,
    program: str | None = None,
    folder: Path | None = None,
) -> Command:
    """The command that runs something in a container of PX4's image, on this machine's network.

    Args:
        px4: the image.
        words: arguments.
        environment: variables to set inside.
        name: the container's, which no other has.
        program: what is run; the image's own, PX4, if None.
        folder: that is seen inside too, under the same path.
    """
    engine = str(px4.engine)
    # PX4 and Gazebo talk to the loopback interface only: it must be this machine's.
    command = [engine, "run", "--rm", "--name", name, "--network", "host"]
    if folder is not None:
        command += ["--volume", f"{folder.absolute()}:{folder.absolute()}"]
    if program is not None:
        command += ["--entrypoint", program]
    for key, value in environment.items():
        command += ["--env", f"{key}={value}"]
    # The container is no child of the engine's client: killing that leaves it running.
    return Command((*command, px4.image, *words), {}, ((engine, "rm", "--force", name),))


def _number(value: float) -> str:
    """As PX4's ``param set`` takes it: whole numbers without a point, for its integers."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def airframe(model: str, autostart: int) -> Airframe:
    """An airframe by what PX4 calls its model (``sihsim_...`` or ``gz_...``).

    Raises:
        CinempcError: of another simulator.
    """
    for prefix, simulator in (("sihsim_", Simulator.SIH), ("gz_", Simulator.GAZEBO)):
        if model.startswith(prefix):
            return Airframe(model, autostart, simulator)
    raise CinempcError(f"PX4 model {model!r}: give one of SIH (sihsim_...) or of Gazebo (gz_...)")
