"""The committed units and the task for Windows are what the commands make."""

from __future__ import annotations

from man.systemd_examples import examples


def test_the_examples_for_systemd_and_task_scheduler_are_those_of_the_code() -> None:
    differing = [
        str(path)
        for path, content in examples().items()
        if not path.exists() or path.read_bytes() != content
    ]

    assert differing == [], "make them anew: .venv/bin/python -m man.systemd_examples"
