"""replicate-to-live between two simulated SQL Servers: nothing is lost on either side."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.sqlserver.engine.client import Client
from tests.sqlserver.engine.faults import Fault, Faults
from tests.sqlserver.results import Message
from tests.sqlserver.sql.lexer import SqlError
from tests.support.sqlserver_pair import CATALOG, COPY, Pair
from tests.support.sshd import running_sshd

if TYPE_CHECKING:
    from tests.sqlserver.engine.session import EngineSession

FAILED, REFUSED, UNREACHABLE, IN_DOUBT, WITH_EXCEPTIONS = 1, 3, 4, 5, 6
MAILS = [
    "Failback of DEMOSERVER failed",
    "Failback of DEMOSERVER was rolled back",
]
LIVE_VOICEMAIL = [r"C:\VM\Mail\1.wav", r"C:\VM\Mail\two.wav"]


class Wrong(NamedTuple):
    """What goes wrong on which server, and what a run says to it."""

    server: str
    rule: dict[str, Any]
    said: str
    code: int = FAILED


def refused(number: int, then: int) -> dict[str, Any]:
    """A pair of errors, as SQL Server tells them."""
    errors = [{"number": number, "text": "a reason"}, {"number": then, "text": "abnormally"}]
    return {"errors": errors}


NO_LOGIN = {"errors": [{"number": 18456, "severity": 14}]}
IN_USE = {"statement": "SET SINGLE_USER WITH", "times": 0}
RENAME = {"statement": "MODIFY NAME", "times": 0}
WRONG = {
    "safety backup: no space": Wrong(
        "live", {"statement": "BACKUP", "percent": 70, **refused(3202, 3013)}, "(3202)"
    ),
    "safety backup: it cannot be read again": Wrong(
        "live", {"statement": "RESTORE VERIFYONLY", "damage": "body"}, "(3189)"
    ),
    "backup here: no space": Wrong(
        "standby", {"statement": "BACKUP", "percent": 70, **refused(3202, 3013)}, "(3202)"
    ),
    "safety backup: it stalls": Wrong(
        "live", {"statement": "BACKUP", "percent": 50, "stall_s": 3600}, "no progress for 10 s"
    ),
    "backup here: no access": Wrong(
        "standby", {"statement": "BACKUP", **refused(3201, 3013)}, "(3201)"
    ),
    "backup here: the connection is cut": Wrong(
        "standby", {"statement": "BACKUP", "percent": 50, "cut": True}, "is lost", UNREACHABLE
    ),
    "login: refused here": Wrong("standby", {"login": "sa", "times": 0, **NO_LOGIN}, "18456"),
    "login: refused there": Wrong("live", {"login": "sa", "times": 0, **NO_LOGIN}, "18456"),
    "read-only: refused": Wrong(
        "live", {"statement": "READ_ONLY WITH", "times": 0, **refused(5070, 5069)}, "(5070)"
    ),
    "restore: the header is damaged": Wrong(
        "live", {"statement": "RESTORE HEADERONLY", "damage": "header"}, "(3241)"
    ),
    "restore: damaged": Wrong(
        "live", {"statement": "RESTORE DATABASE", "damage": "body"}, "(3183)"
    ),
    "restore: the end is missing": Wrong(
        "live", {"statement": "RESTORE DATABASE", "damage": "end"}, "(3203)"
    ),
    "restore: of a newer version": Wrong(
        "live", {"statement": "RESTORE DATABASE", "damage": "newer"}, "(3169)"
    ),
    "restore: no space": Wrong("live", {"statement": "RESTORE DATABASE", "free_mib": 0}, "(3257)"),
    "restore: it fails before the copy is ONLINE": Wrong(
        "live", {"statement": "RESTORE DATABASE", "percent": 100, **refused(3283, 3013)}, "(3283)"
    ),
    "restore: the connection is cut": Wrong(
        "live", {"statement": "RESTORE DATABASE", "percent": 50, "cut": True}, "lost", UNREACHABLE
    ),
    "check: damaged": Wrong(
        "live", {"statement": "CHECKDB", "errors": [{"number": 8928, "text": "page"}]}, "(8928)"
    ),
    "swap: in use (5061)": Wrong("live", {**IN_USE, **refused(5061, 5069)}, "(5061)"),
    "swap: in use (5064)": Wrong("live", {**IN_USE, **refused(5064, 5069)}, "(5064)"),
    "swap: in use (924)": Wrong("live", {**IN_USE, **refused(924, 5069)}, "(924)"),
    "swap: deadlock": Wrong("live", {**RENAME, **refused(1205, 5069)}, "(1205)"),
    "swap: somebody else takes the one place": Wrong(
        "live", {**RENAME, "steal": CATALOG}, "(5064)"
    ),
    "swap: the first rename is refused": Wrong(
        "live",
        {"statement": rf"\[{CATALOG}\] MODIFY NAME", "times": 0, **refused(5030, 5069)},
        "(5030)",
    ),
    "swap: the second rename is refused": Wrong(
        "live",
        {"statement": r"__new_\w+\] MODIFY NAME", "times": 0, **refused(5030, 5069)},
        "(5030)",
    ),
    "swap: the connection is cut between the renames": Wrong(
        "live", {"statement": r"__new_\w+\] MODIFY NAME", "cut": True}, "lost", UNREACHABLE
    ),
}


def test_what_was_recorded_is_given_back_and_the_old_is_kept_as_a_backup(either: Pair) -> None:
    either.replicated()
    either.has_stood_in("two")
    ended = either.run("replicate-to-live", "DEMOSERVER", "--yes")
    safety = [path.name for path in (either.vm_dir / "DB").iterdir()]

    assert 0 == ended.code, ended
    assert ["one", "two"] == either.live_calls
    assert LIVE_VOICEMAIL == either.paths(either.live, CATALOG)
    assert [True] == [name.startswith("CTSERVER.before-") for name in safety]
    assert f"is kept as {either.vm_dir / 'DB' / safety[0]}" in ended.out
    assert "its log chain is broken" in ended.err
    assert [] == either.strays()
    assert not either.is_ahead


def test_what_was_given_back_is_replicated_again(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    pair.given_back()
    pair.run_live("INSERT INTO calls (text) VALUES (N'three')")
    pair.replicated()

    assert ["one", "two", "three"] == pair.copied_calls
    assert [] == pair.strays()


def test_a_hot_copy_is_followed_again_from_the_next_whole_one_on(pair: Pair) -> None:
    pair.go_hot()
    pair.replicated()
    assert 0 == pair.run("sync-rows", "DEMOSERVER").code
    pair.has_stood_in("two")
    pair.given_back()
    said = " ".join(pair.run("status").out.split())

    assert "(its rows are not followed since the failback): make a whole copy:" in said

    pair.replicated()
    pair.run_live("INSERT INTO calls (text) VALUES (N'three')")

    assert 0 == pair.run("sync-rows", "DEMOSERVER").code
    assert ["one", "two", "three"] == pair.copied_calls
    assert "0 rows behind" in pair.run("status").out


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_whatever_goes_wrong_both_catalogs_are_the_ones_that_they_were(
    pair: Pair, wrong: Wrong
) -> None:
    pair.configure_server(database={"sql": {"stall_timeout_s": 10}})
    pair.replicated()
    pair.has_stood_in("two")
    pair.run_live("INSERT INTO calls (text) VALUES (N'lost with the Primary')")
    live, copy = pair.content(pair.live, CATALOG), pair.content(pair.standby, COPY)
    pair.fault(getattr(pair, wrong.server), **wrong.rule)
    ended = pair.run("replicate-to-live", "DEMOSERVER", "--yes")
    pair.no_faults()

    assert (wrong.code, True) == (ended.code, wrong.said in ended.err), ended
    assert (live, copy) == (pair.content(pair.live, CATALOG), pair.content(pair.standby, COPY))
    assert [] == pair.strays() == pair.unfinished
    assert pair.is_ahead
    assert MAILS == sorted(pair.subjects())

    pair.given_back()

    assert ["one", "two"] == pair.live_calls


def test_an_application_that_uses_the_live_catalog_is_named_and_nothing_is_done(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    with Client(pair.live, CATALOG) as application:
        application.session.program, application.session.host = "IPFX Server", "DEMO-1"
        ended = pair.run("replicate-to-live", "DEMOSERVER", "--yes")

    assert REFUSED == ended.code
    assert "CTSERVER on DEMOSERVER is in use by IPFX Server on DEMO-1" in ended.err
    assert ["one"] == pair.live_calls
    assert [] == list((pair.vm_dir / "DB").iterdir())


WHEN = ["BACKUP DATABASE", "RESTORE DATABASE", f"[{CATALOG}] SET SINGLE_USER"]


def late_row(pair: Pair) -> list[int]:
    """The errors that somebody hears who comes in late, and leaves again."""
    with Client(pair.live, CATALOG) as client:
        return client.fails("INSERT INTO calls (text) VALUES (N'late')")


@pytest.mark.parametrize("words", WHEN)
def test_from_before_the_safety_backup_nobody_writes_what_would_be_lost(
    pair: Pair, words: str
) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    told: list[int] = []
    pair.before_statement(pair.live, words, lambda: told.extend(late_row(pair)))
    pair.given_back()
    pair.run_live("INSERT INTO calls (text) VALUES (N'three')")

    assert [3906] == told
    assert ["one", "two", "three"] == pair.live_calls


def test_a_swap_that_is_tried_again_lets_nobody_write_in_between(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    told: list[list[int]] = []

    def look(_: EngineSession, sql: str) -> None:
        if "__new_" in sql and "MODIFY NAME" in sql and not told:
            told.append([])
            raise SqlError(Message(1205, 13, "the victim of a deadlock"))
        if sql.startswith(f"ALTER DATABASE [{CATALOG}] SET SINGLE_USER") and told == [[]]:
            told.append(late_row(pair))

    pair.live.on_statement = look
    pair.given_back()

    assert [[], [3906]] == told
    assert ["one", "two"] == pair.live_calls


def test_who_comes_in_right_before_it_is_made_read_only_is_not_thrown_out(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    late: list[Client] = []
    pair.before_statement(
        pair.live, "READ_ONLY WITH", lambda: late.append(Client(pair.live, CATALOG))
    )
    ended = pair.run("replicate-to-live", "DEMOSERVER", "--yes")
    late[0].run("INSERT INTO calls (text) VALUES (N'late')")
    late[0].session.close()

    assert REFUSED == ended.code, ended
    assert "CTSERVER on DEMOSERVER is in use by" in ended.err
    assert ["one", "late"] == pair.live_calls


def test_a_session_of_our_own_that_follows_its_rows_is_in_nobodys_way(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    with Client(pair.live, CATALOG) as follower:
        follower.session.program = "ipfx-failover"
        pair.given_back()

        assert [596] == follower.fails("SELECT 1")

    assert ["one", "two"] == pair.live_calls


def test_a_live_catalog_that_cannot_be_written_to_again_is_told_until_it_can(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    live = pair.content(pair.live, CATALOG)
    reasons = [refused(3202, 3013), refused(5069, 5069)]
    rules = zip(("^BACKUP", "READ_WRITE"), reasons, strict=True)
    Faults([Fault(statement=words, times=0, **why) for words, why in rules]).attach(pair.live)
    ended = pair.run("replicate-to-live", "DEMOSERVER", "--yes")

    assert IN_DOUBT == ended.code, ended
    assert "letting all write to CTSERVER on DEMOSERVER" in ended.err
    assert "replicate-to-live was broken off" in " ".join(pair.run("status").out.split())

    pair.fault(pair.live, statement="^BACKUP", **refused(3202, 3013))

    assert FAILED == pair.run("replicate-to-live", "DEMOSERVER", "--yes").code
    assert live == pair.content(pair.live, CATALOG)

    pair.no_faults()
    pair.given_back()

    assert ["one", "two"] == pair.live_calls


def test_a_catalog_that_was_read_only_before_is_so_again_when_it_is_not_replaced(
    pair: Pair,
) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    pair.run_live(f"ALTER DATABASE {CATALOG} SET READ_ONLY WITH NO_WAIT")
    live = pair.content(pair.live, CATALOG)
    pair.fault(pair.live, statement="CHECKDB", **refused(8928, 8928))

    assert FAILED == pair.run("replicate-to-live", "DEMOSERVER", "--yes").code
    assert live == pair.content(pair.live, CATALOG)

    pair.no_faults()
    pair.given_back()
    pair.run_live("INSERT INTO calls (text) VALUES (N'three')")

    assert ["one", "two", "three"] == pair.live_calls


def test_the_backup_goes_back_over_ssh_where_nothing_is_mounted(pair: Pair) -> None:
    with running_sshd(pair.directory / "sshd") as sshd:
        pair.reach_by_ssh(sshd)
        pair.replicated()
        pair.has_stood_in("two")
        pair.given_back()

    assert ["one", "two"] == pair.live_calls
    assert [] == pair.strays()


def test_a_primary_that_was_set_up_anew_gets_its_catalog_back(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    with Client(pair.live) as client:
        client.run(f"DROP DATABASE {CATALOG}")
    facts = pair.given_back()

    assert "safety_path" not in facts
    assert ["one", "two"] == pair.live_calls
    assert LIVE_VOICEMAIL == pair.paths(pair.live, CATALOG)


def test_what_the_stand_in_recorded_is_set_aside_before_it_is_replaced(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    ended = pair.run("replicate-from-live", "DEMOSERVER", "--discard-standby", "--yes")
    kept = [path.name for path in (pair.directory / "state" / "kept").rglob("*.bak")]

    assert 0 == ended.code, ended
    assert 1 == len(kept)
    assert ["one"] == pair.copied_calls
    assert [] == pair.strays()


def test_ctrl_c_while_the_old_catalog_is_dropped_undoes_nothing_and_names_what_stays(
    pair: Pair,
) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    ended = pair.signalled_at(
        signal.SIGINT, pair.live, "DROP DATABASE", 1, "replicate-to-live", "DEMOSERVER", "--yes"
    )
    catalog = next(each for each in pair.catalogs(pair.live) if "__old_" in each)

    assert WITH_EXCEPTIONS == ended.code, ended
    assert ["one", "two"] == pair.live_calls
    assert not pair.is_ahead
    assert [] == pair.unfinished
    assert f"{catalog} on DEMOSERVER: it was interrupted" in ended.err
    assert "replicate-from-live DEMOSERVER removes what is left" in " ".join(ended.err.split())
    assert [catalog] == pair.strays()

    pair.replicated()

    assert [] == pair.strays()


def test_an_old_catalog_that_the_server_does_not_drop_is_named_with_its_reason(pair: Pair) -> None:
    pair.replicated()
    pair.has_stood_in("two")
    pair.fault(pair.live, statement="DROP DATABASE", times=0, **refused(3702, 5069))
    ended = pair.run("replicate-to-live", "DEMOSERVER", "--yes")
    pair.no_faults()

    assert WITH_EXCEPTIONS == ended.code, ended
    assert ["one", "two"] == pair.live_calls
    assert "1 leftover was not removed" in ended.err
    assert "(3702)" in ended.err

    pair.replicated()

    assert [] == pair.strays()
