"""Settings for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# An example that is slow on a busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first, a module's together, and whole films before all: what is left for the
    end is short, so that no process of ``pytest -n`` works on alone."""
    items.sort(key=lambda item: ("film" not in item.name, item.get_closest_marker("slow") is None))
