// What the run did besides tests: templates, servers, notes.

function table(heads, rows, kind = "") {
  return el(
    "div",
    { class: "scroll" },
    el("table", { class: `plain ${kind}` }, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows)),
  );
}

const cell = (...content) => el("td", {}, ...content);
const numberCell = (text) => el("td", { class: "number" }, text);

function templatesView() {
  if (!data.templates.length) return null;
  const rows = data.templates.map((one) =>
    el(
      "tr",
      {},
      cell(el("b", {}, oneLine(one.group)), one.aliases?.length ? el("span", { class: "muted" }, ` ${one.aliases.map(oneLine).join(", ")}`) : ""),
      cell(el("span", { class: `decision ${one.decision.split(" ")[0]}` }, one.decision)),
      cell(one.reason ? printable(one.reason) : el("span", { class: "muted" }, "–")),
      numberCell(one.seconds === undefined ? "–" : seconds(one.seconds)),
      cell(el("code", {}, one.fingerprint)),
    ),
  );
  return [el("h3", {}, "Templates"), table(["Databases", "Decision", "Why", "Took", "Fingerprint"], rows)];
}

function serversView() {
  const rows = data.workers.flatMap((worker) =>
    worker.servers.map(([ready, group, container, version, took]) =>
      el("tr", {}, numberCell(String(worker.number)), cell(oneLine(group)), cell(el("code", {}, oneLine(container))), cell(oneLine(version)), numberCell(seconds(took)), numberCell(seconds(ready))),
    ),
  );
  if (!rows.length) return null;
  const shown = table(["Worker", "Databases", "Container", "Version", "Ready after", "Ready at"], rows, "servers");
  if (rows.length <= 12) return [el("h3", {}, "Servers"), shown];
  return [el("details", {}, el("summary", {}, el("h3", {}, `Servers (${count(rows.length)})`)), shown)];
}

function notesView() {
  if (!data.notes.length) return null;
  const rows = data.notes.map(([at, level, text]) =>
    el("li", { class: level >= 30 ? "warning" : level < 20 ? "minor" : "" }, el("span", { class: "when" }, seconds(at)), el("span", {}, printable(text))),
  );
  return [el("details", { class: "notes" }, el("summary", {}, el("h3", {}, `All ${plural(rows.length, "note")} of the run`)), el("ul", {}, rows))];
}

function showMachinery() {
  const parts = [templatesView(), serversView(), notesView()].filter(Boolean).flat();
  if (!parts.length) return;
  const section = byId("machinery");
  section.hidden = false;
  section.append(el("div", { class: "section-head" }, el("h2", { id: "machinery-title" }, "Databases and notes")), ...parts);
}
