"""Which component is the camera: several, odd addresses, odd heartbeats; in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.flight.camera.client import CameraClient
from cinempc.flight.camera.discovery import Discovery, Place
from cinempc.flight.camera.driver import DRIVERS, make_camera
from cinempc.flight.camera.presence import Presence
from cinempc.flight.camera.reasons import CameraEvent, CameraReason, RecordingFault
from cinempc.flight.camera.recording import RecordingError
from cinempc.flight.camera.video_streams import VideoStream
from cinempc.mavlink.commands import Target
from cinempc.mavlink.dialect import mavlink
from cinempc.rig import camera as cameras
from cinempc.rig.camera import Dof
from sim.body.lens_motor import LensMotors
from sim.mavlink.camera.behaviour import Behaviour, Lacks
from sim.mavlink.camera.component import CameraComponent
from sim.mavlink.camera.definition import definition_xml
from sim.mavlink.camera.streams import Stream
from sim.mavlink.component import Component
from tests.fakes.camera import START, SUPER35, Client, VirtualWorld, running, until

CAMERA = mavlink.MAV_TYPE_CAMERA
GENERIC = mavlink.MAV_TYPE_GENERIC


def named(**mavlink_section: Any) -> cameras.Camera:
    return SUPER35.model_copy(update={"mavlink": cameras.Mavlink(**mavlink_section)})


def board(world: VirtualWorld, address: tuple[int, int], **options: Any) -> CameraComponent:
    """Another camera on the same network."""
    other = CameraComponent(
        address[0],
        world.host.sender(*address),
        LensMotors(SUPER35, START),
        component=address[1],
        **options,
    )
    world.host.add(other)
    return other


def autopilot(world: VirtualWorld, system: int) -> None:
    class Autopilot(Component):
        def heartbeat(self) -> Any:
            return mavlink.MAVLink_heartbeat_message(self.kind, 12, 0, 0, 4, 3)

    world.host.add(Autopilot(system, 1, mavlink.MAV_TYPE_QUADROTOR, world.host.sender(system, 1)))


@contextlib.contextmanager
def meeting(
    address: tuple[int, int] = (1, 100), camera: cameras.Camera = SUPER35, **options: Any
) -> Iterator[tuple[VirtualWorld, Any]]:
    """A world, and a function that runs a test in it with a connected client."""
    with running(address=address, **options) as world:

        def run(test: Any) -> None:
            async def scenario() -> None:
                async with Client(world, camera, patience=4.0) as client:
                    await test(client)

            world.run(scenario())

        yield world, run


@pytest.mark.parametrize(
    ("component", "kind"),
    [(100, CAMERA), (105, CAMERA), (154, CAMERA), (100, GENERIC), (103, mavlink.MAV_TYPE_GIMBAL)],
)
def test_a_camera_is_known_by_its_type_or_by_its_component(component, kind):
    with meeting((1, component), behaviour=Behaviour(kind=kind)) as (_, run):

        async def test(client: Client) -> None:
            assert client.camera.target == Target(1, component)
            assert client.camera.available(SUPER35) == SUPER35
            assert client.heard.events == []

        run(test)


def test_of_several_the_one_that_can_most_is_used_and_all_are_told():
    lesser = Lacks.ZOOM | Lacks.FOCUS | Lacks.VIDEO
    with meeting((1, 102)) as (world, run):
        board(world, (1, 100), lacks=Lacks.INFORMATION)
        board(world, (1, 101), lacks=lesser, streams=(Stream("rtsp://b"),))

        async def test(client: Client) -> None:
            assert client.camera.target == Target(1, 102)
            (told,) = client.heard.of(CameraEvent.CHOSEN)
            assert told.data["chosen"] == Target(1, 102)
            assert "component 100" in told.text
            assert "component 101" in told.text
            await client.camera.recording.begin()
            assert world.camera.recording

        run(test)


def test_of_equals_the_first_component_is_used():
    with meeting((1, 101)) as (world, run):
        board(world, (1, 100), streams=(Stream("rtsp://b"),))

        async def test(client: Client) -> None:
            assert client.camera.target == Target(1, 100)

        run(test)


def test_a_heat_camera_comes_behind_one_for_colours():
    heat = SUPER35.model_copy(update={"name": "Boson thermal"})
    with meeting((1, 101)) as (world, run):
        other = board(world, (1, 100), streams=(Stream("rtsp://b"),))
        other.camera = heat

        async def test(client: Client) -> None:
            assert client.camera.target == Target(1, 101)

        run(test)


def test_the_file_chooses():
    camera = named(component=101)
    with meeting((1, 100), camera) as (world, run):
        board(world, (1, 101))

        async def test(client: Client) -> None:
            assert client.camera.target == Target(1, 101)

        run(test)


def test_a_camera_of_a_system_without_an_autopilot_is_taken_and_told():
    with meeting((42, 100)) as (world, run):
        autopilot(world, 1)

        async def test(client: Client) -> None:
            assert client.camera.presence is Presence.PRESENT
            assert client.camera.target == Target(42, 100)
            (told,) = client.heard.of(CameraEvent.OTHER_SYSTEM)
            assert "component 100 of system 42" in told.text
            await client.camera.recording.begin()
            assert world.camera.recording

        run(test)


def test_its_link_may_be_restricted_to_the_vehicle():
    with meeting((42, 100)) as (world, _):

        async def scenario() -> None:
            client = Client(world, patience=4.0)
            client.link.restrict((1,))
            async with client:
                assert client.camera.target == Target(42, 100)
                assert client.camera.information is not None

        world.run(scenario())


def test_a_camera_of_its_own_system_that_comes_late_is_taken_in():
    with meeting((42, 100)) as (world, _):
        world.alive = False

        async def scenario() -> None:
            async with Client(world, patience=2.0) as client:
                assert client.heard.reasons == [CameraReason.ABSENT]
                world.alive = True
                await until(lambda: client.camera.presence is Presence.PRESENT)
                await until(lambda: client.camera.available(SUPER35) == SUPER35)

        world.run(scenario())


def test_another_vehicles_camera_is_left_alone_and_told():
    with meeting((2, 100)) as (world, run):
        autopilot(world, 1)
        autopilot(world, 2)

        async def test(client: Client) -> None:
            assert client.camera.target is None
            assert client.heard.reasons == [CameraReason.ABSENT]
            words = str(client.heard.problems[0])
            assert "component 100 of system 2 (camera)" in words
            assert "component 1 (quadrotor)" in words

        run(test)


def test_two_cameras_of_their_own_systems_are_left_to_the_file():
    with meeting((42, 100)) as (world, run):
        board(world, (43, 100))

        async def test(client: Client) -> None:
            assert client.camera.target is None
            assert "component 100 of system 43 (camera)" in str(client.heard.problems[0])

        run(test)
    with meeting((42, 100), named(system=43)) as (world, run):
        board(world, (43, 100))

        async def test(client: Client) -> None:
            assert client.camera.target == Target(43, 100)

        run(test)


def test_the_vehicles_own_camera_comes_before_one_of_its_own_system():
    with meeting((42, 100)) as (world, run):
        board(world, (1, 100))

        async def test(client: Client) -> None:
            assert client.camera.target == Target(1, 100)
            assert CameraEvent.OTHER_SYSTEM not in client.heard

        run(test)


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 255), st.integers(0, 60), st.integers(0, 20)),
        max_size=100,
    )
)
def test_whoever_speaks_no_camera_has_an_autopilot_beside_it_in_another_system(heartbeats):
    found = Discovery(cameras.Mavlink(), 1)
    for system, component, kind, pilot in heartbeats:
        found.hear(
            SimpleNamespace(
                type=kind,
                autopilot=pilot,
                get_srcSystem=lambda system=system: system,
                get_srcComponent=lambda component=component: component,
            )
        )
    piloted = {system for system, _, _, pilot in heartbeats if pilot != 8}
    assert all(each.system == 1 for each in found.cameras(Place.VEHICLE))
    assert all(each.system not in piloted for each in found.cameras(Place.OWN))
    assert len(found.others) < 10_000


# --- what it tells of itself ---


def test_a_camera_that_restarts_within_three_seconds_is_set_up_again():
    with meeting() as (world, run):

        async def test(client: Client) -> None:
            await asyncio.sleep(1.0)
            await client.camera.recording.begin()
            fresh = CameraComponent(
                1,
                world.camera.send,
                world.motors,
                behaviour=Behaviour(mode=mavlink.CAMERA_MODE_IMAGE),
            )
            world.host.components[0] = fresh
            began = world.host.time
            step = fresh.step
            fresh.step = lambda time: step(time - began)  # type: ignore[method-assign]
            await until(lambda: CameraEvent.RESTARTED in client.heard)
            await until(lambda: fresh.recording)
            await until(lambda: CameraEvent.RECORDING_AGAIN in client.heard)
            assert fresh.orders[mavlink.MAV_CMD_SET_MESSAGE_INTERVAL] > 0
            assert client.heard.count(CameraEvent.RESTARTED) == 1
            assert client.camera.presence is Presence.PRESENT

        run(test)


def streams_of(**options: Any) -> list[VideoStream]:
    found: list[VideoStream] = []
    with meeting(**options) as (_, run):

        async def test(client: Client) -> None:
            found.extend(client.camera.streams.values())
            options["chosen"] = client.camera.video

        run(test)
    return found


TWO = (Stream("rtsp://a", "IR", flags=2), Stream("rtsp://b", "EO"))


@pytest.mark.parametrize("first", [0, 1, 100])
@pytest.mark.parametrize("counts", [False, True])
def test_streams_are_found_whatever_their_numbers(first, counts):
    behaviour = Behaviour(first_stream=first, counts_streams=counts)
    found = streams_of(behaviour=behaviour, streams=TWO)
    assert {stream.address for stream in found} == {"rtsp://a", "rtsp://b"}
    assert {stream.number for stream in found} == {first, first + 1}


def test_a_camera_that_tells_one_stream_at_a_time_is_asked_for_each():
    behaviour = Behaviour(all_streams=False)
    assert len(streams_of(behaviour=behaviour, streams=TWO)) == 2


@pytest.mark.parametrize("lacks", [Lacks.STREAM_FLAG, Lacks.STREAM_STATUS, Lacks.OLD_REQUESTS])
def test_streams_are_found_without_a_flag_or_a_status(lacks):
    assert len(streams_of(lacks=lacks, streams=TWO)) == 2


def test_streams_without_sizes_and_rates_are_as_good():
    bare = (Stream("rtsp://a", "", size=(0, 0), bitrate=0),)
    (found,) = streams_of(streams=bare)
    assert (found.width, found.height) == (0, 0)


def test_the_picture_is_the_one_in_colours_and_what_is_not_read_is_told():
    streams = (*TWO, Stream("webrtc://c", "third"))
    with meeting(streams=streams) as (_, run):

        async def test(client: Client) -> None:
            assert client.camera.video.video == "rtsp://b"
            (told,) = client.heard.problems
            assert "3 (third) is webrtc://" in str(told)

        run(test)


def test_an_odd_parameter_in_the_definition_costs_itself_and_is_told():
    odd = '<parameter name="CAM_ODD" type="enum" default="1"/>'
    xml = definition_xml(SUPER35).replace("<parameters>", f"<parameters>{odd}")
    with meeting(uri="mftp://camera.xml", files={"camera.xml": xml.encode()}) as (_, run):

        async def test(client: Client) -> None:
            assert client.camera.available(SUPER35) == SUPER35
            assert {"CAM_APERTURE", "CAM_SHUTTERSPD", "CAM_ISO"} <= set(
                client.camera.definition.settings
            )
            assert client.heard.reasons == [CameraReason.ODD_PARAMETER]
            assert client.heard.problems[0].data["name"] == "CAM_ODD"

        run(test)


@pytest.mark.parametrize("definition", ["", "http://127.0.0.1:1/none.xml", "nonsense://x"])
def test_without_a_definition_the_rest_is_as_good(definition):
    with meeting(behaviour=Behaviour(definition=definition)) as (world, run):

        async def test(client: Client) -> None:
            assert client.camera.available(SUPER35).focal_length == SUPER35.focal_length
            await client.camera.recording.begin()
            assert world.camera.recording

        run(test)


# --- another protocol ---


def test_the_file_names_the_protocol():
    with meeting() as (world, _):

        async def scenario() -> None:
            link = world.link()
            assert isinstance(make_camera(link, SUPER35, 1), CameraClient)
            fixed = make_camera(link, SUPER35.model_copy(update={"protocol": "none"}), 1)
            await fixed.connect()
            left = fixed.available(SUPER35)
            assert left.focal_length.min == left.focal_length.max == fixed.lens.focal_length_mm
            assert left.focus.rate == 0
            fixed.command_lens(START)
            assert fixed.lens == left.clamp(fixed.lens)
            assert fixed.video.video is None
            assert fixed.latency(Dof.zoom).count == 0
            for order in (fixed.recording.check, fixed.recording.begin, fixed.recording.end):
                with pytest.raises(RecordingError) as refused:
                    await order()
                assert refused.value.problem.reason is RecordingFault.NOT_SPOKEN_TO
            fixed.close()

        world.run(scenario())


def test_every_protocol_that_a_file_can_name_has_a_driver():
    kind = cameras.Camera.model_fields["protocol"].annotation
    assert set(get_args(kind)) == set(DRIVERS)
