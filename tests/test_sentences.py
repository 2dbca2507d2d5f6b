"""Each reason and each kind of event with its sentence, as people read it."""

# ruff: noqa: E501 - sentences are read best in one piece

from __future__ import annotations

import logging
from typing import Any

import pytest

from cinempc.app.flight.log import FlyEvent
from cinempc.app.sim.events import SimEvent
from cinempc.flight.camera.reasons import (
    CameraEvent,
    CameraReason,
    Lack,
    RecordingFault,
    StreamFault,
)
from cinempc.flight.gimbal.reasons import GimbalEvent, GimbalReason
from cinempc.flight.pilot.reasons import (
    AutopilotEvent,
    ConnectReason,
    FailsafeCause,
    FlightReason,
    OrderReason,
    PilotEvent,
    PlanReason,
)
from cinempc.flight.preflight.finding import PreflightEvent
from cinempc.flight.video.reasons import VideoEvent
from cinempc.record.log.events import TakeEvent
from cinempc.record.recorder import RecordingEvent
from cinempc.rig.log import Event, Kind, LogEvent, Problem, Reason
from cinempc.safety.fence import FenceReason
from cinempc.safety.plan_check import PlanFault
from perception.sources.reasons import SourceEvent

SENTENCES: list[tuple[Reason | Kind, dict[str, Any], str]] = [
    (FlightReason.DISARMED, {}, "the vehicle was disarmed"),
    (
        FlightReason.TAKEN_OVER,
        {"mode": "Position"},
        "somebody has taken over: the mode is Position",
    ),
    (
        FlightReason.FAILSAFE,
        {"mode": "Return", "cause": "the battery is at 6%"},
        "a failsafe of the autopilot acts (the battery is at 6%): the mode is Return",
    ),
    (FlightReason.RESTARTED, {}, "the autopilot was restarted"),
    (FlightReason.POSITION_LOST, {}, "the autopilot has lost its position"),
    (FlightReason.NO_POSITION, {}, "the autopilot has no position"),
    (FlightReason.NOT_HEARD, {"silence": 2.1}, "the vehicle was not heard for 2.1 s"),
    (FlightReason.LATE, {"delay": 0.31}, "the link is 0.31 s late"),
    (FlightReason.FAULT, {}, "a fault in the pilot itself"),
    (
        FlightReason.FRAME_LOST,
        {},
        "the autopilot's local frame has leapt, and it is not known how far",
    ),
    (
        FlightReason.TOO_LOW,
        {"height": 0.94, "source": "its altitude"},
        "0.9 m above the ground by its altitude, and sinking",
    ),
    (FlightReason.ON_GROUND, {}, "the vehicle stands on the ground"),
    (FlightReason.NOT_IN_CONTROL, {}, "this flight is not in control of the vehicle"),
    (FlightReason.NO_STREAM, {"error": "denied"}, "the course cannot be streamed: denied"),
    (FlightReason.GIMBAL_SILENT, {}, "the gimbal does not answer"),
    (FlightReason.GIMBAL_TAKEN, {}, "the gimbal is not ours"),
    (FlightReason.LINK, {"error": "denied"}, "denied"),
    (FailsafeCause.POSITION, {}, "it has lost its position"),
    (FailsafeCause.BATTERY, {"share": 0.06}, "the battery is at 6%"),
    (FailsafeCause.SAID, {"words": "Low battery"}, "it said: Low battery"),
    (FailsafeCause.UNKNOWN, {}, "it does not say why"),
    (PlanReason.NOTHING_FLOWN, {}, "nothing is flown"),
    (PlanReason.HANDING_BACK, {}, "the vehicle is being handed back"),
    (PlanReason.NOT_HEARD, {}, "the vehicle is not heard"),
    (PlanReason.LATE, {"delay": 0.31}, "the link is 0.31 s late"),
    (
        OrderReason.NOT_OURS,
        {"order": "hold", "reason": "the vehicle was disarmed"},
        "not told to hold: the vehicle was disarmed",
    ),
    (
        OrderReason.NOT_AGAIN,
        {"order": "hold", "reason": "the vehicle was disarmed"},
        "not told again to hold: the vehicle was disarmed",
    ),
    (
        OrderReason.ENDED,
        {"reason": "the vehicle was disarmed"},
        "the flight has ended: the vehicle was disarmed",
    ),
    (
        OrderReason.NOT_FLOWN,
        {"reason": "the vehicle was disarmed"},
        "not flown: the vehicle was disarmed",
    ),
    (OrderReason.NOT_ARMED, {}, "not flown: the vehicle is not armed; take off first"),
    (
        OrderReason.IN_THE_AIR,
        {},
        "the vehicle is in the air already: land it, or begin the take from where it is with --in-air",
    ),
    (
        OrderReason.INTERRUPTED,
        {"reason": "the vehicle was disarmed", "said": "; it said: no"},
        "the vehicle was disarmed; it said: no",
    ),
    (
        OrderReason.REFUSED,
        {"order": "hold", "result": "denied", "said": "; it said: no"},
        "the autopilot does not hold (denied); it said: no",
    ),
    (
        OrderReason.NO_ANSWER,
        {"error": "denied", "order": "hold"},
        "the autopilot does not hold: denied",
    ),
    (
        OrderReason.NO_EFFECT,
        {"order": "hold", "said": "; it said: no"},
        "the autopilot accepted to hold, and did not; it said: no",
    ),
    (
        OrderReason.NOT_CLIMBED,
        {"height": 10.0, "said": "; it said: no", "timeout": 45.0},
        "the vehicle did not climb to 10 m in 45 s; it said: no",
    ),
    (
        OrderReason.NOT_LANDED,
        {"said": "; it said: no", "timeout": 45.0},
        "the vehicle did not land and disarm in 45 s; it said: no",
    ),
    (
        ConnectReason.NOT_HEARD,
        {"address": "udpin:0.0.0.0:14540", "timeout": 45.0},
        "no PX4 was heard on udpin:0.0.0.0:14540 in 45 s: is it running, and does it send there? (PX4's onboard link sends to UDP port 14540: udpin:0.0.0.0:14540)",
    ),
    (
        ConnectReason.NO_VERSION,
        {"error": "denied"},
        "the autopilot does not tell its version: denied",
    ),
    (
        ConnectReason.TOO_OLD,
        {"oldest": "1.13.0", "version": "1.12.0"},
        "the autopilot runs PX4 1.12.0, and needs 1.13.0 or newer: update it",
    ),
    (
        ConnectReason.NO_SETPOINTS,
        {},
        "the autopilot takes no local position setpoints: it cannot be flown",
    ),
    (
        ConnectReason.NO_POSITION,
        {},
        "the autopilot sends no position: it has none (GPS, estimator), or its link is full",
    ),
    (ConnectReason.NO_TIME, {}, "the autopilot does not tell its time"),
    (
        PilotEvent.STREAM_ENDED,
        {"reason": "the vehicle was disarmed"},
        "the stream has ended: the vehicle was disarmed",
    ),
    (PilotEvent.TAKEN_OVER, {"reason": "the vehicle was disarmed"}, "the vehicle was disarmed"),
    (
        PilotEvent.FRAME_LEAPT,
        {"east": 0.0, "north": -20.0, "up": 3.04},
        "the autopilot's local frame has leapt by +0.0 m east, -20.0 m north, +3.0 m up: the course goes with it",
    ),
    (
        PilotEvent.HEADING_LEAPT,
        {"turn": 19.9},
        "the autopilot's heading has leapt by +20 deg: it is followed slowly",
    ),
    (
        PilotEvent.NO_GROUND,
        {},
        "the autopilot does not tell where it took off: heights count from its origin",
    ),
    (PilotEvent.NOT_HEARD, {"silence": 2.1}, "not heard for 2.1 s: coming to rest"),
    (PilotEvent.HEARD_AGAIN, {}, "the vehicle is heard again"),
    (PilotEvent.LATE, {"delay": 0.31}, "the link is 0.31 s late: coming to rest"),
    (PilotEvent.PROMPT_AGAIN, {}, "the link is fast enough again"),
    (PilotEvent.PLANS_RAN_OUT, {}, "no new plan came and the last has run out: coming to rest"),
    (PilotEvent.PLAN_AGAIN, {}, "there is a plan again"),
    (
        PilotEvent.PLAN_REFUSED,
        {"count": 3, "reason": "the vehicle was disarmed"},
        "a plan was refused (3 so far): the vehicle was disarmed",
    ),
    (PilotEvent.PLAN_UNREADABLE, {"error": "denied"}, "a plan could not be looked at: denied"),
    (
        PilotEvent.NOT_COMMANDED,
        {"error": "denied", "part": "gimbal"},
        "the gimbal cannot be commanded: denied",
    ),
    (PilotEvent.FAULT, {"error": "denied"}, "a fault in the pilot: denied"),
    (PilotEvent.LINK_FAULT, {"error": "denied"}, "denied"),
    (
        PilotEvent.LOSS_ACTION,
        {"action": "returns", "after": 1.0},
        "when the stream is lost for 1 s, the autopilot returns",
    ),
    (
        AutopilotEvent.NO_PX4,
        {"autopilot": 3, "system": 255},
        "the autopilot of system 255 is no PX4 (MAV_AUTOPILOT 3): not flown",
    ),
    (
        AutopilotEvent.GROUND_STATION,
        {"system": 255},
        "a ground station is on the link (system 255)",
    ),
    (AutopilotEvent.RESTARTED, {}, "the autopilot was restarted"),
    (AutopilotEvent.POSITION_LOST, {}, "the autopilot has lost its position (GPS?)"),
    (AutopilotEvent.POSITIONED, {}, "the autopilot has a position"),
    (
        AutopilotEvent.ORIGIN_SET,
        {"latitude": 47.3977, "longitude": 8.5456, "altitude": 486.4},
        "the origin of the autopilot's local frame was set to 47.397700, 8.545600, 486.4 m",
    ),
    (
        AutopilotEvent.BATTERY,
        {"share": 0.62, "volts": ", 15.1 V"},
        "the battery is at 62%, 15.1 V",
    ),
    (AutopilotEvent.BATTERY_LOW, {"share": 0.14, "volts": ""}, "the battery is at 14%"),
    (AutopilotEvent.SAID, {"words": "Failsafe activated"}, "autopilot: Failsafe activated"),
    (AutopilotEvent.WARNED, {"words": "Failsafe activated"}, "autopilot: Failsafe activated"),
    (
        AutopilotEvent.RATE_REFUSED,
        {"error": "denied", "message": "ATTITUDE", "rate": 50.0},
        "ATTITUDE cannot be had 50 times a second: denied",
    ),
    (
        GimbalReason.NO_MANAGER,
        {"answers": "nobody answers"},
        "no gimbal manager: nobody answers. On PX4 set MNT_MODE_IN to 4 and MNT_MODE_OUT to 2 and restart it, and see that the gimbal has power; a vehicle without a gimbal says so in its file, under gimbal.mount",
    ),
    (GimbalReason.NOT_GIVEN, {"error": "denied"}, "denied"),
    (
        GimbalReason.TAKEN,
        {"name": "nobody"},
        "the gimbal was taken from us: nobody controls it now",
    ),
    (
        GimbalReason.ABSENT,
        {"component": 154, "heard": "; heard: component 171"},
        "no gimbal (component 154) reports its attitude; heard: component 171",
    ),
    (GimbalReason.SILENT, {"silence": 2.1}, "the gimbal has not reported its attitude for 2.1 s"),
    (
        GimbalReason.FAILURE,
        {"failure": "its motors fail"},
        "the gimbal reports a failure: its motors fail",
    ),
    (GimbalReason.RANGE, {"words": "Failsafe activated"}, "Failsafe activated"),
    (
        GimbalReason.NO_NORTH,
        {},
        "the gimbal takes no yaw from north: write 'frame: vehicle' under gimbal.mount in the vehicle's file",
    ),
    (
        GimbalReason.SERVO,
        {"result": "denied"},
        "the autopilot does not move the tilt servo (denied): see gimbal.mount in the vehicle's file, and which output has the servo on the autopilot",
    ),
    (GimbalEvent.PROBLEM, {"problem": "the gimbal is not ours"}, "the gimbal is not ours"),
    (GimbalEvent.MANAGER_FOUND, {"manager": "component 1"}, "the gimbal manager is component 1"),
    (GimbalEvent.MANAGER_ANSWERS, {}, "the gimbal manager answers"),
    (GimbalEvent.CLAIMED, {}, "the gimbal is ours"),
    (GimbalEvent.OURS_AGAIN, {}, "the gimbal is ours again"),
    (GimbalEvent.REPORTS_AGAIN, {}, "the gimbal reports its attitude again"),
    (
        GimbalEvent.NO_CLOCK,
        {},
        "the gimbal's clock stands still: its reports count from when they come",
    ),
    (
        GimbalEvent.FAILURE_OVER,
        {"failure": "its motors fail"},
        "the gimbal's failure is over: its motors fail",
    ),
    (
        GimbalEvent.REPORTS_ELSEWHERE,
        {"device": 154, "component": 171},
        "the gimbal device 154 reports no attitude; component 171 does, and nobody else: it is taken for it",
    ),
    (GimbalEvent.AT_END, {"axis": "pitch"}, "the gimbal's pitch is at its end (told once)"),
    (GimbalEvent.SERVO_AGAIN, {}, "the autopilot takes the tilt servo's commands again"),
    (Lack.ZOOM_UNUSED, {}, "is not told to zoom (its file says mavlink.zoom: none)"),
    (Lack.NO_ZOOM, {}, "cannot zoom"),
    (Lack.FOCUS_UNUSED, {}, "is not told where to focus (its file says mavlink.focus: none)"),
    (Lack.NO_FOCUS, {}, "cannot focus"),
    (Lack.APERTURE_UNUSED, {}, "is not told its aperture (its file says mavlink.aperture: none)"),
    (
        Lack.NO_APERTURES,
        {"parameter": "CAM_APERTURE"},
        "does not say which apertures it has (no CAM_APERTURE in its definition file; mavlink.aperture.values would say it)",
    ),
    (Lack.NO_PARAMETER, {"parameter": "CAM_APERTURE"}, "has no extended parameter CAM_APERTURE"),
    (Lack.UNFIT, {"error": "denied"}, "has apertures that its parameter cannot hold (denied)"),
    (Lack.UNANSWERED, {"dof": "zoom"}, "does not answer zoom commands"),
    (
        Lack.REFUSED,
        {"dof": "zoom", "how": "focal length", "other": "range", "result": "denied"},
        "answered zoom by focal length with 'denied' (mavlink.zoom: range in its file may suit it better)",
    ),
    (
        Lack.PARAMETER_REFUSED,
        {"parameter": "CAM_APERTURE", "result": "denied"},
        "answered the setting of CAM_APERTURE with 'denied'",
    ),
    (
        CameraReason.ABSENT,
        {"timeout": 45.0, "heard": ""},
        "no camera was heard in 45 s: the shot is flown without moving the lens",
    ),
    (
        CameraReason.COMPONENT_ABSENT,
        {"component": 154, "timeout": 45.0, "heard": ""},
        "the camera, component 154, was not heard in 45 s: the shot is flown without moving the lens",
    ),
    (
        CameraReason.SILENT,
        {"silence": 2.1},
        "the camera was not heard for 2.1 s: its lens is not moved until it is back",
    ),
    (
        CameraReason.NO_INFORMATION,
        {"error": "denied"},
        "the camera does not say what it is: denied",
    ),
    (
        CameraReason.NO_DEFINITION,
        {"error": "denied"},
        "the camera's definition file cannot be used: denied",
    ),
    (
        CameraReason.ODD_PARAMETER,
        {"name": "CAM_X", "oddity": "line 3: it is odd"},
        "'CAM_X' of the camera's definition file is left out, in whole or in part: line 3: it is odd",
    ),
    (
        CameraReason.NOT_PREPARED,
        {"error": "denied"},
        "the camera was not set up as configured: denied",
    ),
    (
        CameraReason.LACKS,
        {"dof": "zoom", "lack": "cannot zoom"},
        "the camera cannot zoom: the shot is flown without moving its zoom",
    ),
    (CameraEvent.PROBLEM, {"problem": "the gimbal is not ours"}, "the gimbal is not ours"),
    (CameraEvent.THERE, {}, "the camera is there now"),
    (CameraEvent.BACK, {}, "the camera is back"),
    (CameraEvent.RESTARTED, {}, "the camera was restarted: it is set up again"),
    (
        CameraEvent.CHOSEN,
        {"chosen": "component 100", "others": "component 101"},
        "of several cameras component 100 is used; heard as well: component 101",
    ),
    (
        CameraEvent.OTHER_SYSTEM,
        {"chosen": "component 100 of system 42"},
        "no camera was heard in the vehicle's system; component 100 of system 42, which has no autopilot, is used",
    ),
    (
        CameraEvent.RECORDING_UNSEEN,
        {},
        "the camera says that it records, and does not report that it does",
    ),
    (CameraEvent.RECORDING_ENDED, {"left": 3.0}, "the camera has stopped recording by itself"),
    (CameraEvent.RECORDING_AGAIN, {}, "the camera records again"),
    (
        StreamFault.NO_ADDRESS,
        {"number": 1, "name": "EO"},
        "the camera's video stream 1 (EO) has no address",
    ),
    (
        StreamFault.NO_NETWORK_ADDRESS,
        {"number": 1, "name": "EO"},
        "the camera's video stream 1 (EO) has no address that can be read over the network",
    ),
    (
        StreamFault.NO_PORT,
        {"number": 1, "name": "EO"},
        "the camera's video stream 1 (EO) comes by UDP, and names no port",
    ),
    (
        StreamFault.UNREADABLE,
        {"number": 1, "name": "EO", "kind": "webrtc://"},
        "the camera's video stream 1 (EO) is webrtc://, which cinempc does not read",
    ),
    (
        StreamFault.ONLY_HEAT,
        {},
        "the camera offers no pictures but those of heat: people are hardly found in them",
    ),
    (RecordingFault.ABSENT, {}, "no camera is heard that could record"),
    (
        RecordingFault.NOT_SPOKEN_TO,
        {},
        "the camera is not spoken to (its file says protocol: none)",
    ),
    (RecordingFault.NO_CARD, {}, "there is no card in the camera"),
    (RecordingFault.UNFORMATTED, {}, "the camera's card is not formatted"),
    (
        RecordingFault.FULL,
        {"left": 20.4, "least": 256.0},
        "the camera's card is full: 20 MiB are left, and 256 MiB are needed",
    ),
    (
        RecordingFault.MODE,
        {"mode": "image", "error": "denied"},
        "the camera stays in the mode 'image' and does not record (denied)",
    ),
    (
        RecordingFault.REFUSED,
        {"error": "denied"},
        "the camera does not begin to record (denied)",
    ),
    (
        RecordingFault.UNFINISHED,
        {"command": "video start capture", "most": 8.0},
        "the camera has not finished 'video start capture' in 8 s",
    ),
    (
        RecordingFault.NOT_RECORDING,
        {},
        "the camera has said that it records, and its own report says that it does not",
    ),
    (RecordingFault.NOT_AGAIN, {"error": "denied"}, "the recording is not begun again: denied"),
    (
        VideoEvent.NO_PICTURE,
        {"address": "udpin:0.0.0.0:14540", "silence": 2.1},
        "no picture came from udpin:0.0.0.0:14540 for 2.1 s",
    ),
    (
        VideoEvent.PICTURES,
        {"address": "udpin:0.0.0.0:14540"},
        "pictures come from udpin:0.0.0.0:14540",
    ),
    (
        VideoEvent.UNAVAILABLE,
        {"address": "udpin:0.0.0.0:14540", "error": "denied", "stream": "the video"},
        "the video at udpin:0.0.0.0:14540 cannot be had (denied); tried again",
    ),
    (VideoEvent.PROCESS_ENDED, {}, "the video's process has ended; it is started again"),
    (
        SourceEvent.TELEMETRY,
        {"file": "a.SRT", "seconds": 61.4},
        "a.SRT: a drone's telemetry of 61 s",
    ),
    (
        SourceEvent.NO_TELEMETRY,
        {"file": "a.SRT", "why": "it is too large"},
        "a.SRT: it holds no drone's telemetry that can be read (it is too large): not used",
    ),
    (
        SourceEvent.OTHER_LENGTH,
        {"file": "a.SRT", "end": 40.2, "seconds": 3.0},
        "a.SRT: it ends at 40 s and the video at 3 s: is it this video's?",
    ),
    (
        SourceEvent.NO_TIMES,
        {"file": "a.mp4", "rate": 25.0},
        "a.mp4: its time stamps are too close to be times: taken as 25 pictures a second",
    ),
    (PreflightEvent.WAITING, {"wrong": "no position"}, "waiting for the vehicle: no position"),
    (PreflightEvent.LINK_FAULT, {"error": "denied"}, "denied"),
    (PlanFault.SHAPE, {}, "it has not one state for every time"),
    (PlanFault.NOT_NUMBERS, {}, "it is not all numbers"),
    (PlanFault.TIMES, {}, "its times do not rise"),
    (PlanFault.APART, {"apart": 1.5}, "its nodes are 1.5 s apart"),
    (PlanFault.ANGLES, {}, "it looks as no camera does"),
    (PlanFault.RATES, {}, "it turns as no camera does"),
    (PlanFault.LENS, {}, "it pulls as no camera does"),
    (PlanFault.INPUTS, {}, "it changes as no camera does"),
    (
        PlanFault.ANOTHER_TIME,
        {"end": 2.0, "now": 9.0, "start": 1.0},
        "it is from 1.00 to 2.00 s, and now is 9.00 s",
    ),
    (PlanFault.SPEED, {"speed": 14.0}, "it flies at 14.0 m/s"),
    (PlanFault.ACCELERATION, {"acceleration": 30.0}, "it accelerates by 30.0 m/s²"),
    (PlanFault.YAW_RATE, {"rate": 50.0}, "it turns the nose by 50 deg/s"),
    (
        PlanFault.TORN,
        {"gap": 1.2, "gap_speed": 3.4},
        "it is torn by 1.2 m and 3.4 m/s between two nodes",
    ),
    (PlanFault.HEIGHT, {"high": 40.0, "low": -1.0}, "it flies at heights from -1.0 to 40.0 m"),
    (
        PlanFault.NO_HOME,
        {},
        "the autopilot has not said yet where home is, and the fence is around it",
    ),
    (PlanFault.FAR, {"distance": 6.0}, "it is 6.0 m from what is flown"),
    (FenceReason.OUTSIDE, {"by": 5.0}, "it leads 5.0 m out of the fence"),
    (
        FenceReason.TOO_NEAR,
        {"margin": 2.0, "room": 1.0},
        "it leads to 1.0 m from the fence, and 2 m are kept",
    ),
    (TakeEvent.SHOT, {"move": "orbit", "name": "nobody", "number": 2}, "shot 2: nobody (orbit)"),
    (TakeEvent.UNNAMED_SHOT, {"number": 2}, "shot 2"),
    (TakeEvent.PROBLEM, {"problem": "the gimbal is not ours"}, "the gimbal is not ours"),
    (TakeEvent.LOST, {"last_seen": 2.5, "subject": "hero"}, "hero lost, last seen at 2.5 s"),
    (TakeEvent.SEEN_AGAIN, {"subject": "hero"}, "hero found again"),
    (TakeEvent.NOT_NEEDED, {"subject": "hero"}, "hero not needed any more"),
    (TakeEvent.ABSENT, {"subject": "friend"}, "friend not found: filmed without"),
    (TakeEvent.FOUND, {"subject": "friend"}, "friend found"),
    (TakeEvent.HOVERING, {"subject": "hero"}, "hovering until hero is seen"),
    (FlyEvent.CONNECTING, {"address": "udpin:0.0.0.0:14540"}, "connecting to udpin:0.0.0.0:14540"),
    (
        FlyEvent.CONNECTED,
        {"version": "1.12.0", "video": "nowhere"},
        "PX4 1.12.0; the camera streams to nowhere",
    ),
    (FlyEvent.CAUTION, {"words": "Failsafe activated"}, "Failsafe activated"),
    (
        FlyEvent.FIT,
        {"battery": "100 %", "fence": "no fence"},
        "fit to fly: battery 100 %, no fence",
    ),
    (FlyEvent.TAKING_OFF, {"height": 360}, "taking off to 360 m"),
    (FlyEvent.PHASE, {"phase": "rolling"}, "rolling"),
    (FlyEvent.OFF_MARK, {"reasons": "2 m off"}, "not on the mark yet: 2 m off"),
    (FlyEvent.ENDING, {"after": 1.0}, "the flight ends: 1.0"),
    (
        FlyEvent.NOT_IN_CONTROL,
        {},
        "nothing is ordered: this flight was not in control of the vehicle",
    ),
    (FlyEvent.NOT_ENDED, {"error": "denied"}, "the flight could not be ended: denied"),
    (
        FlyEvent.VEHICLE,
        {"mode": "Hold", "armed": "armed", "height": 3.06},
        "the vehicle now: Hold, armed, 3.1 m above its take-off point",
    ),
    (FlyEvent.NOT_RECORDED, {"error": "denied"}, "the camera's own recording: denied"),
    (
        FlyEvent.PICTURE_SHAPE,
        {"height": 360, "shape": 1.78, "width": 640},
        "the pictures are 640 x 360, and the camera's file has a sensor of 1.78:1: what is measured in the pictures will be off; mend the file",
    ),
    (FlyEvent.PICTURES_DROPPED, {"count": 3}, "3 pictures were not recorded: the disk is too slow"),
    (FlyEvent.PICTURES, {"counts": "3 given"}, "pictures while it rolled: 3 given"),
    (
        FlyEvent.STREAM,
        {"median_ms": 0.1, "p99_ms": 1.2, "rate": 50.0},
        "stream: 50.0 setpoints a second of the vehicle's, off by 0.10 ms in the median, 1.20 ms at the 99th percentile",
    ),
    (
        SimEvent.TOO_SLOW,
        {"missed": 3.0},
        "this machine cannot keep up with PX4: 3.0 s of its time were not filmed so far. Fly in slower motion (PX4_SIM_SPEED_FACTOR, launch's --speed), or with smaller or fewer pictures (--size, --frame-rate)",
    ),
    (SimEvent.NO_PX4, {}, "nothing is heard from PX4 (SYSTEM_TIME on its camera link)"),
    (
        SimEvent.NO_GAZEBO,
        {"partition": "p", "world": "park"},
        "nothing is heard of the vehicle in Gazebo's world 'park' (partition p): does it run, with the same GZ_PARTITION and GZ_IP?",
    ),
    (SimEvent.NO_PEOPLE, {"error": "denied"}, "denied"),
    (
        RecordingEvent.NOT_WRITTEN,
        {"reason": "No space left on device", "what": "metrics.json"},
        "metrics.json could not be written to its end: No space left on device",
    ),
    (
        LogEvent.NOT_WRITTEN,
        {"path": "takes/one/flight.log", "reason": "No space left on device"},
        "takes/one/flight.log: the log cannot be written any more (No space left on device)",
    ),
]


@pytest.mark.parametrize(
    ("what", "data", "sentence"), SENTENCES, ids=lambda x: getattr(x, "name", "")
)
def test_its_sentence(what: Reason | Kind, data: dict[str, Any], sentence: str) -> None:
    if isinstance(what, Kind):
        assert what.level in (logging.INFO, logging.WARNING, logging.ERROR)
        assert str(Event(what, data)) == sentence
    else:
        assert str(Problem(what, data)) == sentence


def test_none_is_left_out() -> None:
    said = [what for what, _, _ in SENTENCES]
    for family in {type(what) for what in said}:
        assert [what for what in said if type(what) is family] == list(family)
