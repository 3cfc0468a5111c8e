"""All views of the catalog; the modules that are imported here define them."""

from __future__ import annotations

from tests.sqlserver.engine import history_views, schema_views, server_views
from tests.sqlserver.engine.view_registry import VIEWS

__all__ = ["VIEWS", "history_views", "schema_views", "server_views"]
