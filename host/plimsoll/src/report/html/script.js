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

function filter() {
  const severities = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  const wanted = text.value.trim().toLowerCase();
  let count = 0;
  for (const { section, path, findings } of files) {
    const isWanted = !file.value || file.value === path;
    let some = false;
    for (const finding of findings) {
      const fits = isWanted && severities.has(finding.severity) && (!rule.value || rule.value === finding.rule) &&
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

if (total > 0) {
  filters.hidden = false;
  filters.addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && document.activeElement !== text) {
      event.preventDefault();
      text.focus();
    }
  });
  filter();
}
