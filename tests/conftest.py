"""Settings for all tests."""

from hypothesis import HealthCheck, settings

# An example that is slow on a busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
