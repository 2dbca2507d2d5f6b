"""`cinempc doctor`."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from cinempc.cli.console import out, spinner
from cinempc.cli.options import AsJson

if TYPE_CHECKING:
    from cinempc.app.doctor.doctor import Diagnosis

EXAMPLE = "Example: cinempc doctor"


def doctor(as_json: AsJson = False) -> None:
    """Say what this machine has and lacks, and how to get what it lacks.

    Exit status 1 if something is missing that `cinempc film` needs.
    """
    from cinempc.app.doctor.doctor import doctor

    with spinner() as progress:
        diagnosis = doctor(progress=progress)
    if as_json:
        findings = [asdict(finding) for finding in diagnosis.findings]
        print(json.dumps({"can_film": diagnosis.can_film, "findings": findings}, indent=2))
    else:
        _show(diagnosis)
    if not diagnosis.can_film:
        raise typer.Exit(1)


def _show(diagnosis: Diagnosis) -> None:
    table = Table(show_header=False, box=None)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in diagnosis.findings:
        lack = "[bold red]missing[/]" if finding.needed else "[yellow]none[/]"
        mark = "[green]ok[/]" if finding.there else lack
        table.add_row(mark, finding.name, escape(finding.found))
    out.print(table)
    for finding in diagnosis.findings:
        if not finding.there:
            out.print(f"[bold]{finding.name}[/]", highlight=False)
            remedy = textwrap.indent(textwrap.dedent(finding.remedy), "  ")
            out.print(remedy, markup=False, highlight=False, soft_wrap=True)
    if diagnosis.can_film:
        out.print("all is there that `cinempc film` needs")
    else:
        out.print("[bold red]something is missing that `cinempc film` needs[/]")
