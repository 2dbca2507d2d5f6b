"""Recording on cameras of every kind: begun for certain, or refused with the reason, in virtual
time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cinempc.flight.camera.client import CameraClient
from cinempc.flight.camera.reasons import CameraEvent, RecordingFault
from cinempc.flight.camera.recording import RecordingError
from cinempc.mavlink.dialect import mavlink
from sim.mavlink.camera.behaviour import CARD, Behaviour, Lacks
from tests.fakes.camera import Client, VirtualWorld, running, until

PHOTO = mavlink.CAMERA_MODE_IMAGE
SURVEY = mavlink.CAMERA_MODE_IMAGE_SURVEY
LATER = mavlink.MAV_RESULT_TEMPORARILY_REJECTED
RUNNING = mavlink.MAV_RESULT_IN_PROGRESS
DENIED = mavlink.MAV_RESULT_DENIED
READY = mavlink.STORAGE_STATUS_READY
START = mavlink.MAV_CMD_VIDEO_START_CAPTURE


def scene(
    test: Callable[[VirtualWorld, CameraClient, Client], Awaitable[Any]],
    lacks: Lacks = Lacks.NOTHING,
    **behaviour: Any,
) -> None:
    """Run a test with a camera of a kind."""

    async def scenario(world: VirtualWorld) -> None:
        async with Client(world) as client:
            await test(world, client.camera, client)

    with running(lacks, behaviour=Behaviour(**behaviour)) as world:
        world.run(scenario(world))


#: Cameras that record, if one knows how to ask them.
ABLE: list[tuple[str, Lacks, dict[str, Any]]] = [
    ("as it should be", Lacks.NOTHING, {}),
    ("in photo mode", Lacks.NOTHING, {"mode": PHOTO}),
    ("in survey mode", Lacks.NOTHING, {"mode": SURVEY}),
    ("in photo mode, slow", Lacks.NOTHING, {"mode": PHOTO, "mode_takes": 3.0}),
    ("no modes", Lacks.MODES, {}),
    ("busy", Lacks.NOTHING, {"video_answers": (LATER,) * 8}),
    ("refuses once", Lacks.NOTHING, {"video_answers": (DENIED,)}),
    ("in progress, and then again", Lacks.NOTHING, {"video_answers": (RUNNING,)}),
    ("the answer is lost", Lacks.NOTHING, {"loses": 1}),
    ("all answers are lost", Lacks.NOTHING, {"loses": 1000}),
    ("nothing is answered", Lacks.ANSWERS, {"mode": PHOTO}),
    ("does not say whether it records", Lacks.CAPTURE_STATUS, {"mode": PHOTO}),
    ("says nothing of its card", Lacks.STORAGE_STATUS, {}),
    ("its flags lie", Lacks.VIDEO_FLAG, {"mode": PHOTO}),
    ("does not say what it is", Lacks.INFORMATION, {"mode": PHOTO}),
    ("its clock stands", Lacks.NOTHING, {"clock_stands": True, "mode": PHOTO}),
    ("tells no sizes", Lacks.NOTHING, {"card": (0.0, 0.0, mavlink.STORAGE_STATUS_NOT_SUPPORTED)}),
]


@pytest.mark.parametrize(("lacks", "behaviour"), [a[1:] for a in ABLE], ids=[a[0] for a in ABLE])
def test_a_camera_that_can_record_is_found_fit_and_records(lacks, behaviour):
    if "card" in behaviour:
        behaviour = behaviour | {"card": (CARD, CARD, behaviour["card"][2])}

    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        await camera.recording.check()
        assert not world.camera.recording, "a trial is ended"
        await camera.recording.begin()
        assert world.camera.recording
        await camera.recording.begin()  # as good as done
        assert world.camera.recording
        used = world.camera.capture.used
        await until(lambda: world.camera.capture.used > used + 1)
        await camera.recording.end()
        assert not world.camera.recording
        await camera.recording.end()  # as good as done

    if lacks & Lacks.ANSWERS or lacks & Lacks.CAPTURE_STATUS:
        # Whether it has stopped already cannot be known.
        test = _without_repeats(test)
    scene(test, lacks, **behaviour)


def _without_repeats(test: Any) -> Any:
    async def plain(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        await camera.recording.check()
        await camera.recording.begin()
        assert world.camera.recording
        await camera.recording.end()
        assert not world.camera.recording

    return plain


def test_a_camera_that_tells_enough_is_not_made_to_record_beforehand():
    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        await camera.recording.check()
        assert START not in world.camera.orders
        assert world.camera.mode == mavlink.CAMERA_MODE_VIDEO

    scene(test, mode=PHOTO)


#: Cameras that do not record, and why not.
UNABLE: list[tuple[str, Lacks, dict[str, Any], RecordingFault]] = [
    ("no video", Lacks.VIDEO, {}, RecordingFault.REFUSED),
    (
        "no card",
        Lacks.NOTHING,
        {"card": (0.0, 0.0, mavlink.STORAGE_STATUS_EMPTY)},
        RecordingFault.NO_CARD,
    ),
    (
        "unformatted",
        Lacks.NOTHING,
        {"card": (CARD, CARD, mavlink.STORAGE_STATUS_UNFORMATTED)},
        RecordingFault.UNFORMATTED,
    ),
    ("full", Lacks.NOTHING, {"card": (CARD, 0.0, READY)}, RecordingFault.FULL),
    ("nearly full", Lacks.NOTHING, {"card": (CARD, 20.0, READY)}, RecordingFault.FULL),
    ("full, and does not say so", Lacks.STORAGE_STATUS, {"card": (CARD, 0.0, READY)}, None),
    ("photo mode for ever", Lacks.MODES, {"mode": PHOTO}, RecordingFault.MODE),
    ("obeys nobody", Lacks.OBEDIENCE, {"mode": PHOTO}, RecordingFault.MODE),
    (
        "never ready",
        Lacks.VIDEO_FLAG,
        {"video_answers": (LATER,) * 9999},
        RecordingFault.REFUSED,
    ),
    (
        "says yes, and does not",
        Lacks.VIDEO_FLAG,
        {"records": False},
        RecordingFault.NOT_RECORDING,
    ),
]


@pytest.mark.parametrize(
    ("lacks", "behaviour", "fault"), [u[1:] for u in UNABLE], ids=[u[0] for u in UNABLE]
)
def test_a_camera_that_cannot_record_says_why_on_the_ground(lacks, behaviour, fault):
    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        with pytest.raises(RecordingError) as refused:
            await camera.recording.check()
        assert fault in (None, refused.value.problem.reason)
        # What is left is used, and nobody waits twice for who is never ready.
        if behaviour.get("card") != (CARD, 20.0, READY) and "video_answers" not in behaviour:
            with pytest.raises(RecordingError):
                await camera.recording.begin()
        assert not world.camera.recording

    scene(test, lacks, **behaviour)


def test_one_that_promises_and_does_not_record_is_noticed_in_the_take():
    """What its flags, its card and its mode say is good: only the recording itself shows it."""

    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        await camera.recording.check()
        with pytest.raises(RecordingError) as refused:
            await camera.recording.begin()
        assert refused.value.problem.reason is RecordingFault.NOT_RECORDING

    scene(test, records=False)


@pytest.mark.slow
def test_one_that_stays_in_progress_is_not_waited_for_for_ever():
    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        began = client.link.wall.now()
        with pytest.raises(RecordingError) as refused:
            await camera.recording.begin()
        assert refused.value.problem.reason is RecordingFault.REFUSED
        assert client.link.wall.now() - began < 45.0

    scene(test, video_answers=(RUNNING,) * 9999)


def test_a_camera_that_is_not_there_does_not_record():
    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        world.alive = False
        await until(lambda: not camera.present)
        for order in (camera.recording.check, camera.recording.begin, camera.recording.end):
            with pytest.raises(RecordingError) as refused:
                await order()
            assert refused.value.problem.reason is RecordingFault.ABSENT

    scene(test)


def test_a_recording_that_ends_by_itself_is_told_and_begun_again():
    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        await camera.recording.begin()
        await until(lambda: CameraEvent.RECORDING_AGAIN in client.heard)
        assert client.heard.news[-2:] == [CameraEvent.RECORDING_ENDED, CameraEvent.RECORDING_AGAIN]
        assert world.camera.recording
        await camera.recording.end()
        told = len(client.heard.events)
        await asyncio.sleep(3.0)
        assert len(client.heard.events) == told, "one that was ended is not begun again"
        assert not world.camera.recording

    scene(test, stops_after=4.0)


def test_one_that_ends_because_the_card_is_full_says_so():
    async def test(world: VirtualWorld, camera: CameraClient, client: Client) -> None:
        await camera.recording.begin()
        await until(lambda: CameraEvent.RECORDING_ENDED in client.heard)
        await until(lambda: RecordingFault.NOT_AGAIN in client.heard)
        assert not world.camera.recording

    scene(test, card=(CARD, 60.0, READY))
