"""How OpenSSH's SFTP server names a path."""

from __future__ import annotations

import re

from ipfx_failover.errors import UsageError

_DRIVE = re.compile(r"^[A-Za-z]:[\\/]")


def sftp_path(path: str) -> bytes:
    r"""The bytes that SFTP sends for an absolute path.

    OpenSSH on Windows names `C:\VM\Extn` as `/C:/VM/Extn`. Names that are not UTF-8 (surrogate
    escapes) go out as the bytes they came in.

    Raises:
        UsageError: the path is not absolute, or a UNC path, which SFTP cannot name.
    """
    if path.startswith("\\\\"):
        raise UsageError(
            f"{path} is a UNC path, which SSH cannot reach",
            "name the directory as the live server itself does, such as C:\\VM",
        )
    if _DRIVE.match(path):
        path = "/" + path.replace("\\", "/")
    if not path.startswith("/"):
        raise UsageError(
            f"{path} is not an absolute path on the live server",
            "write it in full, such as /var/vm or C:\\VM",
        )
    return path.encode("utf-8", "surrogateescape")
