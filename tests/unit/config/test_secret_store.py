from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.config.secrets import Secret
from ipfx_failover.errors import Refused, UsageError
from ipfx_failover.wiring.secret_store import store_secret
from tests.unit.config.samples import as_nobody, posix_only

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.keyring_backend import MemoryKeyring

KEY = ("alerts", "password")


@posix_only
def test_a_password_is_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    reference = store_secret(KEY, "s3 cret€", config=tmp_path / "config.toml")
    file = tmp_path / "secrets" / "alerts.password"

    assert {"file": str(file)} == reference
    assert "s3 cret€" == Secret.parse(reference).reveal()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert 0o700 == stat.S_IMODE(file.parent.stat().st_mode)
    assert [file] == list(file.parent.iterdir())


@posix_only
def test_a_new_password_takes_the_others_place_and_its_rights_are_put_right(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    reference = store_secret(KEY, "old", config=config)
    (tmp_path / "secrets" / "alerts.password").chmod(0o644)
    store_secret(KEY, "new", config=config)

    assert "new" == Secret.parse(reference).reveal()


@pytest.mark.usefixtures("own_keyring")
def test_a_password_can_be_kept_in_the_keyring(tmp_path: Path) -> None:
    reference = store_secret(KEY, "s3cret", config=tmp_path / "config.toml", place="keyring")

    assert {"keyring": "ipfx-failover/alerts.password"} == reference
    assert "s3cret" == Secret.parse(reference).reveal()
    assert [] == list(tmp_path.iterdir())


def test_a_locked_keyring_takes_no_password_and_tells_none(
    own_keyring: MemoryKeyring, tmp_path: Path
) -> None:
    own_keyring.locked = True
    with pytest.raises(Refused) as caught:
        store_secret(KEY, "s3cret", config=tmp_path / "config.toml", place="keyring")

    assert "the keyring takes no password: KeyringLocked" == caught.value.message
    assert "s3cret" not in caught.value.hint


@pytest.mark.parametrize("wrong", ["", "two\nlines", "\0", "\udcff"])
def test_what_is_no_password_is_not_stored(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        store_secret(KEY, wrong, config=tmp_path / "config.toml")

    assert [] == list(tmp_path.iterdir())


@posix_only
def test_a_place_that_cannot_be_written_is_a_refusal_without_the_password(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with as_nobody(), pytest.raises(Refused, match="cannot be written") as caught:
        store_secret(KEY, "s3cret", config=tmp_path / "config.toml")
    tmp_path.chmod(0o755)

    assert "s3cret" not in f"{caught.value.message}{caught.value.hint}"
