"""Writes ``report.html``: the take on one page that needs nothing else.

Figures against their goals, stills along the shots, plots, the script and what it ran on. Images
and plots are in the page itself; it follows the reader's choice of a light or a dark page.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from cinempc.files import write_whole
from cinempc.record import distance
from cinempc.record.goals import Goal
from cinempc.record.plots.data import TakeData
from cinempc.record.plots.registry import draw_all, plots
from cinempc.record.stills import Still

#: The table of figures: label, unit, path in a shot's figures, decimals.
FIGURES = (
    ("Framing error, rms", "% of width", "framing_error_pct.rms", 2),
    ("Framing error, 95th percentile", "% of width", "framing_error_pct.p95", 2),
    ("Scale error, rms", "%", "scale_error_pct.rms", 2),
    ("Scale error, 95th percentile", "%", "scale_error_pct.p95", 2),
    ("In focus, of what was asked sharp", "% of pictures", "in_focus_pct", 1),
    ("Out of focus, of what was asked soft", "% of pictures", "out_of_focus_pct", 1),
    ("In frame", "% of pictures", "in_frame_pct", 1),
    ("Pictures missing", "", "frames_missing", 0),
    ("Pictures missing, of all", "%", "frames_missing_pct", 1),
    ("Longest hole in the footage", "s", "longest_hole_s", 2),
    ("Focal length, from", "mm", "focal_length_mm.min", 1),
    ("Focal length, to", "mm", "focal_length_mm.max", 1),
    ("Error of the estimates, rms", "m", "estimate_error_m.rms", 3),
    ("Jerk, rms", "m/s³", "jerk_rms", 2),
    ("Control step, median", "ms", "step_ms.median", 2),
    ("Control step, 99th percentile", "ms", "step_ms.p99", 2),
    ("Deadlines missed", "steps", "deadline_misses", 0),
    ("Steps that broke a constraint", "steps", "constraint_violations.cycles", 0),
    ("Subject not seen", "s", "subject_lost_s", 1),
    ("Hovering for it", "s", "hover_s", 1),
    ("Speed of the take", "× real time", "realtime_factor", 2),
)


def write(
    path: Path,
    metrics: Mapping[str, Any],
    take: TakeData,
    stills: Sequence[Still] = (),
    *,
    goals: Sequence[Goal] = (),
    script: str = "",
) -> None:
    """Write the report.

    Args:
        path: the HTML file.
        metrics: what `cinempc.record.metrics.summarise` gives.
        take: its records, for the plots.
        stills: in the order of time.
        goals: that the overall figures shall reach; named in the table.
        script: the script's text.

    Raises:
        OSError: it cannot be written.
    """
    empty = metrics["overall"]["frames"] == 0
    drawn = {} if empty else draw_all(take)
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    source = (files("cinempc.record") / "report.html.j2").read_text(encoding="utf-8")
    page = environment.from_string(source).render(
        metrics=metrics,
        take=metrics["take"],
        shots=metrics["shots"],
        rows=_rows(metrics, goals),
        verdict=_verdict(metrics, goals),
        losses=[_loss(loss) for loss in metrics["losses"]],
        sections=[one for one in plots() if one.name in drawn],
        plots=drawn,
        stills=[_figure(still, metrics) for still in stills],
        script=script,
    )
    write_whole(path, page)


def _rows(metrics: Mapping[str, Any], goals: Sequence[Goal]) -> list[dict[str, Any]]:
    """The rows of the table that have a figure anywhere."""
    rows = []
    named = {goal.metric: goal for goal in goals}
    figures = list(FIGURES)
    listed = {metric for _, _, metric, _ in figures}
    figures += [(metric, "", metric, 3) for metric in named if metric not in listed]
    for label, unit, metric, decimals in figures:
        reader = Goal(metric)
        overall = reader.value(metrics["overall"])
        each = [reader.value(shot) for shot in metrics["shots"]]
        goal = named.get(metric)
        if overall is None and all(value is None for value in each) and goal is None:
            continue
        rows.append(
            {
                "label": label,
                "unit": unit,
                "overall": _number(overall, decimals),
                "shots": [_number(value, decimals) for value in each],
                "goal": None if goal is None else str(goal),
                "met": None if goal is None else goal.met(metrics["overall"]),
            }
        )
    return rows


def _verdict(metrics: Mapping[str, Any], goals: Sequence[Goal]) -> dict[str, Any] | None:
    if not goals:
        return None
    met = sum(goal.met(metrics["overall"]) is True for goal in goals)
    return {"met": met, "of": len(goals), "all": met == len(goals)}


def _loss(loss: Mapping[str, Any]) -> str:
    """A loss in words."""
    words = f"{loss['subject']} was lost at {loss['last_seen_s']:.1f} s"
    if loss["hovered_s"] is not None:
        words += f"; the vehicle hovered from {loss['hovered_s']:.1f} s on"
    if loss["ended_s"] is None:
        return f"{words}; not found again."
    end = "found again" if loss["found"] else "not needed any more"
    return f"{words}; {end} at {loss['ended_s']:.1f} s."


def _figure(still: Still, metrics: Mapping[str, Any]) -> dict[str, str]:
    record = still.record
    shot = next((s for s in metrics["shots"] if s["index"] == record.shot_index), None)
    lens = f"{record.focal_length_mm:.0f} mm · f/{record.f_number:.1f}"
    return {
        "source": "data:image/jpeg;base64," + base64.b64encode(still.jpeg).decode("ascii"),
        "time": f"{record.time:.1f} s",
        "shot": "" if shot is None else str(shot["name"]),
        "lens": f"{lens} · {distance.text(record.focus_distance_m)}",
    }


def _number(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}".replace(",", " ")
