"""Meshes of the scene's things as Wavefront OBJ files with a texture each, as Gazebo reads them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sim.scenery.props import Prop


def write(folder: Path, name: str, prop: Prop, texture: NDArray[np.uint8]) -> Path:
    """Writes ``name.obj`` with its material and texture beside it; gives its path.

    Args:
        texture: RGB (height, width, 3); ``prop.uv`` counts from its top left, and goes on beyond
            1 where it repeats.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_png(folder / f"{name}.png", texture)
    material = f"newmtl {name}\nKa 1 1 1\nKd 1 1 1\nKs 0.02 0.02 0.02\nNs 8\nmap_Kd {name}.png\n"
    (folder / f"{name}.mtl").write_text(material, encoding="utf-8")
    lines = [f"mtllib {name}.mtl", f"o {name}"]
    lines += ["v {:.4f} {:.4f} {:.4f}".format(*vertex) for vertex in prop.vertices]
    lines += [f"vt {u:.4f} {1 - v:.4f}" for u, v in prop.uv]
    lines += ["vn {:.4f} {:.4f} {:.4f}".format(*normal) for normal in prop.normals]
    lines.append(f"usemtl {name}")
    lines += ["f " + " ".join(f"{i}/{i}/{i}" for i in face + 1) for face in prop.faces]
    path = folder / f"{name}.obj"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def save_png(path: Path, image: NDArray[np.uint8]) -> None:
    """Writes an RGB picture (height, width, 3)."""
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    path.write_bytes(data.tobytes())
