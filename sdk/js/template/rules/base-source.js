// Base images should say where their source is.

import * as registry from "plimsoll:rules/registry@0.2.0";

const LABEL = "org.opencontainers.image.source";

export const summary = "Base images should say where their source is";

/** Asks nothing yet: the host collects the questions of all rules and files. */
export function plan(document, plan) {
  for (const stage of document.stages.filter(({ base }) => base === "image")) {
    registry.planImage(plan.aboutStage(stage.index), stage.baseText, stage.platform);
  }
}

/** Called for each question that was answered. Nothing is kept from `plan` to here but what travels in the request. */
export function onSuccess(answered, document, report) {
  if (registry.imageSelection(answered.id).tag !== "image") {
    return "keep";
  }
  if (!registry.imageLabels(answered.id).some(([name]) => name === LABEL)) {
    const stage = document.stages[answered.scope.val];
    report.add(stage.baseSpan, `'${stage.baseText}' does not say where its source is (${LABEL})`);
  }
  return "add";
}
