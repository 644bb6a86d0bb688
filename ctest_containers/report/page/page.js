// Starts the page: its parts in their order, the theme, the keys.

const KEYS = [
  ["/", "search"],
  ["j  k  ↓  ↑", "move in the list"],
  ["Enter", "open the test"],
  ["Esc", "close, or leave the search"],
  ["f", "next failure"],
  ["t", "light or dark"],
  ["?", "these keys"],
];

const darkScreen = matchMedia("(prefers-color-scheme: dark)");
const print = matchMedia("print");

const theme = () => document.documentElement.dataset.theme ?? (darkScreen.matches ? "dark" : "light");

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  byId("theme-button").textContent = theme() === "dark" ? "Light" : "Dark";
  redrawCharts();
}

function toggleTheme() {
  const name = theme() === "dark" ? "light" : "dark";
  setTheme(name);
  try {
    localStorage.setItem("ctest-theme", name);
  } catch {
    // Where nothing may be kept, the next page begins as the system has it.
  }
}

function keptTheme() {
  try {
    const name = localStorage.getItem("ctest-theme");
    return ["light", "dark"].includes(name) ? name : null;
  } catch {
    return null;
  }
}

function showKeys() {
  const dialog = byId("keys");
  if (!dialog.childElementCount) {
    dialog.append(
      el("h2", { id: "keys-title" }, "Keys"),
      el("dl", {}, KEYS.map(([keys, what]) => el("div", {}, el("dt", {}, keys.split("  ").map((key) => el("kbd", {}, key))), el("dd", {}, what)))),
      el("button", { type: "button", onclick: () => dialog.close() }, "Close"),
    );
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
  dialog.showModal();
}

/** Links to the parts that this run has. */
function showLinks() {
  const names = { failures: "Failures", stress: "Stress", timeline: "Timeline", slowest: "Slowest", sql: "SQL", tests: "Tests", machinery: "Databases" };
  for (const [id, name] of Object.entries(names)) {
    if (byId(id).hidden) continue;
    byId("bar-links").append(el("a", { href: `#${id}`, "data-section": id }, name));
  }
  // The address keeps the view, so links scroll and leave it alone.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-section]");
    if (!link) return;
    event.preventDefault();
    byId(link.dataset.section).scrollIntoView({ block: "start" });
    if (link.matches(".skip-link")) list.search.focus({ preventScroll: true });
  });
}

function escape() {
  if (document.activeElement === list.search) list.search.blur();
  else if (view.open) closePanel();
}

function enter(event) {
  // Enter on a button or a link is meant for that.
  if (event.target.closest("button, a, summary")) return false;
  const test = shown[view.current] ?? (event.target === list.search ? shown[0] : null);
  if (!test) return false;
  openTest(test);
  return true;
}

const isInList = (target) => target === list.scroller || target === list.search || target === document.body;

/** What a key does; whether it did something. */
function pressed(event) {
  const { key, target } = event;
  if (key === "Escape") return escape(), true;
  if (key === "Enter") return enter(event);
  if (key === "ArrowDown" && (isInList(target) && (target !== document.body || view.open))) return moveCurrent(1), true;
  if (key === "ArrowUp" && (isInList(target) && (target !== document.body || view.open))) return moveCurrent(-1), true;
  if (target.matches("input, textarea")) return false;
  const actions = {
    "/": () => {
      byId("tests").scrollIntoView({ block: "start" });
      list.search.focus({ preventScroll: true });
      list.search.select();
    },
    j: () => moveCurrent(1),
    k: () => moveCurrent(-1),
    f: nextFailure,
    t: toggleTheme,
    "?": showKeys,
  };
  if (!Object.hasOwn(actions, key)) return false;
  actions[key]();
  return true;
}

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
    if (pressed(event)) event.preventDefault();
  });
}

function start() {
  setTheme(keptTheme());
  showSummary(showOnly);
  showFailures(selectTest);
  showStress();
  showSlowest(selectTest, searchFor);
  showSql();
  showTests();
  showMachinery();
  showTimeline(selectTest);
  showLinks();
  listenToKeys();
  recallView();
  byId("theme-button").addEventListener("click", toggleTheme);
  byId("keys-button").addEventListener("click", showKeys);
  darkScreen.addEventListener("change", () => setTheme(null));
  print.addEventListener("change", () => {
    if (print.matches) openFailuresForPrint();
    redrawCharts();
  });
  addEventListener("hashchange", recallView);
}

start();
