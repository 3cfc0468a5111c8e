"""`server auto-populate`: the manual's Auto Populate button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ipfx_failover.cli.ask import PasswordFile
from ipfx_failover.cli.options import ConfigPath, Json, Name, Yes
from ipfx_failover.errors import Failed, FailoverError, Interrupted, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.literal import Value
    from ipfx_failover.config.models import ServerSettings
    from ipfx_failover.survey.populate import Found
    from ipfx_failover.wiring.site import Site

_MOST_SHOWN = 9
_USER = "sa"
_VM_DIR = "C:\\VM"
"""On an ordinary server (manual, "Directory Structure")."""


def add_to(group: typer.Typer) -> None:
    group.command("auto-populate")(auto_populate)


def auto_populate(
    name: Name,
    engine: Annotated[
        Literal["sqlserver", "sqlite"] | None,
        typer.Option(
            "--engine", help="What to look for. Default: as the config has it, or sqlite."
        ),
    ] = None,
    under: Annotated[
        list[str] | None,
        typer.Option(
            "--under",
            metavar="DIR",
            help="Look below this directory of the server, too; may be repeated.",
        ),
    ] = None,
    vm_dir: Annotated[
        str | None,
        typer.Option(
            "--vm-dir",
            metavar="DIR",
            help="The VM directory, as the server names it: not looked for.",
        ),
    ] = None,
    user_id: Annotated[
        str | None,
        typer.Option("--user-id", metavar="ID", help="Log in to SQL Server as; default: sa."),
    ] = None,
    password_file: PasswordFile = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust-server-certificate",
            help="Accept any certificate of the SQL Server, from now on.",
        ),
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what would change and follow; write nothing.")
    ] = False,
    config: ConfigPath = None,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Find a server's database and VM directory, and write them into the config.

    sqlite: the server is searched over SSH, so [servers.NAME.ssh] must be there and its host key
    trusted. sqlserver: its SQL Server Browser is asked for the instances (UDP 1434), and the
    instance for its catalogs, with the user ID and password of the config, or those that are given
    or asked for; the VM directory is looked for over SSH, where there is SSH. Where several are
    found a terminal is asked which one; --yes takes the likeliest.

    Example: ipfx-failover server auto-populate DEMOSERVER --plan
    """
    from ipfx_failover.cli.config_change import How, carry_out
    from ipfx_failover.cli.output import Output
    from ipfx_failover.config.edit import Set
    from ipfx_failover.config.given import Given
    from ipfx_failover.wiring.config_file import tree_of
    from ipfx_failover.wiring.site import open_site

    site = open_site(config)
    server = site.server(name)
    output = Output(as_json)
    search = _Search(site, server, under or [], output, vm_dir=vm_dir, likeliest=yes or plan)
    if (engine or _engine(server)) == "sqlserver":
        login = _Login(server, user_id, password_file, trust=trust)
        values, password = search.sqlserver(login), login.given
    else:
        values, password = search.sqlite(), None
    if values:
        shown = ", ".join(f"{key} = {value}" for key, value in values)
        output.confirm(f"{server.name} will have {shown} in the config.", yes=yes or plan)
    table = ("servers", server.name, "database")
    edits = tuple(Set((*table, *key.split(".")), value) for key, value in values)
    given = Given(edits, () if password is None else ((*table, "password"),))
    file, tree = tree_of(site.config_path)
    return carry_out(given, file, tree, How(password=password, plan=plan, yes=yes), output)


def _engine(server: ServerSettings) -> str:
    return server.database.engine if server.database else "sqlite"


class _Login:
    """To a SQL Server: as the config says, or as is given now. `given`: a password to be kept."""

    def __init__(
        self,
        server: ServerSettings,
        user_id: str | None,
        password_file: str | None,
        *,
        trust: bool,
    ) -> None:
        database = server.database if _engine(server) == "sqlserver" else None
        self._file = password_file
        self._known = database.password if database and user_id is None else None
        self.is_windows = database is not None and database.sql.login == "windows"
        self.user = user_id or (database.user_id if database else _USER)
        self.given: str | None = None
        self.trust = trust

    def ask(self, name: str, output: Output) -> None:
        """Have the password, before anything waits for it.

        Raises:
            Refused: there is none, and nobody to ask.
        """
        from ipfx_failover.cli.ask import ask_password, read_password, somebody_there

        if self._file is not None:
            self.given = read_password(self._file)
        elif self._known is None and not self.is_windows:
            if not somebody_there(as_json=output.as_json):
                raise Refused(
                    f"the config has no password for the SQL Server of {name}",
                    "run it in a terminal, or add --password-file FILE (- is standard input)",
                )
            self.given = ask_password(f"Password of {self.user} on the SQL Server of {name}")

    def password(self) -> str:
        if self.given is not None:
            return self.given
        return self._known.reveal() if self._known else ""


class _Search:
    """Looks on a server, and asks which of several is meant."""

    def __init__(
        self,
        site: Site,
        server: ServerSettings,
        under: Sequence[str],
        output: Output,
        *,
        vm_dir: str | None,
        likeliest: bool,
    ) -> None:
        self._site = site
        self._server = server
        self._under = list(under)
        self._vm_dir_given = vm_dir
        self._likeliest = likeliest
        self._output = output

    def sqlite(self) -> list[tuple[str, Value]]:
        """The keys of the database table that were found.

        Raises:
            Failed: there is no database.
        """
        found = self._by_ssh("databases and VM directories")
        if not found.databases:
            raise Failed(
                f"no SQLite database that its account can read was found on {self._server.name}",
                "name the directory that it is in with --under DIR; a SQL Server is looked for "
                "with --engine sqlserver",
            )
        databases = [database.path for database in found.databases]
        return [("data_source", self._one("database", databases)), *self._vm_dir(found.vm_dirs)]

    def sqlserver(self, login: _Login) -> list[tuple[str, Value]]:
        """The keys of the database table that were found.

        Raises:
            FailoverError: no instance is found, the login fails, or there is no catalog.
        """
        from ipfx_failover.wiring.surveying import sql_catalogs, sql_sources

        site, server = self._site, self._server
        self._output.progress(f"asking the SQL Server Browser of {server.name}")
        source = self._one("SQL Server instance", sql_sources(site, server))
        login.ask(server.name, self._output)
        self._output.progress(f"looking on {source} for catalogs")
        catalogs = sql_catalogs(site, server, source, login)
        values: list[tuple[str, Value]] = [
            ("engine", "sqlserver"),
            ("data_source", source),
            ("catalog", self._one("catalog", catalogs)),
        ]
        if not login.is_windows:
            values.append(("user_id", login.user))
        if login.trust:
            values.append(("sql.trust_server_certificate", True))
        values += self._vm_dir(self._vm_dirs_if_reached()) or self._vm_dir_asked()
        known = server.database.model_dump() if server.database else {}
        return [(key, value) for key, value in values if known.get(key) != value]

    def _vm_dirs_if_reached(self) -> Sequence[str]:
        """A Windows server mostly has no SSH, or no shell that could search it."""
        files = self._server.files
        if (
            self._vm_dir_given
            or self._server.ssh is None
            or (files is not None and files.path is not None)
        ):
            return ()
        try:
            return self._by_ssh("VM directories").vm_dirs
        except Interrupted:
            raise
        except FailoverError as error:
            self._output.progress(f"no VM directory was looked for: {error.message}")
            return ()

    def _by_ssh(self, what: str) -> Found:
        from ipfx_failover.wiring.surveying import findings_there

        server = self._server
        self._output.progress(f"looking on {server.name} for {what}")
        found, answers = findings_there(self._site, server, self._under)
        if not answers:
            self._output.progress(
                f"port {server.port} of {server.name} does not answer: is it right?"
            )
        return found

    def _vm_dir(self, found: Sequence[str]) -> list[tuple[str, Value]]:
        if self._vm_dir_given:
            return [("vm_dir", self._vm_dir_given)]
        return [("vm_dir", self._one("VM directory", found))] if found else []

    def _vm_dir_asked(self) -> list[tuple[str, Value]]:
        """Where nothing was found, and the config says nothing: what somebody knows."""
        from ipfx_failover.cli.ask import ask, somebody_there

        is_known = self._server.database is not None and self._server.database.vm_dir
        if is_known or not somebody_there(as_json=self._output.as_json):
            return []
        return [("vm_dir", ask("VM Dir, as the server names it", default=_VM_DIR))]

    def _one(self, what: str, likely: Sequence[str]) -> str:
        """The one that is meant: the only one, the chosen one, or the likeliest.

        Raises:
            Refused: there are several, and nobody to ask.
        """
        from ipfx_failover.cli.ask import choose, somebody_there

        if len(likely) == 1 or self._likeliest:
            return likely[0]
        if not somebody_there(as_json=self._output.as_json):
            raise Refused(
                f"more than one {what} was found: {', '.join(likely[:_MOST_SHOWN])}",
                "run it in a terminal to choose, or add --yes to take the first",
            )
        return likely[choose(f"Which {what}", likely[:_MOST_SHOWN])]
