"""Writes footage: H.264 in MP4, playable even where the process was killed.

While it grows the file is a fragmented MP4 with four fragments a second, and the encoder looks
ahead by an eighth of one: what a killed process leaves plays up to its last second. Closing turns
it into an ordinary MP4, which editors like best (FFmpeg's ``hybrid_fragmented``, since 7.1). Where
the disk is full it stays fragmented, and plays up to there. Colours are BT.709, limited range, and
tagged.
"""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from cinempc.files import GrowingFile

#: Length of a fragment, s: what a process that is killed loses at most, beside what the encoder
#: holds.
_FRAGMENT = 0.25
#: How far the encoder looks ahead, s.
_LOOK_AHEAD = 0.125
#: Places in a second of footage whose rate varies: MPEG's clock, 1/s.
_CLOCK = 90_000


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
    """A film being written; a context manager, its file is valid however the block is left, and
    where writing fails it holds what was written before.

    Args:
        path: the MP4 to write.
        width, height: of the pictures, px; an odd last column or row is cut off, since H.264's
            4:2:0 has none.
        fps: frames per second, constant.
        crf: x264's constant rate factor: 18 cannot be told from the original by eye.
        preset: x264's trade of processor time for file size.
        varying: each picture stands at its own time, not at the nearest place of the constant
            rate: for pictures that come when they come.

    Raises:
        OSError: the file cannot be made.
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
        varying: bool = False,
    ) -> None:
        self.path = path
        self.frames = 0
        self._last: int | None = None
        self._first: float | None = None
        self._closed = False
        self._shape = (height, width, 3)
        self._file = GrowingFile(path)
        self._container = av.open(
            self._file,
            "w",
            format="mp4",
            options={
                "movflags": "hybrid_fragmented+frag_keyframe+default_base_moof",
                "frag_duration": str(round(1e6 * _FRAGMENT)),
            },
            container_options={"flush_packets": "1"},
        )
        # 23.976 and its kin are n/1001 exactly; others are as written.
        rate = max(Fraction(fps).limit_denominator(1001), Fraction(1, 1001))
        stream = self._container.add_stream("libx264", rate=rate)
        stream.width, stream.height = width // 2 * 2, height // 2 * 2
        stream.pix_fmt = "yuv420p"
        ahead = max(1, round(_LOOK_AHEAD * fps) - 1)
        # Pictures sent out of order would bring a varying film's length out of order with them.
        late = 0 if varying else min(ahead - 1, 2)
        stream.options = {
            "crf": str(crf),
            "preset": preset,
            "g": str(max(1, round(fps))),
            # Threads that share a picture: those that take one each hold as many back.
            "x264-params": f"rc-lookahead={ahead}:sync-lookahead=0:bframes={late}:sliced-threads=1",
        }
        self._time_base = Fraction(1, _CLOCK) if varying else 1 / rate
        stream.codec_context.time_base = self._time_base
        self._place_rate = float(_CLOCK) if varying else fps
        self._places = max(1, round(self._place_rate / fps))  # from a picture to the next
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
            OSError: the file cannot be written any more.
        """
        if image.shape != self._shape:
            raise ValueError(f"the footage is {self._shape}, this picture {image.shape}")
        frame = to_yuv(image[: self._stream.height, : self._stream.width])
        frame.pts = self._place(time)
        frame.time_base = self._time_base
        self._container.mux(self._stream.encode(frame))
        self._file.commit()  # whole fragments are all that the muxer writes
        self.frames += 1

    def _place(self, time: float | None) -> int:
        """The number of the place that a picture has in the film."""
        following = 0 if self._last is None else self._last + self._places
        if time is not None:
            if self._first is None:
                self._first = time
            elif self._last is not None:
                place = round((time - self._first) * self._place_rate)
                following = max(self._last + 1, place)
        self._last = following
        return following

    def close(self) -> None:
        """Write out what the encoder still holds and finish the file; a second call does
        nothing.

        Raises:
            OSError: it cannot be written: it plays up to there.
        """
        if self._closed:
            return
        self._closed = True
        with ExitStack() as ends:  # each is done, whatever becomes of the others
            ends.callback(self._file.close)
            ends.callback(self._file.commit)
            ends.callback(self._container.close)
            if self.frames:
                self._container.mux(self._stream.encode(None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
