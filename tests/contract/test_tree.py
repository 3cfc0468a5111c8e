"""What every directory tree does for a sync."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ipfx_failover.adapters.clock import SystemClock
from ipfx_failover.files.listing import LINK, Listing, Skipped, Stamp
from ipfx_failover.files.names import MARKER, TEMPORARY_PREFIX, TRASH
from ipfx_failover.files.ports import CHANGED, Incoming, Placed, SourceProblem, Staged
from ipfx_failover.files.values import Copy
from tests.support.sshd import running_sshd
from tests.support.sync import T0, Row, copy_of, incoming, selection
from tests.support.tree_sites import (
    DISK_SITES,
    SITES,
    DiskSite,
    Site,
    build_site,
    ssh_connection,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ipfx_failover.adapters.ssh.connection import SshConnection
    from ipfx_failover.files.ports import Tree


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshConnection]:
    with (
        running_sshd(tmp_path_factory.mktemp("sshd")) as server,
        closing(ssh_connection(server)) as made,
    ):
        yield made


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest, tmp_path: Path, connection: SshConnection) -> Site:
    return build_site(request.param, tmp_path / "vm", connection)


@pytest.fixture(params=DISK_SITES)
def disk_site(
    request: pytest.FixtureRequest, tmp_path: Path, connection: SshConnection
) -> DiskSite:
    made = build_site(request.param, tmp_path / "vm", connection)
    assert isinstance(made, DiskSite)
    return made


def look(tree: Tree, *rows: Row, windows: bool = False, unless: bytes = b"") -> Listing:
    found = tree.look(selection(*rows), windows=windows, unless=unless)
    assert found is not None
    return found


def put(tree: Tree, *files: Incoming, trash: str = "now") -> list[Placed | Skipped]:
    staged = tree.stage(files)
    return [*tree.place([one for one in staged if isinstance(one, Staged)], trash)] + [
        one for one in staged if isinstance(one, Skipped)
    ]


def contents(tree: Tree, *copies: Copy) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {}
    for one in tree.read(copies):
        try:
            found[one.copy.path] = b"".join(one.chunks)
        except SourceProblem as problem:
            found[one.copy.path] = problem.reason
    return found


def as_copy(listing: Listing, path: str) -> Copy:
    return Copy(path, listing.files[path], replaces=None, keep_old=False)


# Looking


def test_selected_files_are_listed_with_size_and_time(site: Site) -> None:
    site.write("Mail/1/ä b.wav", b"12345", T0)
    site.write("Mail/1/x.txt", b"1", T0)
    site.write("Extn/y.wav", b"1", T0)
    found = look(site.tree, Row("Mail", ("*.wav",)))

    assert ["Mail/1/ä b.wav"] == list(found.files)
    assert 5 == found.files["Mail/1/ä b.wav"].size_bytes
    # SFTP's own listing knows whole seconds only.
    assert T0 // 10**9 == found.files["Mail/1/ä b.wav"].mtime_ns // 10**9
    assert {"Mail", "Mail/1"} == found.directories


def test_a_row_without_recursion_lists_its_directory_only(site: Site) -> None:
    site.write("Mail/a", b"", T0)
    site.write("Mail/1/b", b"", T0)
    site.write("Music/1/c", b"", T0)
    found = look(site.tree, Row("Mail", recursive=False), Row("Music"))

    assert {"Mail/a", "Music/1/c"} == set(found.files)


def test_the_whole_root_can_be_listed_without_our_own_files(site: Site) -> None:
    site.tree.prepare()
    site.write("a", b"", T0)
    site.write("1/b", b"", T0)
    site.write(f"{TRASH}/x/c", b"", T0)
    site.write("DB/app.db", b"", T0)
    found = look(site.tree, Row(""))

    assert {"a", "1/b"} == set(found.files)
    assert {"1"} == found.directories


def test_a_directory_that_is_not_there_is_no_trouble(site: Site) -> None:
    found = look(site.tree, Row("Mail"), Row("Upload/Ext"))

    assert ({}, (), ()) == (found.files, found.skipped, found.unreadable)


def test_links_are_named_and_not_followed(site: Site) -> None:
    site.write("Elsewhere/secret", b"", T0)
    site.make_directory("Mail")
    site.make_link("Mail/link", "../Elsewhere")
    site.make_link("Extn", "Elsewhere")
    found = look(site.tree, Row("Mail"), Row("Extn"))

    assert {} == found.files
    assert {Skipped("Mail/link", LINK), Skipped("Extn", LINK)} == set(found.skipped)


def test_a_link_on_the_way_to_a_start_is_named_and_not_followed(site: Site) -> None:
    site.write("Elsewhere/Ext/secret", b"", T0)
    site.make_link("Upload", "Elsewhere")
    found = look(site.tree, Row("Upload/Ext"))

    assert ({}, (Skipped("Upload", LINK),)) == (found.files, found.skipped)


def test_a_start_that_is_a_file_is_named(site: Site) -> None:
    site.write("Mail", b"", T0)
    found = look(site.tree)

    assert ["Mail"] == [skipped.path for skipped in found.skipped]


def test_names_that_the_other_side_cannot_hold_are_named_and_left_out(site: Site) -> None:
    site.write("Mail/10:30.wav", b"", T0)
    site.write("Mail/a\nb", b"", T0)

    assert {"Mail/10:30.wav", "Mail/a\nb"} == {
        skipped.path for skipped in look(site.tree, windows=True).skipped
    }
    assert {"Mail/10:30.wav"} == set(look(site.tree, windows=False).files)


def test_a_name_that_is_not_utf_8_is_named_and_the_others_are_listed(disk_site: DiskSite) -> None:
    disk_site.write("Mail/a", b"", T0)
    disk_site.write("Mail/gr\udcfc\udcdfe", b"", T0)
    found = look(disk_site.tree)

    assert {"Mail/a"} == set(found.files)
    assert [Skipped("Mail/gr\udcfc\udcdfe", "its name is not UTF-8")] == list(found.skipped)


def test_a_pipe_is_named_and_not_opened(disk_site: DiskSite) -> None:
    disk_site.make_directory("Mail")
    os.mkfifo(disk_site.root / "Mail" / "pipe")

    expected = (Skipped("Mail/pipe", "neither file nor directory"),)

    assert expected == look(disk_site.tree).skipped


def test_an_unchanged_tree_is_not_listed_again_and_a_changed_one_is(site: Site) -> None:
    site.write("Mail/a", b"1", T0)
    first = look(site.tree)

    assert site.tree.look(selection(), windows=False, unless=first.fingerprint) is None
    site.write("Mail/a", b"2", T0 + 10**9)
    assert look(site.tree, unless=first.fingerprint).fingerprint != first.fingerprint


def test_a_file_written_this_moment_is_blurred_and_an_old_one_is_not(disk_site: DiskSite) -> None:
    disk_site.write("Mail/old", b"", T0)
    # By the time of the look it will be "just now", however slow this machine is.
    soon_ns = round(SystemClock().now().timestamp() * 1e9) + 30 * 10**9
    disk_site.write("Mail/fresh", b"", soon_ns)
    found = look(disk_site.tree)

    assert (False, True) == tuple(
        found.is_blurred(found.files[path]) for path in ("Mail/old", "Mail/fresh")
    )


def test_leftovers_of_a_killed_run_are_found_and_removed(site: Site) -> None:
    path = f"Mail/{TEMPORARY_PREFIX}1"
    site.write(path, b"half", T0)
    leftovers = look(site.tree).leftovers
    site.tree.remove_leftovers([*leftovers, "Mail/not-there"])

    assert ((path,), None) == (leftovers, site.content(path))


# Reading


def test_files_of_all_sizes_are_read_whole_and_in_order(site: Site) -> None:
    sizes = [0, 1, 1000, 255 * 1024, 255 * 1024 + 1, 3_000_000, 7]
    for number, size in enumerate(sizes):
        site.write(f"Mail/{number}", os.urandom(size), T0)
    listing = look(site.tree)
    copies = [as_copy(listing, f"Mail/{number}") for number in range(len(sizes))]
    found = contents(site.tree, *copies)

    assert [copy.path for copy in copies] == list(found)
    assert {copy.path: site.content(copy.path) for copy in copies} == found


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_file_that_is_not_as_it_was_listed_is_not_taken(site: Site, size: int) -> None:
    site.write("Mail/a", b"1" * size, T0)
    copy = as_copy(look(site.tree), "Mail/a")
    site.write("Mail/a", b"2" * size, T0 + 5 * 10**9)

    assert {"Mail/a": CHANGED} == contents(site.tree, copy)


def test_a_file_that_went_meanwhile_does_not_stop_the_others(site: Site) -> None:
    site.write("Mail/here", b"1", T0)
    listing = look(site.tree)
    gone = copy_of("Mail/gone", 1)
    found = contents(site.tree, gone, as_copy(listing, "Mail/here"))

    assert b"1" == found["Mail/here"]
    assert "cannot be read" in str(found["Mail/gone"])


@pytest.mark.parametrize("kind", ["local by descriptor", "local by path"])
def test_reading_does_not_follow_a_link_to_elsewhere(
    kind: str, tmp_path: Path, connection: SshConnection
) -> None:
    disk_site = build_site(kind, tmp_path / "vm", connection)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"1")
    os.utime(outside / "secret", ns=(T0, T0))
    disk_site.make_link("Mail", str(outside))

    assert "cannot be read" in str(contents(disk_site.tree, copy_of("Mail/secret", 1)))


# Writing


def test_new_files_get_content_and_time(site: Site) -> None:
    site.make_directory("Mail")
    files = {f"Mail/{size}": os.urandom(size) for size in (0, 1, 5000, 255 * 1024, 2_000_000)}
    outcomes = put(site.tree, *(incoming(path, content) for path, content in files.items()))

    assert files == {path: site.content(path) for path in files}
    assert {*files} == {one.copy.path for one in outcomes if isinstance(one, Placed)}
    assert {T0 // 10**9} == {site.mtime_ns(path) // 10**9 for path in files}
    assert {*files} == site.all_files()


def test_the_stamp_told_is_the_one_that_is_listed_later(site: Site) -> None:
    site.make_directory("Mail")
    (placed,) = put(site.tree, incoming("Mail/a", b"123"))
    assert isinstance(placed, Placed)
    listed = look(site.tree).files["Mail/a"]

    assert placed.stamp.size_bytes == listed.size_bytes
    assert abs(placed.stamp.mtime_ns - listed.mtime_ns) < 10**9


def test_local_trees_keep_nanoseconds(tmp_path: Path, connection: SshConnection) -> None:
    site = build_site("local by descriptor", tmp_path / "vm", connection)
    put(site.tree, incoming("a", b"123"))

    assert T0 == site.mtime_ns("a")


def test_staged_files_have_no_final_name_yet(site: Site) -> None:
    site.make_directory("Mail")
    staged = site.tree.stage([incoming("Mail/a", b"1")])

    assert isinstance(staged[0], Staged)
    assert site.content("Mail/a") is None
    assert all(TEMPORARY_PREFIX in path for path in site.all_files())


@pytest.mark.parametrize("keep_old", [False, True])
def test_a_file_is_replaced_and_the_old_one_kept_if_wanted(site: Site, *, keep_old: bool) -> None:
    site.write("Mail/a", b"old", T0)
    replaces = look(site.tree).files["Mail/a"]
    put(site.tree, incoming("Mail/a", b"newer", replaces=replaces, keep_old=keep_old))

    assert b"newer" == site.content("Mail/a")
    assert (b"old" if keep_old else None) == site.content(f"{TRASH}/now/Mail/a")


def test_a_name_that_was_taken_meanwhile_is_not_overwritten(site: Site) -> None:
    site.write("Mail/a", b"theirs", T0)
    (outcome,) = put(site.tree, incoming("Mail/a", b"ours"))

    assert isinstance(outcome, Skipped)
    assert b"theirs" == site.content("Mail/a")
    assert {"Mail/a"} == site.all_files()


def test_a_file_that_changed_at_the_target_meanwhile_is_not_overwritten(site: Site) -> None:
    site.write("Mail/a", b"theirs", T0)
    (outcome,) = put(site.tree, incoming("Mail/a", b"ours", replaces=Stamp(99, T0)))

    assert isinstance(outcome, Skipped)
    assert b"theirs" == site.content("Mail/a")
    assert {"Mail/a"} == site.all_files()


@pytest.mark.parametrize("size", [10, 1_000_000])
def test_a_source_that_fails_leaves_nothing_and_the_others_go_on(site: Site, size: int) -> None:
    def failing() -> Iterator[bytes]:
        yield b"half"
        raise SourceProblem(CHANGED)

    site.make_directory("Mail")
    outcomes = put(
        site.tree,
        Incoming(copy_of("Mail/a", size), failing()),
        incoming("Mail/b", b"1"),
    )

    assert [Skipped("Mail/a", CHANGED)] == [one for one in outcomes if isinstance(one, Skipped)]
    assert {"Mail/b"} == site.all_files()


def test_a_directory_that_is_missing_concerns_one_file_only(site: Site) -> None:
    site.make_directory("Mail")
    outcomes = put(site.tree, incoming("No/a", b"1"), incoming("Mail/b", b"1"))

    assert ["No/a"] == [one.path for one in outcomes if isinstance(one, Skipped)]
    assert {"Mail/b"} == site.all_files()


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_nothing_is_written_through_a_linked_directory(
    disk_site: DiskSite, tmp_path: Path, size: int
) -> None:
    outside = tmp_path / "outside"
    (outside / "below").mkdir(parents=True)
    disk_site.make_link("Mail", str(outside))
    tree = disk_site.tree
    outcomes = put(tree, incoming("Mail/a", b"1" * size), incoming("Mail/below/b", b"1" * size))
    failed = tree.make_directories(["Mail/new", "Mail/below/new"])
    tree.move_to_trash(["Mail/below"], "now")

    assert [True, True] == [isinstance(one, Skipped) for one in outcomes]
    assert ["Mail/new", "Mail/below/new"] == [one.path for one in failed]
    assert ["below"] == [one.name for one in outside.iterdir()]
    assert [] == list((outside / "below").iterdir())


def test_a_link_in_the_place_of_a_file_is_not_written_through(
    disk_site: DiskSite, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"1")
    os.utime(victim, ns=(T0, T0))
    disk_site.make_directory("Mail")
    disk_site.make_link("Mail/a", str(victim))
    new, old = incoming("Mail/a", b"2"), incoming("Mail/a", b"2", replaces=Stamp(1, T0))
    outcomes = [*put(disk_site.tree, new), *put(disk_site.tree, old)]

    assert [True, True] == [isinstance(one, Skipped) for one in outcomes]
    assert b"1" == victim.read_bytes()


def test_the_trash_is_not_put_behind_a_link(disk_site: DiskSite, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    disk_site.write("Mail/a", b"1", T0)
    disk_site.make_link(TRASH, str(outside))
    failed = disk_site.tree.move_to_trash(["Mail/a"], "now")

    assert (["Mail/a"], b"1") == ([one.path for one in failed], disk_site.content("Mail/a"))
    assert [] == list(outside.iterdir())
    assert [] == disk_site.tree.trash_names()


# Directories and trash


def test_directories_are_made_with_those_above_them(site: Site) -> None:
    failed = site.tree.make_directories(["Mail/1/2", "Upload/Ext", "Mail/1"])

    assert [] == failed
    assert {"Mail", "Mail/1", "Mail/1/2"} == look(site.tree).directories
    assert {"Upload/Ext"} == look(site.tree, Row("Upload/Ext")).directories


def test_a_deleted_file_lies_in_the_trash_under_its_path(site: Site) -> None:
    site.write("Mail/1/a", b"1", T0)
    failed = site.tree.move_to_trash(["Mail/1/a", "Mail/1/not-there"], "2024-05-31")

    assert [] == failed
    assert (None, b"1") == (
        site.content("Mail/1/a"),
        site.content(f"{TRASH}/2024-05-31/Mail/1/a"),
    )
    assert ["2024-05-31"] == site.tree.trash_names()


def test_only_empty_directories_are_removed(site: Site) -> None:
    site.make_directory("Mail/1/2")
    site.write("Mail/3/a", b"", T0)
    site.tree.remove_empty(["Mail/1/2", "Mail/1", "Mail/3", "Mail/not-there"])

    assert {"Mail", "Mail/3"} == look(site.tree).directories


def test_purging_removes_one_directory_of_the_trash(site: Site) -> None:
    for name in ("old", "new"):
        site.write(f"{TRASH}/{name}/Mail/1/a", b"1", T0)
    site.tree.purge("old")

    assert {f"{TRASH}/new/Mail/1/a"} == site.all_files()


def test_without_a_trash_there_is_nothing_in_it(site: Site) -> None:
    assert [] == site.tree.trash_names()


def test_purging_does_not_follow_links(disk_site: DiskSite, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"1")
    disk_site.make_link(f"{TRASH}/old/link", str(outside))
    disk_site.tree.purge("old")

    assert (outside / "precious").exists()
    assert not (disk_site.root / TRASH / "old").exists()


@pytest.mark.parametrize("kind", ["local by descriptor", "sftp with find"])
def test_what_is_new_belongs_to_the_owner_of_its_directory(
    kind: str, tmp_path: Path, connection: SshConnection
) -> None:
    site = build_site(kind, tmp_path / "vm", connection)
    site.make_directory("Mail")
    above = tmp_path / "vm" / "Mail"
    if os.geteuid() == 0:
        os.chown(above, 12345, 54321)
    site.tree.make_directories(["Mail/1"])
    put(site.tree, incoming("Mail/1/a", b"1"), incoming("Mail/b", b"2" * 1_000_000))
    found = [path.stat() for path in (above, *above.rglob("*"))]

    assert 4 == len(found)
    assert 1 == len({(one.st_uid, one.st_gid) for one in found})


# The root
def test_a_prepared_root_has_its_marker(site: Site) -> None:
    before = site.tree.has_marker()
    site.tree.prepare()
    site.tree.prepare()

    assert (False, True) == (before, site.tree.has_marker())
    assert {MARKER} == site.all_files()


def test_a_root_that_is_missing_is_told_and_can_be_made(disk_site: DiskSite) -> None:
    disk_site.root.rmdir()
    before = (disk_site.tree.is_there(), disk_site.tree.has_marker(), look(disk_site.tree).files)
    disk_site.tree.prepare()

    assert ((False, False, {}), True) == (before, disk_site.tree.is_there())


def test_free_space_is_told(disk_site: DiskSite) -> None:
    free = disk_site.tree.free_bytes()

    assert free is not None
    assert free > 0
