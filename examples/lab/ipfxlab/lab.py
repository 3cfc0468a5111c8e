"""The office that the drill and the end-to-end tests share, with the manual's addresses.

| host       | address        | what runs there                                  |
|------------|----------------|--------------------------------------------------|
| DEMOSERVER | 192.168.11.1   | a Primary Server: OpenSSH, the telephony application |
| FAILOVER   | 192.168.11.2   | the Failover Server                              |
| SECOND     | 192.168.11.3   | another Primary, where asked for                 |
| mail       | 192.168.11.5   | the mail server                                  |
| client     | 192.168.11.50  | who calls all the time                           |
| gateway    | 192.168.11.254 | everybody's default route                        |

A Primary also has a management address, .101 for .1, which stays its own in a stand-in.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from ipfxlab.guard import start_guard
from ipfxlab.mail import MailServer
from ipfxlab.network import GATEWAY, Network, address_in_lab
from ipfxlab.phone import start_application
from ipfxlab.sql_server import CATALOG, SqlServer, make_trust
from ipfxlab.ssh import SshServer, make_key

if TYPE_CHECKING:
    from types import TracebackType

    from ipfxlab.host import Host
    from ipfxlab.process import LabProcess

PRIMARIES = {"DEMOSERVER": 1, "SECOND": 3}
FAILOVER_SERVER = 2
MAIL_SERVER = 5
CLIENT = 50
MANAGEMENT_OFFSET = 100


class Primary:
    """A Primary Server: a host with OpenSSH and the application's directories.

    `sql_server`: where the application's database is, if that is no SQLite file. `address` is the
    service address, which the Failover Server may take. With `guarded` it is not persistent, as
    the guard wants it: after a boot the host has its management address only.
    """

    def __init__(self, network: Network, name: str, *, guarded: bool) -> None:
        service = address_in_lab(PRIMARIES[name])
        management = address_in_lab(PRIMARIES[name] + MANAGEMENT_OFFSET)
        self.name = name
        self.guarded = guarded
        self.guard: LabProcess | None = None
        self.sql_server: SqlServer | None = None
        self.address = service.split("/")[0]
        self.management_address = management.split("/")[0]
        persistent = (management,) if guarded else (service, management)
        self.host: Host = network.add_host(name, *persistent)
        self.ssh = SshServer(self.host)
        self.vm_dir = self.host.directory / "VM"
        self.vm_local_dir = self.host.directory / "VMLocal"
        self.database = self.vm_dir / "DB" / "CTSERVER.db"
        for directory in (self.database.parent, self.vm_local_dir):
            directory.mkdir(parents=True)

    def boot_services(self) -> None:
        """Starts what a booted Primary starts by itself: SSH, its SQL Server, its guard."""
        self.ssh.start()
        if self.sql_server is not None:
            self.sql_server.start()
        if self.guarded:
            self.guard = start_guard(self.host, f"{self.address}/32")

    def wait_for_address(self) -> None:
        """Waits until the guard took the service address; without a guard it is always there."""
        if self.guard is not None:
            self.guard.wait_for_line("nobody answered; taken")

    def create_catalog(self) -> None:
        """What an installer would do; a SQLite file is there when it is opened."""
        if self.sql_server is not None:
            self.sql_server.ask(f"CREATE DATABASE [{CATALOG}]")

    def start_application(self) -> LabProcess:
        """Starts the telephony application by hand, as the manual has it after a failback."""
        database, env = ["--database", str(self.database)], None
        if self.sql_server is not None:
            database = [*self.sql_server.application_options, "--catalog", CATALOG]
            env = self.sql_server.trust.environment
        return start_application(
            self.host, *database, server=self.name, vm_dir=self.vm_dir, env=env
        )


class Lab:
    """The office. Use it as a context; see `Network` for what entering it may refuse.

    `with_sql_server`: one on each Primary and on the Failover Server; `sql_servers` by host's name.
    """

    def __init__(self, *names: str, guarded: bool = False, with_sql_server: bool = False) -> None:
        self._names = names or ("DEMOSERVER",)
        self._guarded = guarded
        self._with_sql_server = with_sql_server
        self._stack = ExitStack()
        self.network = Network()
        self.primaries: dict[str, Primary] = {}
        self.sql_servers: dict[str, SqlServer] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.network)
            self._add_hosts()
            self._exchange_keys()
            self.mail.start()
            if self._with_sql_server:
                self._install_sql_servers()
            for primary in self.primaries.values():
                primary.boot_services()
            for primary in self.primaries.values():
                primary.wait_for_address()
                primary.create_catalog()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _add_hosts(self) -> None:
        network = self.network
        self.gateway = network.add_host("gateway", f"{GATEWAY}/24", gateway=None)
        self.mail_host = network.add_host("mail", address_in_lab(MAIL_SERVER))
        self.mail = MailServer(self.mail_host)
        self.client = network.add_host("client", address_in_lab(CLIENT))
        self.failover_server = network.add_host("FAILOVER", address_in_lab(FAILOVER_SERVER))
        for name in self._names:
            self.primaries[name] = Primary(network, name, guarded=self._guarded)

    def _exchange_keys(self) -> None:
        """The Failover Server's key opens every Primary, whose host keys it knows."""
        home = self.failover_server.directory
        self.ssh_key = make_key(home / "id_ed25519")
        self.known_hosts = home / "known_hosts"
        lines = []
        for primary in self.primaries.values():
            primary.ssh.authorize(self.ssh_key)
            lines.append(primary.ssh.known_hosts_line(primary.address, primary.management_address))
        self.known_hosts.write_text("".join(lines), "ascii")

    def _install_sql_servers(self) -> None:
        """Each is found by its host's name, which is a Primary's own in a stand-in, too."""
        standby = self.failover_server
        trust = make_trust(self.network.directory, [standby.name, *self._names])
        # A browser that is asked at 127.0.1.1 would answer from 127.0.0.1.
        standby.learn_name(standby.name, standby.addresses[0].split("/")[0])
        self.sql_servers[standby.name] = SqlServer(standby, trust)
        self.sql_servers[standby.name].start()
        for primary in self.primaries.values():
            self.sql_servers[primary.name] = primary.sql_server = SqlServer(primary.host, trust)
            for host in (primary.host, standby):
                host.learn_name(primary.name, primary.management_address)

    @property
    def primary(self) -> Primary:
        """The first, mostly the only, Primary Server."""
        return next(iter(self.primaries.values()))

    def restart(self, primary: Primary) -> None:
        """Reboots a Primary and starts its services, but not its application."""
        self.network.reboot(primary.host)
        primary.boot_services()
