"""The tasks by the rules of Task Scheduler's schema ([MS-TSCH] 2.5), for the elements in them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import time

import pytest

from ipfx_failover.adapters.scheduling.task_xml import NAMESPACE, Account, monitor_xml, task_xml
from ipfx_failover.installing import Job

JOB = Job((r"C:\a b\x.exe", "--config", r"C:\x.toml"), (time(1), time(3, 30, 15)))
TASKS = {
    "daily": task_xml(JOB, Account(None, needs_network=False)),
    "daily as somebody": task_xml(JOB, Account(r"D\svc", needs_network=False)),
    "daily with a password": task_xml(JOB, Account(r"D\svc", needs_network=True)),
    "monitor": monitor_xml((r"C:\a b\x.exe", "monitor")),
}

TRIGGER = ("Enabled", "StartBoundary", "EndBoundary", "Repetition", "ExecutionTimeLimit")
# Whose children have an order, with those that the schema has besides.
SEQUENCES = {
    "BootTrigger": (*TRIGGER, "Delay"),
    "CalendarTrigger": (*TRIGGER, "RandomDelay", "ScheduleByDay", "ScheduleByWeek"),
    "ScheduleByDay": ("DaysInterval",),
    "Principals": ("Principal",),
}
# Whose children may stand in any order.
SETS = {
    "Task": {"RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"},
    "RegistrationInfo": {"URI", "Author", "Version", "Description", "Documentation", "Date"},
    "Triggers": {"BootTrigger", "CalendarTrigger", "TimeTrigger", "LogonTrigger"},
    "Repetition": {"Interval", "Duration", "StopAtDurationEnd"},
    "Principal": {"UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"},
    "Settings": {
        *("AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy", "Enabled"),
        *("DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "AllowHardTerminate"),
        *("StartWhenAvailable", "RunOnlyIfNetworkAvailable", "WakeToRun", "Hidden"),
        *("DeleteExpiredTaskAfter", "IdleSettings", "ExecutionTimeLimit", "Priority"),
    },
    "Actions": {"Exec"},
    "Exec": {"Command", "Arguments", "WorkingDirectory"},
}
REQUIRED = {
    "Task": {"Actions"},
    "CalendarTrigger": {"StartBoundary", "ScheduleByDay"},
    "Repetition": {"Interval"},
    "Exec": {"Command"},
}
SEVERAL = {"Triggers", "Actions"}
BOOLEAN = "true|false"
VALUES = {
    "StartBoundary": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "Interval": r"PT[1-9]\d*M",
    "DaysInterval": r"[1-9]|[1-9]\d|[12]\d\d|3[0-5]\d|36[0-5]",
    "LogonType": "S4U|Password|InteractiveToken",
    "RunLevel": "LeastPrivilege|HighestAvailable",
    "MultipleInstancesPolicy": "Parallel|Queue|IgnoreNew|StopExisting",
    "ExecutionTimeLimit": r"PT\d+[HMS]",
    "Priority": r"\d|10",
    "DisallowStartIfOnBatteries": BOOLEAN,
    "StopIfGoingOnBatteries": BOOLEAN,
    "StartWhenAvailable": BOOLEAN,
    "RunOnlyIfNetworkAvailable": BOOLEAN,
    "Enabled": BOOLEAN,
}
TEXTS = {"Author", "Description", "UserId", "Command", "Arguments"}


def violations(xml: str) -> list[str]:
    """What the schema would say against a task."""
    task = ET.fromstring(xml)  # noqa: S314 - our own
    found = [each for element in task.iter() for each in _of_element(element)]
    named = [each.get("id") for each in task.iter(f"{{{NAMESPACE}}}Principal")]
    found += [
        f"nobody is {each.get('Context')}"
        for each in task.iter(f"{{{NAMESPACE}}}Actions")
        if each.get("Context") not in named
    ]
    return found if task.get("version") == "1.2" else [*found, "another version"]


def _of_element(element: ET.Element) -> list[str]:
    name, children = _name(element), [_name(child) for child in element]
    if name in TEXTS:
        return [] if element.text and not children else [f"{name} is empty"]
    if name in VALUES:
        is_right = re.fullmatch(VALUES[name], element.text or "")
        return [] if is_right else [f"{name} is {element.text}"]
    order = SEQUENCES.get(name, ())
    allowed = SETS.get(name, set(order))
    found = [f"{name} has no {child}" for child in children if child not in allowed]
    found += [f"{name} lacks {child}" for child in REQUIRED.get(name, set()) - set(children)]
    if name not in SEVERAL and len(set(children)) < len(children):
        found.append(f"{name} has something twice")
    if not found and order and children != sorted(children, key=order.index):
        found.append(f"{name} is out of order")
    return found


def _name(element: ET.Element) -> str:
    assert element.tag.startswith(f"{{{NAMESPACE}}}")
    return element.tag.removeprefix(f"{{{NAMESPACE}}}")


@pytest.mark.parametrize("task", TASKS)
def test_a_task_keeps_the_rules_of_the_schema(task: str) -> None:
    assert [] == violations(TASKS[task])


@pytest.mark.parametrize(
    ("task", "old", "new", "expected"),
    [
        ("monitor", "PT1M", "1m", "Interval is 1m"),
        ("monitor", "Interval>", "Every>", "Repetition has no Every"),
        ("monitor", "<Repetition>", "<Delay>PT1M</Delay><Repetition>", "BootTrigger is out of"),
        ("monitor", 'id="Author"', 'id="Else"', "nobody is Author"),
        ("daily", "IgnoreNew", "Ignore", "MultipleInstancesPolicy is Ignore"),
        ("daily", "<Enabled>true</Enabled>", "<Enabled>true</Enabled>" * 2, "something twice"),
    ],
)
def test_what_breaks_a_rule_is_seen(task: str, old: str, new: str, expected: str) -> None:
    xml = TASKS[task]
    assert old in xml

    assert any(expected in each for each in violations(xml.replace(old, new)))


def test_the_monitor_is_no_background_work() -> None:
    assert "<Priority>4</Priority>" in TASKS["monitor"]
    assert "<Priority>" not in TASKS["daily"]
