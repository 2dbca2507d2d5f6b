"""`cinempc fly`: a script on a vehicle that speaks MAVLink; part of the composition root."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from cinempc.cli_flight import ConnectionOption, FlightOption, flight_config, place, tell
from cinempc.console import err, progress_bar
from cinempc.errors import CinempcError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.progress import Progress

    from cinempc.camera import Camera
    from cinempc.flight.config import Flight
    from cinempc.flight.rig import FlightRig
    from cinempc.flight.video import VideoEye
    from cinempc.rig import Frame, Perception
    from cinempc.script.script import Script
    from cinempc.take import Stage, Take, Truth

FLY_EXAMPLE = "Example: cinempc fly dolly_zoom --flight sitl --monitor --out takes/flown"

#: Time for the vehicle to get ready, wall s: satellites are searched for, and a simulator in slow
#: motion takes as much longer.
_READY = 90.0
#: Time for the camera's first picture to come, wall s.
_FIRST_PICTURE = 20.0
#: Time between two looks for it, s.
_LOOK = 0.02
#: Time between two lines on what keeps the vehicle from its mark, vehicle s.
_TELL = 5.0


class FlightLog:
    """What happened, one line an event: on the terminal, and in the take's folder."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = path.open("w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def __call__(self, level: str, sentence: str) -> None:
        """Take in an event: "info", "warning" or "error", and what it is. From any thread."""
        tell(level, sentence)
        with self._lock:
            if not self._file.closed:
                stamp = datetime.now().astimezone().isoformat(timespec="milliseconds")
                self._file.write(f"{stamp} {level:7} {sentence}\n")

    def close(self) -> None:
        """Finish the file."""
        with self._lock:
            self._file.close()


def fly(
    script: Annotated[
        str, typer.Argument(metavar="SCRIPT", help="A script file, or the name of a shipped one.")
    ],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where the take goes. [takes/NAME-TIME]")
    ] = None,
    flight: FlightOption = "sitl",
    connection: ConnectionOption = None,
    perception: Annotated[
        str,
        typer.Option(
            metavar="yolo|truth",
            help="Where the subject estimates come from: a detector in the pictures, or what a "
            "simulator tells with them.",
        ),
    ] = "yolo",
    weights: Annotated[
        str, typer.Option(help="Of the detector: a file, or a name of `cinempc models list`.")
    ] = "people",
    depth: Annotated[
        bool, typer.Option(help="Whether the camera's depth is used, if it has any.")
    ] = True,
    monitor: Annotated[
        bool, typer.Option("--monitor", help="Also film the director's monitor.")
    ] = False,
    in_air: Annotated[
        bool, typer.Option("--in-air", help="It hovers already: do not take off.")
    ] = False,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y[,Z]",
            help="Where the autopilot's local frame begins in the script's world, m. [0,0,0]",
        ),
    ] = None,
    standby: Annotated[
        float, typer.Option(min=0.5, max=60, help="Time on the mark before rolling, s.")
    ] = 3.0,
    patience: Annotated[
        float,
        typer.Option(min=5, max=600, help="For finding the subjects and flying to the mark, s."),
    ] = 60.0,
    check: Annotated[
        bool,
        typer.Option(
            "--check/--no-check",
            help="Ask the vehicle whether it is fit to fly, and give it its fence, before.",
        ),
    ] = True,
    vehicle: Annotated[
        str | None, typer.Option(help="A vehicle's file, in place of the script's.")
    ] = None,
) -> None:
    """Fly a script on PX4, real or simulated, or on `cinempc sim vehicle`, over MAVLink.

    It takes off, looks for the subjects, flies to its mark, films, and then does what the flight's
    file says. RC or a ground station takes over at any time by changing the mode, and keeps the
    vehicle. Ctrl-C leaves it in hold.
    """
    from cinempc import vehicle as vehicles
    from cinempc.cli import load_script
    from cinempc.flight.rig import FlightOver, FlightRig

    if perception not in ("yolo", "truth"):
        raise typer.BadParameter(f"{perception!r}: it is yolo or truth", param_hint="--perception")
    loaded = load_script(script)
    if vehicle is not None:
        loaded = replace(loaded, vehicle=vehicles.load(vehicle))
    config = flight_config(flight, connection)
    start = place("0,0" if origin is None else origin)
    if folder is None:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = Path("takes") / f"{loaded.path.stem}-{stamp}"
    log = FlightLog(folder / "flight.log")
    with ExitStack() as ends:
        ends.callback(log.close)
        if check:
            _checked(config, loaded, start, log)
        log("info", f"connecting to {config.connection}")
        rig = ends.enter_context(
            FlightRig(
                config,
                loaded.vehicle,
                loaded.camera,
                loaded.safety,
                origin=start,
                on_event=log,
            )
        )
        version = ".".join(map(str, rig.abilities.version))
        log("info", f"PX4 {version}; the camera streams to {rig.abilities.video or 'nowhere'}")
        shoot = _Shoot(loaded, config, rig, folder, log, monitor, standby, patience)
        with shoot.eye() as eye:
            stage = ends.enter_context(_crew(shoot, eye, perception, weights, depth))
            try:
                if not in_air:
                    log("info", f"taking off to {config.height:g} m")
                    rig.take_off(config.height)
                rig.fly()
                summary = _filmed(shoot, stage, version)
            except FlightOver:
                raise  # somebody else flies it: nothing more is ordered
            except CinempcError:
                _after(rig, config, log)
                raise
        _after(rig, config, log)
    from cinempc.cli import show_metrics

    show_metrics(summary, folder)


def _checked(config: Flight, script: Script, origin: NDArray[np.float64], log: FlightLog) -> None:
    """Whether the vehicle is fit to fly; its fence is in it then.

    Raises:
        CinempcError: it is not.
    """
    from cinempc.flight import preflight

    found = preflight.check(config, script.safety.fence, origin=origin, wait=_READY, on_event=log)
    for warning in found.warnings:
        log("warning", warning)
    if not found.ready:
        raise CinempcError(
            "not fit to fly: "
            + "; ".join(found.problems)
            + ". With --no-check it flies all the same, if the autopilot lets it"
        )
    battery = "unknown" if found.battery is None else f"{100 * found.battery:.0f} %"
    fence = "the fence is set" if found.fenced else "no fence"
    log("info", f"fit to fly: battery {battery}, {fence}")


def _after(rig: FlightRig, config: Flight, log: FlightLog) -> None:
    """What the flight's file says of the end, unless somebody else flies it by now."""
    from cinempc.flight.config import After

    if rig.report.over is not None:
        return
    log("info", f"the flight ends: {config.after}")
    {After.hold: rig.hold, After.land: rig.land, After.return_: rig.return_home}[config.after]()


@dataclass(frozen=True)
class _Shoot:
    """What everybody on the set needs to know."""

    script: Script
    config: Flight
    rig: FlightRig
    folder: Path
    log: FlightLog
    monitor: bool
    standby: float
    patience: float

    def eye(self) -> VideoEye:
        """The camera's stream.

        Raises:
            CinempcError: there is none.
        """
        from cinempc.flight.video import VideoEye

        video, rig = self.config.video, self.rig
        address = video.address or rig.abilities.video
        if address is None:
            raise CinempcError(
                "the camera offers no video stream, and cinempc flies by what it sees: write "
                "'video: {address: ...}' into the flight's file (rtsp://..., rtp://0.0.0.0:5600)"
            )
        return VideoEye(
            address,
            video.depth or rig.abilities.depth,
            self.script.camera,
            at=rig.at,
            utc=lambda: rig.report.utc,
            now=rig.now,
            latency=video.latency,
            on_event=self.log,
        )


@dataclass(frozen=True)
class _Crew:
    """What the take is made with, beside the rig. ``camera`` is what the camera can do at present,
    ``whole`` what it can when it can do everything."""

    eye: VideoEye
    camera: Camera
    whole: Camera
    script: Script
    perception: Perception
    truth: Truth | None


@contextmanager
def _crew(
    shoot: _Shoot, eye: VideoEye, perception: str, weights: str, depth: bool
) -> Iterator[_Crew]:
    """The crew, once the camera's first picture has come."""
    from cinempc.flight.truth import ToldPerception
    from cinempc.take import Truth

    first = _first_picture(eye)
    whole = _pictured(shoot.script.camera, first, shoot.log)
    camera = shoot.rig.abilities.camera.model_copy(update={"picture": whole.picture})
    vehicle = shoot.script.vehicle.model_copy(update={"gimbal": shoot.rig.abilities.gimbal})
    script = replace(shoot.script, camera=camera, vehicle=vehicle)
    actors = {name: subject.actor or name for name, subject in script.config.subjects.items()}
    told = eye.truth(first.time)

    def subjects(when: float) -> tuple[Any, ...]:
        found = eye.truth(when)
        if found is None:
            return ()
        return tuple(
            replace(found.actors[actor], id=name)
            for name, actor in actors.items()
            if actor in found.actors
        )

    def pose(when: float) -> Any:
        found = eye.truth(when)
        return shoot.rig.at(when).camera if found is None else found.pose

    truth = None if told is None else Truth(subjects, pose)
    if perception == "truth":
        if told is None:
            raise CinempcError(
                "no truth comes with the pictures: only this project's simulators tell it; use "
                "--perception yolo"
            )
        yield _Crew(eye, camera, whole, script, ToldPerception(actors, eye.truth), truth)
        return
    with live_perception(script, weights, depth) as found:
        yield _Crew(eye, camera, whole, script, found, truth)


@contextmanager
def live_perception(script: Script, weights: str, depth: bool) -> Iterator[Perception]:
    """The detector's perception beside a live loop."""
    from cinempc.cli import pipeline
    from perception.yolo import LivePerception

    with LivePerception(
        pipeline(script, weights), depth=depth, distortion=script.camera.distortion_at
    ) as live:
        yield live


def _first_picture(eye: VideoEye) -> Frame:
    """The camera's first picture.

    Raises:
        CinempcError: none came.
    """
    end = time.monotonic() + _FIRST_PICTURE
    while time.monotonic() < end:
        frame = eye.frame()
        if frame is not None:
            return frame
        time.sleep(_LOOK)
    raise CinempcError(
        f"no picture came in {_FIRST_PICTURE:g} s: is the camera's stream on, and does it send to "
        "this computer? Another program may hold the port; `cinempc perceive ADDRESS` shows "
        "what comes"
    )


def _pictured(camera: Camera, frame: Frame, log: FlightLog) -> Camera:
    """The camera with the picture size that its stream really has."""
    height, width = frame.image.shape[:2]
    shape = camera.sensor.width / camera.sensor.height
    if abs(width / height / shape - 1) > 0.02:
        log(
            "warning",
            f"the pictures are {width} x {height}, and the camera's file has a sensor of "
            f"{shape:.2f}:1: what is measured in the pictures will be off; mend the file",
        )
    picture = camera.picture.model_copy(update={"width": width, "height": height})
    return camera.model_copy(update={"picture": picture})


def _filmed(shoot: _Shoot, crew: _Crew, version: str) -> dict[str, Any]:
    """The take; its figures."""
    from cinempc.cli import picture_goals
    from cinempc.mpc.controller import Controller
    from cinempc.record.background import BackgroundRecorder
    from cinempc.record.recorder import Recorder
    from cinempc.script.director import Director
    from cinempc.take import CONTROL_RATE, Set, Take

    rig, log, script = shoot.rig, shoot.log, crew.script
    director = Director(script)
    frame_rate = crew.camera.picture.frame_rate
    shown = _Shown(rig, director.duration, log)
    take = Take(
        Set(
            rig=rig,
            eye=crew.eye,
            perception=crew.perception,
            controller=Controller(crew.camera, script.vehicle, script.safety),
            director=director,
            frame_rate=frame_rate,
            standby=shoot.standby,
            patience=shoot.patience,
            action=lambda: _beside(lambda: rig.record(True), log),
            camera=_able(rig, crew.whole, crew.camera),
            latency=0.5,
            truth=crew.truth,
        ),
        shown.step,
    )
    recorder = Recorder(
        shoot.folder,
        crew.camera,
        frame_rate,
        director.shots,
        monitor=shoot.monitor,
        script_text=script.text,
        name=script.config.name,
        about={
            "vehicle": script.vehicle.name,
            "autopilot": f"PX4 {version}",
            "connection": shoot.config.name,
        },
        goals=picture_goals(),
        deadline_ms=1e3 / CONTROL_RATE,
    )
    with progress_bar() as bar:
        shown.begin(take, bar)
        try:
            with BackgroundRecorder(recorder) as background:
                take.run(background)
        except KeyboardInterrupt:
            bar.stop()
            err.print(f"stopped; the vehicle is left in hold. What was filmed is in {shoot.folder}")
            raise
        finally:
            _beside(lambda: rig.record(False), log)
    if background.dropped:
        log("warning", f"{background.dropped} pictures were not recorded: the disk is too slow")
    counts = {name: n for name, n in sorted(crew.eye.counts.items()) if n}
    log("info", f"pictures: {', '.join(f'{n} {name}' for name, n in counts.items())}")
    if (jitter := rig.report.jitter) is not None:
        log(
            "info",
            f"stream: {jitter.rate / rig.report.clock[0]:.1f} setpoints a second of the vehicle's, "
            f"off by {jitter.median_ms:.2f} ms in the median, {jitter.p99_ms:.2f} ms at the 99th "
            "percentile",
        )
    return recorder.summary


class _Shown:
    """How far a take is: a line in the log for each of its stages, and a bar while it rolls."""

    def __init__(self, rig: FlightRig, duration: float, log: FlightLog) -> None:
        self._rig, self._duration, self._log = rig, duration, log
        self._stage: Stage | None = None
        self._told = 0.0

    def begin(self, take: Take, bar: Progress) -> None:
        """Show a take in a bar."""
        self._take, self._bar = take, bar
        self._task = bar.add_task("", total=None)

    def step(self, seconds: float) -> None:
        """Another step of the take, s after its start."""
        from cinempc.take import Stage

        stage = self._take.stage
        if stage is not self._stage:
            self._stage = stage
            self._log("info", stage.value)
            self._told = seconds
        elif stage is Stage.APPROACHING and seconds > self._told + _TELL:
            self._told = seconds
            self._log("info", f"not on the mark yet: {'; '.join(self._take.off_mark)}")
        rolled = self._rig.now() - self._take.rolls
        self._bar.update(
            self._task,
            description=stage.value,
            total=self._duration if rolled >= 0 else None,
            completed=max(rolled, 0.0),
        )


def _able(rig: FlightRig, whole: Camera, now: Camera) -> Callable[[], Camera]:
    """What the camera can do at a time: what it loses in flight is held where it stands then.

    Args:
        rig: that carries it.
        whole: the camera when it can do everything.
        now: what it can do at present.
    """
    held = rig.report.held

    def able() -> Camera:
        nonlocal held, now
        report = rig.report
        if report.held != held:
            held = report.held
            now = whole.holding(held, report.state.lens)
        return now

    return able


def _beside(work: Callable[[], None], log: FlightLog) -> None:
    """Do something that takes a while and may fail, while the flight goes on."""

    def run() -> None:
        try:
            work()
        except CinempcError as error:
            log("warning", str(error))

    threading.Thread(target=run, daemon=True).start()
