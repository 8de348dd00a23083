"use strict";
const find = (id) => document.getElementById(id);
const [filters, rule, file, text, shown, none] = ["filters", "rule", "file", "text", "shown", "none"].map(find);
const boxes = [...filters.querySelectorAll("input[type=checkbox]")];
const files = [...document.querySelectorAll("section.file")].map((section) => ({
  section,
  path: section.dataset.path,
  findings: [...section.querySelectorAll("article")].map((article) => ({
    article,
    severity: article.classList[0],
    rule: article.dataset.rule,
    text: `${section.dataset.path}\n${article.querySelector(".message").textContent}`.toLowerCase(),
  })),
}));
const total = files.reduce((sum, { findings }) => sum + findings.length, 0);

// What is filtered for stands in the address, so that it can be sent to others.
function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const chosen = wanted.get("severity")?.split(",");
  for (const box of boxes) box.checked = !chosen || chosen.includes(box.value);
  for (const field of [rule, file, text]) field.value = wanted.get(field.id) ?? "";
}

function severities() {
  return boxes.filter((box) => box.checked).map((box) => box.value);
}

function remember() {
  const wanted = new URLSearchParams();
  if (severities().length < boxes.length) wanted.set("severity", severities().join());
  for (const field of [rule, file, text]) if (field.value) wanted.set(field.id, field.value);
  history.replaceState(null, "", `#${wanted}`);
}

function filter() {
  const chosen = severities();
  const wanted = text.value.trim().toLowerCase();
  let count = 0;
  for (const { section, path, findings } of files) {
    const isWanted = !file.value || file.value === path;
    let some = false;
    for (const finding of findings) {
      const fits = isWanted && chosen.includes(finding.severity) && (!rule.value || rule.value === finding.rule) &&
        finding.text.includes(wanted);
      finding.article.hidden = !fits;
      some ||= fits;
      count += fits;
    }
    section.hidden = !some;
  }
  none.hidden = count > 0 || total === 0;
  shown.value = count === total ? `all ${total} shown` : `${count} of ${total} shown`;
}

function change() {
  filter();
  remember();
}

if (total > 0) {
  filters.hidden = false;
  filters.addEventListener("input", change);
  addEventListener("hashchange", () => { recall(); filter(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && document.activeElement !== text) {
      event.preventDefault();
      text.focus();
    }
  });
  recall();
  filter();
}
