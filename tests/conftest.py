"""What holds for every test: hypothesis has no deadline, since none may fail because a machine is slow."""

from hypothesis import HealthCheck, settings

settings.register_profile("kontor", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kontor")
