"""The log and a command's output stay at their end, unless somebody scrolls back."""

from __future__ import annotations

from dataclasses import replace

from ipfx_failover.events import EventKind
from ipfx_failover.screen.values import Seen
from tests.support.screen import REPORT, Shown, logged, on_screen


def seen(*numbers: int, warnings: tuple[str, ...] = ()) -> Seen:
    """A log line of each number more; the title tells the last one."""
    monitor = replace(REPORT.monitor, pid=numbers[-1])
    lines = [logged(each, EventKind.MONITOR_STOPPED, detail=f" -{each}-") for each in numbers]
    return Seen(replace(REPORT, monitor=monitor, warnings=warnings), log=tuple(lines))


async def tell(shown: Shown, *numbers: int, warnings: tuple[str, ...] = ()) -> None:
    shown.look.show(seen(*numbers, warnings=warnings))
    await shown.until(f"monitor: process {numbers[-1]}")


FIRST = seen(*range(1, 101))


def test_the_log_goes_on_at_its_end_when_a_commands_output_is_closed() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("-100-")
        await shown.press("s", "y")
        (await shown.started(1)).end("DEMOSERVER: Suspended")
        await shown.until("Esc closes this")
        await tell(shown, *range(101, 131))
        await shown.press("escape")
        await shown.until("-130-")
        await tell(shown, *range(131, 151))
        await shown.until("-150-")

    on_screen(test, FIRST)


def test_the_end_of_a_command_is_to_be_seen_when_its_pane_has_become_smaller() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("-100-")
        await shown.press("s", "y")
        command = await shown.started(1)
        command.say(*(f"line {number}" for number in range(20)))
        await shown.until("line 19")
        await tell(shown, 101, warnings=("one", "two", "three", "four"))
        command.end("line 20")
        await shown.until("line 20", "exit code 0 (done); Esc closes this")

    on_screen(test, FIRST, size=(80, 30))


def test_the_next_commands_output_is_followed_whoever_scrolled_back_in_the_last_one() -> None:
    async def test(shown: Shown) -> None:
        for number in (1, 2):
            await shown.until("DEMOSERVER")
            await shown.press("s", "y")
            command = await shown.started(number)
            command.end(*(f"line {line}" for line in range(40)))
            await shown.until("line 39", "Esc closes this")
            await shown.press("tab", "tab", "home")
            await shown.until("line 0")
            await shown.press("escape")

    on_screen(test, FIRST)


def test_who_scrolls_back_in_the_log_is_left_there_until_the_end_is_reached_again() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("-100-")
        await shown.press("tab", "tab", "pageup")
        await shown.until("-93-")
        await shown.until_gone("-94-")
        await tell(shown, *range(101, 131))
        await shown.pilot.pause()

        assert "-93-" in shown.text
        assert "-94-" not in shown.text

        await shown.press("end")
        await shown.until("-130-")
        await tell(shown, *range(131, 151))
        await shown.until("-150-")

    on_screen(test, FIRST)


def test_who_scrolls_on_at_the_end_goes_on_following() -> None:
    async def test(shown: Shown) -> None:
        await shown.until("-100-")
        await shown.press("tab", "tab", "down", "pagedown")
        await tell(shown, *range(101, 131))
        await shown.until("-130-")

    on_screen(test, FIRST)
