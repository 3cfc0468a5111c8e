from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import ValidationError

from ipfx_failover.config import placeholders
from ipfx_failover.config.kinds import LivePath, is_whole_path
from ipfx_failover.config.models import (
    MANUAL_INCLUSIONS,
    PATH_KEYS,
    AlertSettings,
    ApplicationSettings,
    Config,
    FailoverServerSettings,
    Inclusion,
    NetworkSettings,
    ServerSettings,
    Settings,
    SshSettings,
)
from ipfx_failover.config.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator


def server(**given: Any) -> ServerSettings:
    return ServerSettings.model_validate({"name": "A", "address": "192.168.11.1", **given})


def test_tables_are_frozen() -> None:
    with pytest.raises(ValidationError):
        NetworkSettings().ping_interval_ms = 1  # type: ignore[misc]


def test_tables_can_be_made_in_code_with_the_right_values() -> None:
    alerts = AlertSettings(from_="a@example.com", smtp_server="h", to=("b@example.com",))

    assert "a@example.com" == alerts.from_
    assert Path("/srv/A/VM") == server(local_vm_dir="/srv/%servername%/VM").local_vm_dir


@pytest.mark.parametrize(
    "make",
    [
        lambda: ApplicationSettings(services=("a",), start=("b",)),
        lambda: NetworkSettings(warning_count=16),
        lambda: server(assume_ip=True, auto_stop_failover=True),
        lambda: server(name="a b"),
        lambda: Config.model_validate(
            {"servers": {"A": {"address": "1.2.3.4", "assume_ip": True}}}
        ),
    ],
)
def test_contradictions_are_refused_in_code_too(make: Any) -> None:
    with pytest.raises(ValidationError):
        make()


def test_the_manuals_inclusion_table_is_valid_as_it_stands() -> None:
    rows = tuple(Inclusion.model_validate(row.model_dump()) for row in MANUAL_INCLUSIONS)

    assert rows == MANUAL_INCLUSIONS
    assert ["Extn", "Custom", "Mail", "Music", "Upload/Ext"] == [row.dir for row in rows]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Mail", "Mail"),
        ("Upload\\Ext", "Upload/Ext"),
        ("Upload//Ext/", "Upload/Ext"),
        ("./Mail", "Mail"),
        (".", ""),
    ],
)
def test_a_subdirectory_is_written_with_slashes(given: str, expected: str) -> None:
    assert expected == Inclusion(dir=given, patterns=("*",)).dir


@pytest.mark.parametrize("given", ["..", "a/../b", "/etc", "\\etc", "C:", "C:\\VM", "a\0b", ""])
def test_a_subdirectory_never_leads_out_of_the_vm_directory(given: str) -> None:
    with pytest.raises(ValidationError):
        Inclusion(dir=given, patterns=("*",))


@pytest.mark.parametrize("path", ["/VM", r"C:\VM", "C:/VM", r"\\HOST\share", "//host/share"])
def test_a_live_path_may_be_of_any_system(path: str) -> None:
    assert is_whole_path(path)


@pytest.mark.parametrize("path", ["VM", r"VM\x", "C:VM", "./VM", r"\VM", ""])
def test_a_live_path_must_be_whole(path: str) -> None:
    assert not is_whole_path(path)


def test_values_from_a_wider_type_are_not_quietly_converted() -> None:
    for key, value in (
        ("ping_interval_ms", "2000"),
        ("ping_interval_ms", 2000.0),
        ("ping_interval_ms", True),
        ("reference_targets", [3232238337]),
        ("adapter", 5),
    ):
        with pytest.raises(ValidationError):
            NetworkSettings.model_validate({key: value})


def test_what_needs_ssh_is_known() -> None:
    ssh = {"user": "u", "key_file": "/k"}
    database = {"data_source": "/d", "vm_dir": "/VM"}

    assert not server().needs_ssh
    assert not server(files={"transport": "path", "path": "/mnt"}).needs_ssh
    assert server(ssh=ssh, database=database).needs_ssh
    assert server(ssh=ssh, database=database, files={}).needs_ssh


def test_a_dump_has_references_but_no_secret() -> None:
    settings = FailoverServerSettings(password=Secret("file", "/a"))

    assert {"file": "/a"} == settings.model_dump()["password"]
    assert (
        "********"
        == FailoverServerSettings(password=Secret("literal", "x")).model_dump()["password"]
    )


def paths_below(model: type[Settings], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        kinds = list(kinds_of(Annotated[field.annotation, *field.metadata, None]))
        if any(kind is Path or kind is LivePath for kind in kinds):
            yield (*prefix, name)
        if Secret in kinds:
            yield (*prefix, name, "file")
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, Settings):
                yield from paths_below(kind, (*prefix, name))


def kinds_of(annotation: Any) -> Iterator[Any]:
    yield annotation
    if get_origin(annotation) in {Union, UnionType, tuple, Annotated}:
        for part in get_args(annotation):
            yield from kinds_of(part)


def test_the_server_name_is_expanded_in_every_path_of_a_server() -> None:
    live = {
        ("database", "data_source"),
        ("database", "vm_dir"),
        ("database", "vm_local_dir"),
        ("database", "backup_dir"),
        ("database", "path_conversions", "to"),
    }

    assert set(PATH_KEYS) == set(paths_below(ServerSettings)) | live


def test_a_path_that_is_not_below_a_server_must_not_name_one() -> None:
    with pytest.raises(ValidationError):
        SshSettings.model_validate({"user": "u", "key_file": "/%servername%/k"})


def test_the_default_copy_directory_is_whole_on_the_system_it_is_for() -> None:
    from ipfx_failover.adapters.paths import places

    assert PurePosixPath(places({}, windows=False).local_vm_dir).is_absolute()
    assert PureWindowsPath(places({}, windows=True).local_vm_dir).is_absolute()


def test_placeholders_are_the_documented_ones() -> None:
    doc = ApplicationSettings.__doc__ or ""

    assert [] == [name for name in placeholders.NAMES if f"{{{name}}}" not in doc]
