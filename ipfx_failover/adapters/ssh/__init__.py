"""The live server through OpenSSH. Import these modules late: paramiko takes 0.2 s to load."""

import sys

# For `Match exec` in an ssh_config, which nobody reads here, paramiko would load invoke, and with
# it asyncio and unittest: 0.13 s and 7 MiB. It does without where that is not to be had.
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]
