"""Messages in German, as a server tells them whose logins have that language.

A handful of texts, in our words; the numbers count. Others stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tests.sqlserver.results import Message, Result

_GERMAN = {
    208: (r"Invalid object name '(.*)'\.", r"Ungültiger Objektname '\1'."),
    911: (r"Database '(.*)' does not exist.*", r"Die Datenbank '\1' ist nicht vorhanden."),
    924: (r"Database '(.*)' is already open.*", r"Die Datenbank '\1' hat schon einen Benutzer."),
    1205: (
        r"Transaction \(Process ID (\d+)\) was deadlocked.*",
        r"Die Transaktion (Prozess-ID \1) wurde als Deadlockopfer ausgewählt.",
    ),
    3013: (r"(.*) is terminating abnormally\.", r"\1 wird fehlerbedingt beendet."),
    3014: (
        r"(.*) successfully processed (\d+) pages.*",
        r"\1 hat \2 Seiten in 0,1 Sekunden erfolgreich verarbeitet.",
    ),
    3202: (r'Write on "(.*)" failed: (.*)', r'Fehler beim Schreiben auf "\1": \2'),
    3211: (r"(\d+) percent processed\.", r"\1 Prozent verarbeitet."),
    3262: (
        r"The backup set on file (\d+) is valid\.",
        r"Der Sicherungssatz \1 ist gültig.",
    ),
    4035: (
        r"Processed (\d+) pages for database '(.*)', file '(.*)' on file 1\.",
        r"\1 Seiten wurden für die Datenbank '\2', Datei '\3', in Datei 1 verarbeitet.",
    ),
    4060: (
        r'Cannot open database "(.*)" requested.*',
        r'Die angeforderte Datenbank "\1" kann nicht geöffnet werden. Fehler bei der Anmeldung.',
    ),
    5030: (
        r"The database could not be exclusively locked.*",
        r"Die Datenbank konnte nicht exklusiv gesperrt werden.",
    ),
    5069: (r"ALTER DATABASE statement failed\.", r"Fehler bei der ALTER DATABASE-Anweisung."),
    5701: (
        r"Changed database context to '(.*)'\.",
        r"Der Datenbankkontext wurde in '\1' geändert.",
    ),
    5703: (
        r"Changed language setting to us_english\.",
        r"Die Spracheneinstellung wurde in Deutsch geändert.",
    ),
    18456: (
        r"Login failed for user '(.*)'\.",
        r"Fehler bei der Anmeldung für den Benutzer '\1'.",
    ),
}


def message_in(language: str, message: Message) -> Message:
    """A message as people of that language read it."""
    if language != "german" or message.number not in _GERMAN:
        return message
    pattern, text = _GERMAN[message.number]
    return replace(message, text=re.sub(f"^{pattern}$", text, message.text, flags=re.DOTALL))


def result_in(language: str, result: Result) -> Result:
    """A result; only messages have a language."""
    return message_in(language, result) if isinstance(result, Message) else result
