"""Extended parameters in their bytes, and camera definition files, good and bad."""

from __future__ import annotations

import asyncio
import lzma
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinempc.flight.camera.definition import (
    Definition,
    DefinitionError,
    numbers,
    parse,
)
from cinempc.flight.camera.definition_file import ftp_path, load
from cinempc.flight.camera.lens.channel import snap
from cinempc.flight.camera.lens.model import Ring
from cinempc.flight.camera.lens.scale import LensScale
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.ext_params import KINDS, SIZE, decode, encode, read_message
from cinempc.rig import camera as cameras
from cinempc.rig import motor
from cinempc.rig.camera import Camera, Dof
from sim.body.lens_motor import LensMotors
from sim.mavlink.camera.behaviour import Lacks
from sim.mavlink.camera.definition import apertures, definition_version, definition_xml

GOOD = """<?xml version="1.0" encoding="UTF-8" ?>
<mavlinkcamera>
 <definition version="7"><model>T100</model><vendor>Foo &amp; Sons</vendor></definition>
 <parameters>
  <parameter name="CAM_MODE" type="uint32" default="1" control="0">
   <description>Camera Mode</description>
   <updates><update>CAM_ISO</update></updates>
   <options>
    <option name="Photo" value="0"><exclusions><exclude>CAM_ISO</exclude></exclusions></option>
    <option name="Video" value="1"/>
   </options>
  </parameter>
  <parameter name="CAM_APERTURE" type="uint8" default="3">
   <description>Aperture</description>
   <options><option name="F2.8" value="3"/><option name="f/4" value="4"/>
    <option name="Close" value="0"/></options>
  </parameter>
  <parameter name="CAM_SHUTTERSPD" type="float" default="0.02">
   <description>Shutter</description>
   <options><option name="1/50" value="0.02"/><option name="1/100 s" value="0.01"/></options>
  </parameter>
  <parameter name="CAM_ISO" type="int32" default="100" min="100" max="400" step="100"/>
  <parameter name="CAM_TEMP" type="int16" default="0" readonly="1"/>
 </parameters>
</mavlinkcamera>
"""

INTEGERS = {
    "uint8": (0, 2**8 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "uint16": (0, 2**16 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint32": (0, 2**32 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint64": (0, 2**64 - 1),
    "int64": (-(2**63), 2**63 - 1),
}


# --- values in their bytes ---


@given(st.data(), st.sampled_from(sorted(INTEGERS)))
def test_integers_come_back_as_they_were(data, kind):
    low, high = INTEGERS[kind]
    value = data.draw(st.integers(low, high))
    packed = encode(value, KINDS[kind])
    assert len(packed) == SIZE
    assert decode(packed, KINDS[kind]) == value
    assert decode(packed.rstrip(b"\0"), KINDS[kind]) == value  # as MAVLink 2 shortens it
    for outside in (low - 1, high + 1):
        with pytest.raises(ValueError, match="does not fit"):
            encode(outside, KINDS[kind])


@given(st.floats(allow_nan=False, width=32), st.floats(allow_nan=False))
def test_reals_come_back_as_they_were(single, double):
    assert decode(encode(single, KINDS["float"]), KINDS["float"]) == single
    assert decode(encode(double, KINDS["double"]), KINDS["double"]) == double


@given(st.binary(max_size=SIZE).filter(lambda b: not b.endswith(b"\0")))
def test_custom_values_come_back_as_they_were(value):
    assert decode(encode(value, KINDS["custom"]), KINDS["custom"]) == value


@given(st.binary(min_size=SIZE, max_size=SIZE), st.integers(0, 255))
def test_any_bytes_are_a_value_or_refused(data, kind):
    try:
        value = decode(data, kind)
    except ValueError:
        assert kind not in KINDS.values()
    else:
        assert isinstance(value, (int, float, bytes))


@pytest.mark.parametrize("value", [math.nan, math.inf, 1.5, b"text"])
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(ValueError, match=r"integer|number"):
        encode(value, KINDS["int32"])


def test_a_value_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="at most"):
        encode(b"x" * 129, KINDS["custom"])


@given(st.integers(0, 2**32 - 1))
def test_values_survive_the_wire(value):
    kind = KINDS["uint32"]
    there = mavlink.MAVLink(None, srcSystem=1, srcComponent=100)
    here = mavlink.MAVLink(None)
    message = mavlink.MAVLink_param_ext_value_message(b"CAM_ISO", encode(value, kind), kind, 1, 0)
    (arrived,) = here.parse_buffer(message.pack(there))
    assert read_message(arrived).value == value


# --- definitions ---


def test_a_definition():
    found = parse(GOOD)
    assert (found.model, found.vendor, found.version) == ("T100", "Foo & Sons", 7)
    mode = found.settings["CAM_MODE"]
    assert mode.updates == ("CAM_ISO",)
    assert mode.options[0].excludes == ("CAM_ISO",)
    assert mode.mav_type == mavlink.MAV_PARAM_EXT_TYPE_UINT32
    assert numbers(found.settings["CAM_APERTURE"]) == {2.8: 3.0, 4.0: 4.0}
    assert numbers(found.settings["CAM_SHUTTERSPD"]) == {0.02: 0.02, 0.01: 0.01}
    assert set(numbers(found.settings["CAM_ISO"])) == {100.0, 200.0, 300.0, 400.0}
    assert numbers(mode) == {}
    assert not found.settings["CAM_TEMP"].writable


def test_a_compressed_definition():
    assert parse(lzma.compress(GOOD.encode())) == parse(GOOD)


BOMB = """<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>
<mavlinkcamera><definition version="1"><model>&b;</model></definition></mavlinkcamera>"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not XML"),
        ("no xml", "not XML"),
        (GOOD[:-20], "not XML"),
        ("<camera/>", "begins with <mavlinkcamera>"),
        ("<mavlinkcamera/>", "no <definition>"),
        (BOMB, "document type"),
        (f'<!DOCTYPE x SYSTEM "file:///etc/passwd">{GOOD[40:]}', "document type"),
        ("<a>" * 50, "nested too deep"),
        (f"<mavlinkcamera>{'<a/>' * 30000}</mavlinkcamera>", "more than"),
        (" " * (3 << 20), "larger than"),
        (lzma.compress(b" " * (3 << 20)), "larger than"),
        (b"\xfd7zXZ\x00rubbish", "cannot be unpacked"),
        (b'<?xml version="1.0" encoding="nonsense"?><mavlinkcamera/>', "not XML|cannot be read"),
    ],
)
def test_a_bad_definition_says_what_is_wrong(text, words):
    with pytest.raises(DefinitionError, match=words):
        parse(text)


#: Parameters that cannot be understood, and what is said of them.
ODD = [
    ('<parameter name="CAM_X" type="byte" default="1"/>', "CAM_X has type 'byte'"),
    ('<parameter name="CAM_X" default="1"/>', "CAM_X has type ''"),
    ('<parameter type="float" default="1"/>', "1 to 16 characters"),
    ('<parameter name="" type="float" default="1"/>', "1 to 16 characters"),
    ('<parameter name="CAM_SHUTTERSPEEDS" type="float" default="1"/>', "1 to 16 characters"),
    (f'<parameter name="{"X" * 9999}" type="float" default="1"/>', "1 to 16 characters"),
    ('<parameter name="CAM_X" type="float" default="1" min=""/>', "min='' of CAM_X is no number"),
    ('<parameter name="CAM_X" type="int32" default="1" max="far"/>', "max='far'"),
    ('<parameter name="CAM_X" type="int32" default="1" step="?"/>', "step='?'"),
    ('<parameter name="CAM_ISO" type="float" default="1"/>', "a second parameter 'CAM_ISO'"),
]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(("odd", "words"), ODD)
def test_an_odd_parameter_costs_itself_and_is_told(odd, words, first):
    place = GOOD.index("<parameters>") + 12 if first else GOOD.index(" </parameters>")
    found = parse(GOOD[:place] + odd + GOOD[place:])
    assert {"CAM_MODE", "CAM_APERTURE", "CAM_SHUTTERSPD", "CAM_ISO", "CAM_TEMP"} <= set(
        found.settings
    )
    assert "CAM_X" not in found.settings
    (told,) = found.left_out
    assert words in told.error
    assert told.line == GOOD[:place].count("\n") + 1 or "second" in words
    assert len(str(told)) < 200
    if "second" not in words:
        assert found.settings == parse(GOOD).settings


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ('<option value="9"/>', "needs a name and a value"),
        ('<option name="f/8"/>', "needs a name and a value"),
        ('<option name="f/8" value="eight"/>', "'eight', which is no number"),
        ('<option name="f/8" value=""/>', "'', which is no number"),
    ],
)
def test_an_odd_option_costs_itself_and_is_told(option, words):
    found = parse(GOOD.replace('<option name="f/4"', f'{option}<option name="f/4"'))
    assert found.settings == parse(GOOD).settings
    (told,) = found.left_out
    assert told.name == "CAM_APERTURE"
    assert words in told.error


def test_a_parameter_without_a_default_is_used():
    found = parse(GOOD.replace(' default="3"', ""))
    assert found.left_out == ()
    assert numbers(found.settings["CAM_APERTURE"]) == {2.8: 3.0, 4.0: 4.0}


@given(st.binary(max_size=300))
def test_rubbish_is_a_definition_error(data):
    with pytest.raises(DefinitionError):
        parse(data)


@given(st.integers(0, len(GOOD) - 1), st.characters())
def test_a_mutated_definition_is_read_or_refused(place, letter):
    try:
        found = parse(GOOD[:place] + letter + GOOD[place + 1 :])
    except DefinitionError:
        return
    assert isinstance(found, Definition)
    for setting in found.settings.values():
        assert all(math.isfinite(v) for v in numbers(setting).values())


def test_a_definition_from_a_file(tmp_path):
    path = tmp_path / "a camera.xml"
    path.write_text(GOOD)
    assert asyncio.run(load(str(path))) == parse(GOOD)
    assert asyncio.run(load(path.as_uri())) == parse(GOOD)
    for uri in (
        str(tmp_path),
        "/dev/zero",
        "gopher://x/y",
        "mftp://x.xml",
        "http://[",
        "http://127.0.0.1:1/x",
        "file:///none",
        "http:///",
        "https://\0",
    ):
        with pytest.raises(DefinitionError):
            asyncio.run(load(uri))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("mftp:///camera.xml", "/camera.xml"),
        ("mftp://camera.xml", "camera.xml"),
        ("mavlinkftp://[;comp=100]/a%20b.xml", "/a b.xml"),
    ],
)
def test_addresses_of_mavlink_ftp(uri, path):
    assert ftp_path(uri) == path


# --- the simulated camera's own ---


@pytest.mark.parametrize("name", ["super35_zoom", "drone_variable", "phone"])
def test_the_simulated_cameras_definition_is_what_its_lens_can(name):
    camera = cameras.load(name)
    found = parse(definition_xml(camera))
    offered = sorted(numbers(found.settings["CAM_APERTURE"]))
    assert offered == pytest.approx(apertures(camera))
    assert offered[0] == camera.aperture.min
    assert offered[-1] == camera.aperture.max
    assert found.version == definition_version(camera) != definition_version(camera, Lacks.APERTURE)


# --- the lens between two reports ---


@pytest.mark.parametrize(("rate", "lag"), [(40.0, 0.04), (40.0, 0.0), (1e6, 0.5)])
def test_the_lens_model_moves_as_the_motors_do(rate, lag):
    camera = cameras.load("super35_zoom")
    camera = camera.model_copy(
        update={
            "lens_lag": lag,
            "focal_length": camera.focal_length.model_copy(update={"rate": rate}),
        }
    )
    motors = LensMotors(camera, cameras.LensState(30, 5, 4))
    motors.command(cameras.LensState(90, 5, 4))
    ring = Ring(30.0, rate, lag, 0.0)
    ring.at(0.0)
    ring.command(90.0, 0.0)
    for k in range(1, 3000):
        motors.step(0.001)
        if k % 50 == 0:
            assert ring.at(k * 0.001) == pytest.approx(motors.state.focal_length_mm, abs=0.1)


@given(
    st.floats(-100, 100),
    st.floats(-100, 100),
    st.floats(0, 10),
    st.floats(0.01, 100),
    st.floats(0, 1),
)
def test_a_motor_never_overshoots_nor_exceeds_its_rate(start, goal, dt, rate, lag):
    end = motor.approach(start, goal, dt, rate, lag)
    assert min(start, goal) - 1e-9 <= end <= max(start, goal) + 1e-9
    assert abs(end - start) <= rate * dt + 1e-9


def test_a_latency_delays_the_lens():
    ring = Ring(30.0, 100.0, 0.0, 0.2)
    ring.at(0.0)
    ring.command(40.0, 0.0)
    assert ring.at(0.19) == 30.0
    assert ring.at(0.25) == pytest.approx(35.0)


def test_a_lens_that_somebody_else_moved_stays_there():
    ring = Ring(30.0, 100.0, 0.0, 0.0)
    ring.report(50.0, 0.0)
    assert ring.at(10.0) == 50.0
    ring.command(40.0, 10.0)
    assert ring.at(11.0) == 40.0
    ring.report(70.0, 20.0)
    assert ring.at(30.0) == 70.0


@given(st.floats(0, 10), st.floats(0, 10))
def test_the_aperture_is_one_that_there_is_and_near(wanted, current_wish):
    offered = tuple(k / 3 for k in range(31))
    current = snap(current_wish, offered, math.nan)
    value = snap(wanted, offered, current)
    assert value in offered
    assert abs(value - wanted) <= 0.6 / 3 + 1e-9


# --- the config ---


def test_what_a_camera_file_says_of_mavlink():
    data = {
        "name": "test",
        "sensor": {"width": "16 mm", "height": "9 mm", "circle_of_confusion": "0.02 mm"},
        "focal_length": {"min": "24 mm", "max": "120 mm", "rate": "40 mm/s"},
        "focus": {"closest": "0.9 m", "rate": "0.6 dioptre/s"},
        "aperture": {"min": "f/2.8", "max": "f/22", "rate": "3 stop/s"},
        "mavlink": {
            "zoom": "range",
            "focus": "none",
            "aperture": {"parameter": "C_V_IrP", "type": "uint32", "values": {"f/2.8": 21}},
            "prepare": {"C_V_AE": 3},
            "trust": ["zoom"],
            "latency": "80 ms",
        },
    }
    how = Camera.model_validate(data).mavlink
    assert how.aperture.values == ((2.8, 21.0),)
    assert how.prepare == (("C_V_AE", 3.0),)
    assert how.trust == (Dof.zoom,)
    assert not how.tried
    hash(Camera.model_validate(data))


@pytest.mark.parametrize("name", ["siyi_zr10", "gremsy_sony", "px4_sim_camera"])
def test_shipped_cameras_say_whether_they_were_tried(name):
    camera = cameras.load(name)
    assert not camera.mavlink.tried
    assert camera.mavlink.note


@given(
    st.floats(0, 1), st.sampled_from(["linear", "logarithmic"]), st.sampled_from([None, "300 mm"])
)
def test_zoom_by_range_is_undone_by_the_level_that_is_reported(share, scale, full):
    camera = cameras.load("super35_zoom").model_copy(
        update={
            "mavlink": cameras.Mavlink(
                zoom="range", focus="range", zoom_scale=scale, zoom_full=full
            )
        }
    )
    scales = LensScale(camera)
    focal = 24 + share * 96
    kind, percent = scales.zoom_command(focal)
    assert kind == mavlink.ZOOM_TYPE_RANGE
    assert scales.zoom_of_level(percent) == pytest.approx(focal, rel=1e-6)
    dioptres = share / camera.focus.closest
    kind, percent = scales.focus_command(dioptres)
    assert kind == mavlink.FOCUS_TYPE_RANGE
    assert scales.focus_of_level(percent) == pytest.approx(dioptres, abs=1e-9)


def test_a_siyis_ten_times_are_a_third_of_its_range():
    scales = LensScale(cameras.load("siyi_zr10"))
    assert scales.zoom_command(47.4)[1] == pytest.approx(100 * (47.4 / 5.15 - 1) / 29, rel=1e-3)


@given(st.floats())
def test_no_number_becomes_an_impossible_lens(value):
    camera = cameras.load("super35_zoom")
    for levels in ("percent", "native"):
        scales = LensScale(camera.model_copy(update={"mavlink": cameras.Mavlink(levels=levels)}))
        for zoom in (scales.zoom_of_level(value), scales.zoom_of_view(value)):
            assert zoom is None or 24 <= zoom <= 120
        focus = scales.focus_of_level(value)
        assert focus is None or 0 <= focus <= 1 / 0.9 + 1e-9
