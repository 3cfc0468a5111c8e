import subprocess
import sys


def test_ssh_does_not_load_what_paramiko_needs_for_an_ssh_config_only() -> None:
    loads = "import ipfx_failover.adapters.ssh.connection, sys"
    shows = "print(sorted({'asyncio', 'unittest', 'paramiko'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", f"{loads}; {shows}"], capture_output=True, text=True, check=True
    )

    assert "['paramiko']" == done.stdout.strip()
