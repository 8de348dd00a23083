// From the calls of the host to the rules of a pack, and from the tables of the
// contract to rows.
//
// Invariant: nothing is kept from one call to the next, neither rows nor memory.

#include "plimsoll.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Findings that a report holds: one more than the contract allows, so that the
// host can tell the user that more were there.
#define FINDINGS_MAX 2001
// Rules of which the host says at once whether they run.
#define RULES_AT_ONCE 64
#define PAGE_BYTES 65536
#define ALIGNMENT 16

#define INSTRUCTION_STRIDE 17
#define WORD_STRIDE 3
#define FLAG_STRIDE 6
#define STAGE_STRIDE 18
#define IMAGE_STRIDE 8

struct plimsoll_plan {
    uint32_t rule;
};

struct plimsoll_report {
    uint32_t rule;
    plimsoll_finding *findings;
    size_t count, capacity;
    // What a rule may still say of a finding that is cut off.
    plimsoll_finding spare;
};

// What was pulled for the current call.
static struct {
    const plimsoll_instruction *instructions;
    const plimsoll_stage *stages;
    const plimsoll_image *images;
    size_t instruction_count, stage_count, image_count;
    const char *strings;
    bool has_strings;
    // The rule that runs, or PLIMSOLL_NONE.
    uint32_t running;
} call = {.running = PLIMSOLL_NONE};

// Memory: a heap that only grows, and starts anew with each call.

extern uint8_t __heap_base;
static uintptr_t heap_end;
static bool call_ended = true;

// Forgets the call before, once: what a call is given may be put into memory
// before its function is entered.
static void begin(void) {
    if (call_ended) {
        call_ended = false;
        heap_end = (uintptr_t)&__heap_base;
        memset(&call, 0, sizeof call);
        call.running = PLIMSOLL_NONE;
    }
}

// Each block has its size in front of it, for `realloc`.
void *malloc(size_t size) {
    begin();
    uintptr_t block = (heap_end + 2 * ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
    if (size > UINT32_MAX - PAGE_BYTES - block) {
        return NULL;
    }
    uintptr_t end = block + size;
    size_t memory = __builtin_wasm_memory_size(0) * (size_t)PAGE_BYTES;
    if (end > memory && __builtin_wasm_memory_grow(0, (end - memory + PAGE_BYTES - 1) / PAGE_BYTES) == SIZE_MAX) {
        return NULL;
    }
    ((size_t *)block)[-1] = size;
    heap_end = end;
    return (void *)block;
}

void free(void *block) {
    (void)block;
}

void *calloc(size_t count, size_t size) {
    size_t bytes;
    void *block = __builtin_mul_overflow(count, size, &bytes) ? NULL : malloc(bytes);
    return block == NULL ? NULL : memset(block, 0, bytes);
}

void *realloc(void *block, size_t size) {
    if (block == NULL) {
        return malloc(size);
    }
    size_t before = ((size_t *)block)[-1];
    if (size <= before) {
        return block;
    }
    void *larger = malloc(size);
    return larger == NULL ? NULL : memcpy(larger, block, before);
}

static void *allocate(size_t count, size_t size) {
    void *block = calloc(count, size);
    if (block == NULL) {
        plimsoll_panic("there is no memory left");
    }
    return block;
}

// Panics.

// Bytes of what is said about a panic.
#define PANIC_BYTES_MAX 2048

__attribute__((noreturn)) static void die(const char *message) {
    if (call.running != PLIMSOLL_NONE) {
        plimsoll_rules_log_enter(call.running);
    }
    everything_string_t text = {(uint8_t *)message, strlen(message)};
    plimsoll_rules_log_panicked(&text);
    __builtin_trap();
}

// The length of the UTF-8 character at the start of a text, or 0 if there is none.
static size_t character(const uint8_t *text) {
    uint8_t first = text[0];
    size_t length = first < 0x80                    ? 1
                    : first >= 0xc2 && first < 0xe0 ? 2
                    : (first & 0xf0) == 0xe0        ? 3
                    : first >= 0xf0 && first < 0xf5 ? 4
                                                    : 0;
    for (size_t at = 1; at < length; at++) {
        if ((text[at] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (first == 0xe0 && text[1] < 0xa0) || (first == 0xf0 && text[1] < 0x90);
    bool is_beyond = (first == 0xed && text[1] >= 0xa0) || (first == 0xf4 && text[1] >= 0x90);
    return length > 1 && (is_overlong || is_beyond) ? 0 : length;
}

// Puts a question mark for what is not UTF-8, which the host would refuse.
static void clean(char *text) {
    while (*text != 0) {
        size_t length = character((const uint8_t *)text);
        if (length == 0) {
            *text = '?';
            length = 1;
        }
        text += length;
    }
}

void plimsoll_panic(const char *format, ...) {
    // Not on the heap, which may be what has run out.
    static char message[PANIC_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    clean(message);
    die(message);
}

// By its other name, with which rules are compiled: the C library has its own.
void plimsoll_abort(void) {
    die("it called abort");
}

// What `assert` calls, in the way of musl.
__attribute__((noreturn)) void __assert_fail(const char *condition, const char *file, int line, const char *function) {
    plimsoll_panic("%s:%d: %s: assertion `%s` failed", file, line, function, condition);
}

// Texts.

everything_string_t plimsoll_string(const char *text) {
    return (everything_string_t){(uint8_t *)text, strlen(text)};
}

static char *copied(const uint8_t *text, size_t length) {
    char *copy = allocate(length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

const char *plimsoll_text(everything_string_t text) {
    return copied(text.ptr, text.len);
}

// A text on the heap, as results are handed over.
static everything_string_t owned(const char *text) {
    size_t length = strlen(text);
    return (everything_string_t){(uint8_t *)copied((const uint8_t *)text, length), length};
}

static char *formatted(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        plimsoll_panic("%s: it cannot be formatted", format);
    }
    char *text = allocate((size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    clean(text);
    return text;
}

void plimsoll_log(plimsoll_rules_log_level_t level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    everything_string_t message = plimsoll_string(formatted(format, arguments));
    va_end(arguments);
    plimsoll_rules_log_write(level, &message);
}

// The document.

const char *plimsoll_path(void) {
    everything_string_t path;
    plimsoll_rules_document_path(&path);
    return plimsoll_text(path);
}

const char *plimsoll_span_text(plimsoll_span span) {
    everything_string_t text;
    plimsoll_rules_document_logical_text(&span, &text);
    return plimsoll_text(text);
}

const char *plimsoll_word_text(const plimsoll_word *word) {
    everything_string_t text;
    plimsoll_span span = word->span;
    if (word->is_continued) {
        plimsoll_rules_document_word_text(word->index, &text);
    } else {
        plimsoll_rules_document_text(&span, &text);
    }
    return plimsoll_text(text);
}

static plimsoll_span span_at(const uint32_t *row, size_t column) {
    return (plimsoll_span){row[column], row[column + 1]};
}

static plimsoll_word *words(void) {
    everything_list_u32_t table;
    plimsoll_rules_document_words(&table);
    size_t count = table.len / WORD_STRIDE;
    plimsoll_word *words = allocate(count, sizeof *words);
    for (size_t index = 0; index < count; index++) {
        const uint32_t *row = table.ptr + index * WORD_STRIDE;
        words[index] = (plimsoll_word){(uint32_t)index, span_at(row, 0), (row[2] & 1) != 0};
    }
    return words;
}

static plimsoll_flag *flags(void) {
    everything_list_u32_t table;
    plimsoll_rules_document_flags(&table);
    size_t count = table.len / FLAG_STRIDE;
    plimsoll_flag *flags = allocate(count, sizeof *flags);
    for (size_t index = 0; index < count; index++) {
        const uint32_t *row = table.ptr + index * FLAG_STRIDE;
        flags[index] = (plimsoll_flag){span_at(row, 0), span_at(row, 2), span_at(row, 4)};
    }
    return flags;
}

const plimsoll_instruction *plimsoll_instructions(size_t *count) {
    if (call.instructions == NULL) {
        everything_list_u32_t table;
        plimsoll_rules_document_instructions(&table);
        size_t rows = table.len / INSTRUCTION_STRIDE;
        const plimsoll_word *all_words = words();
        const plimsoll_flag *all_flags = flags();
        plimsoll_instruction *instructions = allocate(rows, sizeof *instructions);
        for (size_t index = 0; index < rows; index++) {
            const uint32_t *row = table.ptr + index * INSTRUCTION_STRIDE;
            instructions[index] = (plimsoll_instruction){
                .index = (uint32_t)index,
                .keyword = row[0] <= PLIMSOLL_WORKDIR ? (plimsoll_keyword)row[0] : PLIMSOLL_UNKNOWN,
                .is_exec_form = (row[1] & 1) != 0,
                .span = span_at(row, 2),
                .keyword_span = span_at(row, 4),
                .arguments = span_at(row, 6),
                .words = all_words + row[8],
                .word_count = row[9],
                .flags = all_flags + row[10],
                .flag_count = row[11],
                .onbuild = row[14],
            };
        }
        call.instructions = instructions;
        call.instruction_count = rows;
    }
    *count = call.instruction_count;
    return call.instructions;
}

// The model.

static const char *string(uint32_t offset, uint32_t length) {
    if (!call.has_strings) {
        everything_string_t strings;
        plimsoll_rules_model_strings(&strings);
        call.strings = (const char *)strings.ptr;
        call.has_strings = true;
    }
    return copied((const uint8_t *)call.strings + offset, length);
}

const plimsoll_stage *plimsoll_stages(size_t *count) {
    if (call.stages == NULL) {
        everything_list_u32_t table;
        plimsoll_rules_model_stages(&table);
        size_t rows = table.len / STAGE_STRIDE;
        plimsoll_stage *stages = allocate(rows, sizeof *stages);
        for (size_t index = 0; index < rows; index++) {
            const uint32_t *row = table.ptr + index * STAGE_STRIDE;
            everything_string_t platform;
            plimsoll_rules_model_stage_platform((uint32_t)index, &platform);
            stages[index] = (plimsoll_stage){
                .index = (uint32_t)index,
                .from = row[0],
                .base = row[3] <= PLIMSOLL_BASE_CONTEXT ? (plimsoll_base)row[3] : PLIMSOLL_BASE_UNKNOWN,
                .base_stage = row[4],
                .base_span = span_at(row, 10),
                .base_text = string(row[15], row[16]),
                .name_span = span_at(row, 6),
                .name = row[6] == PLIMSOLL_NONE ? NULL : plimsoll_span_text(span_at(row, 6)),
                .platform = plimsoll_text(platform),
                .is_needed = (row[17] & 1) != 0,
            };
        }
        call.stages = stages;
        call.stage_count = rows;
    }
    *count = call.stage_count;
    return call.stages;
}

const plimsoll_image *plimsoll_images(size_t *count) {
    if (call.images == NULL) {
        everything_list_u32_t table;
        plimsoll_rules_model_images(&table);
        size_t rows = table.len / IMAGE_STRIDE;
        plimsoll_image *images = allocate(rows, sizeof *images);
        for (size_t index = 0; index < rows; index++) {
            const uint32_t *row = table.ptr + index * IMAGE_STRIDE;
            images[index] = (plimsoll_image){
                .kind = (plimsoll_image_kind)row[1],
                .span = span_at(row, 2),
                .reference = string(row[4], row[5]),
                .platform = string(row[6], row[7]),
            };
        }
        call.images = images;
        call.image_count = rows;
    }
    *count = call.image_count;
    return call.images;
}

// Findings.

plimsoll_finding *plimsoll_add(plimsoll_report *report, plimsoll_span span, const char *format, ...) {
    plimsoll_finding *finding = &report->spare;
    if (report->count < FINDINGS_MAX) {
        if (report->count == report->capacity) {
            report->capacity = report->capacity == 0 ? 8 : 2 * report->capacity;
            plimsoll_finding *more = allocate(report->capacity, sizeof *more);
            if (report->count > 0) {
                memcpy(more, report->findings, report->count * sizeof *more);
            }
            report->findings = more;
        }
        finding = &report->findings[report->count++];
    }
    memset(finding, 0, sizeof *finding);
    va_list arguments;
    va_start(arguments, format);
    finding->message = plimsoll_string(formatted(format, arguments));
    va_end(arguments);
    finding->rule = report->rule;
    finding->span = span;
    return finding;
}

void plimsoll_fix(plimsoll_finding *finding, plimsoll_rules_types_safety_t safety, const char *message,
                  plimsoll_span span, const char *replacement) {
    size_t count = finding->fixes.len;
    plimsoll_rules_types_fix_t *fixes = allocate(count + 1, sizeof *fixes);
    if (count > 0) {
        memcpy(fixes, finding->fixes.ptr, count * sizeof *fixes);
    }
    plimsoll_rules_types_edit_t *edit = allocate(1, sizeof *edit);
    *edit = (plimsoll_rules_types_edit_t){span, owned(replacement)};
    fixes[count] = (plimsoll_rules_types_fix_t){owned(message), safety, {edit, 1}, false};
    finding->fixes.ptr = fixes;
    finding->fixes.len = count + 1;
}

// Questions.

plimsoll_request plimsoll_about_file(const plimsoll_plan *plan) {
    return (plimsoll_request){.rule = plan->rule, .scope = {.tag = PLIMSOLL_RULES_TYPES_SCOPE_FILE}};
}

plimsoll_request plimsoll_about_stage(const plimsoll_plan *plan, uint32_t stage) {
    plimsoll_scope scope = {.tag = PLIMSOLL_RULES_TYPES_SCOPE_STAGE, .val = {.stage = stage}};
    return (plimsoll_request){.rule = plan->rule, .scope = scope};
}

const plimsoll_plan *plimsoll_follow_up(const plimsoll_answered *answered) {
    plimsoll_plan *plan = allocate(1, sizeof *plan);
    plan->rule = answered->rule;
    return plan;
}

// Exports.

static const plimsoll_rule *rule_at(uint32_t index) {
    if (index >= plimsoll_pack_count) {
        plimsoll_panic("there is no rule %u", index);
    }
    return plimsoll_pack[index].rule;
}

static const char *options_of(uint32_t index) {
    if (rule_at(index)->options_schema == NULL) {
        return "";
    }
    everything_string_t options;
    plimsoll_rules_settings_options(index, &options);
    return plimsoll_text(options);
}

// Says what a call does with one rule.
typedef void body(uint32_t index, const plimsoll_rule *rule, void *context);

static void for_each_enabled(body *body, void *context) {
    bool announces = plimsoll_rules_settings_announces();
    uint64_t bits = 0;
    for (uint32_t index = 0; index < plimsoll_pack_count; index++) {
        if (index % RULES_AT_ONCE == 0) {
            bits = plimsoll_rules_settings_enabled(index);
        }
        if ((bits >> (index % RULES_AT_ONCE) & 1) == 0) {
            continue;
        }
        call.running = index;
        if (announces) {
            plimsoll_rules_log_enter(index);
        }
        body(index, plimsoll_pack[index].rule, context);
    }
    call.running = PLIMSOLL_NONE;
}

static void check_one(uint32_t index, const plimsoll_rule *rule, void *context) {
    exports_plimsoll_rules_fast_list_finding_t *all = context;
    if (rule->check == NULL) {
        return;
    }
    plimsoll_report report = {.rule = index};
    rule->check(&report, options_of(index));
    if (report.count == 0) {
        return;
    }
    plimsoll_finding *joined = allocate(all->len + report.count, sizeof *joined);
    if (all->len > 0) {
        memcpy(joined, all->ptr, all->len * sizeof *joined);
    }
    memcpy(joined + all->len, report.findings, report.count * sizeof *joined);
    all->ptr = joined;
    all->len += report.count;
}

static void plan_one(uint32_t index, const plimsoll_rule *rule, void *context) {
    (void)context;
    plimsoll_plan plan = {.rule = index};
    if (rule->plan != NULL) {
        rule->plan(&plan, options_of(index));
    }
}

void exports_plimsoll_rules_plugin_describe(exports_plimsoll_rules_plugin_description_t *description) {
    begin();
    plimsoll_rules_types_rule_t *rules = allocate(plimsoll_pack_count, sizeof *rules);
    for (size_t index = 0; index < plimsoll_pack_count; index++) {
        const plimsoll_entry *entry = &plimsoll_pack[index];
        const plimsoll_rule *rule = entry->rule;
        const char *schema = rule->options_schema;
        rules[index] = (plimsoll_rules_types_rule_t){
            .name = owned(entry->name),
            .summary = owned(rule->summary == NULL ? "" : rule->summary),
            .severity = rule->severity,
            .documentation = owned(entry->page),
            .options_schema = owned(schema == NULL ? "" : schema),
            .fixable = rule->is_fixable,
            .opt_in = rule->is_opt_in,
            .about = rule->about,
        };
        if (rule->url != NULL) {
            rules[index].url = (everything_option_string_t){true, owned(rule->url)};
        }
    }
    description->version = owned(plimsoll_pack_version);
    description->rules.ptr = rules;
    description->rules.len = plimsoll_pack_count;
    call_ended = true;
}

void exports_plimsoll_rules_plugin_validate_options(uint32_t index, everything_string_t *options,
                                                    exports_plimsoll_rules_plugin_list_option_error_t *errors) {
    begin();
    const char *text = plimsoll_text(*options);
    bool has_none = strcmp(text, "") == 0 || strcmp(text, "{}") == 0;
    *errors = (exports_plimsoll_rules_plugin_list_option_error_t){NULL, 0};
    if (rule_at(index)->options_schema == NULL && !has_none) {
        errors->ptr = allocate(1, sizeof *errors->ptr);
        errors->ptr[0] = (plimsoll_rules_types_option_error_t){owned(""), owned("this rule takes no options")};
        errors->len = 1;
    }
    call_ended = true;
}

void exports_plimsoll_rules_fast_check(exports_plimsoll_rules_fast_list_finding_t *findings) {
    begin();
    *findings = (exports_plimsoll_rules_fast_list_finding_t){NULL, 0};
    for_each_enabled(check_one, findings);
    call_ended = true;
}

void exports_plimsoll_rules_slow_plan(void) {
    begin();
    for_each_enabled(plan_one, NULL);
    call_ended = true;
}

void exports_plimsoll_rules_slow_on_success(plimsoll_answered *answered, plimsoll_rules_types_verdict_t *verdict) {
    begin();
    const plimsoll_rule *rule = rule_at(answered->rule);
    call.running = answered->rule;
    plimsoll_report report = {.rule = answered->rule};
    plimsoll_outcome outcome = PLIMSOLL_KEEP;
    if (rule->on_success != NULL) {
        outcome = rule->on_success(answered, &report, options_of(answered->rule));
    }
    plimsoll_rules_types_list_finding_t findings = {report.findings, report.count};
    switch (outcome) {
    case PLIMSOLL_ALSO:
        *verdict = (plimsoll_rules_types_verdict_t){.tag = PLIMSOLL_RULES_TYPES_VERDICT_ADD, .val = {.add = findings}};
        break;
    case PLIMSOLL_REPLACE:
        *verdict = (plimsoll_rules_types_verdict_t){.tag = PLIMSOLL_RULES_TYPES_VERDICT_REPLACE, .val = {.replace = findings}};
        break;
    default:
        *verdict = (plimsoll_rules_types_verdict_t){.tag = PLIMSOLL_RULES_TYPES_VERDICT_KEEP};
    }
    call.running = PLIMSOLL_NONE;
    call_ended = true;
}
