"""Gets a camera definition file from where it is: over the network, from the camera, or a file."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path

from cinempc.flight.camera.definition import LARGEST, Definition, DefinitionError, parse

#: Time for fetching one, s.
TIMEOUT = 5.0

Fetch = Callable[[str], Awaitable[bytes]]


async def load(uri: str, ftp: Fetch | None = None) -> Definition:
    """A definition from where it is: a path, or an http, https, file or MAVLink FTP URI.

    Args:
        uri: the address.
        ftp: fetches a path by MAVLink FTP.

    Raises:
        DefinitionError: it cannot be had, or is none.
    """
    # Not urlsplit: MAVLink's own addresses are none of its.
    scheme = uri.partition("://")[0].lower() if "://" in uri else ""
    try:
        if scheme in ("http", "https"):
            data = await asyncio.to_thread(_download, uri)
        elif scheme in ("mftp", "mavlinkftp"):
            if ftp is None:
                raise DefinitionError(f"{uri} needs MAVLink FTP, which is not to be had here")
            data = await ftp(ftp_path(uri))
        elif scheme in ("", "file"):
            path = urllib.parse.unquote(uri.partition("://")[2]) if scheme else uri
            data = await asyncio.to_thread(_read_file, Path(path))
        else:
            raise DefinitionError(f"{uri} is neither http, https, file nor mftp")
        return parse(data)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DefinitionError(f"{uri} cannot be had: {error}") from None


def ftp_path(uri: str) -> str:
    """The path on the camera of a MAVLink FTP URI: ``mftp://path`` or, with the component that
    has it, ``mftp://[;comp=100]path``."""
    path = uri.partition("://")[2]
    if path.startswith("[;comp="):
        path = path.partition("]")[2]
    return urllib.parse.unquote(path)


class _NoOtherSchemes(urllib.request.HTTPRedirectHandler):
    def redirect_request(  # type: ignore[no-untyped-def]
        self, req, fp, code, msg, headers, newurl
    ):
        if urllib.parse.urlsplit(newurl).scheme not in ("http", "https"):
            raise urllib.error.URLError(f"it points to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(uri: str) -> bytes:
    # No proxies: the camera stands on the vehicle's own network.
    opener = urllib.request.build_opener(_NoOtherSchemes, urllib.request.ProxyHandler({}))
    with opener.open(uri, timeout=TIMEOUT) as answer:
        data: bytes = answer.read(LARGEST + 1)
    return data


def _read_file(path: Path) -> bytes:
    if not path.is_file():
        raise OSError("there is no such file")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)
