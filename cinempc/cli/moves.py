"""`cinempc check --moves`: the moves that a shot can make."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cinempc.cli.console import out


def show_moves(asked: bool) -> None:
    """Print every move with its fields and what it does, and leave."""
    from cinempc.script.moves.registry import MOVES, help_of

    if not asked:
        return
    table = Table("move", "fields", "what it does", show_lines=True)
    table.columns[0].no_wrap = True
    for move in map(help_of, MOVES.values()):
        fields = "\n".join(f"{name}: {what}" for name, what in move.fields.items())
        table.add_row(move.kind, escape(fields), escape(move.text))
    out.print(table)
    raise typer.Exit


MovesOption = Annotated[
    bool,
    typer.Option(
        "--moves", is_eager=True, callback=show_moves, help="List the moves that a shot can make."
    ),
]
