"""The supervisor: order, readiness, ends of every kind, and that nothing is left of any."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from cinempc.errors import CinempcError
from cinempc.launch import processes, ready
from cinempc.launch.supervisor import LaunchError, State, Supervisor
from tests.launch.parts import FAMILY, alive, family, launcher, pids, python, until


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_parts_start_in_order_and_the_main_one_ends_all_with_its_status(tmp_path: Path) -> None:
    mine = tmp_path / "order"
    first = python(
        tmp_path,
        "first",
        f"import time; time.sleep(0.3); open({str(mine)!r}, 'w').close(); print('here'); "
        "time.sleep(600)",
        ready=ready.Line("here", tmp_path / "first.log"),
    )
    main = python(
        tmp_path,
        "main",
        f"import os, sys; sys.exit(7 if os.path.exists({str(mine)!r}) else 1)",
        main=True,
    )
    seen: dict[str, list[State]] = {"first": [], "main": []}

    def show(statuses: object) -> None:
        for status in statuses:  # type: ignore[attr-defined]
            states = seen[status.part.name]
            if not states or states[-1] is not status.state:
                states.append(status.state)

    supervisor = Supervisor([first, main], show)
    assert supervisor.run() == 7
    assert seen["first"] == [
        State.WAITING, State.STARTING, State.READY, State.ENDING, State.ENDED,
    ]  # fmt: skip
    assert seen["main"][0] is State.WAITING
    assert seen["main"][-1] is State.FAILED  # status 7
    assert not alive([s.process.pid for s in supervisor.statuses if s.process])


def test_nothing_is_left_of_parts_that_start_others(tmp_path: Path) -> None:
    part = family(tmp_path)
    main = python(tmp_path, "main", "pass", main=True)
    assert Supervisor([part, main]).run() == 0
    assert "ended in order" in part.log.read_text()  # SIGINT was enough
    assert not alive(pids(part.log))


def test_who_does_not_hear_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_AFTER_TERM", 0.2)
    log = tmp_path / "deaf.log"
    part = family(tmp_path, "deaf", grace=0.2)
    part = type(part)(**{**vars(part), "words": [*part.words, "deaf"]})
    main = python(tmp_path, "main", "pass", main=True)
    assert Supervisor([part, main]).run() == 0
    assert "ended in order" not in log.read_text()
    assert not alive(pids(log))


def test_a_part_that_is_not_ready_in_time_is_told_with_its_log(tmp_path: Path) -> None:
    before = family(tmp_path)
    slow = python(
        tmp_path,
        "slow",
        "import time; print('\\x1b[31mstill thinking\\x1b[0m', flush=True); time.sleep(600)",
        ready=ready.Line("ready", tmp_path / "slow.log"),
        within=1.0,
    )
    supervisor = Supervisor([before, slow])
    with pytest.raises(LaunchError) as caught:
        supervisor.run()
    assert "slow was not ready within 1 s: waited for a line 'ready' in its log" in str(
        caught.value
    )
    assert "  still thinking" in str(caught.value)
    assert supervisor.statuses[1].state is State.FAILED
    assert not alive(pids(before.log))


def test_a_part_that_dies_early_is_told_with_its_log(tmp_path: Path) -> None:
    dies = python(
        tmp_path,
        "dies",
        "import sys; print('no such device'); sys.exit(3)",
        ready=ready.Line("ready", tmp_path / "dies.log"),
    )
    with pytest.raises(LaunchError) as caught:
        Supervisor([dies]).run()
    assert "dies has ended (status 3)" in str(caught.value)
    assert "no such device" in str(caught.value)


def test_a_part_that_dies_while_the_main_one_works_ends_all(tmp_path: Path) -> None:
    victim = family(tmp_path)
    main = python(
        tmp_path,
        "main",
        f"import os, signal, time; from tests.launch.parts import pids; from pathlib import Path; "
        f"os.kill(pids(Path({str(victim.log)!r}))[0], signal.SIGKILL); time.sleep(600)",
        main=True,
    )
    supervisor = Supervisor([victim, main])
    with pytest.raises(LaunchError, match=r"family has ended \(by SIGKILL\)"):
        supervisor.run()
    assert [s.state for s in supervisor.statuses] == [State.FAILED, State.ENDED]
    left = pids(victim.log)
    assert supervisor.statuses[1].process is not None
    assert not alive([*left, supervisor.statuses[1].process.pid])


def test_a_program_that_there_is_not(tmp_path: Path) -> None:
    from cinempc.launch.supervisor import Part

    part = Part(
        "ghost",
        ["no-such-program"],
        tmp_path / "ghost.log",
        ready=ready.Heartbeat(free_port(), "camera", 1),
    )
    with pytest.raises(LaunchError, match="no-such-program cannot be run: No such file"):
        Supervisor([part]).run()


def test_what_was_left_outside_is_cleaned_up(tmp_path: Path) -> None:
    mine = tmp_path / "container"
    mine.touch()
    part = python(
        tmp_path,
        "main",
        "pass",
        main=True,
        clean_up=[[sys.executable, "-c", f"import os; os.remove({str(mine)!r})"]],
    )
    assert Supervisor([part]).run() == 0
    assert not mine.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_whole_tree(number: signal.Signals, tmp_path: Path) -> None:
    data = {"name": "a", "words": [sys.executable, "-c", FAMILY], "line": "all set"}
    process = launcher(tmp_path, data, data | {"name": "b"})
    try:
        logs = [tmp_path / "a.log", tmp_path / "b.log"]
        assert until(lambda: all(log.exists() and "all set" in log.read_text() for log in logs))
        left = [pid for log in logs for pid in pids(log)]
        assert until(lambda: len(alive(left)) >= 8)  # with their grandchildren
        process.send_signal(number)
        assert process.wait(60) == 128 + number
        assert not alive(left)
        assert all("ended in order" in log.read_text() for log in logs)
    finally:
        process.kill()
        process.communicate()


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    data = {"name": "a", "words": [sys.executable, "-c", FAMILY, "deaf"], "line": "all set"}
    process = launcher(tmp_path, data | {"grace": 500.0})
    try:
        log = tmp_path / "a.log"
        assert until(lambda: log.exists() and "all set" in log.read_text())
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert not alive(pids(log))
    finally:
        process.kill()
        process.communicate()


def test_a_launcher_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "container"
    mine.touch()
    clean = [[sys.executable, "-c", f"import os; os.remove({str(mine)!r})"]]
    data = {"words": [sys.executable, "-c", FAMILY], "line": "all set", "clean_up": clean}
    process = launcher(tmp_path, data | {"name": "a"}, data | {"name": "b", "clean_up": []})
    try:
        logs = [tmp_path / "a.log", tmp_path / "b.log"]
        assert until(lambda: all(log.exists() and "all set" in log.read_text() for log in logs))
        left = [pid for log in logs for pid in pids(log)]
        process.kill()
        process.wait()
        assert until(lambda: not alive(left))
        assert until(lambda: not mine.exists())
    finally:
        process.kill()
        process.communicate()


# --- readiness ---------------------------------------------------------------------------------


def test_a_packet_on_a_port(tmp_path: Path) -> None:
    port = free_port()
    part = python(
        tmp_path,
        "video",
        "import socket, time\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"while True: s.sendto(b'picture', ('127.0.0.1', {port})); time.sleep(0.05)",
        ready=ready.Packet(port),
    )
    # The port is free for whoever comes next.
    main = python(
        tmp_path,
        "main",
        "import socket\n"
        f"s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', {port}))\n"
        "assert s.recv(100) == b'picture'",
        main=True,
    )
    assert Supervisor([part, main]).run() == 0, main.log.read_text()


def test_a_port_of_somebody_else(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        part = python(tmp_path, "video", "pass", ready=ready.Packet(port))
        with pytest.raises(CinempcError, match=f"UDP port {port} cannot be had"):
            Supervisor([part]).run()
    assert not part.log.exists()  # it was not even started


def test_a_connection_to_a_server(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_STREAM)
    part = python(
        tmp_path,
        "server",
        f"import socket, time; time.sleep(0.2); s = socket.create_server(('127.0.0.1', {port})); "
        "time.sleep(600)",
        ready=ready.Connection(port),
    )
    main = python(
        tmp_path,
        "main",
        f"import socket; socket.create_connection(('127.0.0.1', {port})).close()",
        main=True,
    )
    assert Supervisor([part, main]).run() == 0, main.log.read_text()


def test_an_answer(tmp_path: Path) -> None:
    part = python(
        tmp_path,
        "world",
        f"import time; time.sleep(0.5); open({str(tmp_path / 'loaded')!r}, 'w').close(); "
        "time.sleep(600)",
        ready=ready.Answer(
            [sys.executable, "-c", "import os, sys; print(os.listdir(sys.argv[1]))", str(tmp_path)],
            "'loaded'",
        ),
    )
    main = python(tmp_path, "main", "pass", main=True)
    assert Supervisor([part, main]).run() == 0


@pytest.mark.parametrize("matches", [True, False])
def test_a_heartbeat_of_the_one_that_is_meant(matches: bool) -> None:
    from cinempc.mavlink.dialect import mavlink

    port = free_port()
    packer = mavlink.MAVLink(None, srcSystem=3, srcComponent=100 if matches else 1)
    beat = mavlink.MAVLink_heartbeat_message(mavlink.MAV_TYPE_CAMERA, 8, 0, 0, 4, 3)
    condition = ready.Heartbeat(port, "camera", 3)
    condition.open()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(os.urandom(40), ("127.0.0.1", port))  # noise does it no harm
            sender.sendto(beat.pack(packer), ("127.0.0.1", port))
        assert until(condition.met, 1.0 if not matches else 10.0) is matches
    finally:
        condition.close()


def test_a_camera_behind_an_autopilot_that_passes_on_only_to_whom_it_has_heard() -> None:
    from cinempc.mavlink.dialect import mavlink

    port = free_port()
    autopilot = mavlink.MAVLink(None, srcSystem=3, srcComponent=1)
    camera = mavlink.MAVLink(None, srcSystem=3, srcComponent=100)
    beat = mavlink.MAVLink_heartbeat_message(mavlink.MAV_TYPE_QUADROTOR, 12, 0, 0, 4, 3)
    condition = ready.Heartbeat(port, "camera", 3)
    condition.open()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(10)
            link.sendto(beat.pack(autopilot), ("127.0.0.1", port))
            assert not condition.met()
            data, peer = link.recvfrom(300)
            (heard,) = mavlink.MAVLink(None).parse_buffer(data)
            # Somebody in the vehicle, but nobody that an autopilot would miss.
            assert heard.get_type() == "HEARTBEAT"
            assert heard.get_srcSystem() == 3
            assert heard.type == mavlink.MAV_TYPE_GENERIC
            link.sendto(beat.pack(camera), peer)
            assert until(condition.met, 10.0)
    finally:
        condition.close()
