"""A fast listing by GNU find: one answer for a whole tree, with nanoseconds.

Listing by SFTP costs a request for each hundred names and 60 µs of processor time a file here;
find's output costs 3 µs a file, and next to nothing when it has not changed since the last time.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from ipfx_failover.files.names import OWN_PREFIX
from ipfx_failover.livehost import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfx_failover.files.names import Selection

_KINDS = {b"f": Kind.FILE, b"d": Kind.DIRECTORY, b"l": Kind.LINK}

# Arguments: the root, then a word for each start: + (with all below) or - (just this directory),
# and its path. A start that a link leads to is named and not looked into.
_SCRIPT = f"""
cd -- "$1" || exit 90
shift
set -f
LC_ALL=C
export LC_ALL
format='%y %s %T@ %p\\0'
printf '%s\\0' "$(date +%s%N)"
is_plain() {{
  way=.
  before=$IFS
  IFS=/
  for part in $1; do
    way=$way/$part
    if [ -L "$way" ]; then IFS=$before; printf 'l 0 0.0 %s\\0' "$way"; return 1; fi
  done
  IFS=$before
  [ -d "./$1" ] && return 0
  [ -e "./$1" ] && printf 'p 0 0.0 ./%s\\0' "$1"
  return 1
}}
status=0
for start; do
  directory=${{start#?}}
  is_plain "$directory" || continue
  depth=
  case $start in -*) depth='-maxdepth 1' ;; esac
  find -P "./$directory" -ignore_readdir_race $depth \\
    -type d -name '{OWN_PREFIX}*' -prune -o -printf "$format" || status=90
done
exit $status
"""


class Found(NamedTuple):
    """A name that find saw."""

    path: str
    kind: Kind
    size_bytes: int
    mtime_ns: int


class Answer(NamedTuple):
    """Find's whole output, taken apart only where something has changed."""

    taken_at_ns: int
    fingerprint: bytes
    records: bytes

    def found(self) -> Iterator[Found]:
        for record in self.records.split(b"\0"):
            if record:
                kind, size, mtime, path = record.split(b" ", 3)
                yield Found(
                    path[2:].decode("utf-8", "surrogateescape"),
                    _KINDS.get(kind, Kind.OTHER),
                    int(size),
                    _nanoseconds(mtime),
                )


def command(root: str, selection: Selection) -> list[str]:
    """The program and its arguments; it ends with 0 only if all could be listed."""
    starts = [("+" if recursive else "-") + path for path, recursive in selection.starts]
    return ["sh", "-c", _SCRIPT, "sh", root, *starts]


def answer(output: bytes) -> Answer | None:
    """Understand the output; None when it is not what GNU date and find write."""
    now, _, records = output.partition(b"\0")
    if not now.isdigit():
        return None
    return Answer(int(now), hashlib.blake2b(records, digest_size=16).digest(), records)


def _nanoseconds(seconds: bytes) -> int:
    whole, _, fraction = seconds.partition(b".")
    digits = fraction[:9].ljust(9, b"0")
    return int(whole) * 1_000_000_000 + int(digits)
