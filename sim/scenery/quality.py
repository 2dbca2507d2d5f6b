"""How finely the simulator's world is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Quality(StrEnum):
    """What a picture may cost.

    `STANDARD` takes little more than half of the processor time of `FINAL` where a processor
    renders (`docs/simulator.md` has figures and what differs).
    """

    STANDARD = "standard"
    FINAL = "final"


@dataclass(frozen=True)
class RenderSettings:
    """What a quality means to the renderer.

    Attributes:
        shadow_map: px, the sides of the map of the sun's shadows.
        samples: of multisampling (MSAA) per pixel; 0 for none.
        filter_edges: whether `sim.scenery.edges.smooth` takes the steps off the edges.
    """

    shadow_map: int
    samples: int
    filter_edges: bool


SETTINGS = {
    Quality.STANDARD: RenderSettings(shadow_map=1024, samples=0, filter_edges=True),
    Quality.FINAL: RenderSettings(shadow_map=2048, samples=4, filter_edges=False),
}
