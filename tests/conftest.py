"""Settings for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# An example that is slow on a busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole takes, which are long and run in processes of their own, come first: at the end one of
    ``pytest -n``'s processes would work on it alone."""
    items.sort(key=lambda item: item.path.name != "test_take.py")
