"""What a take's figures shall reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A figure that a take shall reach: at most, or at least, a limit.

    ``metric`` is the figure's path, such as ``"scale_error_pct.p95"``.
    """

    metric: str
    at_most: float | None = None
    at_least: float | None = None

    def met(self, figures: Mapping[str, Any]) -> bool | None:
        """Whether these figures reach it; None where the figure is not there."""
        value = self.value(figures)
        if value is None:
            return None
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    def value(self, figures: Mapping[str, Any]) -> float | None:
        """The figure itself; None where it is not there."""
        node: Any = figures
        for part in self.metric.split("."):
            node = node.get(part) if isinstance(node, Mapping) else None
        return node if isinstance(node, (int, float)) else None

    def __str__(self) -> str:
        parts = []
        if self.at_most is not None:
            parts.append("0" if self.at_most == 0 else f"≤ {self.at_most:g}")
        if self.at_least is not None:
            parts.append(f"≥ {self.at_least:g}")
        return ", ".join(parts)
