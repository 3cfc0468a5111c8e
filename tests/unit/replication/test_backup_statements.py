"""The statements of a night: asked, backed up, restored beside, dropped (golden files)."""

from __future__ import annotations

from ipfx_failover.replication.tsql import backup, restore, server
from tests.support.golden import check_golden

LIVE, NEW = "CT]'S", "DEMO_CT]'S__new_20261122T010000000"
PATH = r"C:\VM\DB\it's a run.bak"


def as_sent(*statements: str) -> list[str]:
    """With the parameters as a driver names them."""
    return [each.replace("?", "@P1") for each in statements]


def test_asking_a_server() -> None:
    check_golden(
        "asking-a-server",
        as_sent(
            server.SERVER,
            server.CATALOGS,
            server.CATALOG,
            server.FILES,
            server.FILES_IN_USE,
            server.USED_BYTES,
            server.DATA_DIRECTORY,
            server.FREE_BYTES,
            server.ANY_TABLE,
            server.EDITION_FEATURES,
            server.ENCRYPTOR,
            server.CERTIFICATE,
            server.MAY_BACK_UP,
            server.MAY_RESTORE,
            server.USERS,
            server.LOG_BYTES_WRITTEN,
        ),
    )


def test_backing_up() -> None:
    title = "DEMO_CT]'S.run-20261122T010000000"
    check_golden(
        "backing-up",
        as_sent(
            backup.back_up(LIVE, PATH, title=title, description=LIVE, compress=True),
            backup.back_up(LIVE, PATH, title=title, description=LIVE, compress=False),
            backup.SET_GUID,
            restore.verify(PATH),
        ),
    )


def test_restoring_beside() -> None:
    moves = [("CT data", r"D:\DB\it's_1.mdf"), ("CT'log", r"D:\DB\it's_2.ldf")]
    check_golden(
        "restoring-beside",
        [
            restore.header(PATH),
            restore.file_list(PATH),
            restore.restore(NEW, PATH, moves),
            restore.CHECK,
            restore.throw_out(NEW),
            restore.drop(NEW),
        ],
    )
