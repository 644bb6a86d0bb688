// The SQL of tests: what is repeated, what was added, and the statements of each test.

const REPEATED_SHOWN = 10;

const statement = (text) => el("code", { class: "statement" }, oneLine(text));
const line = (place, ...more) => el("div", { class: "muted" }, el("code", {}, oneLine(place)), ...more);
const repeatedMark = (isRepeated) => (isRepeated ? el("span", { class: "repeated" }, "repeated") : "");

/** A table whose first rows are seen at once, and the others when they are asked for. */
function longTable(heads, rows, shown) {
  if (rows.length <= shown) return table(heads, rows);
  const more = rows.slice(shown);
  return [table(heads, rows.slice(0, shown)), el("details", {}, el("summary", {}, `${count(more.length)} more`), table(heads, more))];
}

function sentStatement([times, took, text, places]) {
  const lines = places.map(([place, often, isRepeated]) => line(place, often > 1 ? ` ${count(often)}× ` : " ", repeatedMark(isRepeated)));
  return el("tr", {}, numberCell(`${count(times)}×`), numberCell(seconds(took)), cell(statement(text), lines));
}

function sqlUnit(unit) {
  const opened = el("details", {}, el("summary", {}, el("code", {}, oneLine(unit.name))));
  // A page with thousands of statements would open slowly.
  opened.addEventListener(
    "toggle",
    () => opened.append(table(["Sent", "Took", "Statement"], unit.statements.map(sentStatement)), unit.more ? el("p", {}, `and ${plural(unit.more, "other statement")}`) : ""),
    { once: true },
  );
  return el("tr", {}, numberCell(count(unit.count)), numberCell(seconds(unit.seconds)), cell(opened));
}

function addedStatement([times, text, place, isRepeated]) {
  return el("div", {}, `${count(times)}× `, statement(text), place ? line(place, " ", repeatedMark(isRepeated)) : "");
}

function againstView(against) {
  if (!against.total) return el("p", {}, `No test sends more queries than in ${oneLine(against.run)}.`);
  const lines = against.lines.map(([times, text, place, isRepeated, units]) => el("tr", {}, numberCell(`+${count(times)}`), numberCell(count(units)), cell(statement(text), place ? line(place, " ", repeatedMark(isRepeated)) : "")));
  const grown = against.grown.map(([name, before, after, added]) => el("tr", {}, numberCell(count(before)), numberCell(count(after)), cell(el("details", {}, el("summary", {}, el("code", {}, oneLine(name))), added.map(addedStatement)))));
  return [
    el("h3", {}, `More queries than in ${oneLine(against.run)}`),
    longTable(["Queries", "Tests", "Statement and line"], lines, REPEATED_SHOWN),
    longTable(["Before", "Now", `${plural(against.total, "test or set-up").replace("test or set-ups", "tests or set-ups")}`], grown, REPEATED_SHOWN),
  ];
}

function repeatedRow([times, text, place, unit, others]) {
  return el("tr", {}, numberCell(`${count(times)}×`), cell(statement(text), line(place)), cell(el("code", {}, oneLine(unit)), others ? ` and ${count(others)} more` : ""));
}

function showSql() {
  if (!data.sql) return;
  const section = byId("sql");
  section.hidden = false;
  const { sentences, repeated, slowest, tests: units, setUp, against } = data.sql;
  const slow = slowest.map(([times, took, text]) => el("tr", {}, numberCell(`${count(times)}×`), numberCell(seconds(took)), cell(statement(text))));
  section.append(
    el("div", { class: "section-head" }, el("h2", { id: "sql-title" }, "SQL")),
    ...sentences.map((sentence) => el("p", {}, sentence)),
    ...[against ? againstView(against) : []].flat(),
    ...(repeated.length ? [el("h3", {}, "Sent repeatedly by one line"), longTable(["Sent", "Statement and line", "Test"], repeated.map(repeatedRow), REPEATED_SHOWN)].flat() : []),
    ...(units.length ? [el("h3", {}, "Tests with the most queries"), longTable(["Queries", "Took", "Test"], units.map(sqlUnit), REPEATED_SHOWN)].flat() : []),
    ...(setUp.length ? [el("h3", {}, "Set-up with the most queries"), longTable(["Queries", "Took", "Set-up"], setUp.map(sqlUnit), REPEATED_SHOWN)].flat() : []),
    ...(slow.length ? [el("h3", {}, "Statements that took longest, in all tests together"), longTable(["Sent", "Took", "Statement"], slow, REPEATED_SHOWN)].flat() : []),
  );
}
