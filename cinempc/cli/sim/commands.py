"""The commands of `cinempc sim`."""

from __future__ import annotations

import typer

from cinempc.cli.sim import gazebo, vehicle

app = typer.Typer(no_args_is_help=True, help="The simulated vehicle, for MAVLink clients.")
app.command("vehicle", epilog=vehicle.VEHICLE_EXAMPLE)(vehicle.sim_vehicle)
app.command("payload", epilog=vehicle.PAYLOAD_EXAMPLE)(vehicle.sim_payload)
app.command("gazebo", epilog=gazebo.BRIDGE_EXAMPLE)(gazebo.sim_gazebo)
app.command("world", epilog=gazebo.WORLD_EXAMPLE)(gazebo.sim_world)
