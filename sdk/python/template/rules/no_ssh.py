"""Containers should not offer SSH."""

SUMMARY = "Containers should not offer SSH"


def check(document, report, options):
    for expose in (one for one in document.instructions if one.keyword == "EXPOSE"):
        for port in expose.words:
            if port.text in ("22", "22/tcp"):
                report.add(port.span, "Enter containers through their engine (docker exec), not through SSH")
