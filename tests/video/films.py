"""Small films of every kind, written with PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

CLOCK = 90_000
#: Of `quarters`: top left, top right, bottom left, bottom right.
RED, GREEN, BLUE, BLACK = (220, 20, 20), (20, 200, 20), (20, 20, 220), (0, 0, 0)


def quarters(width: int = 64, height: int = 48) -> np.ndarray:
    """A picture that tells which side of it is up, and whether it is mirrored."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = RED
    image[: height // 2, width // 2 :] = GREEN
    image[height // 2 :, : width // 2] = BLUE
    return image


def corners(image: np.ndarray) -> list[str]:
    """Colours of a picture's quarters, as in `quarters`."""
    high, wide = image.shape[:2]
    names = {"red": RED, "green": GREEN, "blue": BLUE, "black": BLACK}
    found = []
    for v, u in ((1, 1), (1, 3), (3, 1), (3, 3)):
        pixel = image[v * high // 4, u * wide // 4].astype(int)
        found.append(min(names, key=lambda name: np.abs(pixel - names[name]).sum()))
    return found


def levels(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Pictures whose grey level tells their number: 8 k."""
    return [np.full((height, width, 3), 8 * k % 256, np.uint8) for k in range(count)]


def film(
    path: Path,
    images: Sequence[np.ndarray],
    times: Sequence[float] | None = None,
    *,
    rate: float = 25.0,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    container: str | None = None,
    aspect: Fraction | None = None,
    turn: tuple[int, bool, bool] | None = None,
    options: dict[str, str] | None = None,
    muxing: dict[str, str] | None = None,
    cover: bool = False,
    subtitles: Sequence[tuple[float, str]] = (),
) -> Path:
    """Write a film.

    Args:
        times: of the pictures, s; at the rate if left out.
        rate: what the container is told, 1/s.
        aspect: width of the pixels by their height.
        turn: how the picture is to be shown: degrees anticlockwise, mirrored across, and down.
        cover: whether stream 0 is a cover.
        subtitles: time, s, and text of each.
    """
    times = [k / rate for k in range(len(images))] if times is None else times
    with av.open(str(path), "w", format=container, options=muxing or {}) as out:
        front = _cover(out) if cover else None
        stream: Any = out.add_stream(codec, rate=Fraction(rate).limit_denominator(1001))
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pixels
        stream.options = {"bf": "0"} | (options or {})
        if codec == "libx265":
            stream.options |= {"x265-params": "log-level=none:pools=1"}
        coarse = codec.startswith("mpeg")  # these count in pictures
        stream.codec_context.time_base = 1 / Fraction(rate) if coarse else Fraction(1, CLOCK)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if turn is not None:
            stream.set_display_rotation(turn[0], hflip=turn[1], vflip=turn[2])
        words: Any = out.add_mux_stream("mov_text") if subtitles else None
        if front is not None:
            out.mux(front[0].encode(front[1]))
        for image, time in zip(images, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format=pixels)
            frame.time_base = stream.codec_context.time_base
            frame.pts = round(time / frame.time_base)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        for k, (time, text) in enumerate(subtitles):
            packet = av.Packet(len(text.encode()).to_bytes(2, "big") + text.encode())
            end = subtitles[k + 1][0] if k + 1 < len(subtitles) else times[-1] + 1 / rate
            packet.stream, packet.time_base = words, Fraction(1, 1000)
            packet.pts = packet.dts = round(1000 * time)
            packet.duration = round(1000 * (end - time))
            out.mux(packet)
    return path


def _cover(out: Any) -> tuple[Any, Any]:
    stream = out.add_stream("mjpeg", rate=1)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuvj420p"
    stream.disposition = Disposition.attached_pic
    image = np.full((32, 32, 3), 250, np.uint8)
    return stream, av.VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuvj420p")


def song(path: Path, *, cover: bool) -> Path:
    """Half a second of silence, with or without a cover."""
    with av.open(str(path), "w", format="mp4") as out:
        front = _cover(out) if cover else None
        stream = out.add_stream("aac", rate=44100, layout="mono")
        if front is not None:
            out.mux(front[0].encode(front[1]))
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 22050), np.float32), "fltp", "mono")
        sound.sample_rate = 44100
        out.mux(stream.encode(sound))
        out.mux(stream.encode(None))
    return path
