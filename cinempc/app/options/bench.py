"""Options of the measurements."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from cinempc.app.options.options import Options
from cinempc.app.options.shared import Weights
from cinempc.app.perception import WEIGHTS


class MpcProblem(StrEnum):
    """What `bench mpc` solves."""

    scripts = "scripts"
    growth = "growth"
    cinempc_dolly = "cinempc-dolly"
    cinempc_plane = "cinempc-plane"


class BenchMpcOptions(Options):
    """`cinempc.app.bench.mpc.measure`: the control step."""

    problem: Annotated[
        MpcProblem,
        Field(
            description="scripts: the shipped scripts in closed loop against converged Ipopt; "
            "growth: from 1 subject to the 60 Hz variant with 4; cinempc-*: the published "
            "experiments."
        ),
    ] = MpcProblem.scripts
    ipopt: Annotated[bool, Field(description="Also fly with converged Ipopt.")] = True


class BenchStreamOptions(Options):
    """`cinempc.app.bench.stream.measure`: the stream of setpoints."""

    seconds: Annotated[float, Field(ge=2, le=600, description="Time to measure for, s.")] = 30.0
    idle: Annotated[bool, Field(description="Nothing else works meanwhile; for comparison.")] = (
        False
    )
    connection: Annotated[
        str | None,
        Field(
            description="Address of a vehicle that runs; a simulated one is started if not given."
        ),
    ] = None
    rate: Annotated[float, Field(ge=20, le=200, description="Setpoints a second.")] = 50.0
    instance: Annotated[
        int, Field(ge=0, le=50, description="Instance of the simulated vehicle: shifts its ports.")
    ] = 40


class BenchPerceptionOptions(Options):
    """`cinempc.app.bench.perception.measure`: perception where the truth is known."""

    weights: Weights = WEIGHTS
    seeds: Annotated[int, Field(ge=1, description="Sequences of each kind.")] = 5
    seconds: Annotated[
        float | None,
        Field(ge=0.5, description="Length of each sequence, s; all of it if left out."),
    ] = None


class BenchIdentityOptions(Options):
    """`cinempc.app.bench.identity.measure`: how well people are told apart by their looks."""

    weights: Weights = WEIGHTS
    seeds: Annotated[int, Field(ge=1, description="Sequences of each kind.")] = 12
