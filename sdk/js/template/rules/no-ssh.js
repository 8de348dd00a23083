// Containers should not offer SSH.

export const summary = "Containers should not offer SSH";

export function check(document, report) {
  for (const expose of document.instructions.filter(({ keyword }) => keyword === "EXPOSE")) {
    for (const port of expose.words.filter(({ text }) => text === "22" || text === "22/tcp")) {
      report.add(port.span, "Enter containers through their engine (docker exec), not through SSH");
    }
  }
}
