// Containers should not offer SSH.

#include <plimsoll.h>
#include <string.h>

static void check(plimsoll_report *report, const char *options) {
    (void)options;
    size_t count;
    const plimsoll_instruction *instructions = plimsoll_instructions(&count);
    for (const plimsoll_instruction *expose = instructions; expose < instructions + count; expose++) {
        for (size_t index = 0; expose->keyword == PLIMSOLL_EXPOSE && index < expose->word_count; index++) {
            const char *port = plimsoll_word_text(&expose->words[index]);
            if (strcmp(port, "22") == 0 || strcmp(port, "22/tcp") == 0) {
                plimsoll_add(report, expose->words[index].span,
                             "Enter containers through their engine (docker exec), not through SSH");
            }
        }
    }
}

PLIMSOLL_RULE(no_ssh) = {
    .summary = "Containers should not offer SSH",
    .severity = PLIMSOLL_RULES_TYPES_SEVERITY_WARNING,
    .check = check,
};
