// What a rule in JavaScript is handed, and the way from the calls of the host to
// the rules of a pack: the tables of the contract as objects with names.
//
// Invariant: nothing is kept from one call to the next. Each table is pulled when
// a rule first asks for it. What a rule throws reaches the user with its message.

import * as host from "plimsoll:rules/document@0.2.0";
import * as log from "plimsoll:rules/log@0.2.0";
import * as model from "plimsoll:rules/model@0.2.0";
import * as settings from "plimsoll:rules/settings@0.2.0";

/** "None" in a table. */
const NONE = 0xffffffff;
/** One more than the contract allows, so that the host can tell the user that more were there. */
const FINDINGS_MAX = 2001;
/** Rules of one pack: numbers hold so many bits exactly. */
const RULES_MAX = 53;
/** Levels of a failure's causes that are told. */
const CAUSES_MAX = 4;
/** Places that the message of a failure names. */
const PLACES_MAX = 6;

const SEVERITIES = ["error", "warning", "info", "style"];

const KEYWORDS = [
  "UNKNOWN", "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
  "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
];
const BASES = ["scratch", "stage", "image", "unknown", "context"];
const IMAGE_KINDS = ["from", "copy", "mount"];

/** Rules have no clock and no randomness; reaching for either would trap without a word. */
function without(what) {
  return () => {
    throw new Error(`rules have no ${what}`);
  };
}

Math.random = without("randomness");
globalThis.Date = class extends Date {
  static now = without("clock");

  constructor(...parts) {
    super(...(parts.length === 0 ? without("clock")() : parts));
  }
};

/** The Dockerfile that a rule is asked about. Spans are `{start, end}`, in bytes. */
class Document {
  /** The file's path as the report shows it. */
  get path() {
    return host.path();
  }

  /** All instructions in file order, triggers of ONBUILD among them. */
  get instructions() {
    const [words, flags] = [once(() => rows(host.words(), 3)), once(() => rows(host.flags(), 6))];
    return keep(this, "instructions", rows(host.instructions(), 17).map((row, index) => new Instruction(index, row, words, flags)));
  }

  /** All stages in file order. */
  get stages() {
    return keep(this, "stages", rows(model.stages(), 18).map((row, index) => new Stage(this, index, row)));
  }

  /** All images that the file names. */
  get images() {
    const image = ([, kind, start, end, reference, length, platform, platformLength]) => ({
      /** What names it: `from`, `copy`, `mount`, `unknown`. */
      kind: IMAGE_KINDS[kind] ?? "unknown",
      span: { start, end },
      /** Normalised. */
      reference: this.string(reference, length),
      /** The platform it is wanted for. */
      platform: this.string(platform, platformLength),
    });
    return keep(this, "images", rows(model.images(), 8).map(image));
  }

  /** The text of a span as the build reads it: without line continuations. */
  text(span) {
    return host.logicalText(span);
  }

  /** A text of the model; offset and length count bytes. */
  string(offset, length) {
    const strings = this.strings ?? keep(this, "strings", bytes(model.strings()));
    return typeof strings === "string" ? strings.slice(offset, offset + length) : text(strings.slice(offset, offset + length));
  }
}

/** An instruction, or the trigger of an ONBUILD. */
class Instruction {
  constructor(index, row, words, flags) {
    this.index = index;
    /** Such as `RUN`; `UNKNOWN` for what is none. */
    this.keyword = KEYWORDS[row[0]] ?? "UNKNOWN";
    this.isExecForm = (row[1] & 1) !== 0;
    this.span = { start: row[2], end: row[3] };
    this.keywordSpan = { start: row[4], end: row[5] };
    this.argumentsSpan = { start: row[6], end: row[7] };
    /** The row of the ONBUILD around it, or null. */
    this.onbuild = orNull(row[14]);
    Object.defineProperty(this, "tables", { value: { row, words, flags } });
  }

  /** Its words. */
  get words() {
    const { row, words } = this.tables;
    const word = (columns, index) => new Word(row[8] + index, columns);
    return keep(this, "words", words().slice(row[8], row[8] + row[9]).map(word));
  }

  /** Its flags, such as `--from=build`. */
  get flags() {
    const { row, flags } = this.tables;
    return keep(this, "flags", flags().slice(row[10], row[10] + row[11]).map((columns) => new Flag(columns)));
  }
}

/** A word of an instruction. */
class Word {
  constructor(index, [start, end, bits]) {
    this.index = index;
    this.span = { start, end };
    this.isContinued = (bits & 1) !== 0;
  }

  /** Its text without line continuations, quotes and escapes kept. */
  get text() {
    return keep(this, "text", this.isContinued ? host.wordText(this.index) : host.text(this.span));
  }
}

/** A flag of an instruction. */
class Flag {
  constructor([start, end, nameStart, nameEnd, valueStart, valueEnd]) {
    this.span = { start, end };
    this.nameSpan = { start: nameStart, end: nameEnd };
    /** Where its value stands, or null. */
    this.valueSpan = isNone(valueStart) ? null : { start: valueStart, end: valueEnd };
  }

  /** Its name, without `--`. */
  get name() {
    return keep(this, "name", host.logicalText(this.nameSpan));
  }

  /** Its value as written, or null. */
  get value() {
    return keep(this, "value", this.valueSpan && host.logicalText(this.valueSpan));
  }
}

/** A stage. */
class Stage {
  constructor(document, index, row) {
    this.index = index;
    /** The row of its FROM in `instructions`. */
    this.from = row[0];
    /** What it is built on: `scratch`, `stage`, `image`, `context`, or `unknown` where that cannot be told. */
    this.base = BASES[row[3]] ?? "unknown";
    /** The stage it is built on, or null. */
    this.baseStage = orNull(row[4]);
    this.baseSpan = { start: row[10], end: row[11] };
    /** Where its name stands, or null. */
    this.nameSpan = isNone(row[6]) ? null : { start: row[6], end: row[7] };
    /** Whether the target of the build needs it. */
    this.isNeeded = (row[17] & 1) !== 0;
    Object.defineProperty(this, "tables", { value: { row, document } });
  }

  /** Its base as it reads after expansion. */
  get baseText() {
    const { row, document } = this.tables;
    return keep(this, "baseText", document.string(row[15], row[16]));
  }

  /** Its name as written, or null. */
  get name() {
    return keep(this, "name", this.nameSpan && host.logicalText(this.nameSpan));
  }

  /** The platform that its base image should have. */
  get platform() {
    return keep(this, "platform", model.stagePlatform(this.index));
  }
}

/** The findings of one rule. */
class Report {
  constructor(rule) {
    this.rule = rule;
    this.findings = [];
  }

  /** Adds a finding and hands it back, to be given fixes or another severity. */
  add(span, message) {
    const finding = { rule: this.rule, message: String(message), span, severity: null, url: null, related: [], lockEntry: null, fixes: [] };
    if (this.findings.length < FINDINGS_MAX) {
      this.findings.push(finding);
    }
    return finding;
  }
}

/** Where a rule's questions start from. */
class Plan {
  constructor(rule) {
    this.rule = rule;
  }

  /** A request about a stage, to be handed to a question such as `planImage`. Notes (bytes) come back with the answer. */
  aboutStage(stage, state = []) {
    return { rule: this.rule, scope: { tag: "stage", val: stage }, state, budgetMs: null };
  }

  /** A request about the whole file. */
  aboutFile(state = []) {
    return { rule: this.rule, scope: { tag: "file" }, state, budgetMs: null };
  }
}

/** The exports of a component, made of rules: rows of name, module and page. */
export function pack(version, rules) {
  if (rules.length > RULES_MAX) {
    throw new Error(`a pack in JavaScript has at most ${RULES_MAX} rules; here are ${rules.length}`);
  }

  /** Does something with each rule that is to run. */
  function forEachEnabled(body) {
    const [bits, announces] = [settings.enabled(0), settings.announces()];
    rules.forEach(([, rule], index) => {
      if (Math.floor(bits / 2 ** index) % 2 === 1) {
        if (announces) {
          log.enter(index);
        }
        told(index, () => body(rule, index, options(rule, index)));
      }
    });
  }

  const plugin = {
    describe: () => ({ version, rules: rules.map(([name, rule, page]) => description(name, rule, page)) }),
    validateOptions(index, text) {
      const rule = rules[index][1];
      if (!rule.optionsSchema) {
        return Object.keys(JSON.parse(text || "{}")).length === 0 ? [] : [{ path: "", message: "this rule takes no options" }];
      }
      return rule.validateOptions?.(JSON.parse(text || "{}")) ?? [];
    },
  };

  const fast = {
    check() {
      const [document, findings] = [new Document(), []];
      forEachEnabled((rule, index, options) => {
        const report = new Report(index);
        rule.check?.(document, report, options);
        findings.push(...checked(report));
      });
      return findings;
    },
  };

  const slow = {
    plan() {
      const document = new Document();
      forEachEnabled((rule, index, options) => rule.plan?.(document, new Plan(index), options));
    },
    onSuccess(answered) {
      const { rule: index } = answered;
      const rule = rules[index][1];
      return told(index, () => {
        const report = new Report(index);
        const followUp = new Plan(index);
        const verdict = rule.onSuccess?.({ ...answered, followUp }, new Document(), report, options(rule, index));
        return verdict === "add" || verdict === "replace" ? { tag: verdict, val: checked(report) } : { tag: "keep" };
      });
    },
  };

  return { plugin, fast, slow };
}

function description(name, rule, documentation) {
  if (typeof rule.summary !== "string") {
    throw new Error(`rules/${name}.js: it exports no summary: write export const summary = "…";`);
  }
  return {
    name,
    summary: rule.summary,
    severity: rule.severity ?? "warning",
    url: rule.url ?? null,
    documentation,
    optionsSchema: rule.optionsSchema ? JSON.stringify(rule.optionsSchema) : "",
    fixable: rule.fixable ?? false,
    optIn: rule.optIn ?? false,
    about: rule.about ?? "dockerfile",
  };
}

function options(rule, index) {
  return rule.optionsSchema ? JSON.parse(settings.options(index) || "{}") : {};
}

/** Runs what a rule does, and tells the host why it fails before it does. */
function told(index, body) {
  try {
    return body();
  } catch (error) {
    log.enter(index);
    log.panicked(message(error));
    throw error;
  }
}

/** What was thrown, where in the plugin's own files, and because of what, in one line. */
function message(error, depth = 0) {
  if (!(error instanceof Error)) {
    return `threw ${typeof error === "string" ? error : JSON.stringify(error) ?? String(error)}`;
  }
  const places = String(error.stack ?? "").split("\n").map((line) => line.match(/\/((?:rules|src|node_modules)\/[^)]*)/)?.[1]).filter(Boolean);
  const place = places.length === 0 ? "" : ` (at ${places.slice(0, PLACES_MAX).join(", ")})`;
  const cause = error.cause === undefined || depth >= CAUSES_MAX ? "" : `, caused by ${message(error.cause, depth + 1)}`;
  return `${error.name}: ${error.message}${place}${cause}`;
}

/** Findings as the contract wants them: what has other types would end the call without a word. */
function checked({ findings }) {
  const isText = (value) => value === null || typeof value === "string";
  for (const { span, severity, url, message } of findings) {
    if (!Number.isInteger(span?.start) || !Number.isInteger(span?.end)) {
      throw new TypeError(`a finding's span is ${JSON.stringify(span)}, which is no {start, end}: ${message}`);
    }
    if (severity !== null && !SEVERITIES.includes(severity)) {
      throw new TypeError(`a finding's severity is ${JSON.stringify(severity)}, which is none of ${SEVERITIES.join(", ")}`);
    }
    if (!isText(url) || typeof message !== "string") {
      throw new TypeError(`a finding's message and url are texts; here they are ${typeof message} and ${typeof url}`);
    }
  }
  return findings;
}

/** Puts a value in the place of the getter that made it. */
function keep(object, name, value) {
  Object.defineProperty(object, name, { value, enumerable: true });
  return value;
}

function once(make) {
  let made;
  return () => (made ??= make());
}

function rows(table, stride) {
  return Array.from({ length: table.length / stride }, (_, row) => table.slice(row * stride, (row + 1) * stride));
}

/** The toolchain may hand over the largest numbers as negative ones. */
function isNone(number) {
  return number >>> 0 === NONE;
}

function orNull(number) {
  return isNone(number) ? null : number;
}

/** A text to be cut by bytes: itself if it is ASCII, else its UTF-8. */
function bytes(text) {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text) ? text : Array.from(unescape(encodeURIComponent(text)), (byte) => byte.charCodeAt(0));
}

function text(bytes) {
  return decodeURIComponent(escape(String.fromCharCode(...bytes)));
}
