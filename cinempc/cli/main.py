"""The program ``cinempc``: its commands, its global options, and how it ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

import cinempc
from cinempc.addresses import without_secrets
from cinempc.app.progress import Stopped
from cinempc.cli import check, doctor, film, fly, identify, launch, models, perceive, sequence
from cinempc.cli.bench import commands as bench
from cinempc.cli.console import err, of_machine, out, set_up_log, show_error
from cinempc.cli.sim import commands as sim
from cinempc.errors import CinempcError

#: Exit statuses: a mistake of the user's, and Ctrl-C.
MISTAKE, INTERRUPTED = 2, 130

_LOG = logging.getLogger("cinempc.cli")


class Commands(TyperGroup):
    """All commands: a user's mistake ends them with a message and no traceback, as Ctrl-C does, and
    so does what the machine does not let them do."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            result = super().invoke(ctx)
            if sys.stdout is not None:  # closed by who started this
                sys.stdout.flush()
            return result
        except CinempcError as error:
            show_error(str(error))
            raise typer.Exit(MISTAKE) from None
        except OSError as error:
            _show_fault(error)
            raise typer.Exit(MISTAKE) from None
        except (KeyboardInterrupt, typer.Abort) as stop:
            kept = f"; {stop.kept}" if isinstance(stop, Stopped) else ""
            err.print(f"stopped{escape(kept)}", highlight=False, soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An autonomous camera operator for drones: one nonlinear MPC flies the drone, points the "
    "gimbal and pulls the lens.",
)
app.command("check", epilog=check.EXAMPLE)(check.check)
app.command("film", epilog=film.EXAMPLE)(film.film)
app.command("fly", epilog=fly.EXAMPLE)(fly.fly)
app.command("launch", epilog=launch.EXAMPLE)(launch.launch)
app.command("perceive", epilog=perceive.EXAMPLE)(perceive.perceive)
app.command("sequence", epilog=sequence.EXAMPLE)(sequence.sequence)
app.command("identify", epilog=identify.EXAMPLE)(identify.identify)
app.command("doctor", epilog=doctor.EXAMPLE)(doctor.doctor)
app.add_typer(models.app, name="models")
app.add_typer(sim.app, name="sim")
app.add_typer(bench.app, name="bench")


def _show_fault(error: OSError) -> None:
    """The machine's fault: no permission, no room, no such device. The trace goes to the log."""
    _LOG.debug("the machine does not let it", exc_info=True)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as full:
        # The interpreter shall not try again at its end.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it lives as long as the process
        show_error(f"the output cannot be written ({of_machine(full)})")
    else:
        show_error(of_machine(error))


def _version(asked: bool) -> None:
    if asked:
        out.print(f"cinempc {cinempc.__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def settings(
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            metavar="",
            help="Show what happens; -vv shows what helps to find a fault too.",
        ),
    ] = 0,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all that happens into a file, with time stamps."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Set up what all commands share."""
    set_up_log(verbose, log)


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM ends a command as Ctrl-C does: with valid files, the vehicle in hold."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # another one does not wait for that
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line.

    SIGINT and SIGTERM end a command in order. A shell starts what it runs in the background with
    SIGINT ignored: whoever sends it to a flight all the same means it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _stop)
    try:
        status = app(standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):  # before a command began
        status = INTERRUPTED
    except OSError as error:  # --help and --version print before a command begins
        _show_fault(error)
        status = MISTAKE
    except Exception as error:
        # A usage error of click's, which typer may bring along: it knows how to show itself.
        if not (hasattr(error, "show") and hasattr(error, "exit_code")):
            raise
        if isinstance(words := getattr(error, "message", None), str):
            error.message = without_secrets(words)  # type: ignore[attr-defined]
        error.show()
        status = error.exit_code
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
