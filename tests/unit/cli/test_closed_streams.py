"""Commands whose caller has closed their standard streams (`>&-`)."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[failover_server]
state_dir = "{state_dir}"
[servers.DEMOSERVER]
address = "192.168.11.1"
"""


def run(tmp_path: Path, *argv: str, closed: str) -> subprocess.CompletedProcess[str]:
    """Run a command with these redirections."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG.format(state_dir=tmp_path))
    own = [sys.executable, "-m", "ipfx_failover", *argv]
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *own],
        env={**os.environ, "IPFX_FAILOVER_CONFIG": str(config)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize(
    "argv", [("--version",), ("--help",), ("config", "show"), ("config", "show", "--json")]
)
def test_a_command_whose_standard_output_is_closed_does_its_work(
    tmp_path: Path, argv: tuple[str, ...]
) -> None:
    done = run(tmp_path, *argv, closed=">&-")

    assert (0, "") == (done.returncode, done.stderr)


def test_an_error_that_nobody_can_read_has_its_exit_code(tmp_path: Path) -> None:
    done = run(tmp_path, "config", "show", "nosuch", closed=">&- 2>&-")

    assert 2 == done.returncode


def test_without_standard_input_nobody_is_asked(tmp_path: Path) -> None:
    done = run(tmp_path, "server", "remove", "DEMOSERVER", closed="<&-")

    assert 3 == done.returncode
    assert "this needs a confirmation" in done.stderr


@pytest.mark.parametrize("argv", [("--version",), ("--help",), ("status", "--help")])
def test_output_that_cannot_be_written_is_one_line_and_a_hint(
    tmp_path: Path, argv: tuple[str, ...]
) -> None:
    done = run(tmp_path, *argv, closed=">/dev/full")

    assert 1 == done.returncode
    assert done.stderr == (
        "error: the output cannot be written: No space left on device\n"
        "  hint: make room where it goes, or let it go elsewhere\n"
    )


@pytest.mark.parametrize(
    ("argv", "code"), [(("status", "--check"), 2), (("config", "show", "nosuch", "--json"), 2)]
)
def test_what_else_was_not_taken_is_told_and_the_exit_code_stays(
    tmp_path: Path, argv: tuple[str, ...], code: int
) -> None:
    done = run(tmp_path, *argv, closed=">/dev/full")

    assert code == done.returncode
    assert "error: the output cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize("argv", [("config", "show"), ("config", "show", "--json")])
def test_a_result_that_was_not_taken_is_told(tmp_path: Path, argv: tuple[str, ...]) -> None:
    done = run(tmp_path, *argv, closed=">/dev/full")

    assert 6 == done.returncode
    assert done.stderr == (
        "error: done, but the output cannot be written: No space left on device\n"
        "  hint: make room where it goes, or let it go elsewhere; see: ipfx-failover status\n"
    )


@pytest.mark.parametrize("argv", [("--version",), ("--help",), ("status", "--help")])
def test_whoever_reads_no_help_any_more_has_had_it(argv: tuple[str, ...]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ipfx_failover", *argv],
            env={key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"},
            stdout=writes,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writes)

    assert (0, b"") == (done.returncode, done.stderr)
