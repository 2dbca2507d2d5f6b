"""Settings for all tests."""

import pytest
from hypothesis import HealthCheck, settings

# An example that is slow on a busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


#: Folders of whole flights and takes.
SLOW = {"examples", "live", "stories", "take"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole flights are slow. What is slow comes first: at the end one of ``pytest -n``'s processes
    would work on it alone."""
    for item in items:
        if item.path.parent.name in SLOW:
            item.add_marker(pytest.mark.slow)

    def place(item: pytest.Item) -> tuple[bool, bool]:
        return item.path.name != "test_take.py", item.get_closest_marker("slow") is None

    items.sort(key=place)
