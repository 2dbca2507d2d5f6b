"""What of an address may be shown: an rtsp or http address can hold a password, a token or a
stream key, and messages, logs and takes are passed on.

All that cinempc writes for people goes through `without_secrets`: its errors, its events, its log
lines. `shown` is for one address by itself, `stem` for the names of files.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

#: What stands in a secret's place.
HIDDEN = "***"
#: Longest user name and password that are looked for where no scheme says that an address begins.
_USER, _PASSWORD = 64, 128
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]{0,20}://)([^\s'\"<>]*?)([:,.)]*)(?![^\s'\"<>])")
_SCHEMELESS = re.compile(
    rf"(?<![^\s'\"(=,])[^\s:/@'\"(=,]{{1,{_USER}}}:(?!//)[^\s@'\"]{{3,{_PASSWORD}}}@([\w\[][^\s'\"<>]*)"
)
#: Names of parameters whose values are secrets.
_SECRET = re.compile(
    r"pass|pwd|secret|token|key|auth|sig|credential|session|^sid$|jwt|^code$|^user$|^usr$|login|"
    r"account|streamid|hash|nonce|hmac|policy|^p$|^pw$|^u$|^s$|^t$",
    re.IGNORECASE,
)
#: A value of no name that says so is one as well from this length on.
_LONG = 16
_PARAMETER = re.compile(r"([?&;#])([^=&;#\s]*)=([^&;#\s]*?)(?=[:,.)]*(?:[&;#\s]|$))")


def without_secrets(text: str) -> str:
    """A text with the secrets of the addresses in it hidden.

    Hidden are the user and password before the host, the values of parameters that are secrets by
    their name or length, and the stream key of an rtmp address.

    Example:
        >>> without_secrets("rtsp://me:secret@camera/1?token=abc does not open")
        'rtsp://***@camera/1?token=*** does not open'
    """
    if "://" in text:
        text = _ADDRESS.sub(lambda match: match[1] + _shown(match[1], match[2]) + match[3], text)
    if "@" in text:
        text = _SCHEMELESS.sub(lambda match: f"{HIDDEN}@{_parameters(match[1])}", text)
    return text


def shown(address: str) -> str:
    """What of one address may be shown: as `without_secrets`, and blanks in a password hide none
    of it."""
    scheme, line, rest = address.partition("://")
    return f"{scheme}://{_shown(scheme, rest)}" if line else without_secrets(address)


def stem(address: str) -> str:
    """What a file about an address or a path may be called: its last part without ending and
    without secrets, of letters, digits, "-" and "_"."""
    first, line, rest = shown(address).partition("://")
    where = (re.split("[?#]", rest)[0] if line else first).rstrip("/")
    _, slash, last = where.rpartition("/")
    name = Path(last).stem if slash or not line else last.rpartition("@")[2]
    name = name.removeprefix(f"{HIDDEN}@")
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
    return name if any(map(str.isalnum, name)) else "source"


def _shown(scheme: str, rest: str) -> str:
    """What of an address behind its scheme may be shown."""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if ":" in host and "@" in rest:
        # A password that nobody has quoted may hold @, /, ? and #: what counts is the last @. Of
        # "host:8554/x@y" too much is hidden, and never too little.
        rest = f"{HIDDEN}@{rest.rpartition('@')[2]}"
    elif "@" in host:
        rest = f"{HIDDEN}@{host.rpartition('@')[2]}{rest[len(host) :]}"
    if scheme.lower().startswith("rtmp"):
        path = rest.partition("?")[0].rstrip("/")
        if path.count("/") >= 2:  # application and stream key
            rest = path.rpartition("/")[0] + f"/{HIDDEN}" + rest[len(path) :]
    return _parameters(rest)


def _parameters(rest: str) -> str:
    return _PARAMETER.sub(_parameter, rest)


def _parameter(match: re.Match[str]) -> str:
    mark, name, value = match.groups()
    secret = value and (_SECRET.search(unquote(name)) or len(value) >= _LONG)
    return f"{mark}{name}={HIDDEN if secret else value}"
