"""The one family of errors that a user can cause.

Every one of them says what is wrong, where, and how to mend it. The command line prints the
message without a traceback and exits with status 2.
"""

from __future__ import annotations

from pathlib import Path

from cinempc.addresses import without_secrets


class CinempcError(Exception):
    """Something the user can mend: a script, a config, a missing file, an unreachable vehicle.

    The message holds no password of an address that it names.
    """

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(without_secrets(a) if isinstance(a, str) else a for a in arguments))


class ConfigError(CinempcError):
    """A YAML file that does not say what it must.

    Args:
        what: what is wrong and what would be right.
        path: the file.
        line: the line in it, counted from 1.
        field: the field's dotted path, such as ``shots.0.focal_length``.
    """

    def __init__(
        self,
        what: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.what = what
        self.path = None if path is None else Path(path)
        self.line = line
        self.field = field
        where = "" if path is None else str(path)
        if line is not None:
            where += f":{line}"
        if field:
            where += f": {field}" if where else field
        super().__init__(f"{where}: {what}" if where else what)


class ConfigErrors(ConfigError):  # noqa: N818 - it is a list of them
    """Several mistakes of one file, reported together."""

    def __init__(self, errors: list[ConfigError]) -> None:
        super().__init__("several mistakes")
        self.errors = errors
        self.args = ("\n".join(str(error) for error in errors),)

    def __str__(self) -> str:
        return str(self.args[0])
