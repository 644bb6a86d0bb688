// Tracebacks, with the project's own code in the foreground.

const FRAME = /^ {2}File "(.*)", line (\d+)(?:, in (.*))?$/;

const CHAINED = /^(During handling of the above exception|The above exception was the direct cause)/;

/** The frames of a traceback, and the lines between them that are not part of one. */
function parse(text) {
  const parts = [];
  let frame = null;
  for (const line of text.split("\n")) {
    const match = FRAME.exec(line);
    if (match) {
      frame = { file: match[1], path: shortPath(match[1]), line: Number(match[2]), name: match[3] ?? "", code: [] };
      frame.isLibrary = isLibrary(match[1]);
      parts.push(frame);
    } else if (frame && /^ {2,}\S/.test(line)) {
      frame.code.push(line.replace(/^ {2,4}/, ""));
    } else {
      frame = null;
      const last = parts.at(-1);
      if (last?.lines) last.lines.push(line);
      else parts.push({ lines: [line] });
    }
  }
  return parts;
}

function frameView(frame) {
  return el(
    "div",
    { class: frame.isLibrary ? "frame library" : "frame" },
    el(
      "div",
      { class: "frame-place" },
      el("span", { class: "frame-file" }, printable(frame.path)),
      el("span", { class: "frame-line" }, `:${frame.line}`),
      frame.name ? el("span", { class: "frame-name" }, ` in ${printable(frame.name)}`) : null,
    ),
    frame.code.length ? el("pre", { class: "frame-code" }, printable(frame.code.join("\n"))) : null,
  );
}

/** Frames of libraries in a row, behind one line until somebody wants them. */
function libraryView(frames) {
  return el(
    "details",
    { class: "libraries" },
    el("summary", {}, plural(frames.length, "library frame")),
    frames.map(frameView),
  );
}

/** The lines of an exception; those of a comparison are told apart. */
function linesView(lines) {
  const text = lines
    .filter((line) => line !== "Traceback (most recent call last):")
    .join("\n")
    .replace(/^\n+|\n+$/g, "");
  if (!text) return null;
  const isComparison = lines.some((line) => /^- /.test(line)) && lines.some((line) => /^\+ /.test(line));
  const shown = el("pre", { class: "raised" });
  text.split("\n").forEach((line, place) => {
    const raised = place ? null : /^([\w.]+)(: .*)?$/s.exec(line);
    if (place) shown.append("\n");
    if (CHAINED.test(line)) {
      shown.append(el("i", { class: "chained" }, line));
      return;
    }
    if (raised) shown.append(el("b", {}, printable(raised[1])), printable(raised[2] ?? ""));
    else if (isComparison && /^[-+] /.test(line)) {
      shown.append(el("span", { class: line[0] === "-" ? "removed" : "added" }, printable(line)));
    } else shown.append(printable(line));
  });
  return shown;
}

/** A whole traceback. */
function tracebackView(text) {
  const parts = parse(text);
  const hasOwn = parts.some((part) => part.file && !part.isLibrary);
  const shown = el("div", { class: "traceback" });
  let libraries = [];
  const putLibraries = () => {
    if (libraries.length) shown.append(libraryView(libraries));
    libraries = [];
  };
  for (const part of parts) {
    if (part.isLibrary && hasOwn) {
      libraries.push(part);
      continue;
    }
    const view = part.lines ? linesView(part.lines) : frameView(part);
    if (!view) continue;
    putLibraries();
    shown.append(view);
  }
  putLibraries();
  return shown;
}

function outputView(name, [text, leftOut]) {
  const lines = text.replace(/\n$/, "").split("\n").length;
  const note = leftOut ? `first ${count(leftOut)} characters omitted` : "";
  return el(
    "details",
    { class: "output", open: lines <= 40 },
    el("summary", {}, el("b", {}, name), el("span", { class: "muted" }, ` ${plural(lines, "line")}${note ? `; ${note}` : ""}`)),
    el("pre", {}, printable(text)),
  );
}

/** What was reported on a test: retries, why it was skipped, problems, output. */
function reportView(test) {
  const details = test.details;
  const shown = el("div", { class: "report" });
  if (!details) return shown;
  for (const retry of details.retries ?? []) {
    shown.append(el("p", { class: "retry" }, el("b", {}, "Retried. "), retry));
  }
  if (test.status.name === "unexpected success") {
    shown.append(el("p", {}, "It is marked as an expected failure, but passed."));
  }
  outcomesView(shown, details);
  for (const attempt of details.reruns ?? []) {
    shown.append(el("p", { class: "retry" }, el("b", {}, "Another attempt failed. "), `Worker ${attempt.worker}.`));
    outcomesView(shown, attempt);
  }
  return shown;
}

/** What was reported in one attempt, and what it printed. */
function outcomesView(shown, details) {
  for (const outcome of details.outcomes ?? []) {
    if (outcome.subtest !== undefined) {
      shown.append(el("p", { class: "subtest" }, statusMark(outcome.status), "Subtest ", el("code", {}, oneLine(outcome.subtest))));
    }
    if (outcome.reason) shown.append(el("p", {}, el("b", {}, "Skipped: "), printable(outcome.reason)));
    if (outcome.problem) shown.append(tracebackView(outcome.problem.text));
    if (outcome.queries) shown.append(outputView("Queries", outcome.queries));
  }
  if (details.stdout) shown.append(outputView("Standard output", details.stdout));
  if (details.stderr) shown.append(outputView("Standard error", details.stderr));
}
