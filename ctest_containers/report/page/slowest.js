// Where the tests' time went: the slowest tests and the slowest classes.

const SLOWEST = 12;

/** The total of each class: its tests, its own fixtures, and what of it is setUpClass. */
function classTotals() {
  const totals = new Map();
  const totalOf = (name) => {
    let total = totals.get(name);
    if (!total) totals.set(name, (total = { name, seconds: 0, setUp: 0, tests: 0 }));
    return total;
  };
  for (const test of tests) {
    if (!test.seconds) continue;
    const total = totalOf(test.className);
    total.seconds += test.seconds;
    total.tests += 1;
  }
  for (const fixture of fixtures) {
    if (!/Class$/.test(fixture.kind)) continue;
    const total = totalOf(fixture.owner);
    total.seconds += fixture.seconds;
    if (fixture.kind === "setUpClass") total.setUp += fixture.seconds;
  }
  return [...totals.values()].filter((total) => total.seconds > 0).sort((a, b) => b.seconds - a.seconds);
}

function shareBar(whole, largest, parts) {
  return el(
    "span",
    { class: "share", "aria-hidden": "true" },
    parts.map(([kind, value]) => el("i", { class: kind, style: { width: `${((value / largest) * 100).toFixed(2)}%` } })),
  );
}

function slowTest(test, largest, select) {
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "slow", onclick: () => select(test) },
      el("span", { class: "slow-name" }, statusMark(test.status.place), el("b", {}, oneLine(test.name)), el("span", { class: "muted" }, oneLine(test.className))),
      el("span", { class: "slow-value" }, seconds(test.seconds)),
      shareBar(test.seconds, largest, [[test.status.key, test.seconds]]),
    ),
  );
}

function slowClass(total, largest, search) {
  const setUpShare = total.setUp / total.seconds;
  const short = total.name.split(".").at(-1);
  const module = total.name.slice(0, -short.length - 1);
  const words = [plural(total.tests, "test")];
  if (setUpShare >= 0.005) words.push(`setUpClass ${(setUpShare * 100).toFixed(0)} %`);
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", class: "slow", onclick: () => search(total.name), title: "List its tests" },
      el("span", { class: "slow-name" }, el("b", {}, oneLine(short)), el("span", { class: "muted" }, [oneLine(module), ...words].filter(Boolean).join(" · "))),
      el("span", { class: "slow-value" }, seconds(total.seconds)),
      shareBar(total.seconds, largest, [["fixture", total.setUp], ["rest", total.seconds - total.setUp]]),
    ),
  );
}

function showSlowest(select, search) {
  const slowTests = tests.filter((test) => test.seconds > 0).sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST);
  const slowClasses = classTotals().slice(0, SLOWEST);
  if (!slowTests.length) return;
  const section = byId("slowest");
  section.hidden = false;
  section.append(
    el("div", { class: "section-head" }, el("h2", { id: "slowest-title" }, "Slowest")),
    el(
      "div",
      { class: "columns" },
      el("div", {}, el("h3", {}, "Tests"), el("ol", { class: "slow-list" }, slowTests.map((test) => slowTest(test, slowTests[0].seconds, select)))),
      el(
        "div",
        {},
        el("h3", {}, "Classes ", el("span", { class: "hint" }, el("i", { class: "swatch fixture" }), "setUpClass ", el("i", { class: "swatch rest" }), "tests and other fixtures")),
        el("ol", { class: "slow-list" }, slowClasses.map((total) => slowClass(total, slowClasses[0].seconds, search))),
      ),
    ),
  );
}
