"""The lab's services: mail, the telephony application, its client, the pinger."""

from __future__ import annotations

import json
import signal
import wave
from typing import TYPE_CHECKING

import pytest
from ipfxlab.lab import Lab
from ipfxlab.phone import PhoneClient
from ipfxlab.pinging import Pinging

from ipfx_failover.errors import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ipfxlab.process import LabProcess

SEND = """
import smtplib, sys
from email.message import EmailMessage
mail = EmailMessage()
mail["From"], mail["To"], mail["Subject"] = "failover@example.com", "a@example.com", sys.argv[1]
mail.set_content("Grüße")
with smtplib.SMTP("192.168.11.5", 25, timeout=10) as server:
    server.send_message(mail)
"""

ASK = """
import socket, sys
with socket.create_connection(("127.0.0.1", 100), timeout=10) as line, line.makefile("rw") as talk:
    for request in sys.argv[1:]:
        talk.write(request + "\\n")
        talk.flush()
        print(talk.readline(), end="")
"""


def send_mail(lab: Lab, subject: str) -> None:
    lab.failover_server.run(lab.failover_server.python, "-c", SEND, subject)


@pytest.fixture
def application(lab: Lab) -> LabProcess:
    return lab.primary.start_application()


@pytest.fixture
def caller(lab: Lab, application: LabProcess) -> Iterator[PhoneClient]:
    assert application.running
    client = PhoneClient(lab.client, lab.primary.address, rate=100)
    client.wait_for_event("answered", host="DEMOSERVER")
    yield client
    client.process.stop()


def ask(lab: Lab, *requests: str) -> list[dict[str, object]]:
    host = lab.primary.host
    return [
        json.loads(line)
        for line in host.run(host.python, "-c", ASK, *requests).stdout.split("\n")[:-1]
    ]


def test_a_mail_arrives_with_its_subject_recipients_and_text(shared_lab: Lab) -> None:
    send_mail(shared_lab, "SUSPECT: DEMOSERVER")
    mail = shared_lab.mail.wait_for_mail("^SUSPECT: ")

    assert mail.sender == "failover@example.com"
    assert mail.recipients == ["a@example.com"]
    assert mail.text.strip() == "Grüße"


def test_a_stopped_mail_server_refuses_and_keeps_what_it_had(shared_lab: Lab) -> None:
    send_mail(shared_lab, "before the stop")
    shared_lab.mail.stop()

    with pytest.raises(Failed, match="Connection refused"):
        send_mail(shared_lab, "lost")

    shared_lab.mail.start()
    since = len(shared_lab.mail.mails)
    send_mail(shared_lab, "after the start")
    shared_lab.mail.wait_for_mail("after the start", since=since)

    assert shared_lab.mail.wait_for_mail("before the stop")
    assert "lost" not in [mail.subject for mail in shared_lab.mail.mails]


def test_a_call_is_a_row_and_a_voicemail_is_a_sound_file(lab: Lab, application: LabProcess) -> None:
    call, message, everything = ask(lab, "CALL one 100", "VOICEMAIL two 101", "LIST")

    assert call == {"host": "DEMOSERVER", "key": "one"}
    assert everything["calls"] == ["one", "two"]
    assert everything["voicemail"] == {message["voicemail"]: message["sha256"]}
    with wave.open(str(lab.primary.vm_dir / str(message["voicemail"]))) as sound:
        assert sound.getnframes() == 1600
    assert application.running


def test_voicemail_lies_under_mail_and_under_extn(lab: Lab, application: LabProcess) -> None:
    requests = [f"VOICEMAIL key{extension} {extension}" for extension in range(100, 104)]
    answers = ask(lab, *requests)

    assert {str(answer["voicemail"]).split("/")[0] for answer in answers} == {"Mail", "Extn"}
    assert application.running


def test_the_same_call_twice_is_refused_and_the_conversation_goes_on(
    lab: Lab, application: LabProcess
) -> None:
    _, twice, other, nonsense = ask(lab, "CALL one 100", "CALL one 100", "CALL two 100", "DIAL")

    assert "UNIQUE" in str(twice["error"])
    assert other["key"] == "two"
    assert "not understood" in str(nonsense["error"])
    assert application.running


def test_the_application_says_why_it_cannot_start(lab: Lab) -> None:
    lab.primary.database.mkdir()

    with pytest.raises(Failed, match="cannot start: unable to open database file"):
        lab.primary.start_application()


def test_sigterm_ends_the_application_while_a_client_is_connected(
    caller: PhoneClient, application: LabProcess
) -> None:
    assert application.stop() == 0
    caller.wait_for_event("silent")


def test_no_acknowledged_call_is_lost_when_the_application_is_killed(
    lab: Lab, caller: PhoneClient, application: LabProcess
) -> None:
    caller.wait_for_voicemail()
    application.kill()
    caller.wait_for_event("silent")
    since = len(caller.events)
    lab.primary.start_application()
    again = caller.wait_for_event("answered", since=since)
    verified = caller.verify()

    assert again["outage_s"] > 0
    assert verified.calls_acknowledged > 0
    assert verified.calls_missing == []
    assert verified.voicemail_missing == []


def test_the_client_sees_a_pulled_cable_as_one_outage_and_who_answers_after_it(
    lab: Lab, caller: PhoneClient
) -> None:
    lab.network.pull_cable(lab.primary.host)
    silent = caller.wait_for_event("silent")
    lab.network.plug_cable(lab.primary.host)
    answered = caller.wait_for_event("answered", since=caller.events.index(silent))
    record = caller.stop()

    assert answered["host"] == "DEMOSERVER"
    assert silent["monotonic_s"] < answered["monotonic_s"]
    assert [outage["outage_s"] for outage in record["outages"]] == [answered["outage_s"]]
    assert record["calls"][-1]["host"] == "DEMOSERVER"
    assert record["unanswered"]


def test_the_client_notices_what_the_server_does_not_know(
    lab: Lab, caller: PhoneClient, application: LabProcess
) -> None:
    caller.wait_for_voicemail()
    application.stop()
    for path in lab.primary.vm_dir.glob("*/*/*.wav"):
        path.write_bytes(b"not what was left")
    for path in lab.primary.database.parent.iterdir():
        path.unlink()
    since = len(caller.events)
    lab.primary.start_application()
    caller.wait_for_event("answered", since=since)
    verified = caller.verify()

    assert verified.calls_missing
    assert len(verified.calls_missing) < verified.calls_acknowledged
    assert verified.voicemail_missing


def test_the_pinger_measures_how_long_the_cable_was_out(shared_lab: Lab) -> None:
    lab = shared_lab
    pinging = Pinging(lab.client, lab.gateway.addresses[0].split("/")[0])
    lab.network.pull_cable(lab.gateway)
    lab.client.run("ping", "-c1", "-W1", "192.168.11.254", check=False)
    lab.network.plug_cable(lab.gateway)
    lab.client.run("ping", "-c1", "-W5", "192.168.11.254")
    gap = pinging.stop().longest_gap

    assert gap is not None
    assert gap.unanswered > 100
    assert gap.outage_ns > 900_000_000


def test_an_announcement_moves_the_clients_to_whoever_sends_it(shared_lab: Lab) -> None:
    client, gateway = shared_lab.client, shared_lab.gateway
    client.run("ping", "-c1", "192.168.11.2")
    gateway.announce("192.168.11.2")
    neighbour = client.run("ip", "neigh", "show", "192.168.11.2").stdout
    shared_lab.failover_server.announce("192.168.11.2")

    assert "02:00:c0:a8:0b:fe" in neighbour
    assert "02:00:c0:a8:0b:02" in client.run("ip", "neigh", "show", "192.168.11.2").stdout


def test_a_signal_reaches_the_program_and_not_only_its_wrapper(shared_lab: Lab) -> None:
    with shared_lab.client.popen("sleep", "1000") as process:
        process.send_signal(signal.SIGUSR1)

        assert process.wait() == -signal.SIGUSR1


def test_a_lab_with_two_primaries_has_a_trusted_ssh_server_on_each() -> None:
    with Lab("DEMOSERVER", "SECOND") as lab:
        names = [
            lab.failover_server.run(
                *("ssh", "-i", str(lab.ssh_key), "-o", "BatchMode=yes"),
                *("-o", f"UserKnownHostsFile={lab.known_hosts}"),
                *(f"root@{primary.management_address}", "hostname"),
            ).stdout.strip()
            for primary in lab.primaries.values()
        ]

    assert names == ["DEMOSERVER", "SECOND"]
