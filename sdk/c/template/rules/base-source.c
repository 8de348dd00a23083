// Base images should say where their source is.

#include <plimsoll.h>
#include <string.h>

#define LABEL "org.opencontainers.image.source"

// Asks nothing yet: the host collects the questions of all rules and files.
static void plan(const plimsoll_plan *plan, const char *options) {
    (void)options;
    size_t count;
    const plimsoll_stage *stages = plimsoll_stages(&count);
    for (const plimsoll_stage *stage = stages; stage < stages + count; stage++) {
        if (stage->base != PLIMSOLL_BASE_IMAGE) {
            continue;
        }
        plimsoll_request request = plimsoll_about_stage(plan, stage->index);
        everything_string_t base = plimsoll_string(stage->base_text), platform = plimsoll_string(stage->platform), error;
        plimsoll_rules_registry_request_id_t id;
        if (!plimsoll_rules_registry_plan_image(&request, &base, &platform, &id, &error)) {
            plimsoll_panic("the base is an image, but %s", plimsoll_text(error));
        }
    }
}

// Called for each question that was answered. Nothing is kept from `plan` to here but what travels in the request.
static plimsoll_outcome on_success(const plimsoll_answered *answered, plimsoll_report *report, const char *options) {
    (void)options;
    plimsoll_rules_registry_selection_t selection;
    plimsoll_rules_registry_image_selection(answered->id, &selection);
    if (selection.tag != PLIMSOLL_RULES_REGISTRY_SELECTION_IMAGE) {
        return PLIMSOLL_KEEP;
    }
    everything_list_tuple2_string_string_t labels;
    plimsoll_rules_registry_image_labels(answered->id, &labels);
    for (size_t index = 0; index < labels.len; index++) {
        if (strcmp(plimsoll_text(labels.ptr[index].f0), LABEL) == 0) {
            return PLIMSOLL_KEEP;
        }
    }
    size_t count;
    const plimsoll_stage *stage = &plimsoll_stages(&count)[answered->scope.val.stage];
    plimsoll_add(report, stage->base_span, "'%s' does not say where its source is (%s)", stage->base_text, LABEL);
    return PLIMSOLL_ALSO;
}

PLIMSOLL_RULE(base_source) = {
    .summary = "Base images should say where their source is",
    .severity = PLIMSOLL_RULES_TYPES_SEVERITY_WARNING,
    .plan = plan,
    .on_success = on_success,
};
