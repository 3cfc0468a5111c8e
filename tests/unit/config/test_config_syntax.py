from __future__ import annotations

import pytest

from tests.unit.config.samples import SERVER, ConfigFiles


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (r'a = "C:\VM"', r"3:10: between double quotes a \ begins an escape, and this is none;"),
        (r'a = "C:\Users"', r"write Windows paths between single quotes: 'C:\VM'"),
        ('a = "abc\nb = 1', "3:9: a text is not closed on its line; add the quote that ends it"),
        ('a = """abc\n\n', "3: servers.DEMOSERVER.a: a text is not closed; add the quotes that"),
        ("a = [1,\n2", "3: servers.DEMOSERVER.a: a list goes on, or is not closed; commas go"),
        ("a = [1 2]", "3:8: a list goes on, or is not closed; commas go between entries, ] at"),
        ("a = { b = 1 c = 2 }", "3:13: a { table } goes on, or is not closed; commas go between"),
        ("[a", "3:3: a table's header is not closed; write it as [table]"),
        ("[a]]", "3:4: the line goes on where it should end"),
        ("a = True", "3:5: this is no value; write true, in small letters and without quotes"),
        ("a = no", "3:5: this is no value; write false, in small letters and without quotes"),
        ("a = None", "3:5: this is no value; leave the key out to have no value"),
        ("a = eth0", '3:5: this is no value; a text needs quotes: "…"'),
        ("a =", "3:4: this is no value; give it a value, or remove the key"),
        ("a = # b", "3:5: this is no value; give it a value, or remove the key"),
        ("a = “x”", "3:5: this is no value; these are typographic quotes; use \" or '"),
        ("a = 2000ms", "a number has no unit; the key's name says it"),
        ("a = 25%", "a number has no unit; the key's name says it"),
        ("a = 2,000", "write the number without a thousands separator"),
        ("a = 007", "a number does not begin with 0"),
        ("a = 192.168.11.1", 'write addresses between quotes: "192.168.11.1"'),
        ("a = 1:00", 'write times with two digits each: "01:00:00"'),
        ("a = 'C:\\VM' 'D:\\VM'", "3:13: the line goes on where it should end; a comment begins"),
        ("a", "3:2: a key is not followed by =; write key = value"),
        ("a: 1", "3:2: a key is not followed by =; use =, not :"),
        ("Ping interval (ms) = 2000", '3:6: a key is not followed by =; did you mean "ping_int'),
        ("Replicate daily = '01:00'", 'did you mean "replicate_daily"?'),
        ("= 1", "3:1: this is neither key = value nor [table]; keys are letters, digits"),
        ("a = { , }", "3:7: there should be a key; write key = value"),
        ("a = 'x\x01'", "3:7: there is an invisible control character; remove it"),
        ("a = 1 # \x01", "3:9: there is an invisible control character; remove it"),
        ("a = 1\rb = 2", "3: a line ends in a carriage return alone; save it with LF line ends"),
        ("address = '1'", "3: servers.DEMOSERVER.address: is there twice; the first is in line 2"),
        (SERVER, "3: servers.DEMOSERVER: is there twice; the first is in line 1"),
        ("a = { b = 1, b = 2 }", "3: servers.DEMOSERVER.a.b: is there twice; the first is in"),
        ("a = [1]\n[[servers.DEMOSERVER.a]]", "4:23: a { table } or [ list ] is complete as"),
        ("[a.b]\n[a]\nb.c = 1", "5:8: a key or table is there twice; look for the same name"),
        ("a = " + "9" * 5000, "a number has thousands of digits"),
        ("a = " + "[" * 20_000, "lists or tables are nested too deeply; no key needs that"),
    ],
)
def test_a_syntax_error_is_placed_and_said_in_words(
    files: ConfigFiles, line: str, expected: str
) -> None:
    (found,) = files.problems(f"{SERVER}{line}\n")

    assert expected in found


def test_the_broken_line_is_not_quoted(files: ConfigFiles) -> None:
    (found,) = files.problems('[alerts]\npassword = "hunter2" "\n')

    assert "hunter2" not in found
