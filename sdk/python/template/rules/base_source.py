"""Base images should say where their source is."""

from wit_world.imports import registry

LABEL = "org.opencontainers.image.source"

SUMMARY = "Base images should say where their source is"


def plan(document, plan, options):
    """Asks nothing yet: the host collects the questions of all rules and files."""
    for stage in (stage for stage in document.stages if stage.base == "image"):
        registry.plan_image(plan.about_stage(stage.index), stage.base_text, stage.platform)


def on_success(answered, document, report, options):
    """Called for each question that was answered. Nothing is kept from `plan` to here but what travels in the request."""
    if not isinstance(registry.image_selection(answered.id), registry.Selection_Image):
        return "keep"
    if not any(name == LABEL for name, _ in registry.image_labels(answered.id)):
        stage = document.stages[answered.scope.value]
        report.add(stage.base_span, f"'{stage.base_text}' does not say where its source is ({LABEL})")
    return "add"
