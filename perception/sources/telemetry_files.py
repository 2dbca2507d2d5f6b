"""Finds the telemetry that belongs to a video file: beside it, or inside."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.stream import Discard

from cinempc.rig.log import EventLogger
from cinempc.video import streams
from perception.sources.reasons import SourceEvent
from perception.sources.telemetry import Sample, Telemetry, parse, parse_cue

_LOG = EventLogger("cinempc.perception.sources")
#: Largest SRT file, bytes: six hours of 60 subtitles a second are smaller.
_LARGEST = 500_000_000
#: Ends of telemetry and video, s, that differ by less, or by less than this share, are the same.
_SLACK, _SLACK_SHARE = 3.0, 0.1


def telemetry_of(video: str, duration: float | None = None) -> Telemetry | None:
    """The telemetry of a video file: of the SRT of its name beside it, else of a subtitle stream
    in it; None where there is none. What is found but cannot be used is reported.

    Args:
        video: its path.
        duration: of the video, s, where it is known.
    """
    if not Path(video).is_file():
        return None  # a pipe is read once
    for file in _beside(Path(video)):
        samples = _read(file)
        if samples:
            return _taken(samples, str(file), duration)
    try:
        samples = _embedded(video)
    except (av.error.FFmpegError, OSError):
        return None  # who reads its pictures says what is wrong with it
    return _taken(samples, f"{video}'s subtitles", duration) if samples else None


def _taken(samples: list[Sample], name: str, duration: float | None) -> Telemetry:
    telemetry = Telemetry(samples, name)
    _LOG.log(SourceEvent.TELEMETRY, file=name, seconds=telemetry.end - telemetry.begin)
    if duration and abs(telemetry.end - duration) > max(_SLACK, _SLACK_SHARE * duration):
        _LOG.log(SourceEvent.OTHER_LENGTH, file=name, end=telemetry.end, seconds=duration)
    return telemetry


def _beside(video: Path) -> list[Path]:
    """SRT files of a video's name; cameras write the suffix in capitals, cards forget that."""
    try:
        files = sorted(video.absolute().parent.iterdir())
    except OSError:
        return []
    names = {f"{video.stem}.srt".lower(), f"{video.name}.srt".lower()}
    return [video.parent / f.name for f in files if f.name.lower() in names and f.is_file()]


def _read(file: Path) -> list[Sample]:
    try:
        if file.stat().st_size > _LARGEST:
            _LOG.log(SourceEvent.NO_TELEMETRY, file=file, why="it is too large")
            return []
        samples = parse(decoded(file.read_bytes()))
    except OSError as error:
        _LOG.log(SourceEvent.NO_TELEMETRY, file=file, why=error.strerror or str(error))
        return []
    if not samples:
        _LOG.log(SourceEvent.NO_TELEMETRY, file=file, why="no subtitle tells place, height or lens")
    return samples


def decoded(data: bytes) -> str:
    """The text of a file: by its byte-order mark, else UTF-8, else Windows' Latin."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _embedded(video: str) -> list[Sample]:
    """The samples of the first subtitle stream that tells any."""
    with streams.open_video(video) as container:
        numbers = [stream.index for stream in container.streams.subtitles]
    for number in numbers:
        with streams.open_video(video) as container:
            samples = [s for s in _samples(container, number) if s.tells]
        if samples:
            return sorted(samples, key=lambda sample: sample.time)
    return []


def _samples(container: InputContainer, number: int) -> Iterator[Sample]:
    films = [s.start_time * s.time_base for s in container.streams.video
             if s.start_time is not None and s.time_base is not None]  # fmt: skip
    began = float(min(films, default=0))
    for other in container.streams:
        if other.index != number:
            other.discard = Discard.all  # the film's gigabytes are not read
    boxed = container.streams[number].codec_context.name == "mov_text"
    for packet in container.demux(container.streams[number]):
        data = bytes(packet)
        if packet.pts is None or not data:
            continue
        if boxed:  # 3GPP TS 26.245: the text's length, the text, boxes of its style
            data = data[2 : 2 + int.from_bytes(data[:2], "big")]
        yield parse_cue(float(packet.pts * packet.time_base) - began, decoded(data))
