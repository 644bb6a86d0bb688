// The list of all tests. Only the rows that can be seen are in the document, so the list answers at
// once however many tests there are.

const ROW_HEIGHT = 34;
const SPARE_ROWS = 6;

/** What is shown, in which order, and which test is open. The address has it, too. */
const view = { search: "", statuses: new Set(), sort: "start", isDescending: false, current: -1, open: null };

const COLUMNS = [
  { key: "status", title: "Status", of: (test) => test.status.place },
  { key: "test", title: "Test", of: (test) => test.id },
  { key: "duration", title: "Duration", of: (test) => test.seconds, number: true },
  { key: "queries", title: "Queries", of: (test) => test.queries, number: true },
  { key: "worker", title: "Worker", of: (test) => test.worker, number: true },
  { key: "start", title: "Start", of: (test) => (test.worker ? test.started : Infinity), number: true },
];

let shown = tests;
const orders = new Map();
const list = {};

/** All tests in the order of a column; each order is made once. */
function ordered() {
  const { sort, isDescending } = view;
  const key = `${sort} ${isDescending}`;
  if (!orders.has(key)) {
    const { of } = COLUMNS.find((column) => column.key === sort);
    const way = isDescending ? -1 : 1;
    const values = tests.map(of);
    const places = tests.map((test) => test.place);
    places.sort((a, b) => {
      if (values[a] === values[b]) return a - b;
      return values[a] < values[b] ? -way : way;
    });
    orders.set(key, places.map((place) => tests[place]));
  }
  return orders.get(key);
}

/** The tests that have all words of the search in their ids, and one of the statuses. */
function matching() {
  const words = view.search.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = view.statuses;
  if (!words.length && !wanted.size) return ordered();
  return ordered().filter(
    (test) => (!wanted.size || wanted.has(test.status.key)) && words.every((word) => test.searched.includes(word)),
  );
}

function makeRow() {
  const status = el("span", { class: "cell-status", role: "cell" });
  const name = el("b");
  const owner = el("span", { class: "muted" });
  const cells = ["duration", "queries", "worker", "start"].map((key) => el("span", { class: `number cell-${key}`, role: "cell" }));
  const row = el("div", { class: "row", role: "row" }, status, el("span", { class: "cell-test", role: "cell" }, name, owner), cells);
  row.addEventListener("click", () => openTest(row.test));
  return Object.assign(row, { status, testName: name, owner, cells });
}

function fillRow(row, place) {
  const test = shown[place];
  row.style.transform = `translateY(${place * ROW_HEIGHT}px)`;
  row.setAttribute("aria-rowindex", String(place + 2));
  row.classList.toggle("current", place === view.current);
  row.setAttribute("aria-selected", String(test === view.open));
  if (row.test === test) return;
  row.test = test;
  row.id = `row-${test.place}`;
  row.status.replaceChildren(statusMark(test.status.place));
  row.testName.textContent = oneLine(test.name);
  row.owner.textContent = oneLine(test.className);
  const ran = test.worker > 0;
  const texts = [ran ? seconds(test.seconds) : "–", ran ? count(test.queries) : "–", ran ? String(test.worker) : "–", ran ? seconds(test.started) : "–"];
  row.cells.forEach((one, at) => (one.textContent = texts[at]));
}

/** Puts into the document what can be seen of the list, with rows that are used again. */
function drawRows() {
  const { scroller, body } = list;
  const first = Math.max(0, Math.floor(scroller.scrollTop / ROW_HEIGHT) - SPARE_ROWS);
  const room = Math.ceil(scroller.clientHeight / ROW_HEIGHT) + 2 * SPARE_ROWS;
  const last = Math.min(shown.length, first + room);
  while (body.children.length > last - first) body.lastChild.remove();
  while (body.children.length < last - first) body.append(makeRow());
  for (let place = first; place < last; place += 1) fillRow(body.children[place - first], place);
  const current = view.current >= first && view.current < last ? shown[view.current] : null;
  if (current) scroller.setAttribute("aria-activedescendant", `row-${current.place}`);
  else scroller.removeAttribute("aria-activedescendant");
}

/** After the search, a filter or the order has changed. */
function updateList() {
  const before = shown[view.current] ?? view.open;
  shown = matching();
  view.current = before ? shown.indexOf(before) : -1;
  list.body.style.height = `${shown.length * ROW_HEIGHT}px`;
  list.table.setAttribute("aria-rowcount", String(shown.length + 1));
  const isAll = shown.length === tests.length;
  list.counter.textContent = isAll ? plural(tests.length, "test") : `${count(shown.length)} of ${plural(tests.length, "test")}`;
  list.empty.hidden = shown.length > 0;
  list.empty.textContent = tests.length ? "No tests match." : "The run found no tests.";
  list.clear.hidden = !view.search && !view.statuses.size;
  list.scroller.scrollTop = 0;
  markChips();
  markHeads();
  drawRows();
  rememberView();
}

function markChips() {
  for (const chip of document.querySelectorAll(".chip")) {
    chip.setAttribute("aria-pressed", String(view.statuses.has(chip.dataset.status)));
  }
}

function markHeads() {
  for (const [key, head] of list.heads) {
    const isSorted = key === view.sort;
    head.setAttribute("aria-sort", isSorted ? (view.isDescending ? "descending" : "ascending") : "none");
  }
}

function toggleStatus(status) {
  if (!view.statuses.delete(status.key)) view.statuses.add(status.key);
  updateList();
}

/** From the head of the page: the tests of one status and no others. */
function showOnly(status) {
  const isAlone = view.statuses.size === 1 && view.statuses.has(status.key);
  view.statuses = new Set(isAlone ? [] : [status.key]);
  updateList();
  if (!isAlone) byId("tests").scrollIntoView({ block: "start" });
}

function sortBy(column) {
  if (view.sort === column.key) view.isDescending = !view.isDescending;
  // Of numbers the large ones are of interest, but a start is read from the beginning.
  else Object.assign(view, { sort: column.key, isDescending: ["duration", "queries"].includes(column.key) });
  updateList();
}

function searchFor(text) {
  view.search = text;
  view.statuses.clear();
  list.search.value = text;
  updateList();
  byId("tests").scrollIntoView({ block: "start" });
}

function scrollToCurrent() {
  const { scroller } = list;
  const top = view.current * ROW_HEIGHT;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + ROW_HEIGHT > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW_HEIGHT - scroller.clientHeight;
}

function moveCurrent(by) {
  if (!shown.length) return;
  view.current = Math.max(0, Math.min(shown.length - 1, view.current + by));
  scrollToCurrent();
  if (view.open) openTest(shown[view.current]);
  else drawRows();
  const { top, bottom } = list.scroller.getBoundingClientRect();
  if (bottom < 120 || top > innerHeight - 120) byId("tests").scrollIntoView({ block: "start" });
  say(oneLine(shown[view.current].id));
}

function openTest(test) {
  view.open = test;
  view.current = shown.indexOf(test);
  list.panel.replaceChildren(...panelContent(test));
  list.panel.scrollTop = 0;
  list.panel.hidden = false;
  list.split.classList.add("with-panel");
  drawRows();
  markInTimeline(test);
  rememberView();
}

/** From elsewhere on the page: opens a test and brings it into sight, though a filter hid it. */
function selectTest(test) {
  if (!shown.includes(test)) {
    view.search = list.search.value = "";
    view.statuses.clear();
    updateList();
  }
  openTest(test);
  list.scroller.scrollTop = Math.max(0, view.current * ROW_HEIGHT - list.scroller.clientHeight / 3);
  drawRows();
  byId("tests").scrollIntoView({ block: "start" });
}

function closePanel() {
  view.open = null;
  list.panel.hidden = true;
  list.split.classList.remove("with-panel");
  drawRows();
  markInTimeline(null);
  rememberView();
}

function panelContent(test) {
  const facts = [];
  if (test.worker) facts.push(["Duration", seconds(test.seconds)], ["Queries", count(test.queries)], ["Worker", String(test.worker)], ["Started at", seconds(test.started)]);
  const where = test.file ? `${test.file}:${test.line}` : "";
  const report = reportView(test);
  return [
    el(
      "div",
      { class: "panel-head" },
      el("h3", {}, statusMark(test.status.place), el("span", {}, oneLine(test.name))),
      el("button", { type: "button", class: "quiet", onclick: closePanel, "aria-label": "Close (Esc)", title: "Close (Esc)" }, "✕"),
    ),
    el("p", { class: "muted panel-owner" }, oneLine(test.className)),
    where ? el("p", {}, el("code", {}, where)) : "",
    el("dl", { class: "panel-facts" }, el("div", {}, el("dt", {}, "Outcome"), el("dd", { class: `ink-${test.status.key}` }, test.status.title)), facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    report,
    report.childElementCount ? "" : el("p", { class: "muted" }, test.worker ? "It printed nothing." : "It did not run."),
    el("div", { class: "failure-actions" }, el("code", {}, oneLine(commandFor(test))), copyButton("Copy command", commandFor(test), "Copy a command that runs it again")),
  ];
}

/** What the address says after its `#`, so that a link leads to the same view. */
function rememberView() {
  const found = new URLSearchParams();
  if (view.search) found.set("q", view.search);
  if (view.statuses.size) found.set("status", [...view.statuses].join(","));
  if (view.sort !== "start" || view.isDescending) found.set("sort", `${view.isDescending ? "-" : ""}${view.sort}`);
  if (view.open) found.set("test", view.open.id.toWellFormed());
  const hash = found.size ? `#${found}` : "";
  // Browsers limit how often this may be called, and only a change is worth a call.
  if (hash !== location.hash) history.replaceState(null, "", hash || location.pathname + location.search);
}

function recallView() {
  const found = new URLSearchParams(location.hash.slice(1));
  const sort = found.get("sort") ?? "start";
  const key = sort.replace(/^-/, "");
  const known = new Set(statuses.map((status) => status.key));
  view.search = list.search.value = found.get("q") ?? "";
  view.statuses = new Set((found.get("status") ?? "").split(",").filter((one) => known.has(one)));
  view.sort = COLUMNS.some((column) => column.key === key) ? key : "start";
  view.isDescending = sort.startsWith("-");
  const test = testsById.get(found.get("test") ?? "");
  updateList();
  if (test) selectTest(test);
}

function showTests() {
  list.search = el("input", {
    type: "search",
    id: "search",
    placeholder: "Search tests  ( / )",
    "aria-label": "Search tests; all words must match",
    autocomplete: "off",
    spellcheck: "false",
    oninput: () => {
      view.search = list.search.value;
      // At once, for Enter may follow before the next frame.
      updateList();
    },
  });
  list.counter = el("span", { class: "muted counter", "aria-live": "polite" });
  list.clear = el("button", { type: "button", class: "small", onclick: () => searchFor("") }, "Show all");
  list.heads = COLUMNS.map((column) => [
    column.key,
    el("span", { role: "columnheader", class: `cell-${column.key}${column.number ? " number" : ""}` }, el("button", { type: "button", onclick: () => sortBy(column) }, column.title)),
  ]);
  list.body = el("div", { class: "rows", role: "rowgroup" });
  list.scroller = el("div", { class: "scroller", tabindex: "0", "aria-label": "Tests: j and k move, Enter opens" }, list.body);
  list.scroller.addEventListener("scroll", oncePerFrame(drawRows), { passive: true });
  list.empty = el("p", { class: "empty", hidden: true });
  list.table = el("div", { class: "list", role: "table", "aria-label": "All tests" }, el("div", { class: "row head", role: "row" }, list.heads.map(([, head]) => head)), list.scroller, list.empty);
  list.panel = el("aside", { class: "panel", hidden: true, "aria-label": "The selected test" });
  list.split = el("div", { class: "split" }, list.table, list.panel);
  byId("tests").append(
    el("div", { class: "section-head" }, el("h2", { id: "tests-title" }, "All tests"), list.counter),
    el("div", { class: "list-tools" }, list.search, el("div", { class: "chips", role: "group", "aria-label": "Filter by status" }, countedStatuses.map((status) => statusChip(status, () => toggleStatus(status)))), list.clear),
    list.split,
  );
  new ResizeObserver(oncePerFrame(drawRows)).observe(list.scroller);
}
