"""`cinempc launch`: the parts of the shipped set-ups, what is told of what is missing, and the
embedded one brought up and down."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cinempc.app.launch import launch as launcher
from cinempc.app.launch import parts as set_up_parts
from cinempc.app.launch.launch import prepare
from cinempc.app.launch.values import Values
from cinempc.errors import CinempcError
from cinempc.launch import ready, setup
from cinempc.launch.supervisor import Part
from tests.cli.program import invoke, run
from tests.launch.parts import alive, install, program, until
from tests.live.network import free_instance
from tests.live.processes import start


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something like a build of PX4 in ``PX4_BUILD``."""
    folder = install(tmp_path / "build", "px4", "px4-gz_bridge")
    monkeypatch.setenv("PX4_BUILD", str(folder))
    return folder


def compose(name: str, folder: Path, *options: str, **changes: object) -> dict[str, Part]:
    values = {"script": "orbit", "folder": folder, "speed": 1.0, "instance": 0} | changes
    parts = setup.load(name).parts
    made = set_up_parts.compose(
        [part for part in parts if not part.gui],
        Values(**values),  # type: ignore[arg-type]
        list(options),
    )
    return {part.name: part for part in made}


def test_the_embedded_one(tmp_path: Path) -> None:
    parts = compose("embedded", tmp_path, "--monitor", speed=0.25, instance=3)
    vehicle, fly = parts["vehicle"], parts["fly"]
    program = [sys.executable, "-m", "cinempc"]
    assert vehicle.words == [
        *program, "sim", "vehicle", "--script", "orbit", "--speed", "0.25", "--instance", "3",
        "--seed", "0",
    ]  # fmt: skip
    assert "system 4" in str(vehicle.ready)
    assert "UDP port 14543 and a packet on UDP port 5603" in str(vehicle.ready)
    assert fly.words == [
        *program, "fly", "orbit", "--connection", "udpin:127.0.0.1:14543", "--out", str(tmp_path),
        "--monitor",
    ]  # fmt: skip
    assert fly.main
    assert not vehicle.main
    assert fly.log == tmp_path / "logs" / "fly.log"


def test_smaller_pictures(tmp_path: Path) -> None:
    words = compose("embedded", tmp_path, pictures="--size 480x270 --frame-rate 12")[
        "vehicle"
    ].words
    assert list(words)[-4:] == ["--size", "480x270", "--frame-rate", "12"]
    assert "" not in words


def test_finer_pictures(tmp_path: Path) -> None:
    prepared = prepare("embedded", "orbit", folder=tmp_path, quality="final")
    assert "sim vehicle" in prepared.commands[0]
    assert "--quality final" in prepared.commands[0]
    assert "--quality" not in prepare("embedded", "orbit", folder=tmp_path).commands[0]


def test_real_px4_with_sih(build: Path, tmp_path: Path) -> None:
    parts = compose("px4-sih", tmp_path, speed=0.5, instance=2)
    assert list(parts) == ["px4", "payload", "fly"]
    px4 = parts["px4"]
    assert list(px4.words)[:3] == [str(build / "bin" / "px4"), "-i", "2"]
    assert px4.environment["PX4_SIM_MODEL"] == "sihsim_quadx"
    assert px4.environment["PX4_SIM_SPEED_FACTOR"] == "0.5"
    assert px4.folder == tmp_path / "px4"  # it writes where it runs
    assert "autopilot" in str(px4.ready)
    # The camera is heard through PX4.
    assert "camera (system 3) on UDP port 14542" in str(parts["payload"].ready)
    origin = next(word for word in parts["fly"].words if word.startswith("--origin="))
    x, y = map(float, origin.removeprefix("--origin=").split(","))
    assert (x**2 + y**2) ** 0.5 > 1  # the orbit begins some metres from its subject


def test_all_that_is_missing_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\n"
        "about: Cannot be started\n"
        "parts:\n"
        "  - name: px4\n"
        "    about: PX4\n"
        "    px4: {model: sihsim_quadx, autostart: 10040}\n"
        "  - name: viewer\n"
        "    about: A viewer\n"
        "    command: no-such-viewer\n"
        "    needs: {no-such-viewer: 'sudo apt-get install viewer'}\n"
    )
    monkeypatch.delenv("PX4_BUILD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CinempcError) as caught:
        compose(str(path), tmp_path / "take")
    assert "PX4 was not found" in str(caught.value)
    assert "no-such-viewer was not found. sudo apt-get install viewer" in str(caught.value)
    assert not (tmp_path / "take").exists()  # nothing was begun


def test_a_port_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nabout: x\nparts:\n"
        "  - {name: a, about: x, command: sleep 1, ready: {packet: '{speed}.5'}}\n"
    )
    with pytest.raises(CinempcError, match=r"'1\.5' is no port"):
        compose(str(path), tmp_path)


@pytest.mark.slow
def test_the_command_line_says_what_it_would_do(build: Path, tmp_path: Path) -> None:
    out = tmp_path / "take"
    done = run("launch", "px4-sih", "orbit", "--dry-run", "--out", str(out), "--", "--monitor")
    assert done.returncode == 0, done.stderr
    px4, payload, fly = done.stdout.splitlines()
    assert px4.startswith("PX4_SIM_MODEL=sihsim_quadx PX4_SYS_AUTOSTART=10040 ")
    assert "sim payload --script orbit --instance 0" in payload
    assert fly.endswith(f"--out {out} --monitor")
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("embeded", "orbit"), "did you mean 'embedded'"),
        (("px4-sih", "orbit", "--instance", "12"), "from 0 to 9"),
        (("embedded", "orbit", "--no-fly", "--", "--monitor"), "no `cinempc fly`"),
        (("px4-sih", "orbt"), "did you mean 'orbit'"),
        (("embedded", "nothing"), "no script called 'nothing'"),
        (("px4-gazebo", "orbit", "--size", "480x270"), "as the camera's file says"),
        (("px4-gazebo", "orbit", "--quality", "final"), "as the camera's file says"),
    ],
)
@pytest.mark.usefixtures("build")
def test_mistakes_are_told_with_status_2(arguments: tuple[str, ...], words: str) -> None:
    status, said = invoke("launch", *arguments)
    assert status == 2
    assert words in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("embedded", "cinempc fly orbit --connection udpin:127.0.0.1:14542"),
        ("px4-sih", "cinempc fly orbit --connection udpin:127.0.0.1:14542 --origin="),
    ],
)
def test_without_flying_it_gives_the_command_that_flies(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    """As often as one likes: it names no folder of a take."""
    monkeypatch.setattr(launcher, "launch", lambda *args, **more: launcher.LaunchResult(0, ()))
    status, said = invoke("launch", name, "orbit", "--no-fly", "--instance", "2")
    assert status == 0
    assert f"To fly, when all is ready: {words}" in said
    assert "--out" not in said


@pytest.mark.slow
def test_the_status_of_the_main_part_passes_through(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nabout: x\nparts:\n"
        "  - {name: world, about: x, command: sleep 600}\n"
        "  - {name: fly, about: x, command: sh -c 'echo no battery; exit 7', main: true}\n"
    )
    done = run("launch", str(path), "orbit", "--out", str(tmp_path / "take"))
    assert done.returncode == 7
    assert done.stdout.splitlines() == ["no battery"]
    assert "world: ready" in done.stderr


@pytest.mark.slow
def test_the_embedded_one_comes_up_and_goes_without_a_trace(tmp_path: Path) -> None:
    instance = free_instance()
    log = tmp_path / "launcher.txt"
    with log.open("w") as text:
        process = start(
            [
                sys.executable, "-m", "cinempc", "launch", "embedded", "orbit", "--no-fly",
                "--instance", str(instance), "--out", str(tmp_path / "take"),
            ],
            stdout=text,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        assert until(lambda: "vehicle: ready" in log.read_text() or process.poll() is not None, 400)
        assert process.poll() is None, log.read_text()
        # Who comes next has the port to itself, and hears the vehicle.
        heartbeat = ready.Heartbeat(14540 + instance, "autopilot", 1 + instance)
        heartbeat.open()
        assert until(heartbeat.met)
        heartbeat.close()
        children = [child.pid for child in psutil.Process(process.pid).children()]
        assert len(children) >= 2  # the vehicle, and the guard
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert not alive([process.pid, *children])
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


GAZEBO = {"PX4_GZ_STANDALONE": "1", "PX4_GZ_MODEL_NAME": "cinempc_x500"}


@pytest.fixture
def gazebo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something like Gazebo's program, in a path where there is nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return program(tmp_path / "bin" / "gz")


def models(folder: Path) -> None:
    """What PX4's package for Gazebo brings."""
    place = folder / "share" / "gz" / "models"
    for name in ("x500_gimbal", "gimbal"):
        (place / name).mkdir(parents=True)
    (place / "x500_gimbal" / "model.sdf").write_text("<sdf/>")
    (place / "gimbal" / "model.sdf").write_text(
        "<sdf><model><link name='camera_link'><sensor type='camera'/></link></model></sdf>"
    )


@pytest.fixture
def bindings(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Gazebo's Python bindings were there; its actors move in coarse steps, soon written."""
    from sim.gazebo import trajectories, transport

    monkeypatch.setattr(trajectories, "KEY", 2.0)
    monkeypatch.setattr(transport, "bindings", lambda: transport)


@pytest.mark.slow
@pytest.mark.usefixtures("gazebo", "bindings")
def test_real_px4_in_gazebo(build: Path, tmp_path: Path) -> None:
    models(build)
    parts = compose("px4-gazebo", tmp_path, instance=1)
    assert list(parts) == ["gazebo", "px4", "camera", "fly"]
    server, px4, camera = parts["gazebo"], parts["px4"], parts["camera"]
    world = tmp_path / "gazebo"
    assert list(server.words)[:2] == ["gz", "sim"]
    assert Path(server.words[-1]).parent == world
    assert Path(server.words[-1]).is_file()  # it is written before anything starts
    # All talk in one partition, on this machine: Gazebo, PX4, the camera, and who asks.
    for part in (server, px4, camera):
        assert part.environment["GZ_PARTITION"] == "cinempc-1"
        assert part.environment["GZ_IP"] == "127.0.0.1"
    assert "gz service" in str(server.ready)
    assert GAZEBO.items() <= px4.environment.items()
    assert px4.environment["PX4_SYS_AUTOSTART"] == "4019"
    assert px4.words[0] == str(build / "bin" / "px4")
    assert camera.words[camera.words.index("--world") + 1] == str(world)
    assert "GZ_PARTITION" in parts["fly"].environment  # it does no harm there


@pytest.mark.slow
@pytest.mark.usefixtures("bindings")
def test_gazebo_in_px4s_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PX4_BUILD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    answer = '#!/bin/sh\n[ "$1 $2" = "image ls" ] && echo px4io/px4-sitl-gazebo:latest\n'
    docker = program(tmp_path / "bin" / "docker", answer)
    parts = compose("px4-gazebo", tmp_path / "take")
    server, px4 = parts["gazebo"], parts["px4"]
    words = list(server.words)
    assert words[:2] == [str(docker), "run"]
    name = words[words.index("--name") + 1]
    assert words[words.index("--entrypoint") + 1] == "gz"
    world = tmp_path / "take" / "gazebo"
    assert words[words.index("--volume") + 1] == f"{world}:{world}"
    assert "GZ_PARTITION=cinempc-0" in words
    assert server.clean_up == ((str(docker), "rm", "--force", name),)
    # Whether the world is up is asked in there: this machine need not have Gazebo.
    assert f"docker exec {name} gz service" in str(server.ready)
    assert "px4io/px4-sitl-gazebo:latest" in px4.words
    assert "PX4_GZ_STANDALONE=1" in px4.words


@pytest.mark.usefixtures("build")
def test_no_gazebo_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CinempcError) as caught:
        compose("px4-gazebo", tmp_path / "take")
    assert "Gazebo was not found: there is no program 'gz'" in str(caught.value)
    if importlib.util.find_spec("gz") is None:
        assert "gz-transport's Python bindings are missing" in str(caught.value)
    assert not (tmp_path / "take").exists()


def test_no_px4_with_gazebo_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PX4_BUILD", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CinempcError) as caught:
        compose("px4-gazebo", tmp_path)
    assert str(caught.value).count("PX4 with Gazebo was not found") == 1
