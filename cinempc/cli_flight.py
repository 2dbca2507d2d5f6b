"""Commands that fly, and the simulated vehicle that they can fly: part of the composition root."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cinempc.console import err, out, progress_bar
from cinempc.errors import CinempcError

if TYPE_CHECKING:
    import numpy as np

    from cinempc.camera import Camera
    from cinempc.flight.config import Flight
    from cinempc.flight.identify import Identified
    from cinempc.flight.rig import FlightRig
    from cinempc.mpc.plan import Plan
    from cinempc.rig import RigState
    from cinempc.script.script import Script
    from cinempc.vehicle import Vehicle
    from sim.mavlink.camera import Stream
    from sim.mavlink.vehicle import Shutter
    from sim.scene import Scene, Wind

simulated = typer.Typer(no_args_is_help=True, help="The simulated vehicle, for MAVLink clients.")

IDENTIFY_EXAMPLE = "Example: cinempc identify --vehicle x500_cinema --write my_x500.yaml"
VEHICLE_EXAMPLE = "Example: cinempc sim vehicle --script dolly_zoom --speed 0.5"
PAYLOAD_EXAMPLE = "Example: cinempc sim payload --script dolly_zoom --origin 10,0"

ConnectionOption = Annotated[
    str | None,
    typer.Option(help="In place of the one in --flight, such as udpin:0.0.0.0:14540."),
]
FlightOption = Annotated[
    str, typer.Option("--flight", help="How the vehicle is reached: configs/flight/, or a file.")
]


def tell(level: str, sentence: str) -> None:
    """A line of the flight's log, on stderr."""
    colour = {"warning": "yellow", "error": "bold red"}.get(level, "dim")
    err.print(f"[{colour}]{escape(sentence)}[/]", highlight=False)


def flight_config(name: str, connection: str | None) -> Flight:
    """The connection's config, with another address if one is given."""
    from cinempc.flight import config

    found = config.load(name)
    return found if connection is None else found.model_copy(update={"connection": connection})


# --- identify ----------------------------------------------------------------------------------


def identify(
    vehicle: Annotated[
        str, typer.Option(help="The vehicle's file: its limits bound the manoeuvre.")
    ] = "x500_cinema",
    write: Annotated[
        Path | None, typer.Option(help="Where the vehicle's file goes, with what was found.")
    ] = None,
    camera: Annotated[str, typer.Option(help="The camera's file.")] = "super35_zoom",
    flight: FlightOption = "sitl",
    connection: ConnectionOption = None,
    height: Annotated[float, typer.Option(min=2, max=50, help="To fly at, m.")] = 10.0,
    speed: Annotated[float, typer.Option(min=1, max=10, help="Fastest, m/s.")] = 3.0,
    in_air: Annotated[
        bool, typer.Option("--in-air", help="It hovers already: neither take off nor land.")
    ] = False,
) -> None:
    """Fly a short manoeuvre, find how the vehicle answers, and write it into its file.

    It takes off, flies a figure of eight within 5 m for half a minute, then a circle with what was
    found to show how well it is followed, and lands. Keep 15 m around it clear.
    """
    from cinempc import camera as cameras
    from cinempc import configs, safety
    from cinempc import vehicle as vehicles
    from cinempc.flight import identify as fits
    from cinempc.flight.rig import FlightRig

    path = configs.find("vehicles", vehicle)
    model = vehicles.load(vehicle)
    lens, limits = cameras.load(camera), safety.load("default")
    config = flight_config(flight, connection)
    with FlightRig(config, model, lens, limits, on_event=tell) as rig:
        gains = fits.Gains(**{key: rig.parameter(name) for key, name in fits.GAINS.items()})
        if not in_air:
            rig.take_off(height)
        rig.fly()
        _pause(rig, 3.0)
        plan = fits.manoeuvre(rig.state(), model.limits, rig.now() + 0.5, speed)
        states = _fly(rig, plan, "manoeuvre")
        found = fits.fit(fits.record(plan, states, model.response), gains)
        rig.hold()
    better = model.model_copy(update={"response": found.response})
    # A stream of its own: the pilot has the vehicle's model from its start.
    with FlightRig(config, better, lens, limits, on_event=tell) as rig:
        rig.fly()
        _pause(rig, 3.0)
        plan = fits.circle(rig.state(), model.limits, rig.now() + 0.5, speed=speed)
        states = _fly(rig, plan, "circle")
        error = fits.record(plan, states, found.response).error
        jitter = rig.report.jitter
        rig.hold() if in_air else rig.land()
    _show_identified(model.response.model_dump(), found, error)
    if jitter is not None:
        out.print(
            f"stream: {jitter.rate:.1f} a second, off by {jitter.median_ms:.2f} ms in the median, "
            f"{jitter.p99_ms:.2f} ms at the 99th percentile"
        )
    if write is not None:
        write.write_text(with_response(path.read_text(encoding="utf-8"), found), encoding="utf-8")
        out.print(f"[bold]{write}[/]: the vehicle's file with this response")


def _pause(rig: FlightRig, seconds: float) -> None:
    rig.wait_until(rig.now() + seconds)


def _fly(rig: FlightRig, plan: Plan, name: str) -> list[RigState]:
    """Fly a plan to its end, and give the states on the way."""
    rig.follow(plan)
    states: list[RigState] = []
    with progress_bar() as bar:
        task = bar.add_task(name, total=plan.end - plan.start)
        while (now := rig.now()) < plan.end + 0.5:
            state = rig.state()
            if rig.report.over is not None:
                raise CinempcError(f"the flight has ended: {rig.report.over}")
            if not states or state.time > states[-1].time:
                states.append(state)
            bar.update(task, completed=now - plan.start)
            time.sleep(0.005)
    return states


def _show_identified(before: dict[str, float], found: Identified, error: float) -> None:
    table = Table(title="response")
    for heading in ("", "before", "found", "sure to"):
        table.add_column(heading, justify="right")
    units = {"drag": "1/s", "thrust_lag": "s", "latency": "s", "damping": "", "position_lag": "s"}
    sure = dict(zip(("drag", "thrust_lag", "latency"), found.deviations, strict=True))
    for name, value in found.response.model_dump().items():
        table.add_row(
            name,
            f"{before[name]:.3f} {units[name]}",
            f"{value:.3f} {units[name]}",
            f"± {sure[name]:.3f}" if name in sure else "read from the autopilot",
        )
    out.print(table)
    out.print(
        f"distance from the setpoints: {found.error_before:.3f} m rms in the manoeuvre, "
        f"{error:.3f} m rms on the circle with what was found (model to flight "
        f"{found.misfit:.3f} m)"
    )


def with_response(text: str, found: Identified) -> str:
    """A vehicle's file with another response, its comments kept."""
    import io

    from ruamel.yaml import YAML

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    data = yaml.load(text)
    response = data["response"]
    values = found.response
    response["drag"] = f"{values.drag:.3f} 1/s"
    response["thrust_lag"] = f"{values.thrust_lag:.3f} s"
    response["position_lag"] = f"{values.position_lag:.3f} s"
    response["damping"] = round(values.damping, 3)
    response["latency"] = f"{values.latency:.3f} s"
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()


# --- sim ---------------------------------------------------------------------------------------


def place(text: str) -> np.ndarray:
    """A place that a user wrote, ENU m (3,)."""
    import numpy as np

    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in (2, 3) or not all(map(math.isfinite, values)):
        raise typer.BadParameter(f"{text!r}: write it as x,y or x,y,z in metres, such as 10,-4")
    return np.array([*values, 0.0][:3])


ScriptOption = Annotated[
    str | None, typer.Option("--script", help="Its scene, camera and vehicle, and its mark.")
]
InstanceOption = Annotated[
    int, typer.Option(min=0, max=50, help="Shifts all ports and the system id, as PX4's -i.")
]
PicturesOption = Annotated[
    bool,
    typer.Option(
        "--pictures/--no-pictures", help="Whether the camera streams the scene of the script."
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option(metavar="WxH", help="Of the pictures, px, if not the camera's: fewer are faster."),
]
FrameRateOption = Annotated[
    float | None,
    typer.Option(min=1, max=120, help="Pictures a simulated second, if not the camera's."),
]
StreamOption = Annotated[
    str | None,
    typer.Option(
        "--stream-to",
        metavar="HOST:PORT",
        help="Where the pictures are sent, by RTP. [127.0.0.1:5600, the port shifted by instance]",
    ),
]


@dataclass(frozen=True)
class _Stage:
    """What is simulated: ``mark`` is where the vehicle stands, ENU m, and where its nose points,
    rad; ``says`` is said of the pictures when it begins."""

    mark: tuple[np.ndarray, float]
    vehicle: Vehicle
    camera: Camera
    wind: Wind | None = None
    shutter: Shutter | None = None
    streams: tuple[Stream, ...] = ()
    says: str = ""


@contextmanager
def _filmed(
    script: str | None,
    vehicle: str,
    camera: str,
    seed: int,
    instance: int,
    pictures: bool,
    size: str | None = None,
    frame_rate: float | None = None,
    stream_to: str | None = None,
) -> Iterator[_Stage]:
    """A script's scene, with a camera that streams it."""
    import numpy as np

    from cinempc import camera as cameras
    from cinempc import vehicle as vehicles
    from cinempc.cli import load_script

    if script is None:
        model = _pictured(cameras.load(camera), size, frame_rate)
        yield _Stage((np.zeros(3), math.pi / 2), vehicles.load(vehicle), model)
        return
    from sim import scene as scenes

    loaded = load_script(script)
    if loaded.scene_path is None:
        raise CinempcError(f"{loaded.path}: a simulation needs a scene: add 'scene: plaza'")
    scene = scenes.load(str(loaded.scene_path))
    model = _pictured(loaded.camera, size, frame_rate)
    stage = _Stage(mark(loaded, scene), loaded.vehicle, model, scene.wind)
    if not pictures:
        yield stage
        return
    from sim.mavlink import video
    from sim.world import World

    host, port = picture_address(stream_to, video.VIDEO_PORT + instance)
    with ExitStack() as ends:
        world = World(scene, seed)
        ends.callback(world.close)
        streamed = video.CameraVideo(
            world, model, seed=seed, host=host, port=port, depth_port=video.DEPTH_PORT + instance
        )
        ends.callback(streamed.close)
        yield replace(
            stage,
            shutter=streamed,
            streams=streamed.streams,
            says=f", pictures by RTP to {host}:{port}, depth at {streamed.streams[1].uri}",
        )


def mark(script: Script, scene: Scene) -> tuple[np.ndarray, float]:
    """A script's mark: on the ground under the opening picture's camera, ENU m, and the heading of
    a nose that points to its subject, rad."""
    import numpy as np

    from cinempc.script.director import Director
    from sim import actors

    there = {actor.id: actors.truth(actor, actors.way(actor), 0.0) for actor in scene.actors}
    subjects = {}
    for name, subject in script.config.subjects.items():
        actor = subject.actor or name
        if actor not in there:
            raise CinempcError(
                f"scene {scene.name!r} has nobody called {actor!r} (there is "
                f"{', '.join(there) or 'nobody'})"
            )
        subjects[name] = replace(there[actor], id=name)
    pose, _ = Director(script).entry(subjects)
    return pose.position * np.array([1.0, 1.0, 0.0]), pose.yaw


def _pictured(camera: Camera, size: str | None, frame_rate: float | None) -> Camera:
    """The camera with another picture."""
    picture = camera.picture
    if frame_rate is not None:
        picture = picture.model_copy(update={"frame_rate": frame_rate})
    if size is not None:
        width, _, height = size.lower().partition("x")
        if not (width.isdecimal() and height.isdecimal()):
            raise typer.BadParameter(f"{size!r}: write it as 640x360, in px")
        sides = {"width": int(width), "height": int(height)}
        if any(side % 2 or not 64 <= side <= 4096 for side in sides.values()):
            raise typer.BadParameter(f"{size!r}: the sides must be even and 64 to 4096 px")
        if abs(sides["width"] / sides["height"] * camera.aspect - 1) > 0.01:
            raise typer.BadParameter(
                f"{size!r} is not of the sensor's shape, {1 / camera.aspect:.3f}:1, as "
                f"{picture.width}x{picture.height} is"
            )
        picture = picture.model_copy(update=sides)
    return camera.model_copy(update={"picture": picture})


def picture_address(text: str | None, port: int) -> tuple[str, int]:
    """Host and port; the one that is not given is this machine, or the usual port."""
    if text is None:
        return "127.0.0.1", port
    host, colon, number = text.rpartition(":")
    if not colon:
        host, number = text, str(port)
    if not host or not number.isdecimal() or not 0 < int(number) < 65536:
        raise typer.BadParameter(f"{text!r}: write it as HOST:PORT, such as 192.168.1.10:5600")
    return host, int(number)


@simulated.command("vehicle", epilog=VEHICLE_EXAMPLE)
def sim_vehicle(
    script: ScriptOption = None,
    vehicle: Annotated[str, typer.Option(help="If there is no script.")] = "x500_cinema",
    camera: Annotated[str, typer.Option(help="If there is no script.")] = "super35_zoom",
    at: Annotated[
        str | None, typer.Option(metavar="X,Y", help="Where it stands; under the script's mark.")
    ] = None,
    heading: Annotated[
        float | None, typer.Option(help="Of its nose, deg anticlockwise from east.")
    ] = None,
    speed: Annotated[
        float,
        typer.Option(
            min=0.05, max=20, help="Simulated seconds a second; a slow machine slows it down."
        ),
    ] = 1.0,
    instance: InstanceOption = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of wind and noise.")] = 0,
    pictures: PicturesOption = True,
    size: SizeOption = None,
    frame_rate: FrameRateOption = None,
    stream_to: StreamOption = None,
) -> None:
    """A simulated vehicle that speaks MAVLink as PX4 does, with gimbal and camera.

    It listens where PX4 SITL does (onboard 14580 to 14540, ground station 18570 to 14550). Its
    actors wait until the camera records.
    """
    from sim.mavlink.vehicle import SimulatedVehicle

    picture = (pictures, size, frame_rate, stream_to)
    with _filmed(script, vehicle, camera, seed, instance, *picture) as stage:
        mark, nose = stage.mark
        chosen = SimulatedVehicle(
            stage.vehicle,
            stage.camera,
            instance=instance,
            position=mark if at is None else place(at),
            heading=nose if heading is None else math.radians(heading),
            wind=stage.wind,
            shutter=stage.shutter,
            streams=stage.streams,
            seed=seed,
        )
        try:
            out.print(
                f"{stage.vehicle.name} on udpin:127.0.0.1:{14540 + instance}"
                f" (ground station: 14550){stage.says}; Ctrl-C ends it"
            )
            chosen.run(speed)
        finally:
            chosen.close()


class _Missed:
    """Says that a machine is too slow, now and then."""

    def __init__(self) -> None:
        self._total, self._next = 0.0, 0.0

    def __call__(self, missed: float) -> None:
        self._total += missed
        if (now := time.monotonic()) < self._next:
            return
        self._next = now + 10.0
        err.print(
            f"this machine cannot keep up with PX4: {self._total:.1f} s of its time were not "
            "filmed so far. Fly in slower motion (PX4_SIM_SPEED_FACTOR, launch's --speed), or "
            "with smaller or fewer pictures (--size, --frame-rate)"
        )


@simulated.command("payload", epilog=PAYLOAD_EXAMPLE)
def sim_payload(
    script: ScriptOption = None,
    vehicle: Annotated[str, typer.Option(help="If there is no script.")] = "x500_cinema",
    camera: Annotated[str, typer.Option(help="If there is no script.")] = "super35_zoom",
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y", help="Of PX4's local frame in the scene; the script's mark if not given."
        ),
    ] = None,
    instance: InstanceOption = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of noise.")] = 0,
    pictures: PicturesOption = True,
    size: SizeOption = None,
    frame_rate: FrameRateOption = None,
    stream_to: StreamOption = None,
) -> None:
    """Gimbal and camera for a PX4 in SITL: they film the embedded world from where PX4 flies.

    PX4 needs MNT_MODE_IN 4 and MNT_MODE_OUT 2.
    """
    from sim.mavlink.vehicle import SimulatedPayload

    picture = (pictures, size, frame_rate, stream_to)
    with _filmed(script, vehicle, camera, seed, instance, *picture) as stage:
        begin = stage.mark[0] if origin is None else place(origin)
        chosen = SimulatedPayload(
            stage.vehicle,
            stage.camera,
            instance=instance,
            origin=begin,
            shutter=stage.shutter,
            streams=stage.streams,
            seed=seed,
            on_missed=_Missed(),
        )
        try:
            out.print(
                f"gimbal and camera for PX4 instance {instance}, whose origin is at "
                f"{begin[0]:.2f},{begin[1]:.2f} in the scene{stage.says}; Ctrl-C ends it"
            )
            chosen.run()
        finally:
            chosen.close()
