"""What a rule in Python is handed, and the way from the calls of the host to the
rules of a pack: the tables of the contract as objects with names.

Invariant: nothing is kept from one call to the next. Each table is pulled when a
rule first asks for it. What a rule raises reaches the user with its message.
"""

import json
import sys
import time
from dataclasses import dataclass
from functools import cached_property

from wit_world.imports import document as host
from wit_world.imports import log, model, settings
from wit_world.imports.types import (
    About,
    Answered,
    Description,
    Edit,
    Finding,
    Fix,
    OptionError,
    Request,
    Rule,
    Safety,
    Scope_Derived,
    Scope_File,
    Scope_Stage,
    Severity,
    Span,
    Verdict_Add,
    Verdict_Keep,
    Verdict_Replace,
)

__all__ = [
    "About", "Answered", "Document", "Edit", "Finding", "Fix", "Instruction", "OptionError", "Plan", "Report", "Safety",
    "Scope_Derived", "Scope_File", "Scope_Stage", "Severity", "Span", "Stage", "Word",
]

# "None" in a table.
NONE = 0xFFFFFFFF
# One more than the contract allows, so that the host can tell the user that more were there.
FINDINGS_MAX = 2001
# Rules of which the host says at once whether they run.
RULES_AT_ONCE = 64
# Places that the message of a failure names.
FRAMES_MAX = 6

KEYWORDS = (
    "UNKNOWN", "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)
BASES = ("scratch", "stage", "image", "unknown", "context")
IMAGE_KINDS = ("from", "copy", "mount")


class _Lines:
    """A standard stream: lines of the plugin's log."""

    def __init__(self, level: log.Level):
        self.level, self.rest = level, ""

    def write(self, text: str) -> int:
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            log.write(self.level, line)
        return len(text)

    def flush(self) -> None:
        pass


def _without(what: str):
    """Rules have none of it; reaching for it would trap without a word."""

    def refuse(*_):
        raise RuntimeError(f"rules have no {what}")

    return refuse


for _name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"):
    setattr(time, _name, _without("clock"))


class Document:
    """The Dockerfile that a rule is asked about."""

    @cached_property
    def path(self) -> str:
        """The file's path as the report shows it."""
        return host.path()

    @cached_property
    def instructions(self) -> list["Instruction"]:
        """All instructions in file order, triggers of ONBUILD among them."""
        return [Instruction(self, index, row) for index, row in enumerate(_rows(host.instructions(), 17))]

    @cached_property
    def stages(self) -> list["Stage"]:
        """All stages in file order."""
        return [Stage(self, index, row) for index, row in enumerate(_rows(model.stages(), 18))]

    @cached_property
    def images(self) -> list["Image"]:
        """All images that the file names."""
        return [
            Image(_named(IMAGE_KINDS, row[1]), Span(row[2], row[3]), self._string(row, 4), self._string(row, 6))
            for row in _rows(model.images(), 8)
        ]

    def text(self, span: Span) -> str:
        """The text of a span as the build reads it: without line continuations."""
        return host.logical_text(span)

    @cached_property
    def _words(self) -> list[list[int]]:
        return _rows(host.words(), 3)

    @cached_property
    def _flags(self) -> list[list[int]]:
        return _rows(host.flags(), 6)

    @cached_property
    def _strings(self) -> bytes:
        return model.strings().encode()

    def _string(self, row: list[int], column: int) -> str:
        return self._strings[row[column] : row[column] + row[column + 1]].decode()


class Instruction:
    """An instruction, or the trigger of an ONBUILD."""

    def __init__(self, document: Document, index: int, row: list[int]):
        self._document, self._row = document, row
        self.index = index
        # Such as `RUN`; `UNKNOWN` for what is none.
        self.keyword = KEYWORDS[row[0]] if row[0] < len(KEYWORDS) else "UNKNOWN"
        self.is_exec_form = bool(row[1] & 1)
        self.span = Span(row[2], row[3])
        self.keyword_span = Span(row[4], row[5])
        self.arguments_span = Span(row[6], row[7])
        # The row of the ONBUILD around it.
        self.onbuild = _or_none(row[14])

    @cached_property
    def words(self) -> list["Word"]:
        """Its words."""
        first, count = self._row[8], self._row[9]
        return [Word(index, self._document._words[index]) for index in range(first, first + count)]

    @cached_property
    def flags(self) -> list["Flag"]:
        """Its flags, such as `--from=build`."""
        first, count = self._row[10], self._row[11]
        return [Flag(row) for row in self._document._flags[first : first + count]]


class Word:
    """A word of an instruction."""

    def __init__(self, index: int, row: list[int]):
        self.index, self.span, self.is_continued = index, Span(row[0], row[1]), bool(row[2] & 1)

    @cached_property
    def text(self) -> str:
        """Its text without line continuations, quotes and escapes kept."""
        return host.word_text(self.index) if self.is_continued else host.text(self.span)


class Flag:
    """A flag of an instruction."""

    def __init__(self, row: list[int]):
        self.span, self.name_span, self.value_span = Span(row[0], row[1]), Span(row[2], row[3]), _span(row, 4)

    @cached_property
    def name(self) -> str:
        """Its name, without `--`."""
        return host.logical_text(self.name_span)

    @cached_property
    def value(self) -> str | None:
        """Its value as written."""
        return self.value_span and host.logical_text(self.value_span)


class Stage:
    """A stage."""

    def __init__(self, document: Document, index: int, row: list[int]):
        self._document, self._row = document, row
        self.index = index
        # The row of its FROM in `instructions`.
        self.from_index = row[0]
        # What it is built on: `scratch`, `stage`, `image`, `context`, or `unknown` where that cannot be told.
        self.base = _named(BASES, row[3])
        # The stage it is built on.
        self.base_stage = _or_none(row[4])
        self.base_span = Span(row[10], row[11])
        # Where its name stands.
        self.name_span = _span(row, 6)
        # Whether the target of the build needs it.
        self.is_needed = bool(row[17] & 1)

    @cached_property
    def base_text(self) -> str:
        """Its base as it reads after expansion."""
        return self._document._string(self._row, 15)

    @cached_property
    def name(self) -> str | None:
        """Its name as written."""
        return self.name_span and host.logical_text(self.name_span)

    @cached_property
    def platform(self) -> str:
        """The platform that its base image should have."""
        return model.stage_platform(self.index)


@dataclass
class Image:
    """An image that the file names."""

    # What names it: `from`, `copy`, `mount`, `unknown`.
    kind: str
    span: Span
    # Normalised.
    reference: str
    # The platform it is wanted for.
    platform: str


class Report:
    """The findings of one rule."""

    def __init__(self, rule: int):
        self.rule = rule
        self.findings: list[Finding] = []

    def add(self, span: Span, message: str) -> Finding:
        """Adds a finding and hands it back, to be given fixes or another severity."""
        finding = Finding(self.rule, message, span, None, None, [], None, [])
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)
        return finding


class Plan:
    """Where a rule's questions start from."""

    def __init__(self, rule: int):
        self.rule = rule

    def about_stage(self, stage: int, state: bytes = b"") -> Request:
        """A request about a stage, to be handed to a question such as `plan_image`. Notes come back with the answer."""
        return Request(self.rule, Scope_Stage(stage), state, None)

    def about_file(self, state: bytes = b"") -> Request:
        """A request about the whole file."""
        return Request(self.rule, Scope_File(), state, None)


class Pack:
    """Rules, as the exports of a component ask for them: rows of name, module and page."""

    def __init__(self, version: str, rules: list[tuple]):
        self.version, self.rules = version, rules
        # Whoever forgets something learns it when the component is built.
        self.description = Description(version, [_description(*rule) for rule in rules])

    def validate_options(self, index: int, options: str) -> list[OptionError]:
        rule = self.rules[index][1]
        given = json.loads(options or "{}")
        if not hasattr(rule, "OPTIONS_SCHEMA"):
            return [OptionError("", "this rule takes no options")] if given else []
        return rule.validate_options(given) if hasattr(rule, "validate_options") else []

    def check(self) -> list[Finding]:
        document, findings = _document(), []

        def check_one(index, rule, options):
            report = Report(index)
            if hasattr(rule, "check"):
                rule.check(document, report, options)
            findings.extend(_checked(report))

        self._for_each_enabled(check_one)
        return findings

    def plan(self) -> None:
        document = _document()

        def plan_one(index, rule, options):
            if hasattr(rule, "plan"):
                rule.plan(document, Plan(index), options)

        self._for_each_enabled(plan_one)

    def on_success(self, answered: Answered):
        index = answered.rule
        rule = self.rules[index][1]
        with _Told(index):
            report = Report(index)
            # Where a question that follows up the answer starts from.
            answered.follow_up = Plan(index)
            verdict = rule.on_success(answered, _document(), report, _options(rule, index))
            findings = _checked(report)
            return {"keep": lambda _: Verdict_Keep(), "add": Verdict_Add, "replace": Verdict_Replace}[verdict](findings)

    def _for_each_enabled(self, body) -> None:
        announces, bits = settings.announces(), 0
        for index, (_, rule, _) in enumerate(self.rules):
            if index % RULES_AT_ONCE == 0:
                bits = settings.enabled(index)
            if not bits >> index % RULES_AT_ONCE & 1:
                continue
            if announces:
                log.enter(index)
            with _Told(index):
                body(index, rule, _options(rule, index))


def _document() -> Document:
    """The document of a call; only in one there is a log."""
    sys.stdout, sys.stderr = _Lines(log.Level.INFO), _Lines(log.Level.WARN)
    return Document()


class _Told:
    """Tells the host why a rule fails, before the call does."""

    def __init__(self, rule: int):
        self.rule = rule

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is not None:
            log.enter(self.rule)
            log.panicked(_message(error))
        return False


def _message(error: BaseException) -> str:
    """What was raised, and where in the plugin's own files."""
    # Not by `traceback`, which looks for the files.
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = [f"{_shown(file)}:{line}" for file, line in places if not file.endswith("/plimsoll.py")]
    told = f" (at {', '.join(reversed(own[-FRAMES_MAX:]))})" if own else ""
    cause = error.__cause__
    return f"{type(error).__name__}: {error}{told}" + (f", caused by {_message(cause)}" if cause else "")


def _shown(path: str) -> str:
    """A file from the folder on that the tool was given: it numbers these."""
    return path.lstrip("/").partition("/")[2] or path


def _checked(report: Report) -> list[Finding]:
    """What has other types than the contract's would end the call without a word."""
    for finding in report.findings:
        if not isinstance(finding.span, Span):
            raise TypeError(f"a finding's span is {finding.span!r}, which is no Span")
        if not isinstance(finding.message, str):
            raise TypeError(f"a finding's message is {finding.message!r}, which is no text")
        if not isinstance(finding.severity, Severity | None):
            raise TypeError(f"a finding's severity is {finding.severity!r}, which is no Severity")
    return report.findings


def _description(name: str, rule, documentation: str) -> Rule:
    if not isinstance(getattr(rule, "SUMMARY", None), str):
        raise TypeError(f"the rule {name} has no summary: write SUMMARY = \"…\"")
    return Rule(
        name,
        rule.SUMMARY,
        getattr(rule, "SEVERITY", Severity.WARNING),
        getattr(rule, "URL", None),
        documentation,
        json.dumps(rule.OPTIONS_SCHEMA) if hasattr(rule, "OPTIONS_SCHEMA") else "",
        getattr(rule, "FIXABLE", False),
        getattr(rule, "OPT_IN", False),
        getattr(rule, "ABOUT", About.DOCKERFILE),
    )


def _options(rule, index: int) -> dict:
    return json.loads(settings.options(index) or "{}") if hasattr(rule, "OPTIONS_SCHEMA") else {}


def _rows(table: list[int], stride: int) -> list[list[int]]:
    return [table[at : at + stride] for at in range(0, len(table), stride)]


def _span(row: list[int], column: int) -> Span | None:
    return None if row[column] == NONE else Span(row[column], row[column + 1])


def _or_none(number: int) -> int | None:
    return None if number == NONE else number


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else "unknown"
