// The statistics of a stress run: which tests failed how often and in which rounds, and durations.

function stressFailure(failure) {
  const place = failure.file ? `${failure.file}:${failure.line}` : "";
  const rounds = failure.rounds.map((round) => `${round} (${data.stress.seed + round - 1})`).join(", ");
  const more = failure.count > failure.rounds.length ? " …" : "";
  return el(
    "details",
    {},
    el("summary", {}, el("b", {}, `${count(failure.count)}× `), oneLine(failure.message ? `${failure.type}: ${failure.message}` : failure.type), " ", el("span", { class: "muted" }, oneLine(place))),
    el("div", { class: "muted" }, `Rounds (seeds): ${rounds}${more}`),
    el("pre", {}, printable(failure.text)),
  );
}

function stressedTest(test) {
  const further = test.further ? el("div", { class: "muted" }, `${count(test.further)} failed in further ways`) : null;
  return el("tr", {}, numberCell(test.rate), numberCell(count(test.failed)), numberCell(count(test.passed)), cell(el("code", {}, oneLine(test.id)), test.failures.map(stressFailure), further));
}

function showStress() {
  if (!data.stress) return;
  const section = byId("stress");
  section.hidden = false;
  const { sentence, tests, durations } = data.stress;
  const rows = durations.map(([id, ...values]) => el("tr", {}, values.map((value) => numberCell(seconds(value))), cell(el("code", {}, oneLine(id)))));
  section.append(
    el("div", { class: "section-head" }, el("h2", { id: "stress-title" }, "Stress run")),
    el("p", {}, sentence),
    tests.length ? table(["Failure rate", "Failed", "Passed", "Test"], tests.map(stressedTest)) : "",
    rows.length ? el("h3", {}, "Durations") : "",
    rows.length ? table(["Minimum", "Median", "Maximum", "Test"], rows) : "",
  );
}
