"""What can be wrong with a camera, and what is reported of it: every reason and kind of event, with
its sentence."""

from __future__ import annotations

from enum import unique
from logging import INFO, WARNING

from cinempc.rig.log import Kind, Reason


@unique
class Lack(Reason):
    """Why a degree of freedom of the lens is not moved; the sentence goes on from "the camera"."""

    ZOOM_UNUSED = "is not told to zoom (its file says mavlink.zoom: none)"
    NO_ZOOM = "cannot zoom"
    FOCUS_UNUSED = "is not told where to focus (its file says mavlink.focus: none)"
    NO_FOCUS = "cannot focus"
    APERTURE_UNUSED = "is not told its aperture (its file says mavlink.aperture: none)"
    NO_APERTURES = (
        "does not say which apertures it has (no {parameter} in its definition file; "
        "mavlink.aperture.values would say it)"
    )
    NO_PARAMETER = "has no extended parameter {parameter}"
    UNFIT = "has apertures that its parameter cannot hold ({error})"
    UNANSWERED = "does not answer {dof} commands"
    REFUSED = (
        "answered {dof} by {how} with {result!r} (mavlink.{dof}: {other} in its file may suit it "
        "better)"
    )
    PARAMETER_REFUSED = "answered the setting of {parameter} with {result!r}"


@unique
class StreamFault(Reason):
    """Why a video stream of the camera's is not read, or not gladly."""

    NO_ADDRESS = "the camera's video stream {number} ({name}) has no address"
    NO_NETWORK_ADDRESS = (
        "the camera's video stream {number} ({name}) has no address that can be read over the "
        "network"
    )
    NO_PORT = "the camera's video stream {number} ({name}) comes by UDP, and names no port"
    UNREADABLE = (
        "the camera's video stream {number} ({name}) is {kind}, which cinempc does not read"
    )
    ONLY_HEAT = "the camera offers no pictures but those of heat: people are hardly found in them"


@unique
class RecordingFault(Reason):
    """Why the camera does not record."""

    ABSENT = "no camera is heard that could record"
    NOT_SPOKEN_TO = "the camera is not spoken to (its file says protocol: none)"
    NO_CARD = "there is no card in the camera"
    UNFORMATTED = "the camera's card is not formatted"
    FULL = "the camera's card is full: {left:.0f} MiB are left, and {least:.0f} MiB are needed"
    MODE = "the camera stays in the mode {mode!r} and does not record ({error})"
    REFUSED = "the camera does not begin to record ({error})"
    UNFINISHED = "the camera has not finished {command!r} in {most:g} s"
    NOT_RECORDING = "the camera has said that it records, and its own report says that it does not"
    NOT_AGAIN = "the recording is not begun again: {error}"


@unique
class CameraReason(Reason):
    """What is wrong."""

    ABSENT = (
        "no camera was heard in {timeout:g} s: the shot is flown without moving the lens{heard}"
    )
    COMPONENT_ABSENT = (
        "the camera, component {component}, was not heard in {timeout:g} s: the shot is flown "
        "without moving the lens{heard}"
    )
    SILENT = "the camera was not heard for {silence:g} s: its lens is not moved until it is back"
    NO_INFORMATION = "the camera does not say what it is: {error}"
    NO_DEFINITION = "the camera's definition file cannot be used: {error}"
    ODD_PARAMETER = (
        "{name!r} of the camera's definition file is left out, in whole or in part: {oddity}"
    )
    NOT_PREPARED = "the camera was not set up as configured: {error}"
    LACKS = "the camera {lack}: the shot is flown without moving its {dof}"


@unique
class CameraEvent(Kind):
    """What is reported."""

    PROBLEM = WARNING, "{problem}"
    THERE = INFO, "the camera is there now"
    BACK = INFO, "the camera is back"
    RESTARTED = WARNING, "the camera was restarted: it is set up again"
    CHOSEN = INFO, "of several cameras {chosen} is used; heard as well: {others}"
    OTHER_SYSTEM = (
        WARNING,
        "no camera was heard in the vehicle's system; {chosen}, which has no autopilot, is used",
    )
    RECORDING_UNSEEN = WARNING, "the camera says that it records, and does not report that it does"
    RECORDING_ENDED = WARNING, "the camera has stopped recording by itself"
    RECORDING_AGAIN = INFO, "the camera records again"
