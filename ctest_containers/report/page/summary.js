// The head of the page: the verdict, what the run was, and where its time went.

function statusMark(place) {
  const status = statuses[place];
  return el("span", { class: `mark ${status.key}`, title: status.title, "aria-label": status.title, role: "img" }, status.sign);
}

/** A button for the tests of one status; `tests.js` keeps those of the list in step. */
function statusChip(status, onclick) {
  return el(
    "button",
    { type: "button", class: "chip", "data-status": status.key, onclick },
    statusMark(status.place),
    el("b", {}, count(data.counts[status.place])),
    el("span", {}, status.name),
  );
}

const countedStatuses = statuses.filter((status) => data.counts[status.place]);

function verdict() {
  if (!data.finished) return { key: "unfinished", text: "Unfinished" };
  return data.failed ? { key: "failed", text: "Failed" } : { key: "passed", text: "Passed" };
}

function verdictSentence() {
  const bad = tests.filter((test) => test.status.isBad).length;
  const notRun = tests.filter((test) => test.status.name === "not run").length;
  const parts = [];
  if (bad) parts.push(`${count(bad)} of ${plural(tests.length, "test")} went wrong`);
  else if (notRun) parts.push(`${count(tests.length - notRun)} of ${plural(tests.length, "test")} ran`);
  else if (flaky.length) parts.push(plural(tests.length, "test"));
  else parts.push(tests.length ? `${plural(tests.length, "test")}, and nothing went wrong` : "No tests were found");
  if (badFixtures.length) parts.push(`${plural(badFixtures.length, "fixture")} failed`);
  if (flaky.length) parts.push(`${count(flaky.length)} flaky`);
  if (bad && notRun) parts.push(`${count(notRun)} did not run`);
  if (data.finished?.notAffected) parts.push(`${count(data.finished.notAffected)} not affected`);
  return `${parts.join("; ")}.`;
}

/** Why the run ended before its tests, if it did. */
function endingView() {
  if (!data.finished) {
    return el("div", { class: "callout bad" }, el("b", {}, "The event log ends before the run does. "), "This page shows the run up to that point.");
  }
  const { failure, notRun } = data.finished;
  if (!failure && !notRun) return null;
  return el(
    "div",
    { class: "callout bad" },
    el("b", {}, "The run ended early. "),
    notRun ? `${plural(notRun, "test")} did not run. ` : "",
    failure ? el("pre", {}, printable(failure)) : null,
  );
}

function warningsView() {
  const warnings = data.notes.filter(([, level]) => level >= 30);
  if (!warnings.length) return null;
  const items = warnings.map(([at, , text]) => el("li", {}, el("span", { class: "when" }, seconds(at)), el("span", {}, printable(text))));
  const few = items.length <= 5;
  return el(
    "div",
    { class: "callout warn" },
    el("b", {}, plural(items.length, "warning")),
    el("ul", {}, few ? items : items.slice(0, 4)),
    few ? null : el("details", {}, el("summary", {}, `${count(items.length - 4)} more`), el("ul", {}, items.slice(4))),
  );
}

function fact(name, ...value) {
  return el("div", { class: "fact" }, el("dt", {}, name), el("dd", {}, ...value));
}

function dateFact(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  const shown = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(date);
  return el("time", { datetime: text, title: date.toISOString() }, shown);
}

function workersFact() {
  const { workers, reason, limits } = data.planned;
  const rows = limits.map(([allowed, why]) =>
    el("tr", {}, el("td", { class: "number" }, count(allowed)), el("td", {}, why)),
  );
  return fact(
    "Workers",
    el("span", {}, el("b", {}, count(workers)), ` ${reason}`),
    limits.length
      ? el("details", { class: "limits" }, el("summary", {}, "Limits considered"), el("table", {}, el("tbody", {}, rows)))
      : null,
  );
}

function factsView() {
  const facts = el("dl", { class: "facts" });
  const ran = tests.reduce((sum, test) => sum + test.seconds, 0);
  const { run } = data;
  facts.append(
    fact("Duration", el("b", {}, seconds(data.ended + (run?.startup ?? 0))), ran ? ` with ${seconds(ran)} of tests in it` : ""),
  );
  if (data.planned) facts.append(workersFact());
  if (run) {
    facts.append(fact("Versions", run.versions.filter(([, one]) => one).map(([name, one]) => `${name} ${one}`.trim()).join(" · ")));
    const command = run.arguments.map(quoted).join(" ");
    if (command) {
      facts.append(
        el("div", { class: "fact wide" }, el("dt", {}, "Command"), el("dd", { class: "command" }, el("code", {}, printable(command)), copyButton("Copy", command, "Copy the command line"))),
      );
    }
  }
  return facts;
}

const PHASE_WORDS = {
  "start-up": "Python starts and loads the project's command",
  discovery: "test modules are imported",
  fingerprint: "what the template depends on is hashed",
  template: "the migrated database is found or built",
  containers: "until the first test begins",
  tests: "from the first test to the last",
  "clean-up": "containers are removed",
};

function phasesView() {
  const phases = data.phases.filter(([, took]) => took > 0);
  const whole = phases.reduce((sum, [, took]) => sum + took, 0);
  if (!whole) return null;
  const share = (took) => {
    const percent = (took / whole) * 100;
    if (percent < 0.1) return "<0.1 %";
    return `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
  };
  return el(
    "div",
    { class: "phases" },
    el(
      "div",
      { class: "phase-bar", role: "img", "aria-label": phases.map(([name, took]) => `${name} ${seconds(took)}`).join(", ") },
      phases.map(([name, took]) =>
        el("span", { "data-phase": name, style: { "flex-grow": String(took / whole) }, title: `${name}: ${seconds(took)}, ${share(took)}` }),
      ),
    ),
    el(
      "ul",
      { class: "phase-legend" },
      phases.map(([name, took]) =>
        el("li", { title: PHASE_WORDS[name] ?? "" }, el("i", { "data-phase": name }), el("span", {}, name), el("b", {}, seconds(took)), el("span", { class: "muted" }, share(took))),
      ),
    ),
  );
}

function showSummary(showOnly) {
  const { key, text } = verdict();
  const { run } = data;
  const project = run ? oneLine(run.project) : "Test run";
  document.title = `${text} · ${project}`;
  byId("bar-verdict").append(el("i", { class: `dot ${key}` }), el("b", {}, project), run?.branch ? el("span", { class: "branch" }, oneLine(run.branch)) : "");
  document.documentElement.dataset.verdict = key;
  setIcon(key);
  byId("summary").append(
    el(
      "div",
      { class: `verdict ${key}` },
      el("span", { class: "verdict-sign", "aria-hidden": "true" }, { passed: "✓", failed: "✕" }[key] ?? "…"),
      el(
        "div",
        {},
        el("h1", {}, el("span", { class: "verdict-word" }, text), " ", el("span", { class: "project" }, project)),
        el(
          "p",
          { class: "verdict-line" },
          verdictSentence(),
          run ? el("span", { class: "muted" }, " ", dateFact(run.date), run.branch ? " on " : "", run.branch ? el("span", { class: "branch" }, oneLine(run.branch)) : "") : null,
        ),
      ),
    ),
    el("div", { class: "chips", role: "group", "aria-label": "Tests by status" }, countedStatuses.map((status) => statusChip(status, () => showOnly(status)))),
  );
  byId("summary").append(...[endingView(), warningsView(), factsView(), phasesView()].filter(Boolean));
  if (run) byId("footer").append(`Run ${run.id} · `, dateFact(run.date), ` · ctest_containers ${run.versions[0][1]}`);
}

/** A dot in the tab, green or red. */
function setIcon(key) {
  const fill = { passed: "%232f9e62", failed: "%23d6342c" }[key] ?? "%238a94a0";
  const drawn = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='${fill}'/></svg>`;
  document.querySelector("link[rel=icon]").href = `data:image/svg+xml,${drawn.replaceAll("<", "%3C").replaceAll(">", "%3E")}`;
}
