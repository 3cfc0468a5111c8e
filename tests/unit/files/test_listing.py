"""From names that an adapter finds to a listing."""

from __future__ import annotations

from ipfx_failover.files.listing import LINK, Listing, ListingBuilder, Skipped, Stamp
from ipfx_failover.livehost import Kind
from tests.fakes.tree import FakeTree, File
from tests.support.sync import T0, Row, listing, selection


def looked(tree: FakeTree, *rows: Row, windows: bool = False) -> Listing:
    found = tree.look(selection(*rows), windows=windows)
    assert found is not None
    return found


def test_only_what_is_selected_is_listed() -> None:
    tree = FakeTree()
    tree.write("Mail/1/a.wav", b"12", T0)
    tree.write("Mail/1/a.txt", b"1", T0)
    tree.write("Other/b.wav", b"1", T0)

    found = looked(tree, Row("Mail", ("*.wav",)))

    assert {"Mail/1/a.wav": Stamp(2, T0)} == found.files
    assert {"Mail", "Mail/1"} == found.directories


def test_a_link_is_named_and_not_followed() -> None:
    tree = FakeTree(links={"Mail/link"}, directories={"Mail"})

    assert (Skipped("Mail/link", LINK),) == looked(tree).skipped


def test_a_link_on_the_way_to_a_start_is_not_followed() -> None:
    tree = FakeTree(links={"Upload"})
    tree.files["Upload/Ext/x"] = File(b"", T0)

    found = looked(tree, Row("Upload/Ext"))

    assert ({}, (Skipped("Upload", LINK),)) == (found.files, found.skipped)


def test_a_directory_that_cannot_be_listed_is_named() -> None:
    tree = FakeTree(unreadable={"Mail/secret"})
    tree.write("Mail/secret/x", b"")

    expected = (Skipped("Mail/secret", "cannot be listed: Permission denied"),)

    assert expected == looked(tree).unreadable


def test_names_that_are_not_safe_are_left_out_with_all_below() -> None:
    tree = FakeTree()
    tree.write("Mail/a:b/x", b"")

    found = looked(tree, windows=True)

    assert ({}, ["Mail/a:b"]) == (found.files, [skipped.path for skipped in found.skipped])


def test_unfinished_copies_are_found_only_where_files_are_wanted() -> None:
    tree = FakeTree()
    tree.write("Mail/.ipfx-failover-tmp-1", b"")
    tree.write("Other/.ipfx-failover-tmp-2", b"")

    assert ("Mail/.ipfx-failover-tmp-1",) == looked(tree).leftovers


def test_something_that_is_no_file_is_named_only_where_files_are_wanted() -> None:
    builder = ListingBuilder(selection(), windows=False)
    builder.add("Mail/pipe", Kind.OTHER, 0, 0)
    builder.add("Other/pipe", Kind.OTHER, 0, 0)
    found = builder.build(taken_at_ns=T0, blur_ns=0)
    assert found is not None

    assert (Skipped("Mail/pipe", "neither file nor directory"),) == found.skipped


def test_an_unchanged_tree_has_the_same_fingerprint_and_a_changed_one_another() -> None:
    tree = FakeTree()
    tree.write("Mail/a", b"1", T0)
    first = tree.look(selection(), windows=False)
    assert first is not None

    unchanged = tree.look(selection(), windows=False, unless=first.fingerprint)
    tree.write("Mail/a", b"2", T0 + 1)
    changed = tree.look(selection(), windows=False, unless=first.fingerprint)

    assert unchanged is None
    assert changed is not None


def test_a_file_written_just_before_the_look_is_blurred() -> None:
    look = listing(taken_at_s=100.0)
    ages = {0.0: True, 0.049: True, 0.051: False, 3600.0: False, -1.0: True, -61.0: False}

    assert ages == {
        age: look.is_blurred(Stamp(1, look.taken_at_ns - round(age * 1e9))) for age in ages
    }
