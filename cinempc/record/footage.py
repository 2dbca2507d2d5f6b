"""Writes footage: H.264 in MP4, playable even where the process was killed.

While it grows the file is a fragmented MP4 with a fragment per second, so what a killed process
leaves plays up to its last second; closing turns it into an ordinary MP4, which editors like
best (FFmpeg's ``hybrid_fragmented``, since 7.1). Colours are BT.709, limited range, and tagged.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray


def tag_colours(codec: VideoCodecContext) -> None:
    """Say in the stream what `to_yuv` gives."""
    codec.color_range = ColorRange.MPEG
    codec.colorspace = Colorspace.ITU709
    codec.color_primaries = ColorPrimaries.BT709
    codec.color_trc = ColorTrc.BT709


def to_yuv(image: NDArray[np.uint8]) -> av.VideoFrame:
    """A picture, RGB (height, width, 3) of even sides, as 4:2:0 in BT.709, limited range."""
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )


class Footage:
    """A film being written; a context manager, its file is valid however the block is left.

    Args:
        path: the MP4 to write.
        width, height: of the pictures, px; an odd last column or row is cut off, since H.264's
            4:2:0 has none.
        fps: frames per second, constant.
        crf: x264's constant rate factor: 18 cannot be told from the original by eye.
        preset: x264's trade of processor time for file size.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        fps: float,
        *,
        crf: int = 18,
        preset: str = "veryfast",
    ) -> None:
        self.path = path
        self.frames = 0
        self._fps = fps
        self._last = -1
        self._first: float | None = None
        self._closed = False
        self._shape = (height, width, 3)
        self._container = av.open(
            str(path),
            "w",
            format="mp4",
            options={"movflags": "hybrid_fragmented+frag_keyframe+default_base_moof"},
            container_options={"flush_packets": "1"},
        )
        # 23.976 and its kin are n/1001 exactly; others are as written.
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate)
        stream.width, stream.height = width // 2 * 2, height // 2 * 2
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(crf), "preset": preset, "g": str(max(1, round(fps)))}
        tag_colours(stream.codec_context)
        self._stream = stream

    def write(self, image: NDArray[np.uint8], time: float | None = None) -> None:
        """Append a picture.

        Args:
            image: RGB (height, width, 3) uint8.
            time: s; where pictures were lost before it, the last one stands until then. Without,
                it follows the last at the frame rate.

        Raises:
            ValueError: a picture of another shape.
        """
        if image.shape != self._shape:
            raise ValueError(f"the footage is {self._shape}, this picture {image.shape}")
        frame = to_yuv(image[: self._stream.height, : self._stream.width])
        frame.pts = self._place(time)
        frame.time_base = 1 / Fraction(self._stream.codec_context.framerate)
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def _place(self, time: float | None) -> int:
        """The number of the place that a picture has in the film."""
        following = self._last + 1
        if time is not None:
            if self._first is None:
                self._first = time
            else:
                following = max(following, round((time - self._first) * self._fps))
        self._last = following
        return following

    def close(self) -> None:
        """Write out what the encoder still holds and finish the file; a second call does
        nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.frames:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
