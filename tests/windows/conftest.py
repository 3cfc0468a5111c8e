"""These tests run in a Windows Python (./tests/run-windows); another one does not collect them."""

from __future__ import annotations

import sys

collect_ignore_glob = [] if sys.platform == "win32" else ["test_*"]
