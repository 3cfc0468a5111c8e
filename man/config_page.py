"""ipfx-failover.toml(5): every key with type, default, unit and meaning, read off the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipfx_failover.adapters.paths import places
from ipfx_failover.config.reference import ENTRY, NAME, Row, Table, tables
from man.roff import Page, bold, italic

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLE: Final = Path(__file__).parents[1] / "examples" / "config" / "minimal.toml"
_NOTHING: Final = {"", "[]", '""'}

_DESCRIPTION: Final = f"""
The config is TOML. It is the file that `--config` names, or else the environment variable
`IPFX_FAILOVER_CONFIG`, or else `{places({}, windows=False).config_file}`
(`%ProgramData%\\ipfx-failover\\config.toml` on Windows); never one in the current directory. Keys
are the labels of the manual's windows in small letters. A key that nobody knows is an error, which
names the likely right one.

Look at a config, and at what follows from it, with `ipfx-failover config check`. A running monitor
goes on with the config that it was started with: restart it after a change. A stand-in outlives
that.
"""
_VALUES: Final = f"""
Times and sizes have their unit in the name of the key: `_ms` milliseconds, `_s` seconds, `_days`
days, `_percent` percent. A time of day is `"HH:MM:SS"` or `"HH:MM"`, in the machine's local time.
Paths are whole paths.

`%servername%` stands for the server's name, in the paths below `[servers.{NAME}]` only.

A password is a reference: `{{ file = "…" }}` (the secret alone in a file that only its owner can
read), `{{ env = "…" }}` (a variable of the environment) or `{{ keyring = "service/user" }}` (needs
the extra `ipfx-failover[keyring]`; a keyring belongs to one user). The password itself is allowed
with a warning, in a config that others cannot read.

Server names have letters, digits, `-` and `_`; they differ by more than case.
"""
_ADVICE: Final = """
Do not change the ping values except on advice: what they say is how long a switch may take to
restart before a failover follows.

With `assume_ip` the Failover Server is in the same IP subnet, or layer 2 VLAN, as the Primary.
Without it clients must know the Failover Server's own address, and it keeps that.

`auto_stop_failover` loses all call data and voicemail that were left during the failover.

It is critical that the Failover Server runs the same version of the application as its Primaries.
Upgrade all of them at the same time, with the Failover Server shut down; then bring the Primaries
up first, and replicate each of them by hand.

A Failover Server does not notice that the application of a Primary has stopped while the machine
still answers pings.
"""


def config_page(version: str) -> Page:
    """The whole page."""
    page = Page("ipfx-failover.toml", 5, "the config of the IPFX Failover Server", version)
    page.section("DESCRIPTION")
    page.prose(_DESCRIPTION)
    page.section("VALUES")
    page.prose(_VALUES)
    page.section("KEYS")
    for table in tables():
        page.subsection(_heading(table))
        page.prose(table.doc)
        page.entries(_entries(table))
    page.section("THE MANUAL'S ADVICE")
    page.prose(_ADVICE)
    page.section("EXAMPLE")
    page.prose("The least that a warm standby for one Primary needs:")
    page.example(_EXAMPLE.read_text(encoding="utf-8"))
    page.section("SEE ALSO")
    page.synopsis([f"{bold('ipfx-failover')}(1), {bold('ipfx-failover-config-check')}(1)"])
    return page


def _heading(table: Table) -> str:
    if table.path[-1] == ENTRY:
        return f"Each entry of {table.path[-2]} in [{'.'.join(table.path[:-2])}]"
    return f"[{'.'.join(table.path)}]"


def _entries(table: Table) -> Iterator[tuple[str, str]]:
    for row in table.rows:
        yield f"{bold(row.key)} = {italic(row.type)}", f"{row.doc}\n\n{_default(row)}"


def _default(row: Row) -> str:
    """The default, or how the key is written where there is none."""
    if row.required:
        return f"Must be set. Example: `{row.example}`"
    if row.default in _NOTHING:
        return f"Default: none. Example: `{row.example}`"
    windows = f" (on Windows `{row.default_on_windows}`)"
    return f"Default: `{row.default}`{windows if row.default_on_windows != row.default else ''}"
