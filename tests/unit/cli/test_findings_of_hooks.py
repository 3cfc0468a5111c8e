"""`config check` looks at what hooks need on this machine: addresses, templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipfx_failover.cli.findings import facts_for
from ipfx_failover.config.explain import explain
from ipfx_failover.config.models import Config

if TYPE_CHECKING:
    from pathlib import Path


def found(webhook: dict[str, object]) -> list[str]:
    config = Config.model_validate({"alerts": {"webhooks": {"team": webhook}}})
    findings = explain(config, facts=facts_for(config))
    return [each.message for each in findings if each.message.startswith("webhooks.team")]


def test_an_address_without_encryption_is_found_in_its_secret_file(tmp_path: Path) -> None:
    file = tmp_path / "address"
    file.touch(mode=0o600)
    file.write_text("http://chat.example.com/T0K3N\n")

    (said,) = found({"url": {"file": str(file)}})
    assert "begins with http" in said
    assert "T0K3N" not in said


def test_a_template_file_that_is_no_json_is_found(tmp_path: Path) -> None:
    file = tmp_path / "template.json"
    file.write_text("{")

    (_, said) = found({"url": "https://chat.example.com", "template_file": str(file)})
    assert f"{file} is no JSON" in said


def test_a_secret_that_is_not_there_is_said_once(tmp_path: Path) -> None:
    (said,) = found({"url": {"file": str(tmp_path / "nowhere")}})

    assert "is not there" in said
