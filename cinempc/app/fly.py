"""Flies a script on a vehicle that speaks MAVLink as PX4 does, real or simulated, and films it."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cinempc.app.film.film import TakeResult
from cinempc.app.flight.crew import Crew, camera_in_flight, crew, video_eye
from cinempc.app.flight.log import LOG, FlyEvent, flight_log
from cinempc.app.interrupts import closed_whole
from cinempc.app.metrics import GOALS, TakeMetrics
from cinempc.app.options.options import choose
from cinempc.app.options.takes import FlyOptions
from cinempc.app.progress import OnProgress, Progress, Stopped, ignore
from cinempc.app.script import ScriptLike, load_script, take_folder
from cinempc.errors import CinempcError
from cinempc.flight import config as flights
from cinempc.flight.config import After, Flight, Recording
from cinempc.flight.pilot.reasons import FlightOver
from cinempc.flight.preflight import checks as preflight
from cinempc.flight.rig import FlightRig
from cinempc.flight.video.eye import VideoEye
from cinempc.mpc.controller import Controller
from cinempc.record.background import BackgroundRecorder
from cinempc.record.recorder import Recorder, ensure_room
from cinempc.rig import vehicle as vehicles
from cinempc.script.direction.director import Director
from cinempc.script.load import Script
from cinempc.take.loop import CONTROL_RATE, Production, Take, TakePhase

#: Time for the vehicle to get ready, wall s: satellites are searched for, and a simulator in slow
#: motion takes as much longer.
_READY = 90.0
#: Time between two events on what keeps the vehicle from its mark, vehicle s.
_OFF_MARK_EVERY = 5.0
#: After the end, the time in which its last picture may come, s.
_LATENCY = 0.5


def flight_config(name: str, connection: str | None) -> Flight:
    """The connection's config, with another address if one is given.

    Raises:
        ConfigError: no such file, or a mistake in it.
    """
    loaded = flights.load(name)
    return loaded if connection is None else loaded.model_copy(update={"connection": connection})


def fly(
    script: ScriptLike,
    options: FlyOptions | None = None,
    *,
    progress: OnProgress = ignore,
    **changes: Any,
) -> TakeResult:
    """Fly a script: take off, look for the subjects, fly to the mark, film, and end as the
    flight's file says.

    What happens is logged, by the logger ``cinempc``, and into ``flight.log`` of the take.

    Args:
        script: a file, the name of a shipped one, or one that is loaded.
        options: `FlyOptions`.
        progress: told the phase of the take, and how far the film is, vehicle s.
        **changes: single options by their names in `FlyOptions`.

    Raises:
        FlightOver: somebody else flies the vehicle by now.
        CinempcError: the script, an option or the vehicle is not as it must be; a vehicle that was
            flown has ended its flight as its file says.
        Stopped: Ctrl-C; the vehicle is left in hold, and the files of what was filmed are whole.
    """
    options = choose(FlyOptions, options, changes)
    loaded = load_script(script)
    if options.vehicle is not None:
        loaded = replace(loaded, vehicle=vehicles.load(options.vehicle))
    config = flight_config(options.flight, options.connection)
    folder = options.folder or take_folder(loaded.path.stem)
    with ExitStack() as ends:
        ends.enter_context(flight_log(folder / "flight.log"))
        ensure_room(folder)
        origin = np.array(options.origin)
        if options.check:
            _check(config, loaded, origin)
        LOG.log(FlyEvent.CONNECTING, address=config.connection)
        rig = ends.enter_context(
            FlightRig(
                config,
                loaded.vehicle,
                loaded.camera,
                loaded.safety,
                origin=origin,
            )
        )
        version = ".".join(map(str, rig.abilities.version))
        video = rig.abilities.video or "nowhere"
        LOG.log(FlyEvent.CONNECTED, version=version, video=video)
        with video_eye(config, rig, loaded.camera) as eye:
            made_with = ends.enter_context(crew(loaded, rig, eye, options))
            _check_devices(rig, config)
            about = {
                "vehicle": loaded.vehicle.name,
                "autopilot": f"PX4 {version}",
                "connection": config.name,
            }
            try:
                if not options.in_air:
                    LOG.log(FlyEvent.TAKING_OFF, height=config.height)
                    rig.take_off(config.height)
                rig.fly()
                result = _film(rig, config, made_with, folder, about, options, progress)
            except FlightOver:
                _report_vehicle(rig)
                raise  # somebody else flies it: nothing more is ordered
            except CinempcError:
                _end_if_it_can_be(rig, config)
                raise
        _end(rig, config)
    return result


def _check(config: Flight, script: Script, origin: np.ndarray) -> None:
    """Whether the vehicle is fit to fly; its fence is in it then.

    Raises:
        CinempcError: it is not.
    """
    result = preflight.check(config, script.safety.fence, origin=origin, wait=_READY)
    for warning in result.warnings:
        LOG.log(FlyEvent.CAUTION, words=warning)
    if not result.ready:
        raise CinempcError(
            "not fit to fly: "
            + "; ".join(result.problems)
            + ". With --no-check it flies all the same, if the autopilot lets it"
        )
    battery = "unknown" if result.battery is None else f"{100 * result.battery:.0f} %"
    fence = "the fence is set" if result.fenced else "no fence"
    LOG.log(FlyEvent.FIT, battery=battery, fence=fence)


def _end_if_it_can_be(rig: FlightRig, config: Flight) -> None:
    """The end of a flight that went wrong: why it did is what counts, not what comes after."""
    try:
        _end(rig, config)
    except CinempcError as error:
        LOG.log(FlyEvent.NOT_ENDED, error=str(error))
    _report_vehicle(rig)


def _report_vehicle(rig: FlightRig) -> None:
    """What the vehicle does now."""
    with contextlib.suppress(CinempcError):
        report = rig.report
        LOG.log(
            FlyEvent.VEHICLE,
            mode=report.mode,
            armed="armed" if report.armed else "disarmed",
            height=float(report.state.position[2]),
        )


def _check_devices(rig: FlightRig, config: Flight) -> None:
    """Whether gimbal and camera will do what the take needs, while nothing has been ordered yet.

    Raises:
        CinempcError: they will not.
    """
    rig.check(recording=False)
    if config.recording is Recording.off:
        return
    try:
        rig.check()
    except FlightOver:
        raise
    except CinempcError as error:
        if config.recording is Recording.required:
            raise CinempcError(
                f"not flown, as the camera would not record: {error}. With 'recording: optional' "
                "in the flight's file it is flown all the same, and the film is what its stream "
                "shows"
            ) from None
        LOG.log(FlyEvent.NOT_RECORDED, error=str(error))


def _end(rig: FlightRig, config: Flight) -> None:
    """What the flight's file says of the end, unless somebody else flies it by now, or still: a
    flight that has not taken control gives no order."""
    report = rig.report
    if report.over is not None:
        return
    if not report.controls:
        LOG.log(FlyEvent.NOT_IN_CONTROL)
        return
    LOG.log(FlyEvent.ENDING, after=config.after)
    {After.hold: rig.hold, After.land: rig.land, After.return_: rig.return_home}[config.after]()


def _film(
    rig: FlightRig,
    config: Flight,
    made_with: Crew,
    folder: Path,
    about: dict[str, str],
    options: FlyOptions,
    progress: OnProgress,
) -> TakeResult:
    """The take itself."""
    script = made_with.script
    director = Director(script)
    frame_rate = made_with.camera.picture.frame_rate
    report = _PhaseReport(rig, made_with.eye, director.duration, progress)
    take = Take(
        Production(
            rig=rig,
            eye=made_with.eye,
            perception=made_with.perception,
            controller=Controller(made_with.camera, script.vehicle, script.safety),
            director=director,
            frame_rate=frame_rate,
            standby=options.standby,
            patience=options.patience,
            action=lambda: _record(rig, config, True),
            camera=camera_in_flight(rig, made_with.whole, made_with.camera),
            latency=_LATENCY,
            truth=made_with.truth,
        ),
        lambda seconds: report.step(take, seconds),
    )
    recorder = Recorder(
        folder,
        made_with.camera,
        frame_rate,
        director.shots,
        monitor=options.monitor,
        script_text=script.text,
        name=script.config.name,
        about=about,
        goals=GOALS,
        deadline_ms=1e3 / CONTROL_RATE,
    )
    try:
        with closed_whole(BackgroundRecorder(recorder)) as background:
            take.run(background)
    except KeyboardInterrupt:
        raise Stopped(f"the vehicle is left in hold. What was filmed is in {folder}") from None
    finally:
        _record(rig, config, False)
    if background.dropped:
        LOG.log(FlyEvent.PICTURES_DROPPED, count=background.dropped)
    _log_figures(rig, made_with.eye.counts - report.counts)
    return TakeResult(recorder.files, TakeMetrics.of(recorder.summary), recorder.summary)


def _log_figures(rig: FlightRig, counts: Counter[str]) -> None:
    """How regular pictures and setpoints were.

    Args:
        rig: that flew.
        counts: what became of the camera's pictures while it rolled.
    """
    words = ", ".join(f"{n} {name}" for name, n in sorted(counts.items()) if n)
    LOG.log(FlyEvent.PICTURES, counts=words or "none")
    if (timing := rig.report.timing) is not None:
        LOG.log(
            FlyEvent.STREAM,
            rate=timing.rate / rig.report.clock[0],
            median_ms=timing.median_ms,
            p99_ms=timing.p99_ms,
        )


class _PhaseReport:
    """An event for each phase of a take, and its progress while it rolls.

    Attributes:
        counts: what had become of the camera's pictures when it began to roll. Until then, on the
            ground and while the controller is made, most are dropped because nobody looks at them:
            that says nothing of the take.
    """

    def __init__(
        self, rig: FlightRig, eye: VideoEye, duration: float, progress: OnProgress
    ) -> None:
        self._rig, self._eye, self._duration, self._progress = rig, eye, duration, progress
        self.counts = Counter[str]()
        self._phase: TakePhase | None = None
        self._reported = 0.0

    def step(self, take: Take, seconds: float) -> None:
        """Another step of the take, s after its start."""
        if take.phase is not self._phase:
            self._phase = take.phase
            if take.phase is TakePhase.ROLLING:
                self.counts = self._eye.counts
            LOG.log(FlyEvent.PHASE, phase=take.phase.value)
            self._reported = seconds
        elif take.phase is TakePhase.APPROACHING and seconds > self._reported + _OFF_MARK_EVERY:
            self._reported = seconds
            LOG.log(FlyEvent.OFF_MARK, reasons="; ".join(take.off_mark))
        rolled = self._rig.now() - take.rolls
        total = self._duration if rolled >= 0 else None
        self._progress(Progress(max(rolled, 0.0), total, take.phase.value))


def _record(rig: FlightRig, config: Flight, on: bool) -> None:
    """Let the camera record, or not any more; not waited for."""
    if config.recording is not Recording.off:
        _beside(lambda: rig.record(on))


def _beside(work: Callable[[], None]) -> None:
    """Do something that takes a while and may fail, while the flight goes on."""

    def run() -> None:
        try:
            work()
        except CinempcError as error:
            LOG.log(FlyEvent.NOT_RECORDED, error=str(error))

    threading.Thread(target=run, daemon=True).start()
