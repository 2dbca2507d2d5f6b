"""The process that reads a camera's streams, and hands their pictures to the one that started it.

A module of its own that imports little, so that it is there soon.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import time
from collections import Counter

from cinempc.flight.video.depth_join import Depth, Taken
from cinempc.flight.video.feed import Feed
from cinempc.flight.video.picture_ring import Writer
from cinempc.rig.log import ROOT, RelayHandler

#: Time between two reports of what was counted, s, and between two looks at what waits.
_COUNTS, _LOOK = 0.5, 0.01
#: Time to take leave of the camera, s.
_LEAVE = 0.5


def start(
    address: str, depth: str | None, rate: float
) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start the process with what `Feed` is given; it, and the channel to it, which never blocks.

    It ends when it is sent ``("end",)``, or the channel closes.
    """
    channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (channel, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    with theirs:
        process = subprocess.Popen(
            # -P: what lies in the folder where it is started is nobody's module.
            [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            # Ctrl-C is for us, and we end it in order.
            start_new_session=True,
        )
    # Not as arguments: an address can hold a password, and everybody sees arguments.
    channel.send(pickle.dumps((address, depth, rate)))
    channel.setblocking(False)
    return process, channel


def _serve(channel: socket.socket) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address, depth, rate = pickle.loads(channel.recv(1 << 16))
    channel.setblocking(False)
    writer = Writer(channel)

    def tell(*message: object) -> None:
        with contextlib.suppress(OSError):
            channel.send(pickle.dumps(message))

    def give(picture: Taken, depth: Depth | None) -> None:
        writer.put(picture.image, depth, (picture.utc, picture.arrived, picture.truth))

    logger = logging.getLogger(ROOT)
    logger.setLevel(logging.INFO)
    logger.addHandler(RelayHandler(lambda *record: tell("record", *record)))
    feed = Feed(address, depth, rate, give)
    told = 0.0
    while True:
        readable, _, _ = select.select([channel], [], [], _LOOK)
        if readable and not _obey(channel, writer):
            break
        feed.settle()
        if time.monotonic() - told > _COUNTS:
            told = time.monotonic()
            tell("counts", Counter({**feed.counts, "dropped": writer.dropped}))
    feed.close(_LEAVE)


def _obey(channel: socket.socket, writer: Writer) -> bool:
    """Take in what the other side says; whether to go on."""
    while True:
        try:
            data = channel.recv(4096)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        kind, *rest = pickle.loads(data)
        if kind == "end":
            return False
        writer.free(*rest)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)  # a thread that waits for a camera does not hold us up
