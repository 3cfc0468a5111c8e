"""Host keys of a real SSH server: what it shows, what is trusted, and storing that."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.ssh.connection import SshConnection, SshTarget
from ipfx_failover.adapters.ssh.host import SshHost
from ipfx_failover.adapters.ssh.host_keys import HostKeys
from ipfx_failover.errors import Failed, Refused, Unreachable, UsageError
from tests.support.ports import free_port
from tests.support.smtp_server import greeting
from tests.support.sshd import known_hosts_line, make_key, program, running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sshd import Sshd


@pytest.fixture(scope="module")
def rsa_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rsa") / "rsa"
    keygen = program("ssh-keygen", "openssh-client")
    subprocess.run([keygen, "-q", "-t", "rsa", "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory, rsa_key: Path) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd"), f"HostKey {rsa_key}\n") as server:
        yield server


@pytest.fixture
def target(sshd: Sshd, tmp_path: Path) -> SshTarget:
    known = tmp_path / "state" / "known_hosts"
    return SshTarget("DEMOSERVER", sshd.host, sshd.port, sshd.user, sshd.key_file, known)


def listed(key_file: Path) -> tuple[str, str, str]:
    """Bits, fingerprint and kind of a key, as ssh-keygen says them."""
    keygen = program("ssh-keygen", "openssh-client")
    said = subprocess.run(
        [keygen, "-lf", f"{key_file}.pub"], check=True, capture_output=True, encoding="utf-8"
    ).stdout.split()
    return said[0], said[1], said[-1]


def log_in(target: SshTarget) -> None:
    host = SshHost(SshConnection(target))
    try:
        host.stat("/")
    finally:
        host.close()


def test_every_key_is_shown_as_ssh_keygen_shows_it(
    target: SshTarget, sshd: Sshd, rsa_key: Path
) -> None:
    shown = [str(key).split() for key in HostKeys(target).shown]

    assert {listed(sshd.host_key_file), listed(rsa_key)} == {
        (bits, fingerprint, kind) for bits, fingerprint, _, kind in shown
    }


def test_what_was_stored_is_trusted_by_a_login_and_by_ssh_keygen(target: SshTarget) -> None:
    keys = HostKeys(target)
    before = keys.are_trusted()
    keys.store(keys.shown)
    log_in(target)
    found = subprocess.run(
        [
            *(program("ssh-keygen", "openssh-client"), "-f", str(target.known_hosts_file)),
            *("-F", target.known_hosts_name),
        ],
        check=False,
        capture_output=True,
    )

    assert not before
    assert HostKeys(target).are_trusted()
    assert found.returncode == 0


def test_only_the_key_with_the_given_fingerprint_is_stored(
    target: SshTarget, rsa_key: Path
) -> None:
    keys = HostKeys(target)
    keys.store(keys.chosen(listed(rsa_key)[1]))
    log_in(target)

    assert target.known_hosts_file.read_text().split()[1] == "ssh-rsa"
    assert HostKeys(target).are_trusted()


def test_another_fingerprint_than_those_shown_is_refused_with_both(target: SshTarget) -> None:
    keys = HostKeys(target)
    wanted = "SHA256:" + "A" * 43
    with pytest.raises(Refused) as caught:
        keys.chosen(wanted)

    assert wanted in caught.value.message
    assert all(key.fingerprint in caught.value.message for key in keys.shown)


def test_what_is_no_fingerprint_is_told_with_where_to_find_one(target: SshTarget) -> None:
    with pytest.raises(UsageError, match="begins with SHA256:"):
        HostKeys(target).chosen("MD5:00:11")


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_key_that_has_changed_is_refused_with_both_fingerprints(
    target: SshTarget, sshd: Sshd, tmp_path: Path, kind: str
) -> None:
    other = tmp_path / "other"
    keygen = program("ssh-keygen", "openssh-client")
    subprocess.run([keygen, "-q", "-t", kind, "-N", "", "-f", str(other)], check=True)
    keys = HostKeys(target)
    # The others are trusted still; a login would meet the changed one.
    keys.store([key for key in keys.shown if key.kind != kind.upper()])
    with target.known_hosts_file.open("a") as stream:
        stream.write(known_hosts_line(sshd.host, sshd.port, other.with_suffix(".pub")))
    (now,) = [key for key in keys.shown if key.kind == kind.upper()]
    with pytest.raises(Refused, match="THE SSH HOST KEY OF DEMOSERVER HAS CHANGED") as caught:
        keys.are_trusted()

    assert listed(other)[1] in caught.value.message
    assert now.fingerprint in caught.value.message


def test_the_way_out_of_a_changed_key_is_the_command_that_is_told(
    target: SshTarget, sshd: Sshd, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other")
    target.known_hosts_file.parent.mkdir()
    target.known_hosts_file.write_text(
        known_hosts_line(sshd.host, sshd.port, other.with_suffix(".pub"))
    )
    keys = HostKeys(target)
    with pytest.raises(Refused) as caught:
        keys.are_trusted()
    told = re.search(r"\((ssh-keygen .*?)\), then", caught.value.hint)
    assert told is not None
    subprocess.run(shlex.split(told[1]), check=True, capture_output=True)
    before = keys.are_trusted()
    keys.store(keys.shown)
    log_in(target)

    assert not before


def test_a_key_of_a_kind_that_the_server_has_no_more_has_changed(
    target: SshTarget, sshd: Sshd, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    keygen = program("ssh-keygen", "openssh-client")
    subprocess.run([keygen, "-q", "-t", "ecdsa", "-N", "", "-f", str(other)], check=True)
    target.known_hosts_file.parent.mkdir()
    target.known_hosts_file.write_text(
        known_hosts_line(sshd.host, sshd.port, other.with_suffix(".pub"))
    )
    with pytest.raises(Refused, match="HAS CHANGED"):
        HostKeys(target).are_trusted()


def test_storing_keeps_every_other_line_and_the_mode(target: SshTarget, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    before = "# ours\n" + known_hosts_line("10.0.0.1", 22, other.with_suffix(".pub")).rstrip()
    target.known_hosts_file.parent.mkdir()
    target.known_hosts_file.write_text(before)
    target.known_hosts_file.chmod(0o640)
    keys = HostKeys(target)
    keys.store(keys.shown)
    after = target.known_hosts_file.read_text()

    assert after.startswith(f"{before}\n{target.known_hosts_name} ssh-ed25519 ")
    assert target.known_hosts_file.stat().st_mode & 0o777 == 0o640
    assert [target.known_hosts_file] == list(target.known_hosts_file.parent.iterdir())


def test_storing_through_a_link_changes_the_file_that_it_leads_to(
    target: SshTarget, tmp_path: Path
) -> None:
    real = tmp_path / "real"
    target.known_hosts_file.parent.mkdir()
    target.known_hosts_file.symlink_to(real)
    keys = HostKeys(target)
    keys.store(keys.shown[:1])

    assert target.known_hosts_file.is_symlink()
    assert target.known_hosts_name in real.read_text()


def test_a_place_that_cannot_be_written_is_told(target: SshTarget, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    keys = HostKeys(replace(target, known_hosts_file=tmp_path / "file" / "known_hosts"))
    with pytest.raises(Failed, match="cannot be written"):
        keys.store(keys.shown)


def test_nobody_at_the_port_and_no_ssh_server_are_unreachable(target: SshTarget) -> None:
    with pytest.raises(Unreachable, match="refused"):
        HostKeys(replace(target, port=free_port()))
    with greeting(b"220 mail.example.com ESMTP\r\n") as port, pytest.raises(Unreachable):
        HostKeys(replace(target, port=port, connect_timeout_s=2.0))
