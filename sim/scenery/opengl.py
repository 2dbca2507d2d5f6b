"""MuJoCo with OpenGL that needs no window, or how to get it."""

from __future__ import annotations

import os
from typing import Any

from cinempc.errors import CinempcError

os.environ.setdefault("MUJOCO_GL", "egl")


def no_opengl(error: Exception) -> CinempcError:
    """The error of a machine that cannot render, with what to install."""
    return CinempcError(
        f"the simulator cannot render: {error}. It needs OpenGL through EGL; on Debian or Ubuntu: "
        "sudo apt-get install -y libegl1 libgl1 libgl1-mesa-dri (and do not set MUJOCO_GL, or set "
        "it to egl)"
    )


try:
    import mujoco
except (ImportError, OSError, AttributeError) as error:  # what PyOpenGL raises without a library
    raise no_opengl(error) from error

__all__ = ["context", "mujoco", "no_opengl"]


def context(width: int, height: int) -> Any:
    """A context to render pictures of a size, px, off screen."""
    # By its own module: mujoco.gl_context chose when mujoco was first imported, maybe elsewhere.
    if os.environ["MUJOCO_GL"].lower() == "egl":
        from mujoco.egl import GLContext
    else:
        from mujoco.gl_context import GLContext
    return GLContext(width, height)
