// What the author of a rule in C sees: the tables of the contract as rows with
// names, findings, questions. Everything that is asked for is pulled from the
// host when it is first needed.
//
// Texts end with a NUL, and are valid UTF-8. Memory lasts until the call that
// asked for it ends: `malloc` as you like, `free` does nothing.
//
// What the host offers besides is in everything.h, as wit-bindgen writes it from
// the contract; `plimsoll_string` and `plimsoll_text` lead there and back.
#ifndef PLIMSOLL_H
#define PLIMSOLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "everything.h"

// No row, no place.
#define PLIMSOLL_NONE UINT32_MAX

// A range of the source, in bytes.
typedef plimsoll_rules_types_span_t plimsoll_span;
// An answer that has arrived: `id` names it, `scope` is what it is about.
typedef plimsoll_rules_types_answered_t plimsoll_answered;
// A finding, to be given another severity, fixes or other places.
typedef plimsoll_rules_types_finding_t plimsoll_finding;
// What a request is about.
typedef plimsoll_rules_types_scope_t plimsoll_scope;
// A question's rule, scope, notes and time.
typedef plimsoll_rules_types_request_t plimsoll_request;

// What an instruction is.
typedef enum {
    PLIMSOLL_UNKNOWN,
    PLIMSOLL_ADD,
    PLIMSOLL_ARG,
    PLIMSOLL_CMD,
    PLIMSOLL_COPY,
    PLIMSOLL_ENTRYPOINT,
    PLIMSOLL_ENV,
    PLIMSOLL_EXPOSE,
    PLIMSOLL_FROM,
    PLIMSOLL_HEALTHCHECK,
    PLIMSOLL_LABEL,
    PLIMSOLL_MAINTAINER,
    PLIMSOLL_ONBUILD,
    PLIMSOLL_RUN,
    PLIMSOLL_SHELL,
    PLIMSOLL_STOPSIGNAL,
    PLIMSOLL_USER,
    PLIMSOLL_VOLUME,
    PLIMSOLL_WORKDIR,
} plimsoll_keyword;

// A word of an instruction; `plimsoll_word_text` has its text.
typedef struct {
    uint32_t index;
    plimsoll_span span;
    // Whether a line continuation runs through it.
    bool is_continued;
} plimsoll_word;

// A flag such as `--from=build`; spans of what is not there start at
// PLIMSOLL_NONE.
typedef struct {
    plimsoll_span span, name, value;
} plimsoll_flag;

// An instruction, or the trigger of an ONBUILD.
typedef struct {
    uint32_t index;
    plimsoll_keyword keyword;
    bool is_exec_form;
    plimsoll_span span, keyword_span, arguments;
    const plimsoll_word *words;
    size_t word_count;
    const plimsoll_flag *flags;
    size_t flag_count;
    // The row of the ONBUILD around it, or PLIMSOLL_NONE.
    uint32_t onbuild;
} plimsoll_instruction;

// What a stage is built on.
typedef enum {
    PLIMSOLL_BASE_SCRATCH,
    PLIMSOLL_BASE_STAGE,
    PLIMSOLL_BASE_IMAGE,
    PLIMSOLL_BASE_UNKNOWN,
    PLIMSOLL_BASE_CONTEXT,
} plimsoll_base;

// A stage.
typedef struct {
    uint32_t index;
    // The row of its FROM.
    uint32_t from;
    plimsoll_base base;
    // The stage it is built on, or PLIMSOLL_NONE.
    uint32_t base_stage;
    // Where its base is named, and how that reads after expansion.
    plimsoll_span base_span;
    const char *base_text;
    // Where its name stands, if it has one, and the name as written, or NULL.
    plimsoll_span name_span;
    const char *name;
    // The platform that its base image should have.
    const char *platform;
    // Whether the target of the build needs it.
    bool is_needed;
} plimsoll_stage;

// What names an image.
typedef enum {
    PLIMSOLL_IMAGE_FROM,
    PLIMSOLL_IMAGE_COPY,
    PLIMSOLL_IMAGE_MOUNT,
} plimsoll_image_kind;

// An image that the file names.
typedef struct {
    plimsoll_image_kind kind;
    plimsoll_span span;
    // Normalised.
    const char *reference;
    // The platform it is wanted for.
    const char *platform;
} plimsoll_image;

// The path of the file, as the report shows it.
const char *plimsoll_path(void);

// All instructions in file order, triggers of ONBUILD among them.
const plimsoll_instruction *plimsoll_instructions(size_t *count);

// All stages in file order.
const plimsoll_stage *plimsoll_stages(size_t *count);

// All images that the file names.
const plimsoll_image *plimsoll_images(size_t *count);

// The text of a word without line continuations, quotes and escapes kept.
const char *plimsoll_word_text(const plimsoll_word *word);

// The text of a span as the build reads it.
const char *plimsoll_span_text(plimsoll_span span);

// Where a rule puts its findings.
typedef struct plimsoll_report plimsoll_report;

// Adds a finding; the message is formatted as by printf.
__attribute__((format(printf, 3, 4)))
plimsoll_finding *plimsoll_add(plimsoll_report *report, plimsoll_span span, const char *format, ...);

// Offers to replace a span. PLIMSOLL_RULES_TYPES_SAFETY_SAFE leaves the built
// image as it is.
void plimsoll_fix(plimsoll_finding *finding, plimsoll_rules_types_safety_t safety, const char *message,
                  plimsoll_span span, const char *replacement);

// Where a rule's questions start from.
typedef struct plimsoll_plan plimsoll_plan;

// A request about a stage, to be handed to a question of everything.h, such as
// `plimsoll_rules_registry_plan_image`.
plimsoll_request plimsoll_about_stage(const plimsoll_plan *plan, uint32_t stage);

// A request about the whole file.
plimsoll_request plimsoll_about_file(const plimsoll_plan *plan);

// Where a question that follows up an answer starts from.
const plimsoll_plan *plimsoll_follow_up(const plimsoll_answered *answered);

// What a rule makes of an answer.
typedef enum {
    // Nothing learnt: what `check` found stands.
    PLIMSOLL_KEEP,
    // It stands, and the report's findings besides.
    PLIMSOLL_ALSO,
    // The report's instead, in the request's scope.
    PLIMSOLL_REPLACE,
} plimsoll_outcome;

// A rule. What is left out is NULL, false, and a severity of error: say which.
typedef struct {
    // One line on what it asks of a Dockerfile.
    const char *summary;
    // Such as PLIMSOLL_RULES_TYPES_SEVERITY_WARNING.
    plimsoll_rules_types_severity_t severity;
    // The page that explains it, on the web.
    const char *url;
    // JSON Schema of its options.
    const char *options_schema;
    // Whether its findings may carry fixes.
    bool is_fixable;
    // Whether it runs only where it is asked for.
    bool is_opt_in;
    // What it looks at: Dockerfiles, where nothing is said, or the lock.
    plimsoll_rules_types_about_t about;
    // Reports what the document alone shows. Options are a JSON object, or empty.
    void (*check)(plimsoll_report *report, const char *options);
    // Plans questions, if the document gives cause for any.
    void (*plan)(const plimsoll_plan *plan, const char *options);
    // Says what an answer means.
    plimsoll_outcome (*on_success)(const plimsoll_answered *answered, plimsoll_report *report, const char *options);
} plimsoll_rule;

// Defines the rule of a file: rules/no-root.c has PLIMSOLL_RULE(no_root) = { … };
#define PLIMSOLL_RULE(name) const plimsoll_rule plimsoll_rule_##name

// Ends the call, and tells the user why; formatted as by printf. `assert` and
// `abort` do so too.
__attribute__((noreturn, format(printf, 1, 2)))
void plimsoll_panic(const char *format, ...);

// Writes a message for whoever runs the host, formatted as by printf. Level is
// such as PLIMSOLL_RULES_LOG_LEVEL_INFO.
__attribute__((format(printf, 2, 3)))
void plimsoll_log(plimsoll_rules_log_level_t level, const char *format, ...);

// A text as the functions of everything.h take it.
everything_string_t plimsoll_string(const char *text);

// A text as they give it, up to its first NUL.
const char *plimsoll_text(everything_string_t text);

// A rule and what its files are called: the table that `plimsoll plugin build`
// writes.
typedef struct {
    const char *name;
    const plimsoll_rule *rule;
    const char *page;
} plimsoll_entry;

extern const plimsoll_entry plimsoll_pack[];
extern const size_t plimsoll_pack_count;
extern const char plimsoll_pack_version[];

#endif
