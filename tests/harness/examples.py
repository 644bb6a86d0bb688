"""Settings of hypothesis for properties whose examples take seconds."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings


def few(count: int) -> settings:
    """Try so many examples, and print what fails as it is: making it smaller would take minutes."""
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.explicit, Phase.generate],
    )
