from __future__ import annotations

from ipfx_failover.adapters.linux.systemd import environment_text


def test_values_are_quoted_for_an_environment_file() -> None:
    values = {"A": "plain", "B": 'a "b" $c `d` \\e', "C": ""}

    assert environment_text(values) == 'A="plain"\nB="a \\"b\\" \\$c \\`d\\` \\\\e"\nC=""\n'
