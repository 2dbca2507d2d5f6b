"""Numbers on the command line have the grammar of the files."""

from __future__ import annotations

import pytest
import typer

from cinempc.app.options.simulation import VehicleOptions
from cinempc.app.options.takes import FlyOptions
from cinempc.cli.options import defaults, option, place


def read(text: object, name: str = "standby") -> float:
    return option(defaults(FlyOptions), name).parser(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3.0), ("3.5", 3.5), ("3 s", 3.0), ("0.1 min", 6.0), ("5e0", 5.0), ("+4", 4.0), (3, 3.0)],
)
def test_a_number_is_in_the_unit_of_the_description_or_has_its_own(text, value):
    assert read(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3,5", "did you mean '3.5 s'?"),
        ("1_0", "blank in its number"),
        ("nan", "not a quantity"),
        ("inf", "cannot be turned into s"),
        ("1:30", "did you mean '1 min 30 s'?"),
        ("5 m", "cannot be turned into s"),
        ("0.1", "not in the range 0.5 to 60"),
        ("2 min", "not in the range 0.5 to 60"),
        ("", "not a quantity"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text, words):
    with pytest.raises(typer.BadParameter) as caught:
        read(text)
    assert words in str(caught.value)


def test_degrees_and_bare_numbers():
    heading = option(defaults(VehicleOptions), "heading").parser
    assert heading("90") == heading("90 deg") == heading("90°") == pytest.approx(90)
    assert heading("−1.5707963267948966 rad") == pytest.approx(-90)
    speed = option(defaults(VehicleOptions), "speed").parser
    assert speed("0.5") == 0.5
    for text in ("0,5", "0.5 x", "nan"):
        with pytest.raises(typer.BadParameter, match="is not a number"):
            speed(text)


def test_a_place():
    assert place("10,−4.5") == (10.0, -4.5, 0.0)
    for text in ("1_0,2", "1,2,3,4", "1", "nan,2", "1 m,2 m", "٣,4"):
        with pytest.raises(typer.BadParameter, match="write it as x,y"):
            place(text)
