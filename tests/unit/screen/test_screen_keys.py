"""Each key of the main screen: asked, confirmed or declined, run, shown."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ipfx_failover.errors import Unconfirmed
from ipfx_failover.screen.toolbar import TOOLS, Tool
from ipfx_failover.screen.values import Seen
from tests.fakes.screen import FakeLook
from tests.support.screen import FAILED, LOG, REPORT, SERVER, STANDING_IN, Shown, on_screen

QUESTION = "The Failover Server takes over now. Both will run."
each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.command)
NO = [*((tool, "n") for tool in TOOLS), *((TOOLS[3], key) for key in ("escape", "enter", "q"))]


def asks(question: str) -> str:
    """What a command prints that is called with --json and without --yes."""
    error = {"kind": "refused", "message": "m", "hint": "h", "question": question}
    return json.dumps({"ok": False, "error": error})


async def to_the_question(shown: Shown, tool: Tool) -> str:
    """Press a tool's key, and let its command ask; the question that is to be seen."""
    await shown.until("DEMOSERVER")
    await shown.press(tool.key)
    if tool.asks:
        asking = await shown.started(1)

        assert asking.arguments == [tool.command, "DEMOSERVER", *tool.asks]

        asking.end(asks(QUESTION), code=3)
        await shown.until("Both will run.", "y Yes")
        return QUESTION
    await shown.until(f"{tool.label} DEMOSERVER?", "y Yes")
    return f"{tool.label} DEMOSERVER?"


@each_tool
def test_each_key_runs_its_command_once_it_is_confirmed_and_shows_how_it_ended(tool: Tool) -> None:
    async def test(shown: Shown) -> None:
        await to_the_question(shown, tool)
        await shown.press("y")
        command = await shown.started(2 if tool.asks else 1)
        await shown.until(f"{tool.command} DEMOSERVER: running")

        assert command.arguments == [
            tool.command,
            "DEMOSERVER",
            *(["--yes"] if tool.asks else []),
        ]

        command.end("DEMOSERVER: it is so", "error: what happened", "  hint: what to do", code=1)
        await shown.until("it is so", "error: what happened", "  hint: what to do")
        await shown.until(f"{tool.command} DEMOSERVER: exit code 1 (failed)")

    on_screen(test)


@pytest.mark.parametrize(("tool", "key"), [*NO, (TOOLS[3], "ctrl+c")])
def test_each_key_does_nothing_when_the_question_is_declined(tool: Tool, key: str) -> None:
    async def test(shown: Shown) -> None:
        await to_the_question(shown, tool)
        before = len(shown.commands.started)
        await shown.press(key)
        await shown.until(f"{tool.label} DEMOSERVER: declined; nothing was done")

        assert len(shown.commands.started) == before

    on_screen(test)


def test_what_a_command_refuses_before_it_asks_is_shown_and_nothing_is_asked() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("f")
        error = {"message": "00:11 answers for 192.168.11.1", "hint": "use --force"}
        (await shown.started(1)).end(json.dumps({"ok": False, "error": error}), code=3)
        await shown.until("error: 00:11 answers for 192.168.11.1", "  hint: use --force")
        await shown.until("failover-now DEMOSERVER: exit code 3 (refused)")

        assert "y Yes" not in shown.text

    on_screen(test)


def test_on_a_small_terminal_a_refusal_is_seen_whole_beside_a_server_with_much_to_tell() -> None:
    busy = replace(FAILED, notes=("one thing is to be done",) * 9)
    seen = Seen(replace(STANDING_IN, servers=(busy,), warnings=("nobody watches",)), log=LOG)

    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("f")
        error = {"message": "somebody answers", "hint": "use --force", "details": ["one", "two"]}
        (await shown.started(1)).end(json.dumps({"ok": False, "error": error}), code=3)
        await shown.until("one", "two", "error: somebody answers", "hint: use", "Esc closes")

    on_screen(test, seen)


def test_a_command_works_on_the_chosen_server() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("SECOND")
        await shown.press("down", "s", "y")

        assert (await shown.started(1)).arguments == ["suspend", "SECOND"]

    on_screen(test)


def test_the_choice_stays_with_its_server_when_others_come_and_go() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("SECOND")
        await shown.press("down")
        await shown.until("Name:                SECOND")
        first = replace(SERVER, name="AFIRST")
        shown.look.show(Seen(replace(REPORT, servers=(first, *REPORT.servers))))
        await shown.until("AFIRST", "Name:                SECOND")
        shown.look.show(Seen(replace(REPORT, servers=(first, SERVER))))
        await shown.until("Name:                AFIRST")

    on_screen(test)


def test_one_command_runs_at_a_time() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("s", "y")
        await shown.started(1)
        await shown.press("r")
        await shown.until("suspend DEMOSERVER still runs")

        assert len(shown.commands.started) == 1

    on_screen(test)


def test_ctrl_c_interrupts_the_command_and_then_ends_the_screen() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("s", "y")
        await shown.started(1)
        await shown.press("ctrl+c")
        await shown.until("suspend DEMOSERVER: exit code 130 (interrupted)")

        assert shown.app.is_running

        await shown.press("ctrl+c")
        await shown.until_so(lambda: not shown.app.is_running, "the screen ends")

    look = FakeLook(Seen(REPORT))
    on_screen(test, look=look)

    assert look.is_closed


def test_who_leaves_while_a_command_runs_is_asked_and_the_command_goes_on() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("s", "y")
        command = await shown.started(1)
        await shown.press("q")
        await shown.until("suspend DEMOSERVER still runs, and goes on without this. Quit?")
        await shown.press("n")
        await shown.until("Servers")
        await shown.press("q")
        await shown.until("Quit?")
        await shown.press("y")
        await shown.until_so(lambda: not shown.app.is_running, "the screen ends")
        command.end()

    on_screen(test)


def test_escape_closes_the_output_of_a_command() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("s", "y")
        (await shown.started(1)).end("DEMOSERVER: Suspended")
        await shown.until("DEMOSERVER: Suspended", "Esc closes this")
        await shown.press("escape")
        await shown.until_gone("DEMOSERVER: Suspended")
        await shown.until("FAILURE: 15 pings in a row failed")

    on_screen(test)


def test_the_help_names_every_key_and_every_icon() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("question_mark")
        await shown.until(*(f"{tool.label}: ipfx-failover {tool.command} NAME" for tool in TOOLS))
        await shown.until("! FAILURE", "● OK", "? UNKNOWN", "New, Edit Server, Delete", "Options:")
        await shown.press("escape")
        await shown.until("Ready")

    on_screen(test)


def test_what_a_command_prints_cannot_work_the_terminal() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        await shown.press("s", "y")
        (await shown.started(1)).end("a\x1b[2Jb [bold]c[/bold]")
        await shown.until("a\\x1b[2Jb [bold]c[/bold]")

    on_screen(test)


def test_without_a_report_no_old_status_is_shown_and_the_log_stays() -> None:
    problem = Unconfirmed("nothing can be read")

    async def test(shown: Shown) -> None:
        await shown.until("OK          DEMOSERVER")
        shown.look.show(Seen(None, problem))
        await shown.until("nothing can be read", "UNKNOWN     DEMOSERVER", "FAILURE: 15 pings")

        assert "OK " not in shown.text
        assert "REPLICATION" not in shown.text

        shown.look.show(Seen(REPORT))
        await shown.until("OK          DEMOSERVER", "REPLICATION")

    on_screen(test)


def test_what_was_seen_before_looking_hung_is_not_shown_for_long() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("OK          DEMOSERVER")
        shown.look.fall_silent()
        await shown.until("the state could not be read for", "UNKNOWN     DEMOSERVER")

        assert "OK " not in shown.text

    on_screen(test)


def test_it_fits_another_size_when_the_terminal_gets_one() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("FAILURE: 15 pings in a row failed")
        for width, height in ((120, 40), (60, 16), (30, 8), (80, 24)):
            await shown.pilot.resize_terminal(width, height)
            await shown.pilot.pause(0.1)

            assert len(shown.lines) == height
            assert max(map(len, shown.lines)) <= width

        await shown.until("FAILURE: 15 pings in a row failed", "File Sync:", "Ready")

    on_screen(test)


def test_an_error_that_nobody_foresaw_ends_the_screen_with_it() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("DEMOSERVER")
        shown.look.show(ZeroDivisionError())
        await shown.until_so(lambda: not shown.app.is_running, "the screen ends")

        assert isinstance(shown.app.return_value, ZeroDivisionError)

    look = FakeLook(Seen(REPORT))
    on_screen(test, look=look)

    assert look.is_closed


def test_log_lines_are_added_and_the_last_one_is_to_be_seen() -> None:
    many = tuple(LOG[1] for _ in range(200))

    async def test(shown: Shown) -> None:
        await shown.until("SUSPECT: no answer to a ping")
        shown.look.show(Seen(REPORT, log=(LOG[2],)))
        await shown.until("FAILURE: 15 pings in a row failed")

    on_screen(test, Seen(REPORT, log=many))
