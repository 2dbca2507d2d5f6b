"""Opens video files and network streams by FFmpeg, the same way for all who read them."""

from __future__ import annotations

import av
from av.container import InputContainer

#: What comes when it comes, and what can be opened by address at all.
LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")
SCHEMES = (*LIVE_SCHEMES, "http", "https")


def scheme_of(address: str) -> str:
    """The scheme of an address in lower case; empty for a file."""
    return address.split("://", 1)[0].lower() if "://" in address else ""


def open_video(
    address: str, timeout: float | tuple[float, float] | None = None, *, at_once: bool = False
) -> InputContainer:
    """A file or stream, opened to be read.

    Args:
        address: a path, or an address with a scheme.
        timeout: s, to open, and to wait for each packet; one for both, or one each.
        at_once: from the first picture on. Otherwise FFmpeg watches up to a second of a stream
            to find its frame rate, and throws it away.

    Raises:
        av.error.FFmpegError, OSError: it cannot be opened.
    """
    options = {}
    scheme = scheme_of(address)
    if scheme in LIVE_SCHEMES:
        # Drops what was read to recognise the stream: late by that much it would stay.
        options["fflags"] = "nobuffer"
    if at_once:
        options["fpsprobesize"] = "0"
    if scheme.startswith("rtsp"):
        options["rtsp_transport"] = "tcp"  # UDP loses packets, which smears pictures
    return av.open(address, options=options, timeout=timeout)


def reason(error: Exception) -> str:
    """What went wrong, in FFmpeg's words."""
    return getattr(error, "strerror", None) or str(error)
