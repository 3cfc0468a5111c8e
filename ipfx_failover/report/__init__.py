"""The status as a value; `--json`, the table, the snapshot, the metrics and the screen show it."""
