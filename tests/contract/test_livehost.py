"""What every machine does behind the `LiveHost` port."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.local_host import LocalHost
from ipfx_failover.adapters.ssh.connection import SshConnection, SshTarget
from ipfx_failover.adapters.ssh.host import SshHost
from ipfx_failover.errors import (
    Failed,
    FailoverError,
    Interrupted,
    Refused,
    Unreachable,
    UsageError,
)
from ipfx_failover.livehost import Kind, LiveHost
from tests.fakes.livehost import FakeLiveHost
from tests.support.sshd import Sshd, known_hosts_line, make_key, running_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator

    import paramiko

TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    # More often than by itself, so that one large file meets many.
    with running_sshd(tmp_path_factory.mktemp("sshd"), "RekeyLimit 64M\n") as server:
        yield server


def target(sshd: Sshd, name: str = "DEMOSERVER") -> SshTarget:
    return SshTarget(name, sshd.host, sshd.port, sshd.user, sshd.key_file, sshd.known_hosts_file)


@dataclass
class Site:
    host: LiveHost
    directory: str

    def path(self, name: str) -> str:
        return f"{self.directory}/{name}"


def build(kind: str, tmp_path: Path, sshd: Sshd) -> Site:
    if kind == "fake":
        host = FakeLiveHost()
        host.make_directory("/vm")
        return Site(host, "/vm")
    if kind == "local":
        return Site(LocalHost(), str(tmp_path))
    return Site(SshHost(SshConnection(target(sshd))), str(tmp_path))


@pytest.fixture(params=["fake", "local", "ssh"])
def site(request: pytest.FixtureRequest, tmp_path: Path, sshd: Sshd) -> Iterator[Site]:
    made = build(request.param, tmp_path, sshd)
    with closing(made.host):
        yield made


@pytest.fixture(params=["local", "ssh"])
def real_site(request: pytest.FixtureRequest, tmp_path: Path, sshd: Sshd) -> Iterator[Site]:
    made = build(request.param, tmp_path, sshd)
    with closing(made.host):
        yield made


# Programs


def test_arguments_arrive_as_they_are(site: Site) -> None:
    arguments = ["a b", "$HOME", "'", '"', "*", "", "x;y", "ü", "\\"]
    result = site.host.run(["printf", "%s\\n", *arguments], timeout_s=TIMEOUT_S)

    assert (0, arguments) == (result.exit_status, result.stdout.decode().split("\n")[:-1])


def test_input_and_output_pass_through_unchanged(site: Site) -> None:
    data = bytes(range(256)) * 4096
    pieces: list[bytes] = []
    result = site.host.run(["cat"], stdin=data, timeout_s=TIMEOUT_S, on_output=pieces.append)

    assert (0, data, data) == (result.exit_status, result.stdout, b"".join(pieces))


def test_a_failing_program_tells_its_status_and_errors(site: Site) -> None:
    result = site.host.run(["ls", site.path("not-there")], timeout_s=TIMEOUT_S)

    assert result.exit_status not in {0, 127}
    assert "not-there" in result.last_error_line


def test_a_program_that_does_not_exist_ends_with_127(site: Site) -> None:
    assert 127 == site.host.run(["no-such-program-here"], timeout_s=TIMEOUT_S).exit_status


def test_a_program_that_never_reads_its_input_is_no_error(real_site: Site) -> None:
    result = real_site.host.run(["true"], stdin=b"x" * 1_000_000, timeout_s=TIMEOUT_S)

    assert 0 == result.exit_status


def test_much_output_on_both_channels_does_not_block(real_site: Site) -> None:
    script = (
        "import sys\nfor _ in range(500):\n sys.stderr.write('e'*9999)\n sys.stdout.write('o'*9999)"
    )
    result = real_site.host.run(
        [real_site.host.python(), "-"], stdin=script.encode(), timeout_s=TIMEOUT_S
    )

    assert (4_999_500, 4_999_500) == (len(result.stdout), len(result.stderr))


def test_a_program_that_takes_too_long_is_given_up(real_site: Site) -> None:
    with pytest.raises(Failed, match="took longer than 0 s"):
        real_site.host.run(["sleep", "30"], timeout_s=0.2)


def test_the_machine_is_usable_after_a_program_was_given_up(real_site: Site) -> None:
    with pytest.raises(Failed):
        real_site.host.run(["sleep", "30"], timeout_s=0.2)

    assert 0 == real_site.host.run(["true"], timeout_s=TIMEOUT_S).exit_status


# Files


def test_a_written_file_is_read_back_whole(site: Site) -> None:
    content = os.urandom(3_000_000)
    path = site.path("ä b.db")
    site.host.write_file(path, (content[at : at + 70_000] for at in range(0, 3_000_000, 70_000)))

    assert content == b"".join(site.host.read_file(path))
    assert hashlib.sha256(content).hexdigest() == site.host.sha256(path)
    assert 3_000_000 == getattr(site.host.stat(path), "size_bytes", None)


def test_a_written_file_replaces_the_old_one_and_leaves_nothing_else(site: Site) -> None:
    path = site.path("a")
    site.host.write_file(path, [b"old"])
    site.host.write_file(path, [b"new"])

    assert b"new" == b"".join(site.host.read_file(path))
    assert ["a"] == [entry.name for entry in site.host.list_directory(site.directory)]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(site: Site) -> None:
    def failing() -> Iterator[bytes]:
        yield b"half"
        raise Unreachable("the other side is gone", "hint")

    path = site.path("a")
    site.host.write_file(path, [b"old"])
    with pytest.raises(Unreachable, match="the other side is gone"):
        site.host.write_file(path, failing())

    assert b"old" == b"".join(site.host.read_file(path))
    assert ["a"] == [entry.name for entry in site.host.list_directory(site.directory)]


def test_a_file_is_read_from_any_byte_on(site: Site) -> None:
    content = bytes(range(256)) * 5000
    site.host.write_file(site.path("a"), [content])
    read = b"".join(site.host.read_file(site.path("a"), start_byte=700_001))

    assert content[700_001:] == read
    assert [] == [
        piece for piece in site.host.read_file(site.path("a"), start_byte=len(content)) if piece
    ]


def test_a_file_that_was_not_read_to_its_end_may_be_left_after_its_host(site: Site) -> None:
    site.host.write_file(site.path("a"), [bytes(3_000_000)])
    pieces = site.host.read_file(site.path("a"))
    next(pieces)
    site.host.close()
    # As the garbage collector does, which nobody can keep from printing what goes wrong.
    assert isinstance(pieces, Generator)
    pieces.close()


def test_a_file_is_gone_on_with_where_it_was_left(site: Site) -> None:
    site.host.continue_file(site.path("a"), 0, [b"one ", b"two "])
    site.host.continue_file(site.path("a"), 4, [b"TWO ", b"three"])

    assert b"one TWO three" == b"".join(site.host.read_file(site.path("a")))


def test_what_is_gone_on_with_here_is_no_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"as it was")
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(Failed, match="symbolic links"):
        LocalHost().continue_file(str(tmp_path / "link"), 0, [b"one"])

    assert b"as it was" == (tmp_path / "elsewhere").read_bytes()


def test_a_file_is_flushed_where_it_is(site: Site) -> None:
    site.host.continue_file(site.path("a"), 0, [b"one"])
    site.host.flush_file(site.path("a"))
    with pytest.raises(Failed, match="no-such-file"):
        site.host.flush_file(site.path("no-such-file"))

    assert b"one" == b"".join(site.host.read_file(site.path("a")))


def test_what_cannot_be_gone_on_with_is_a_clear_failure(site: Site) -> None:
    with pytest.raises(Failed, match="write"):
        site.host.continue_file(site.path("no/a"), 0, [b"one"])


def test_a_machine_hashes_its_own_files(site: Site) -> None:
    site.host.write_file(site.path("a b"), [b"content"])

    assert hashlib.sha256(b"content").hexdigest() == site.host.sha256_there(site.path("a b"))


def test_a_new_file_can_be_read_by_its_owner_only(real_site: Site) -> None:
    path = real_site.path("secret")
    real_site.host.write_file(path, [b"1"])

    assert 0o600 == stat.S_IMODE(Path(path).stat().st_mode)


def test_what_is_there_can_be_told_apart(real_site: Site) -> None:
    root = Path(real_site.directory)
    (root / "file").write_bytes(b"12")
    (root / "directory").mkdir()
    (root / "link").symlink_to("file")
    os.mkfifo(root / "pipe")
    kinds = {entry.name: entry.stat.kind for entry in real_site.host.list_directory(str(root))}

    assert {
        "file": Kind.FILE,
        "directory": Kind.DIRECTORY,
        "link": Kind.LINK,
        "pipe": Kind.OTHER,
    } == kinds


def test_what_is_not_there_is_none_or_empty(site: Site) -> None:
    path = site.path("not-there")
    site.host.remove(path)

    assert (None, []) == (site.host.stat(path), site.host.list_directory(path))


def test_what_is_being_removed_is_gone_when_it_was_waited_for(site: Site) -> None:
    paths = [site.path(name) for name in ("a", "b", "not-there")]
    for path in paths[:2]:
        site.host.write_file(path, [b"1"])
    waits = [site.host.begin_to_remove(path) for path in [*paths, *paths]]
    site.host.write_file(site.path("c"), [b"2"])
    for wait in reversed(waits):
        wait()

    assert [None] * 3 == [site.host.stat(path) for path in paths]
    assert b"2" == b"".join(site.host.read_file(site.path("c")))


def test_what_cannot_be_removed_is_told_to_whoever_waits(real_site: Site) -> None:
    directory = real_site.path("1/2")
    real_site.host.make_directory(directory)
    wait = real_site.host.begin_to_remove(directory)

    with pytest.raises(Failed, match=r"cannot remove .*2 on"):
        wait()


def test_reading_what_is_not_there_is_a_clear_failure(site: Site) -> None:
    with pytest.raises(Failed, match=r"cannot read .*not-there on"):
        list(site.host.read_file(site.path("not-there")))


def test_directories_are_made_with_those_above_and_twice_is_once(site: Site) -> None:
    for _ in range(2):
        site.host.make_directory(site.path("1/2"))
    found = site.host.stat(site.path("1/2"))

    assert found is not None
    assert Kind.DIRECTORY is found.kind


def test_a_file_in_the_place_of_a_directory_is_a_clear_failure(site: Site) -> None:
    site.host.write_file(site.path("a"), [b""])

    with pytest.raises(Failed, match="cannot make the directory"):
        site.host.make_directory(site.path("a"))


def test_renaming_replaces(site: Site) -> None:
    site.host.write_file(site.path("a"), [b"a"])
    site.host.write_file(site.path("b"), [b"b"])
    site.host.rename(site.path("a"), site.path("b"))

    assert (None, b"a") == (
        site.host.stat(site.path("a")),
        b"".join(site.host.read_file(site.path("b"))),
    )


def test_a_link_is_a_second_name_and_replaces_nothing(site: Site) -> None:
    site.host.write_file(site.path("a"), [b"a"])
    site.host.link(site.path("a"), site.path("b"))
    site.host.remove(site.path("a"))

    assert b"a" == b"".join(site.host.read_file(site.path("b")))
    site.host.write_file(site.path("c"), [b"c"])
    with pytest.raises(Failed, match="cannot link"):
        site.host.link(site.path("b"), site.path("c"))


def test_renaming_one_of_two_names_of_a_file_over_the_other_harms_nothing(real_site: Site) -> None:
    real_site.host.write_file(real_site.path("a"), [b"a"])
    real_site.host.link(real_site.path("a"), real_site.path("b"))
    real_site.host.rename(real_site.path("a"), real_site.path("b"))

    assert b"a" == b"".join(real_site.host.read_file(real_site.path("b")))


def test_the_mode_of_another_file_is_adopted(real_site: Site) -> None:
    for name in ("new", "old"):
        real_site.host.write_file(real_site.path(name), [b""])
    Path(real_site.path("old")).chmod(0o664)
    real_site.host.adopt_ownership(real_site.path("new"), real_site.path("old"))

    assert 0o664 == stat.S_IMODE(Path(real_site.path("new")).stat().st_mode)


def test_from_a_directory_the_mode_is_adopted_without_execution(real_site: Site) -> None:
    real_site.host.make_directory(real_site.path("d"))
    Path(real_site.path("d")).chmod(0o750)
    real_site.host.write_file(real_site.path("new"), [b""])
    real_site.host.adopt_ownership(real_site.path("new"), real_site.path("d"))

    assert 0o640 == stat.S_IMODE(Path(real_site.path("new")).stat().st_mode)


def test_a_link_in_the_files_place_leads_to_nobody_elses_file(real_site: Site) -> None:
    outside, old = Path(real_site.path("outside")), Path(real_site.path("old"))
    for path, mode in ((outside, 0o600), (old, 0o666)):
        path.touch()
        path.chmod(mode)
    Path(real_site.path("new")).symlink_to(outside)
    with pytest.raises(Failed, match="symbolic links"):
        real_site.host.adopt_ownership(real_site.path("new"), real_site.path("old"))

    assert 0o600 == stat.S_IMODE(outside.stat().st_mode)


def test_the_mode_of_a_file_behind_a_link_is_adopted(real_site: Site) -> None:
    for name in ("new", "old"):
        real_site.host.write_file(real_site.path(name), [b""])
    Path(real_site.path("old")).chmod(0o640)
    Path(real_site.path("link")).symlink_to("old")
    real_site.host.adopt_ownership(real_site.path("new"), real_site.path("link"))

    assert 0o640 == stat.S_IMODE(Path(real_site.path("new")).stat().st_mode)


def test_free_space_is_told(site: Site) -> None:
    free = site.host.free_bytes(site.directory)

    assert free is not None
    assert free > 0


# SSH alone


def test_a_large_file_survives_many_key_exchanges(tmp_path: Path, sshd: Sshd) -> None:
    # Sparse: paramiko asks for new keys after 512 MiB, the server here after each 64.
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(600 << 20)
    with closing(SshHost(SshConnection(target(sshd)))) as host:
        read_bytes = sum(len(piece) for piece in host.read_file(str(big)))

    assert 600 << 20 == read_bytes


def test_a_connection_is_used_again_and_made_again_after_its_end(
    tmp_path: Path, sshd: Sshd
) -> None:
    connection = SshConnection(target(sshd))
    host = SshHost(connection)
    first = connection.sftp()
    host.stat(str(tmp_path))

    assert first is connection.sftp()

    host.close()
    host.stat(str(tmp_path))

    assert first is not connection.sftp()
    host.close()


class Struck(SshConnection):
    """Ctrl-C comes when the third part of what is sent is half gone; once."""

    was_struck = False

    def open_channel(self) -> paramiko.Channel:
        channel = super().open_channel()
        if not self.was_struck:
            self._strike(channel)
        return channel

    def _strike(self, channel: paramiko.Channel) -> None:
        send, sent = channel.send, count()

        def struck(data: bytes) -> int:
            if next(sent) < 20:
                return send(data)
            self.was_struck = True
            send(data[: len(data) // 2])
            raise Interrupted("interrupted", "run it again")

        channel.send = struck  # type: ignore[method-assign, assignment]


def test_who_is_interrupted_while_sending_is_told_so_and_leaves_nothing(
    tmp_path: Path, sshd: Sshd
) -> None:
    host = SshHost(Struck(target(sshd)))
    with closing(host):
        with pytest.raises(Interrupted):
            host.write_file(str(tmp_path / "new"), [b"x" * 1_000_000] * 8)

        assert [] == list(tmp_path.iterdir())

        host.write_file(str(tmp_path / "new"), [b"again"])

    assert b"again" == (tmp_path / "new").read_bytes()


def test_who_is_interrupted_while_receiving_is_told_so_and_can_go_on(
    tmp_path: Path, sshd: Sshd
) -> None:
    (tmp_path / "file").write_bytes(b"x" * 8_000_000)
    connection = SshConnection(target(sshd))
    host = SshHost(connection)
    with closing(host):
        host.stat(str(tmp_path))
        channel = connection.sftp()._channel  # noqa: SLF001 - where Ctrl-C comes
        receive, received = channel.recv, count()

        def struck(nbytes: int) -> bytes:
            piece = receive(nbytes)
            if next(received) == 5:
                raise Interrupted("interrupted", "run it again")
            return piece

        channel.recv = struck  # type: ignore[method-assign]
        with pytest.raises(Interrupted):
            b"".join(host.read_file(str(tmp_path / "file")))

        assert b"x" * 8_000_000 == b"".join(host.read_file(str(tmp_path / "file")))


def test_no_thread_outlives_the_connection(tmp_path: Path, sshd: Sshd) -> None:
    before = set(threading.enumerate())
    host = SshHost(SshConnection(target(sshd)))
    host.run(["true"], timeout_s=TIMEOUT_S)
    host.stat(str(tmp_path))
    host.close()

    assert set() == set(threading.enumerate()) - before


def refused(wanted: SshTarget) -> FailoverError:
    host = SshHost(SshConnection(wanted))
    with closing(host), pytest.raises(FailoverError) as caught:
        host.stat("/")
    assert "\n" not in caught.value.message + caught.value.hint
    return caught.value


def test_an_unknown_host_key_is_refused_with_its_fingerprint(tmp_path: Path, sshd: Sshd) -> None:
    error = refused(replace(target(sshd), known_hosts_file=tmp_path / "known_hosts"))
    listed = subprocess.run(
        ["ssh-keygen", "-lf", f"{sshd.host_key_file}.pub"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert isinstance(error, Refused)
    assert f"ssh-ed25519 {listed.split()[1]}" in error.message
    assert "ipfx-failover server trust DEMOSERVER" in error.hint


def test_a_changed_host_key_is_refused_loudly(tmp_path: Path, sshd: Sshd) -> None:
    other = make_key(tmp_path / "other")
    known = tmp_path / "known_hosts"
    known.write_text(known_hosts_line(sshd.host, sshd.port, other.with_suffix(".pub")))
    error = refused(replace(target(sshd), known_hosts_file=known))

    assert isinstance(error, Refused)
    assert "THE SSH HOST KEY OF DEMOSERVER HAS CHANGED" in error.message
    assert f"ssh-keygen -f {known} -R '[127.0.0.1]:{sshd.port}'" in error.hint


def test_a_known_hosts_file_with_nonsense_is_told(tmp_path: Path, sshd: Sshd) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 !!!\n")
    error = refused(replace(target(sshd), known_hosts_file=known))

    assert isinstance(error, UsageError | Refused)
    assert str(known) in error.message + error.hint


def test_a_key_file_that_is_missing_is_told(tmp_path: Path, sshd: Sshd) -> None:
    error = refused(replace(target(sshd), key_file=tmp_path / "none"))

    assert isinstance(error, UsageError)
    assert "No such file" in error.message
    assert "ssh-keygen -t ed25519" in error.hint


def test_a_key_file_that_others_can_read_is_told(tmp_path: Path, sshd: Sshd) -> None:
    key = Path(shutil.copy(sshd.key_file, tmp_path / "key"))
    key.chmod(0o644)
    error = refused(replace(target(sshd), key_file=key))

    assert isinstance(error, UsageError)
    assert "mode 0644" in error.message
    assert f"chmod 600 {key}" in error.hint


def test_a_key_file_with_a_passphrase_is_told(tmp_path: Path, sshd: Sshd) -> None:
    error = refused(replace(target(sshd), key_file=make_key(tmp_path / "key", "secret")))

    assert isinstance(error, UsageError)
    assert "passphrase" in error.message


def test_a_key_file_that_is_no_key_is_told(tmp_path: Path, sshd: Sshd) -> None:
    key = tmp_path / "key"
    key.write_text("not a key\n")
    key.chmod(0o600)
    error = refused(replace(target(sshd), key_file=key))

    assert isinstance(error, UsageError)
    assert "cannot be used" in error.message


def test_a_key_that_the_server_does_not_know_is_told(tmp_path: Path, sshd: Sshd) -> None:
    error = refused(replace(target(sshd), key_file=make_key(tmp_path / "key")))

    assert isinstance(error, Unreachable)
    assert f"does not let user {sshd.user} in" in error.message
    assert "authorized_keys" in error.hint


def test_a_user_that_does_not_exist_is_told(sshd: Sshd) -> None:
    error = refused(replace(target(sshd), user="no-such-user"))

    assert isinstance(error, Unreachable)
    assert "does not let user no-such-user in" in error.message


def test_a_port_where_nothing_listens_is_told(sshd: Sshd) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        error = refused(replace(target(sshd), port=bound.getsockname()[1]))

    assert isinstance(error, Unreachable)
    assert "cannot be reached by SSH" in error.message


def test_a_port_that_says_nothing_is_given_up(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        wanted = replace(target(sshd), port=silent.getsockname()[1], connect_timeout_s=0.3)
        error = refused(wanted)

    assert isinstance(error, Unreachable)
    assert "cannot be reached by SSH" in error.message


def test_a_name_that_does_not_exist_is_told(sshd: Sshd) -> None:
    error = refused(replace(target(sshd), host="no-such-host.invalid"))

    assert isinstance(error, Unreachable)
    assert "cannot be resolved" in error.message


def test_a_server_that_freezes_while_a_file_is_read_is_noticed(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(200 << 20)
    with running_sshd(tmp_path / "sshd") as server:
        host = SshHost(SshConnection(replace(target(server), silence_timeout_s=1.0)))
        with closing(host), thawed_in_the_end(server):
            pieces = host.read_file(str(tmp_path / "big"))
            next(pieces)
            freeze(server)

            with pytest.raises(Unreachable, match="no answer in time"):
                list(pieces)


def test_a_server_that_freezes_while_a_program_runs_is_noticed(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "sshd") as server:
        host = SshHost(SshConnection(replace(target(server), silence_timeout_s=1.0)))
        host.stat("/")
        with closing(host), thawed_in_the_end(server), pytest.raises(Unreachable, match="in time"):
            host.run(
                ["sh", "-c", "echo begun; exec sleep 60"],
                timeout_s=TIMEOUT_S,
                on_output=lambda _: freeze(server),
            )


def test_a_server_that_ends_while_a_program_runs_is_noticed(tmp_path: Path) -> None:
    with running_sshd(tmp_path / "sshd") as server:
        host = SshHost(SshConnection(target(server)))
        with closing(host), pytest.raises(Unreachable, match="lost"):
            host.run(
                ["sh", "-c", "echo begun; exec sleep 60"],
                timeout_s=TIMEOUT_S,
                on_output=lambda _: kill(server),
            )


def sessions(server: Sshd) -> list[int]:
    """The processes that serve our connection, grandchildren included."""
    found, level = [], [server.process.pid]
    while level:
        children = [
            int(pid)
            for parent in level
            for task in Path(f"/proc/{parent}/task").iterdir()
            for pid in (task / "children").read_text().split()
        ]
        found += children
        level = children
    return found


def freeze(server: Sshd) -> None:
    for pid in sessions(server):
        os.kill(pid, signal.SIGSTOP)


@contextmanager
def thawed_in_the_end(server: Sshd) -> Iterator[None]:
    try:
        yield
    finally:
        for pid in sessions(server):
            os.kill(pid, signal.SIGCONT)


def kill(server: Sshd) -> None:
    for pid in sessions(server):
        os.kill(pid, signal.SIGKILL)
