"""The commands of `cinempc bench`."""

from __future__ import annotations

import typer

from cinempc.cli.bench import identity, mpc, perception, stream

app = typer.Typer(no_args_is_help=True, help="Measure cinempc on this machine.")
app.command("identity", epilog=identity.EXAMPLE)(identity.bench_identity)
app.command("mpc", epilog=mpc.EXAMPLE)(mpc.bench_mpc)
app.command("perception", epilog=perception.EXAMPLE)(perception.bench_perception)
app.command("stream", epilog=stream.EXAMPLE)(stream.bench_stream)
