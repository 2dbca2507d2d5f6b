"""The companion computer's files: they parse, agree with each other, and name what there is."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from cinempc import configs
from cinempc.flight import config as flights
from cinempc.launch import setup

FOLDER = setup.root() / "companion"
UNITS = ("cinempc@.service", "cinempc-in-air@.service")
#: What mavlink-router 3 and 4 read, by section, and what must be given (their src/endpoint.cpp and
#: src/main.cpp), without the message filters.
ROUTER = {
    "General": ({"tcpserverport", "reportstats", "debugloglevel", "mavlinkdialect", "log"}, set()),
    "UartEndpoint": ({"device", "baud", "flowcontrol"}, {"device"}),
    "UdpEndpoint": ({"address", "mode", "port"}, {"address", "mode"}),
}


def read(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


@pytest.fixture
def router() -> configparser.ConfigParser:
    return read(FOLDER / "mavlink-router.conf")


def test_the_router_has_sections_and_keys_that_it_knows(router: configparser.ConfigParser) -> None:
    for section in router.sections():
        kind, *name = section.split(" ")
        known, needed = ROUTER[kind]
        keys = {key.lower() for key in router[section]}
        assert needed <= keys <= known, section
        assert len(name) == (kind != "General"), "a name, without blanks"
        # It takes no comment behind a value.
        assert not any("#" in value for value in router[section].values())


def test_the_router_leads_to_cinempc_and_opens_no_door(router: configparser.ConfigParser) -> None:
    mine = router["UdpEndpoint cinempc"]
    flight = flights.load("companion_router")
    assert flight.connection == f"udpin:{mine['Address']}:{mine['Port']}"
    assert mine["Mode"] == "Normal"
    assert router["General"]["TcpServerPort"] == "0"
    direct = flights.load("companion").connection
    uart = router["UartEndpoint autopilot"]
    assert direct == f"{uart['Device']}:{uart['Baud']}"
    assert router["UdpEndpoint qgroundcontrol"]["Port"] == "14550"


def parameters() -> dict[str, tuple[float, int]]:
    found = {}
    for line in (FOLDER / "px4.params").read_text().splitlines():
        if line.startswith("#"):
            continue
        vehicle, component, name, value, kind = line.split("\t")
        assert (vehicle, component) == ("1", "1")
        assert name not in found
        found[name] = float(value), int(kind)
    return found


def test_the_parameters_are_what_the_rest_relies_on(router: configparser.ConfigParser) -> None:
    found = parameters()
    assert found["SER_TEL2_BAUD"] == (float(router["UartEndpoint autopilot"]["Baud"]), 6)
    assert found["COM_OBL_RC_ACT"] == (5, 6)
    from sim.px4.start import PARAMETERS

    for name, value in PARAMETERS.items():  # as it was rehearsed in simulation
        assert found[name][0] == value
    text = (setup.root().parent / "docs" / "companion.md").read_text()
    for name in found:
        assert f"`{name}`" in text, f"docs/companion.md does not say why {name}"


@pytest.mark.skipif("PX4_BUILD" not in os.environ, reason="PX4_BUILD is not set")
def test_px4_knows_the_parameters() -> None:
    described = json.loads((Path(os.environ["PX4_BUILD"]) / "parameters.json").read_text())
    known = {entry["name"]: entry for entry in described["parameters"]}
    for name, (value, kind) in parameters().items():
        if name in ("MAV_1_CONFIG", "SER_TEL2_BAUD"):
            continue  # only boards have serial ports
        entry = known[name]
        assert {"Int32": 6, "Float": 9}[entry["type"]] == kind, name
        if "values" in entry:
            assert value in [choice["value"] for choice in entry["values"]], name
        assert entry.get("min", value) <= value <= entry.get("max", value), name


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_a_command_that_there_is(name: str) -> None:
    from typer.main import get_command

    from cinempc.cli.main import app

    unit = read(FOLDER / name)
    program, command, script, *options = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/.venv/bin/cinempc")
    assert script == "/etc/cinempc/scripts/%i.yaml"
    fly = get_command(app).commands[command]  # type: ignore[attr-defined]
    known = {option for parameter in fly.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known
    assert ("--in-air" in options) == ("in-air" in name)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_never_starts_by_itself(name: str) -> None:
    unit = read(FOLDER / name)
    assert not unit.has_section("Install")  # not when the computer does
    service = unit["Service"]
    assert service["Restart"] == "no"  # not into the air
    assert service["User"] == "cinempc"
    assert (service["KillSignal"], service["SuccessExitStatus"]) == ("SIGINT", "130")


def test_the_units_differ_in_nothing_else() -> None:
    first, second = (dict(read(FOLDER / name)["Service"]) for name in UNITS)
    del first["ExecStart"], second["ExecStart"]
    assert first == second


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_to_complain_about(name: str, tmp_path: Path) -> None:
    units = tmp_path / "etc" / "systemd" / "system"
    units.mkdir(parents=True)
    unit = read(FOLDER / name)
    (units / name).write_text((FOLDER / name).read_text())
    program = tmp_path / shlex.split(unit["Service"]["ExecStart"])[0].lstrip("/")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for target in ("basic", "shutdown", "sysinit", "network"):
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={tmp_path}", name.replace("@", "@orbit")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "not supported" in done.stderr or "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot look below another root")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_udev_rules_are_rules() -> None:
    term = re.compile(r'^[A-Z]+(\{[A-Za-z_/]+\})?(==|=|\+=)"[^"]*"$')
    lines = (FOLDER / "60-cinempc.rules").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules
    for rule in rules:
        assert all(term.match(part.strip()) for part in rule.split(",")), rule


def test_both_flights_are_shipped() -> None:
    names = {path.stem for path in (configs.root() / "flight").glob("*.yaml")}
    assert {"companion", "companion_router"} <= names
