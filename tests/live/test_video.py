"""The camera's stream and the eye that takes it in, over real UDP and TCP on this machine."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import socket
import threading
import time

import av
import numpy as np
import pytest

from cinempc.errors import CinempcError
from cinempc.flight.video import feed as video_feed
from cinempc.flight.video.depth_join import LATE, DepthJoin, Taken, metres
from cinempc.flight.video.eye import VideoEye
from cinempc.flight.video.feed import Feed
from cinempc.flight.video.reasons import VideoEvent
from cinempc.mavlink import telemetry
from cinempc.mavlink.dialect import mavlink
from cinempc.rig import truth
from sim.mavlink.autopilot.reports import EPOCH
from sim.mavlink.depth_stream import DepthStream
from sim.mavlink.video import CameraVideo
from tests.fakes.events import Heard
from tests.live import stage
from tests.live.stage import FAR, LENS, NEAR, RATE, SIZE, Proxy, filming, free_udp, pose_at, until


class Kept:
    """A feed, and what it gave."""

    def __init__(self, address: str, depth: str | None = None) -> None:
        self.pictures: list[tuple[Taken, np.ndarray | None]] = []
        self.heard = Heard("cinempc.flight.video").start()
        self.feed = Feed(
            address,
            depth,
            RATE,
            lambda picture, depth: self.pictures.append((picture, depth)),
        )

    @property
    def times(self) -> list[float]:
        """Simulated times of the pictures, s."""
        return [(picture.utc - EPOCH) / 1e6 for picture, _ in self.pictures]

    @property
    def counts(self):
        return self.feed.counts

    def some(self, number: int):
        def there() -> bool:
            self.feed.settle()
            return len(self.pictures) >= number

        return there


@contextlib.contextmanager
def reading(address: str, depth: str | None = None):
    kept = Kept(address, depth)
    try:
        yield kept
    finally:
        kept.feed.close(2.0)
        kept.heard.stop()


@contextlib.contextmanager
def looking(address: str, depth: str | None = None, **options):
    heard = Heard("cinempc.flight.video").start()
    options = {"at": stage.state_at, "utc": lambda: EPOCH / 1e6, "now": lambda: 0.0} | options
    eye = VideoEye(
        address,
        depth,
        stage.small_camera(),
        **options,
    )
    eye.heard = heard
    try:
        yield eye
    finally:
        eye.close()
        heard.stop()


def frames_of(eye: VideoEye, film: stage.Set, number: int):
    """So many frames of an eye while it is filmed."""
    frames = []

    def enough() -> bool:
        while (frame := eye.frame()) is not None:
            frames.append(frame)
        return len(frames) >= number

    film.until(enough)
    return frames


# --- pictures, times, truth, depth ---


def test_pictures_come_with_their_times_truth_and_depth():
    port = free_udp()
    with filming(port) as film, reading(f"rtp://127.0.0.1:{port}", film.depth) as kept:
        film.until(kept.some(40))
        deep = [(p, d) for p, d in kept.pictures if d is not None]
        film.until(lambda: kept.some(0)() or sum(d is not None for _, d in kept.pictures) > 10)
        deep = [(p, d) for p, d in kept.pictures if d is not None]
    assert kept.counts["lost"] == kept.counts["corrupt"] == kept.counts["skipped"] == 0
    # Every one from the first that came, each at its time to the µs.
    numbers = [round(when * RATE) for when in kept.times]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert kept.times == [round(n / RATE * 1e6) / 1e6 for n in numbers]
    for picture, depth in deep[::5]:
        when = (picture.utc - EPOCH) / 1e6
        rows, columns = film.world.board(when, SIZE)
        # The picture of that time and no other's.
        assert stage.board_in(picture.image) == pytest.approx((columns.start, columns.stop), abs=2)
        assert picture.image.shape == (SIZE[1], SIZE[0], 3)
        # The sensor's own error is 1 % of a picture and 1.5 % of a pixel.
        inside = depth[rows.start + 2 : rows.stop - 2, columns.start + 2 : columns.stop - 2]
        assert np.median(inside) == pytest.approx(NEAR, rel=0.04)
        assert np.median(depth[-5:]) == pytest.approx(FAR, rel=0.04)
        assert np.isinf(depth[:5]).all()
        # Depth of half the size, its edges within a pixel of the picture's, and nothing between.
        row = depth[SIZE[1] // 4 + 4]
        assert not ((row > NEAR * 1.2) & (row < FAR * 0.8)).any()
        found = np.flatnonzero(row < NEAR * 1.2)
        assert (found[0], found[-1] + 1) == pytest.approx((columns.start, columns.stop), abs=1.01)


def test_colours_survive():
    port = free_udp()
    with filming(port) as film, reading(f"rtp://127.0.0.1:{port}") as kept:
        film.until(kept.some(3))
    image = kept.pictures[-1][0].image
    sky, floor = image[5:15, :].mean((0, 1)), image[-10:, :].mean((0, 1))
    assert sky == pytest.approx((40, 90, 140), abs=4)
    assert floor == pytest.approx((120, 120, 110), abs=4)


def test_the_eye_gives_frames_in_vehicle_time_with_the_pose_at_exposure():
    port = free_udp()
    with filming(port) as film, looking(str(port), film.depth) as eye:
        assert not eye.healthy
        assert eye.truth(0.0) is None
        frames = frames_of(eye, film, 30)
        assert eye.healthy
        for frame in frames:
            number = round(frame.time * RATE)
            assert frame.time == pytest.approx(number / RATE, abs=1e-6)
            assert frame.pose.position == pytest.approx(pose_at(frame.time).position)
            assert frame.pose.yaw == pytest.approx(0.1 * frame.time)
            assert frame.lens == LENS
            assert frame.sensor_mm == (24.89, 14.0)
            truth = eye.truth(frame.time)
            assert truth.time == frame.time
            assert truth.pose.position == pytest.approx(frame.pose.position, abs=1e-5)
            assert truth.actors["hero"].position[0] == pytest.approx(1 + frame.time, abs=1e-5)
        assert eye.truth(frames[-1].time + 5.0) is None
        assert frames[-1].depth.dtype == np.float32
        assert frames[-1].depth.shape == frames[-1].image.shape[:2]
        assert eye.counts["given"] == len(frames)


def test_before_the_action_begins_the_truth_is_that_nobody_moves():
    from cinempc.rig import truth
    from cinempc.video import sei

    port = free_udp()
    with filming(port) as film, reading(str(port)) as kept:
        film.until(kept.some(3))
        kept.pictures.clear()
        for k in range(200):  # the vehicle's time goes on, the scene's does not
            film.video(100 + k / RATE, 0.0, EPOCH + round((100 + k / RATE) * 1e6), pose_at(0), LENS)
            time.sleep(0.02)
            if kept.times and kept.times[-1] > 99:
                break
    told = truth.read(sei.truth_of(kept.pictures[-1][0].truth), 1.0)
    assert told.actors["hero"].velocity == pytest.approx(np.zeros(3))


def test_a_picture_waits_for_the_vehicle_to_tell_where_it_was():
    port = free_udp()
    told = [-1.0]

    def at(when: float):
        return stage.state_at(min(when, told[0]))

    with filming(port) as film, looking(str(port), at=at) as eye:
        film.until(lambda: eye.healthy)
        told[0] = 1e9
        (frame,) = frames_of(eye, film, 1)[-1:]
        assert frame.pose.position[0] == pytest.approx(frame.time)
        # A vehicle that has fallen silent is not waited for: the last that it told must do.
        told[0] = frame.time
        began = time.monotonic()
        late = frames_of(eye, film, 1)[0]
        assert time.monotonic() - began > 0.1
        assert late.time > frame.time
        assert late.pose.position[0] == pytest.approx(frame.time)


def test_a_picture_whose_time_is_not_known_is_dated_by_its_arrival(monkeypatch):
    """A real camera's tell no truth, and no UTC is known while the autopilot has no fix."""
    monkeypatch.setattr(truth, "taken_at", lambda data: None)
    port = free_udp()
    began = time.monotonic()

    def now() -> float:
        return time.monotonic() - began

    utc = [None]
    with (
        filming(port) as film,
        looking(str(port), now=now, utc=lambda: utc[0], latency=0.1, waiting=1) as eye,
    ):
        frame = frames_of(eye, film, 3)[-1]
        assert now() - 5.0 < frame.time < now() - 0.1
        assert eye.counts["untimed"] == eye.counts["given"]
        utc[0] = EPOCH / 1e6  # the autopilot has a fix
        frame = frames_of(eye, film, 5)[-1]
        assert round(frame.time * RATE) == pytest.approx(frame.time * RATE, abs=1e-4)


def test_a_simulators_picture_tells_the_vehicles_time():
    """PX4's UTC is the wall clock's, which runs away from the time that it simulates."""
    port = free_udp()
    with filming(port) as film, looking(str(port), utc=lambda: EPOCH / 1e6 - 7.0) as eye:
        times = [frame.time for frame in frames_of(eye, film, 4)]
    assert [round(t * RATE) for t in times] == pytest.approx([t * RATE for t in times], abs=1e-4)
    assert times[-1] < 6.0


def test_who_looks_seldom_sees_the_newest_few():
    port = free_udp()
    with filming(port) as film, looking(str(port), waiting=3) as eye:
        frames_of(eye, film, 2)
        before = eye.counts["dropped"]
        film.until(lambda: eye.counts["dropped"] > before + 10)
        frames = []
        while (frame := eye.frame()) is not None:
            frames.append(frame)
        assert 1 <= len(frames) <= 4
        assert [f.time for f in frames] == sorted(f.time for f in frames)


# --- faults ---


def test_lost_packets_cost_pictures_and_nothing_is_made_up():
    port = free_udp()
    chance = random.Random(3)
    proxy = Proxy(port, lambda data: chance.random() < 0.06)
    try:
        with filming(proxy.port) as film, reading(str(port)) as kept:
            film.until(lambda: kept.some(60)() and proxy.dropped > 5, step=0.01)
    finally:
        proxy.close()
    assert proxy.dropped > 3
    assert kept.counts["lost"] > 0
    assert kept.counts["broken"] + kept.counts["skipped"] > 0
    assert kept.counts["skipped"] > 0
    # Every picture that was given is the one of its time: none rests on what was lost.
    for picture, _ in kept.pictures:
        _, columns = film.world.board((picture.utc - EPOCH) / 1e6, SIZE)
        assert stage.board_in(picture.image) == pytest.approx((columns.start, columns.stop), abs=2)
    # It goes on at a key picture, which comes twice a second.
    numbers = [round(when * RATE) for when in kept.times]
    gaps = [b for a, b in itertools.pairwise(numbers) if b != a + 1]
    assert gaps
    assert all(number % round(RATE / 2) == 0 for number in gaps)


def test_a_stream_that_ends_is_told_and_comes_back():
    port = free_udp()
    with reading(str(port)) as kept:
        with filming(port) as film:
            film.until(kept.some(5))
        until(lambda: kept.some(0)() and VideoEvent.NO_PICTURE in kept.heard)
        came = len(kept.pictures)
        with filming(port) as film:  # another process of the camera: another RTP source
            film.until(kept.some(came + 5))
        assert kept.heard.events[-1].kind is VideoEvent.PICTURES


def test_garbage_on_the_port_changes_nothing():
    port = free_udp()
    chance = random.Random(5)
    rude = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    last = [b""]

    def spoil(data: bytes) -> bool:
        kept_ = bytearray(data)
        for _ in range(4):
            kept_[chance.randrange(len(kept_))] = chance.randrange(256)
        rude.sendto(bytes(kept_), ("127.0.0.1", port))
        rude.sendto(chance.randbytes(chance.randrange(1, 1400)), ("127.0.0.1", port))
        last[0] = data
        return False

    proxy = Proxy(port, spoil)
    try:
        with filming(proxy.port) as film, reading(str(port)) as kept:
            film.until(kept.some(30))
    finally:
        proxy.close()
        rude.close()
    assert kept.counts["malformed"] > 10
    assert kept.counts["strangers"] > 10
    for picture, _ in kept.pictures:
        _, columns = film.world.board((picture.utc - EPOCH) / 1e6, SIZE)
        assert stage.board_in(picture.image) == pytest.approx((columns.start, columns.stop), abs=2)


def test_a_stream_spoilt_on_the_way_is_survived():
    """Bytes changed inside the sender's own packets reach the decoder."""
    port = free_udp()
    chance = random.Random(7)
    clean = [False]
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def spoil(data: bytes) -> bool:
        spoilt = bytearray(data)
        if not clean[0] and chance.random() < 0.1:
            spoilt[chance.randrange(12, len(spoilt))] ^= 1 << chance.randrange(8)
        out.sendto(bytes(spoilt), ("127.0.0.1", port))
        return True

    proxy = Proxy(port, spoil)
    try:
        with filming(proxy.port) as film, reading(str(port)) as kept:
            film.until(kept.some(25))
            clean[0] = True
            at = film.time(film.taken + round(RATE))
            film.until(lambda: kept.some(0)() and bool(kept.times) and max(kept.times) > at + 0.5)
            good = [p for p, _ in kept.pictures if (p.utc - EPOCH) / 1e6 > at]
    finally:
        proxy.close()
        out.close()
    for picture in good:
        _, columns = film.world.board((picture.utc - EPOCH) / 1e6, SIZE)
        assert stage.board_in(picture.image) == pytest.approx((columns.start, columns.stop), abs=2)


def test_a_depth_server_that_talks_rubbish_or_is_absent_costs_the_depth_only():
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def rubbish() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(random.Random(1).randbytes(200_000))

    thread = threading.Thread(target=rubbish)
    thread.start()
    port = free_udp()
    depth = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    try:
        with filming(port) as film, reading(str(port), depth) as kept:
            film.until(kept.some(20))
            until(lambda: VideoEvent.UNAVAILABLE in kept.heard)
            assert kept.heard.events[-1].data["stream"] == "the depth"
    finally:
        over.set()
        server.close()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", int(depth.rsplit(":", 1)[1])), 0.2).close()
        thread.join(5.0)
    assert all(found is None for _, found in kept.pictures)


def test_late_depth_is_waited_for_and_lost_depth_is_not():
    given = []
    join = DepthJoin(RATE, lambda picture, depth: given.append((picture.utc, depth)))
    step = round(1e6 / RATE)

    def picture(number: int) -> None:
        image = np.zeros((4, 6, 3), np.uint8)
        join.picture(Taken(image, EPOCH + number * step, time.monotonic(), None))

    def depth(number: float, mm: int) -> None:
        join.depth(EPOCH + round(number * step), np.full((2, 3), mm, np.uint16))

    picture(0)
    assert given == [(EPOCH, None)]  # nobody sends depth
    depth(0, 1000)
    picture(1)
    assert len(given) == 1  # its depth may still come
    depth(1.4, 2000)  # within half a picture of it
    assert given[1][0] == EPOCH + step
    assert (given[1][1] == 2.0).all()
    assert given[1][1].shape == (4, 6)
    picture(2)
    depth(3.1, 3000)  # the next one's: this picture's was lost
    assert given[2] == (EPOCH + 2 * step, None)
    picture(3)
    assert (given[3][1] == 3.0).all()
    picture(4)
    assert len(given) == 4
    began = time.monotonic()
    until(lambda: join.settle() or len(given) == 5)
    assert time.monotonic() - began > 0.5 * LATE
    assert given[4] == (EPOCH + 4 * step, None)
    assert join.alone == 2


def test_depth_is_enlarged_without_smearing_its_edges():
    found = metres(np.array([[0, 1500], [45000, 65535]], np.uint16), (4, 4))
    none, near, far, farther = np.float32([np.inf, 1.5, 45.0, 65.535])
    assert found.tolist() == [[none, none, near, near]] * 2 + [[far, far, farther, farther]] * 2


def test_nobody_on_the_depth_stream_stops_the_simulation():
    depth = DepthStream("127.0.0.1", 0, RATE)
    stuck = socket.create_connection(("127.0.0.1", depth.port))  # never reads
    gone = socket.create_connection(("127.0.0.1", depth.port))
    gone.close()
    picture = np.random.default_rng(1).uniform(1, 40, (270, 480)).astype(np.float32)
    worst = 0.0
    try:
        until(lambda: len(depth._clients) == 2)
        for k in range(150):
            began = time.thread_time()
            depth.send(EPOCH + k, picture)
            worst = max(worst, time.thread_time() - began)
            time.sleep(0.005)
        assert depth.dropped > 20
    finally:
        depth.close()
        stuck.close()
    assert worst < 0.1


def test_ports_in_use_are_told():
    with filming(free_udp()) as film, pytest.raises(CinempcError, match="instance"):
        DepthStream("127.0.0.1", int(film.depth.rsplit(":", 1)[1]), RATE)
    with pytest.raises(CinempcError, match="nowhere"):
        CameraVideo(stage.DrawnWorld(), stage.small_camera(), host="nowhere.invalid", depth_port=0)
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    with taken, reading(f"rtp://127.0.0.1:{taken.getsockname()[1]}") as kept:
        until(lambda: bool(kept.heard.events))
    assert kept.heard.events[0].kind is VideoEvent.UNAVAILABLE
    assert "in use" in kept.heard.events[0].data["error"]


@pytest.mark.parametrize("address", ["rtp://", "rtp://here", "rtp://0.0.0.0:99999", "70000"])
def test_an_address_that_cannot_be_is_told_at_once(address):
    with pytest.raises(video_feed.AddressError, match="5600"):
        VideoEye(
            address, None, stage.small_camera(), at=stage.state_at, utc=lambda: 0.0, now=lambda: 0.0
        )


def test_the_eye_closes_in_seconds_whatever_it_waits_for():
    silent = socket.create_server(("127.0.0.1", 0))  # accepts, and says nothing
    port = silent.getsockname()[1]
    with silent:
        for address in (f"rtsp://127.0.0.1:{port}/main", f"tcp://127.0.0.1:{port}"):
            with looking(address, f"tcp://127.0.0.1:{port}") as eye:
                assert eye.frame() is None
                time.sleep(1.0)
                began = time.monotonic()
                eye.close()
                eye.close()
                assert time.monotonic() - began < 10.0
                assert eye._process.poll() is not None
                assert not eye._reader.is_alive()


def test_a_reading_process_that_dies_is_followed_by_another():
    port = free_udp()
    with filming(port) as film, looking(str(port)) as eye:
        frames_of(eye, film, 3)
        given = eye.counts["packets"]
        os.kill(eye._process.pid, signal.SIGKILL)
        until(lambda: eye.counts["restarts"] == 1)
        while eye.frame() is not None:
            pass
        assert frames_of(eye, film, 3)
        assert VideoEvent.PROCESS_ENDED in eye.heard
        assert eye.counts["packets"] >= given


@pytest.mark.parametrize(
    ("unix", "boot", "utc"),
    [
        (EPOCH + 12_345_678, 12_345, EPOCH / 1e6 + 0.000678),
        (0, 5_000, None),  # no fix yet
        (5_000_000, 5_000, None),  # a clock that was never set
        (1 << 63, 5_000, None),
    ],
)
def test_utc_is_known_when_the_autopilot_knows_it(unix, boot, utc):
    message = mavlink.MAVLink_system_time_message(unix, boot)
    assert telemetry.utc(message) == (None if utc is None else pytest.approx(utc, abs=1e-6))


# --- others on the same streams ---


def test_ffmpeg_reads_the_stream_as_any_player_does(tmp_path):
    port = free_udp()
    session = tmp_path / "camera.sdp"
    session.write_text(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=camera\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    )
    found = []

    def play() -> None:
        options = {"protocol_whitelist": "file,rtp,udp", "fflags": "nobuffer"}
        with av.open(str(session), options=options, timeout=stage.PATIENCE) as container:
            for frame in container.decode(video=0):
                found.append(video_feed._about(frame))
                if len(found) == 10:
                    return

    thread = threading.Thread(target=play)
    with filming(port) as film:
        thread.start()
        film.until(lambda: len(found) == 10)
        thread.join(5.0)
    utcs = [utc for utc, _ in found]
    assert np.diff(utcs) == pytest.approx(1e6 / RATE, abs=2)
    assert all(truth is not None for _, truth in found)


def test_a_file_is_played_at_its_own_pace_and_once(tmp_path):
    from cinempc.video.footage import Footage

    path = tmp_path / "film.mp4"
    with Footage(path, 64, 48, 50.0) as footage:
        for k in range(20):
            footage.write(np.full((48, 64, 3), 10 * k, np.uint8))
    with reading(str(path)) as kept:
        until(kept.some(20))
        kept.feed._threads[0].join(5.0)
        assert not kept.feed._threads[0].is_alive()
    arrived = [picture.arrived for picture, _ in kept.pictures]
    assert arrived[-1] - arrived[0] > 0.3
    assert all(picture.utc is None for picture, _ in kept.pictures)
    assert kept.heard.events == []


def test_streams_that_nobody_wants_are_not_sent():
    port = free_udp()
    with filming(port) as film, reading(str(port), film.depth) as kept:
        film.until(kept.some(3))
        for stream in film.video.streams:
            stream.switch(False)
        taken = film.video.taken
        film.shoot()
        assert film.video.taken == taken
        film.video.streams[0].switch(True)
        came = len(kept.pictures)
        film.until(kept.some(came + 3))
