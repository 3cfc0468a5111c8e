from __future__ import annotations

from pathlib import Path

import pytest

from ipfx_failover.adapters.paths import exposure, look, narrow
from ipfx_failover.adapters.windows import dpapi
from ipfx_failover.adapters.windows.file_rights import crowds_in, give
from ipfx_failover.config.secrets import Secret
from ipfx_failover.errors import Refused
from ipfx_failover.wiring.secret_store import store_secret

KEY = ("alerts", "password")
PASSWORD = "s3 cret€"  # noqa: S105 - of nothing


def stored(directory: Path) -> Path:
    return Path(store_secret(KEY, PASSWORD, config=directory / "config.toml")["file"])


def open_to_all(file: Path) -> None:
    give(file, "D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)(A;;FR;;;WD)")


def test_a_stored_password_comes_back_and_is_not_in_its_file(tmp_path: Path) -> None:
    file = stored(tmp_path)

    assert PASSWORD == Secret("file", str(file)).reveal()
    assert PASSWORD.encode() not in file.read_bytes()
    assert not look(file).is_plain


def test_others_have_no_right_to_a_stored_password(tmp_path: Path) -> None:
    file = stored(tmp_path)

    assert exposure(file) is None


def test_a_file_is_narrowed(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("plain")
    open_to_all(file)
    before = exposure(file)
    narrow(file)

    assert "can be read or changed by everyone" == before
    assert exposure(file) is None


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = stored(tmp_path)
    open_to_all(file)

    with pytest.raises(Refused, match="can be read or changed by everyone") as refused:
        Secret("file", str(file)).reveal()
    assert f'icacls "{file}" /inheritance:r' in refused.value.hint


def test_a_plain_text_that_others_may_not_read_is_taken_and_known_as_such(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("by hand\r\n", newline="")
    narrow(file)

    assert "by hand" == Secret("file", str(file)).reveal()
    assert look(file).is_plain


def test_what_another_program_has_encrypted_is_refused(tmp_path: Path) -> None:
    file = stored(tmp_path)
    damaged = bytearray(file.read_bytes())
    damaged[-8] ^= 1
    file.write_bytes(damaged)

    with pytest.raises(Refused, match="cannot be decrypted"):
        Secret("file", str(file)).reveal()


@pytest.mark.parametrize("plain", [b"", b"a", b"\0\xff" * 10_000], ids=len)
def test_anything_can_be_protected(plain: bytes) -> None:
    assert plain == dpapi.unprotect(dpapi.protect(plain))


@pytest.mark.parametrize(
    ("sddl", "expected"),
    [
        ("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)", []),
        ("D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)", ["all users"]),  # codespell:ignore
        ("D:(A;OICIIO;GA;;;CO)(A;OICIIO;GR;;;WD)", []),
        ("D:(D;;FA;;;WD)(A;;FR;;;S-1-5-21-1-2-3-1104)", []),
        (
            "D:(XA;;FR;;;AU;(x))(A;;FR;;;WD)(A;;FW;;;WD)",
            ["every account that has logged in", "everyone"],
        ),
    ],
)
def test_the_crowds_are_read_from_an_access_control_list(sddl: str, expected: list[str]) -> None:
    assert expected == crowds_in(sddl)
