"""Defaults that are also needed where the models are too heavy to load (`status`)."""

from __future__ import annotations

from typing import Final

PORT: Final = 100
"""A standard IPFX Server communicates on port 100 (manual, "Adding an IPFX Server")."""
PING_INTERVAL_MS: Final = 2000
ROW_INTERVAL_MS: Final = 100
