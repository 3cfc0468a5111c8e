"""A process that is asked to end is told so, once, wherever it is at that moment."""

from __future__ import annotations

import signal
import sys

import pytest

from tests.support.processes import child

BEGIN = """
import os, signal, threading, weakref
from ipfx_failover.adapters.signals import on_end

class Asked(Exception):
    pass

def told(name):
    os.write(1, b"told\\n")  # print may be what the signal interrupts
    raise Asked(name)

on_end(told)
"""
IN_A_CALLBACK = """
class Thing:
    pass

thing = Thing()
watch = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
try:
    del thing
    for _ in range(600):  # in pieces: Windows ends no wait for a signal
        threading.Event().wait(0.1)
except Asked as asked:
    print(asked)
"""
ANOTHER_ERROR = """
import sys

class Thing:
    def __del__(self):
        raise ValueError("of the thing")

sys.stderr = sys.stdout
thing = Thing()
del thing
"""
WHILE_IT_UNDOES = """
try:
    print("ready", flush=True)
    threading.Event().wait(60)
except Asked:
    signal.raise_signal(signal.SIGINT)
    print("undone")
"""
# It comes in another thread, which ends no wait of the main one: so does what comes just before.
MISSED_BY_A_WAIT = """
def strike():
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

threading.Timer(0.2, strike).start()
try:
    threading.Event().wait()
except Asked as asked:
    print(asked)
"""

HANDLED_BY_ANOTHER = """
signal.signal(signal.SIGINT, lambda *_: print("theirs"))
signal.raise_signal(signal.SIGINT)
threading.Event().wait(0.3)
"""

HEARD_OFTEN = """
try:
    signal.raise_signal(signal.SIGINT)
except Asked:
    for _ in range(60):
        signal.raise_signal(signal.SIGINT)
on_end(told)
threading.Event().wait(2)
"""

LEFT_TO_A_CHILD = """
from ipfx_failover.adapters.signals import ctrl_c_left_to_child

with ctrl_c_left_to_child():
    signal.raise_signal(signal.SIGINT)
threading.Event().wait(0.3)
print("kept", flush=True)
signal.raise_signal(signal.SIGINT)
"""

TOLD_TO_A_CHILD = """
if child := os.fork():
    os.waitpid(child, 0)
    threading.Event().wait(0.3)
    print("ready")
else:
    on_end(lambda _: None)
    signal.raise_signal(signal.SIGINT)
    os._exit(0)
"""

WITH_A_PARENT = """
import threading
from ipfx_failover.adapters.signals import end_at_eof, on_end

ended = threading.Event()
on_end(lambda _: ended.set())
end_at_eof()
print("ready", flush=True)
"""

IN_PIECES = "ended.wait(0.1) for _ in range(600)"

LATE = """
import os, signal, threading
from ipfx_failover.adapters.signals import end_with

class Late:
    def __del__(self, told=os.write, strike=signal.raise_signal, number=signal.SIGINT):
        strike(number)
        told(1, b"late")

late = Late()
end_with(6)
"""
STILL_BUSY = """
import threading
from ipfx_failover.adapters.signals import end_with

def work():
    threading.main_thread().join()
    print("ready", flush=True)
    threading.Event().wait()

threading.Thread(target=work).start()
end_with(6)
"""
LAST_WORDS = """
from ipfx_failover.adapters.signals import last_words, let_through

with last_words():
    try:
        with let_through():
            signal.raise_signal(signal.SIGINT)
    except Asked:
        print("asked")
on_end(told)
with last_words():
    signal.raise_signal(signal.SIGINT)
    print("unmoved")
"""


sent = pytest.mark.skipif(
    sys.platform == "win32", reason="there no process sends another one these signals"
)


def test_a_signal_while_the_interpreter_ends_changes_no_exit_code() -> None:
    with child(LATE) as process:
        code, said = process.finish()

    assert (6, "late") == (code, said)


@sent
def test_a_signal_ends_the_wait_for_other_threads_with_the_exit_code() -> None:
    with child(STILL_BUSY) as process:
        process.line()
        process.process.send_signal(signal.SIGINT)
        code, _ = process.finish()

    assert 6 == code


def test_a_signal_while_last_words_are_said_comes_too_late() -> None:
    with child(BEGIN + LAST_WORDS) as process:
        code, said = process.finish()

    assert (0, ["told", "asked", "unmoved"]) == (code, said.split())


def test_what_ends_by_itself_before_its_parent_ends_as_ever() -> None:
    with child(f"{WITH_A_PARENT}raise SystemExit(6)") as process:
        code = process.process.wait(60)

    assert 6 == code


def test_it_ends_when_its_parent_is_gone() -> None:
    with child(f"{WITH_A_PARENT}raise SystemExit(not any({IN_PIECES}))") as process:
        process.line()
        code, _ = process.finish()

    assert 0 == code


def test_what_python_could_not_pass_on_is_told_again() -> None:
    with child(BEGIN + IN_A_CALLBACK) as process:
        code, said = process.finish()

    assert (0, ["told", "told", "SIGINT"]) == (code, said.split())


@sent
def test_a_signal_that_comes_just_before_a_wait_ends_it() -> None:
    with child(BEGIN + MISSED_BY_A_WAIT) as process:
        code, said = process.finish()

    assert (0, ["told", "SIGINT"]) == (code, said.split())


def test_what_a_handler_of_somebody_else_has_seen_is_not_sent_again() -> None:
    with child(BEGIN + HANDLED_BY_ANOTHER) as process:
        code, said = process.finish()

    assert (0, ["theirs"]) == (code, said.split())


def test_what_a_handler_has_heard_is_not_told_to_the_next_one() -> None:
    with child(BEGIN + HEARD_OFTEN) as process:
        code, said = process.finish()

    assert (0, ["told"]) == (code, said.split())


def test_ctrl_c_that_is_left_to_a_child_is_not_told_here() -> None:
    with child(BEGIN + LEFT_TO_A_CHILD) as process:
        code, said = process.finish()

    assert (1, ["kept", "told"]) == (code, said.split()[:2])


@sent
def test_what_a_child_is_told_is_not_for_its_parent() -> None:
    with child(BEGIN + TOLD_TO_A_CHILD) as process:
        code, said = process.finish()

    assert (0, ["ready"]) == (code, said.split())


@sent
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_undoing_is_not_broken_by_a_second_signal(number: signal.Signals) -> None:
    with child(BEGIN + WHILE_IT_UNDOES) as process:
        process.line()
        process.process.send_signal(number)
        code, said = process.finish()

    assert (0, ["told", "undone"]) == (code, said.split())


def test_other_errors_that_cannot_be_passed_on_are_shown_as_ever() -> None:
    with child(BEGIN + ANOTHER_ERROR) as process:
        _, said = process.finish()

    assert "ValueError: of the thing" in said
