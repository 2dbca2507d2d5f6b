"""Renders one picture of a shipped scene, to see whether this machine can: run as a program it
prints the renderer's name and the seconds of a picture, as JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from cinempc import frames
from cinempc.errors import CinempcError


def render() -> tuple[str, float]:
    """What renders, and how long one picture of 960 x 540 px takes, s.

    Raises:
        CinempcError: this machine cannot render, with how to mend that.
    """
    from sim.scenery import scene
    from sim.scenery.world import World

    world = World(scene.load("plaza"))
    try:
        rotation = frames.camera_rotation(np.pi, 0.0, 0.0)
        arguments = ([8.0, 0.0, 1.6], rotation, 35.0, (24.89, 14.0), (960, 540))
        world.render(0.0, *arguments)  # the first one compiles
        began = time.perf_counter()
        world.render(0.1, *arguments)
        took = time.perf_counter() - began
        from OpenGL import GL

        name = GL.glGetString(GL.GL_RENDERER)
    finally:
        world.close()
    return (name.decode() if isinstance(name, bytes) else "OpenGL"), took


if __name__ == "__main__":
    try:
        renderer, seconds = render()
    except CinempcError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    print(json.dumps({"renderer": renderer, "seconds": seconds}))
