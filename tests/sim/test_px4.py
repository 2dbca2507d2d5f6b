"""Finding PX4 in all the ways in which it can be there, and the command that starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest

from cinempc.errors import CinempcError
from cinempc.launch.processes import bound
from sim.px4 import find, start
from sim.px4.find import Build, Container, NoPx4Error, Package, Simulator
from tests.launch.parts import install, program

ENGINE = """#!/bin/sh
echo "$@" >> {log}
[ "$1 $2" = "image ls" ] || exit 1
{answer}
"""


def engine(folder: Path, answer: str, name: str = "docker") -> Path:
    log = folder / f"{name}.log"
    return program(folder / "bin" / name, ENGINE.format(log=log, answer=answer))


def environment(folder: Path, **more: str) -> dict[str, str]:
    (folder / "bin").mkdir(exist_ok=True)
    return {"PATH": str(folder / "bin"), **more}


def test_a_source_build_comes_first(tmp_path: Path) -> None:
    build = install(tmp_path / "build")
    engine(tmp_path, "echo px4io/px4-sitl:latest")
    found = find.find(Simulator.SIH, environment(tmp_path, PX4_BUILD=str(build)))
    assert found == Build(build)
    assert not (tmp_path / "docker.log").exists()  # nobody was asked


@pytest.mark.parametrize("missing", ["bin/px4", "etc/init.d-posix/rcS"])
def test_what_is_no_build_is_told(missing: str, tmp_path: Path) -> None:
    build = install(tmp_path / "build")
    (build / missing).unlink()
    with pytest.raises(NoPx4Error, match=rf"PX4_BUILD is .*build.*it has no {missing}"):
        find.find(Simulator.SIH, environment(tmp_path, PX4_BUILD=str(build)))


def test_a_build_without_gazebo_is_told(tmp_path: Path) -> None:
    build = install(tmp_path / "plain")
    wanted = environment(tmp_path, PX4_BUILD=str(build))
    with pytest.raises(NoPx4Error, match="a build without Gazebo"):
        find.find(Simulator.GAZEBO, wanted)
    whole = install(tmp_path / "whole", "px4", "px4-gz_bridge")
    wanted = environment(tmp_path, PX4_BUILD=str(whole))
    assert find.find(Simulator.GAZEBO, wanted) == Build(whole)


def test_a_container_image_comes_before_the_package(tmp_path: Path) -> None:
    docker = engine(tmp_path, "echo px4io/px4-sitl:v1.17.0; echo px4io/px4-sitl:latest")
    opt = install(tmp_path / "opt")
    (tmp_path / "bin" / "px4").symlink_to(opt / "bin" / "px4")
    assert find.find(Simulator.SIH, environment(tmp_path)) == Container(
        docker, "px4io/px4-sitl:latest"
    )


@pytest.mark.parametrize(
    ("answer", "image"),
    [
        ("echo px4io/px4-sitl:v1.17.0", "px4io/px4-sitl:v1.17.0"),
        ("echo docker.io/px4io/px4-sitl:latest", "docker.io/px4io/px4-sitl:latest"),
        ("echo px4io/px4-sitl-gazebo:latest", None),  # another image
        ("echo 'px4io/px4-sitl:<none>'", None),  # one without a tag cannot be named
        ("true", None),
        ("echo no daemon >&2; exit 1", None),
    ],
)
def test_images_that_do_and_do_not(answer: str, image: str | None, tmp_path: Path) -> None:
    docker = engine(tmp_path, answer, "podman")
    if image is not None:
        assert find.find(Simulator.SIH, environment(tmp_path)) == Container(docker, image)
        return
    with pytest.raises(NoPx4Error) as caught:
        find.find(Simulator.SIH, environment(tmp_path))
    reason = (
        "podman says: no daemon" if "daemon" in answer else "podman is there, without the image"
    )
    assert reason in str(caught.value)


def test_the_second_engine_has_it(tmp_path: Path) -> None:
    engine(tmp_path, "echo no daemon >&2; exit 1", "docker")
    podman = engine(tmp_path, "echo docker.io/px4io/px4-sitl:latest", "podman")
    found = find.find(Simulator.SIH, environment(tmp_path))
    assert isinstance(found, Container)
    assert found.engine == podman


@pytest.mark.parametrize("simulator", list(Simulator))
def test_the_package(simulator: Simulator, tmp_path: Path) -> None:
    opt = install(tmp_path / "opt" / simulator.package, simulator.package)
    wanted = environment(tmp_path)
    (tmp_path / "bin" / simulator.package).symlink_to(opt / "bin" / simulator.package)
    found = find.find(simulator, wanted)
    assert found == Package(opt / "bin" / simulator.package)
    assert start.command(found, start.SIH_QUADROTOR).words[:5] == (
        str(opt / "bin" / simulator.package), "-i", "0", "-d", str(opt / "etc"),
    )  # fmt: skip


@pytest.mark.parametrize("simulator", list(Simulator))
def test_none_is_told_with_all_three_ways_to_get_it(simulator: Simulator, tmp_path: Path) -> None:
    with pytest.raises(NoPx4Error) as caught:
        find.find(simulator, environment(tmp_path))
    text = str(caught.value)
    assert f"docker pull {simulator.image}:latest" in text
    assert f"sudo apt install ./{simulator.package}_*.deb" in text
    assert "export PX4_BUILD=" in text


def test_the_command_of_a_build() -> None:
    command = start.command(
        Build(Path("/px4")),
        start.SIH_QUADROTOR,
        instance=3,
        speed=0.25,
        parameters={"SIH_KDV": 0.1, "COM_OBL_RC_ACT": 4},
    )
    assert command.words == (
        "/px4/bin/px4", "-i", "3", "-d", "/px4/etc", "-s", "etc/init.d-posix/rcS",
    )  # fmt: skip
    assert command.environment == {
        "PX4_SIM_MODEL": "sihsim_quadx",
        "PX4_SYS_AUTOSTART": "10040",
        "PX4_SIM_SPEED_FACTOR": "0.25",
        "PX4_PARAM_MNT_MODE_IN": "4",
        "PX4_PARAM_MNT_MODE_OUT": "2",
        "PX4_PARAM_COM_OBL_RC_ACT": "4",  # what is asked goes before
        "PX4_PARAM_COM_OF_LOSS_T": "1",
        "PX4_PARAM_SIH_KDV": "0.1",
    }
    assert command.clean_up == ()


def test_the_command_of_a_container_and_how_it_is_ended() -> None:
    command = start.command(
        Container(Path("/usr/bin/docker"), "px4io/px4-sitl-gazebo:latest"),
        start.GAZEBO_X500_GIMBAL,
        instance=1,
        environment={"PX4_GZ_STANDALONE": "1"},
    )
    words = list(command.words)
    assert words[:3] == ["/usr/bin/docker", "run", "--rm"]
    assert words[words.index("--network") + 1] == "host"
    image = words.index("px4io/px4-sitl-gazebo:latest")
    assert words[image + 1 :] == ["-i", "1", "-d"]
    for variable in (
        "PX4_SIM_MODEL=gz_x500_gimbal", "PX4_SYS_AUTOSTART=4019", "PX4_GZ_STANDALONE=1",
        "PX4_PARAM_MNT_MODE_IN=4",
    ):  # fmt: skip
        assert words[words.index(variable) - 1] == "--env"
    name = words[words.index("--name") + 1]
    assert command.clean_up == (("/usr/bin/docker", "rm", "--force", name),)


@pytest.mark.parametrize(("instance", "speed"), [(10, 1.0), (-1, 1.0), (0, 0.0), (0, 100.0)])
def test_what_px4_cannot(instance: int, speed: float) -> None:
    with pytest.raises(CinempcError, match="PX4"):
        start.command(Build(Path("/px4")), instance=instance, speed=speed)


def test_airframes_by_their_models() -> None:
    assert start.airframe("gz_x500_gimbal", 4019) == start.GAZEBO_X500_GIMBAL
    assert start.airframe("sihsim_quadx", 10040) == start.SIH_QUADROTOR
    with pytest.raises(CinempcError, match="jmavsim"):
        start.airframe("jmavsim_iris", 10017)


def test_ports_of_instances() -> None:
    assert start.ports(3).onboard == 14543
    assert start.ports(3).gcs == 14550
    assert start.ports(12).onboard == start.ports(9).onboard == 14549


@pytest.mark.slow
@pytest.mark.skipif("PX4_BUILD" not in os.environ, reason="PX4_BUILD is not set")
def test_a_real_px4_starts_with_its_parameters(tmp_path: Path) -> None:
    instance = next(n for n in range(9, 0, -1) if _free(start.ports(n)))
    command = start.command(
        find.find(Simulator.SIH), instance=instance, speed=2.0, parameters={"SIH_KDV": 0.3}
    )
    with (tmp_path / "px4.txt").open("w") as log:
        process = subprocess.Popen(
            bound(command.words),
            env=os.environ | command.environment,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onboard:
            onboard.bind(("127.0.0.1", start.ports(instance).onboard))
            onboard.settimeout(60)
            assert onboard.recv(300)[0] == 0xFD  # MAVLink 2
        deadline = time.monotonic() + 60
        build = find.find(Simulator.SIH)
        assert isinstance(build, Build)
        tool = [str(build.folder / "bin" / "px4-param"), "--instance", str(instance), "show", "-q"]
        for name, value in (("MNT_MODE_IN", 4), ("SIH_KDV", 0.3), ("COM_OF_LOSS_T", 2)):
            said = ""
            while time.monotonic() < deadline and not said:
                said = subprocess.run([*tool, name], capture_output=True, text=True).stdout.strip()
            assert float(said) == pytest.approx(value)
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def _free(ports: start.Ports) -> bool:
    for port in (ports.onboard, ports.onboard_local, ports.gcs_local):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
