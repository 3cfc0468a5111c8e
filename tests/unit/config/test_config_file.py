from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.config.edit import Set, Unset
from ipfx_failover.config.load import load
from ipfx_failover.config.problems import ConfigError, EditError
from ipfx_failover.errors import Busy, Refused
from ipfx_failover.state.locks import Locks
from ipfx_failover.wiring.config_file import apply, replace, tree_of
from tests.unit.config.samples import WARM, ConfigFiles, as_nobody, posix_only

if TYPE_CHECKING:
    from pathlib import Path

WRONG_ELSEWHERE = WARM.replace("192.168.11.5", "not a host")


def test_an_edit_is_written_and_the_new_config_handed_back(files: ConfigFiles) -> None:
    path = files.write(WARM)
    changed = apply(path, [Set(("network", "warning_count"), 3)])

    assert changed.loaded is not None
    assert 3 == changed.loaded.config.network.warning_count
    assert changed.after == path.read_text()
    assert (
        WARM.replace('"192.168.11.254"]', '"192.168.11.254"]\nwarning_count = 3') == changed.after
    )


def test_a_dry_run_writes_nothing(files: ConfigFiles) -> None:
    path = files.write(WARM)
    changed = apply(path, [Set(("network", "adapter"), "eth9")], dry_run=True)

    assert '"eth9"' in changed.after
    assert WARM == path.read_text()
    assert [path] == list(path.parent.iterdir())


def test_an_edit_that_would_make_the_config_wrong_is_refused_with_what_would_be(
    files: ConfigFiles,
) -> None:
    path = files.write(WARM)
    with pytest.raises(EditError) as caught:
        apply(path, [Set(("network", "warning_count"), 99), Unset(("alerts", "from"))])

    assert 2 == len(caught.value.problems)
    assert "nothing was changed" in caught.value.message
    assert WARM == path.read_text()


@pytest.mark.parametrize("text", ["servers = 1\n", "[servers]\nA = 1\n", "[servers\n"])
def test_what_has_no_tables_where_servers_belong_is_told_and_not_edited(
    files: ConfigFiles, text: str
) -> None:
    with pytest.raises(ConfigError):
        tree_of(files.write(text))


def test_a_config_that_is_wrong_elsewhere_can_be_edited(files: ConfigFiles) -> None:
    path = files.write(WRONG_ELSEWHERE)
    changed = apply(path, [Set(("network", "warning_count"), 3)])

    assert ["alerts.smtp_server"] == [problem.key for problem in changed.problems]
    assert changed.loaded is None
    assert "warning_count = 3" in path.read_text()


def test_what_is_wrong_can_be_put_right(files: ConfigFiles) -> None:
    path = files.write(WRONG_ELSEWHERE)
    apply(path, [Set(("alerts", "smtp_server"), "192.168.11.5")])

    assert WARM == path.read_text()


def test_a_wrong_config_gets_no_second_problem(files: ConfigFiles) -> None:
    path = files.write(WRONG_ELSEWHERE)
    with pytest.raises(EditError) as caught:
        apply(path, [Set(("network", "warning_count"), 0)])

    assert ["network.warning_count"] == [problem.key for problem in caught.value.problems]


def test_what_is_no_toml_is_told_as_config_check_tells_it(files: ConfigFiles) -> None:
    path = files.write("[network\nadapter = 1\n")
    with pytest.raises(ConfigError, match="1 problem in"):
        apply(path, [Set(("network", "warning_count"), 3)])


def test_a_byte_order_mark_and_line_ends_stay(files: ConfigFiles) -> None:
    path = files.write(b"\xef\xbb\xbf" + WARM.replace("\n", "\r\n").encode())
    before = path.read_bytes()
    apply(path, [Set(("network", "adapter"), "eth9")])

    assert before.replace(b'"eth0"', b'"eth9"') == path.read_bytes()


@posix_only
def test_the_file_keeps_its_mode_and_its_owner(files: ConfigFiles) -> None:
    path = files.write(WARM, mode=0o640)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12346)
    before = path.stat()
    apply(path, [Set(("network", "adapter"), "eth9")])
    after = path.stat()

    assert (before.st_mode, before.st_uid, before.st_gid) == (
        after.st_mode,
        after.st_uid,
        after.st_gid,
    )
    assert before.st_mtime_ns < after.st_mtime_ns


@posix_only
def test_a_link_stays_a_link_to_the_file_that_changes(files: ConfigFiles, tmp_path: Path) -> None:
    real = files.write(WARM)
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    apply(link, [Set(("network", "adapter"), "eth9")])

    assert link.is_symlink()
    assert "eth9" in real.read_text()


def test_a_file_that_changed_meanwhile_is_left_alone(files: ConfigFiles) -> None:
    path = files.write(WARM + "# somebody else\n")
    with pytest.raises(Busy, match="changed by somebody else"):
        replace(path, WARM.encode(), WARM + "# mine\n")

    assert path.read_text().endswith("# somebody else\n")


def test_two_at_once_wait_for_each_other_and_are_named(files: ConfigFiles) -> None:
    path = files.write(WARM)
    with (
        Locks(path.parent).hold(f".{path.name}", "ipfx-failover config edit"),
        pytest.raises(Busy, match="config edit"),
    ):
        replace(path, WARM.encode(), WARM)


@posix_only
def test_a_directory_that_cannot_be_written_is_a_refusal(files: ConfigFiles) -> None:
    path = files.write(WARM, mode=0o644)
    path.parent.chmod(0o555)
    with as_nobody(), pytest.raises(Refused, match="cannot be changed by this user"):
        replace(path, WARM.encode(), WARM + "# mine\n")
    path.parent.chmod(0o755)

    assert WARM == path.read_text()
    assert 0o644 == stat.S_IMODE(path.stat().st_mode)
    assert () == load(path, environ={}).warnings
