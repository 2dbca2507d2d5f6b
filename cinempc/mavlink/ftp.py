"""Reading a file from a component by MAVLink FTP.

Source: the file transfer protocol of mavlink.io; only what reading takes: open, read, terminate.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any

from cinempc.mavlink.commands import NoAnswer, Target
from cinempc.mavlink.dialect import mavlink
from cinempc.mavlink.link import Link
from cinempc.mavlink.transport import LinkError

#: Opcodes and error codes of the protocol.
TERMINATE, OPEN, READ, ACK, NAK = 1, 4, 5, 128, 129
END_OF_FILE = 6
#: Bytes of data that a message carries, and the form of what stands before them: sequence,
#: session, opcode, size, opcode that is answered, whether a burst is over, offset.
MOST = 239
HEADER = struct.Struct("<HBBBBBxI")
_TIMEOUT, _RETRIES = 0.5, 8


class FtpError(LinkError):
    """A file that the component does not give."""


def payload(
    sequence: int, session: int, opcode: int, offset: int, data: bytes, *, size: int, answers: int
) -> bytes:
    """The 251 bytes of a FILE_TRANSFER_PROTOCOL message."""
    head = HEADER.pack(sequence & 0xFFFF, session, opcode, size, answers, 0, offset)
    return (head + data).ljust(251, b"\0")


async def read(link: Link, target: Target, path: str, most: int) -> bytes:
    """A whole file.

    Args:
        link: to speak on.
        target: who has it.
        path: its path there.
        most: largest size that is taken, bytes.

    Raises:
        FtpError: there is no such file, or it is too large.
        NoAnswer: the component does not speak this protocol.
    """
    name = path.encode()
    if not 0 < len(name) <= MOST:
        raise FtpError(f"{path!r} is no path that MAVLink FTP can carry")
    reader = _Reader(link, target)
    session, _, opened = await reader.ask(0, OPEN, 0, name, len(name))
    if len(opened) < 4:
        raise FtpError(f"{target} opened {path} without telling its size")
    size = struct.unpack("<I", opened[:4])[0]
    if size > most:
        raise FtpError(f"{path} of {target} has {size} bytes, more than {most}")
    data = b""
    try:
        while len(data) < size:
            _, offset, chunk = await reader.ask(session, READ, len(data), b"", MOST)
            if offset != len(data) or not chunk:
                raise FtpError(f"{target} sent another part of {path} than was asked for")
            data += chunk
    finally:
        reader.tell(session, TERMINATE)
    return data[:size]


class _Reader:
    def __init__(self, link: Link, target: Target) -> None:
        self._link, self._target, self._sequence = link, target, 0

    def tell(
        self, session: int, opcode: int, offset: int = 0, data: bytes = b"", size: int = 0
    ) -> int:
        """Send; the sequence number of the answer."""
        sent = self._sequence
        self._sequence = (sent + 2) & 0xFFFF
        content = payload(sent, session, opcode, offset, data, size=size, answers=0)
        self._link.send(
            mavlink.MAVLink_file_transfer_protocol_message(
                0, self._target.system, self._target.component, list(content)
            )
        )
        return (sent + 1) & 0xFFFF

    async def ask(
        self, session: int, opcode: int, offset: int, data: bytes, size: int
    ) -> tuple[int, int, bytes]:
        """Session, offset and data of the answer."""
        for _ in range(_RETRIES):
            expected = (self._sequence + 1) & 0xFFFF

            def answers(message: Any, expected: int = expected) -> bool:
                return self._target.sent(message) and (
                    HEADER.unpack_from(bytes(message.payload))[0] == expected
                )

            waiting = asyncio.ensure_future(
                self._link.wait("FILE_TRANSFER_PROTOCOL", answers, _TIMEOUT)
            )
            await asyncio.sleep(0)
            self.tell(session, opcode, offset, data, size)
            try:
                message = await waiting
            except TimeoutError:
                continue
            content = bytes(message.payload)
            _, ours, code, length, _, _, where = HEADER.unpack_from(content)
            body = content[HEADER.size : HEADER.size + length]
            if code == ACK:
                return ours, where, body
            raise FtpError(f"{self._target} does not give the file: error {list(body)}")
        raise NoAnswer(f"{self._target} does not answer MAVLink FTP")
