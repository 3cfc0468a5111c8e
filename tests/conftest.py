"""For all tests: a machine may be slow, and the first random text of a fresh checkout is.

Whatever the product sends to a simulated SQL Server is judged.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.support.tsql_judge import judged_statements, statement_record

__all__ = ["judged_statements", "statement_record"]

settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
