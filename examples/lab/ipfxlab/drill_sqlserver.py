"""The drill with SQL Servers, simulated ones: hot, each call in the copy within moments."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ipfxlab.drill_config import SERVER
from ipfxlab.drill_engine import EngineConfig
from ipfxlab.drill_figures import Hot
from ipfxlab.sql_server import CATALOG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipfxlab.drill_stage import Stage
    from ipfxlab.lab import Lab
    from ipfxlab.phone import PhoneClient
    from ipfxlab.sql_server import SqlServer

STANDBY_CATALOG = f"{SERVER}_{CATALOG}"
NEWEST = "SELECT MAX(id) FROM dbo.calls"

_LOGIN = """\
data_source = '{data_source}'
password = {{ file = "{password_file}" }}"""

_DATABASE = """\
engine = "sqlserver"
{login}
path_conversions = [
  {{ table = "calls", column = "voicemail", from = "{there}/", to = "{here}/" }},
  {{ table = "extensions", column = "profile_path", from = "{there}/", to = "{here}/" }},
]"""


class SqlServerHot:
    """Hot: the catalog is copied as a whole, and from then on each change follows."""

    name = "sqlserver"
    has_server = True
    cast: Mapping[str, str] = {
        "SIMULATED": "no SQL Server runs here. Both databases are in simulated ones "
        "(tests/sqlserver), which speak its protocol and do what they are told. What this shows "
        "is true of them; a real SQL Server has not been tried",
        "Real": "Microsoft's ODBC driver, encryption, and a certificate that is verified",
        "Hot": "each call is to be in the Failover Server's copy within moments; so are the paths "
        "of its voicemail, converted to where the files are there",
    }

    def config(self, lab: Lab) -> EngineConfig:
        live, standby = _servers(lab)
        database = _DATABASE.format(
            login=_login(live),
            there=lab.primary.vm_dir,
            here=lab.failover_server.directory / "VM",
        )
        return EngineConfig(
            failover_server=_login(standby),
            server='real_time = "all"',
            database=database,
            start=tuple(standby.application_options),
        )

    def environment(self, lab: Lab) -> Mapping[str, str]:
        return _servers(lab)[0].trust.environment

    def make_copy(self, stage: Stage) -> None:
        stage.cli("hot", "enable", SERVER, "--yes")
        stage.cli("replicate-from-live", SERVER)

    def see_it_followed(self, stage: Stage) -> Hot:
        self._wait_until_followed(stage)
        began_s = time.monotonic()
        self._wait_until_followed(stage)
        taken_s = time.monotonic() - began_s
        stage.say(f"a call that was in {CATALOG} is in {STANDBY_CATALOG} {taken_s:.2f} s later")
        return Hot(row_copied_s=taken_s)

    def fall_silent(self, stage: Stage, client: PhoneClient) -> None:
        client.pause()
        stage.say("the client makes no call for a moment: rows follow, but not at the same instant")
        self._wait_until_followed(stage)

    def after_failback(self, stage: Stage) -> None:
        stage.cli("replicate-from-live", SERVER)  # the failback has switched tracking on again
        self._wait_until_followed(stage)

    def _wait_until_followed(self, stage: Stage) -> None:
        """Waits until the newest call that is in the live catalog now is in the copy."""
        live, standby = _servers(stage.lab)
        newest = live.ask(NEWEST, catalog=CATALOG)[0][0]
        stage.wait_until(
            lambda: (standby.ask(NEWEST, catalog=STANDBY_CATALOG)[0][0] or 0) >= newest,
            f"call {newest} is in {STANDBY_CATALOG}",
        )


def _servers(lab: Lab) -> tuple[SqlServer, SqlServer]:
    """The live one, and the Failover Server's."""
    return lab.sql_servers[SERVER], lab.sql_servers[lab.failover_server.name]


def _login(server: SqlServer) -> str:
    password_file = server.trust.password_file
    return _LOGIN.format(data_source=server.data_source, password_file=password_file)
