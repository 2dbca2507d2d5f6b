"""cinempc: an autonomous camera operator for drones.

Example:
    >>> import cinempc
    >>> take = cinempc.film("dolly_zoom", seed=3)
    >>> take.metrics.overall.framing_error_pct.rms
"""

from importlib import import_module as _import_module

__version__ = "0.1.0"

#: What can be used from here, and where it is: imported when it is asked for, so that a part of
#: the package that needs none of it stays small.
_PLACES = {
    "film": "cinempc.app.film.film",
    "fly": "cinempc.app.fly",
    "perceive": "cinempc.app.perceive.perceive",
    "sequence": "cinempc.app.sequence",
    "identify": "cinempc.app.identify",
    "check": "cinempc.app.check",
    "load_script": "cinempc.app.script",
    "FilmOptions": "cinempc.app.options.takes",
    "FlyOptions": "cinempc.app.options.takes",
    "PerceiveOptions": "cinempc.app.options.perception",
    "SequenceOptions": "cinempc.app.options.perception",
    "IdentifyOptions": "cinempc.app.options.takes",
    "TakeResult": "cinempc.app.film.film",
    "Progress": "cinempc.app.progress",
    "Stopped": "cinempc.app.progress",
    "CinempcError": "cinempc.errors",
}

__all__ = ["__version__", *_PLACES]


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(_import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
