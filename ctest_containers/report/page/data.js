// The data that the page carries, as objects.

const data = JSON.parse(byId("data").textContent);

/** Statuses in the words of the run, the worst first; the key is their name in the styles. */
const statuses = data.statuses.map((name, place) => ({
  name,
  place,
  key: name.replaceAll(" ", "-"),
  isBad: ["error", "failed", "unexpected success"].includes(name),
  sign: { error: "!", failed: "✕", "unexpected success": "‽", flaky: "↻", skipped: "–", "expected failure": "≈", passed: "✓" }[name] ?? "○",
  title: name === "error" ? "Error" : name[0].toUpperCase() + name.slice(1),
}));

const UNLOADED = "unittest.loader._FailedTest.";

const tests = data.tests.map(([group, name, status, worker, started, took, queries, file, line], place) => {
  const className = data.names[group];
  const method = data.names[name];
  const id = className ? `${className}.${method}` : method;
  return {
    place,
    id,
    className,
    name: method,
    searched: id.toLowerCase(),
    status: statuses[status],
    worker,
    started,
    seconds: took,
    queries,
    file: data.names[file],
    line,
    isTest: true,
    details: data.details[place] ?? null,
  };
});

const testsById = new Map(tests.map((test) => [test.id, test]));

const FIXTURE = /^(\w+) \((.*)\)$/s;

/** Fixtures that went wrong, made to look like tests, for failures show both. */
const listedFixtures = data.fixtures.map((fixture) => {
  const [, name, owner] = FIXTURE.exec(fixture.id) ?? [null, fixture.id, ""];
  return {
    id: fixture.id,
    className: owner,
    name,
    status: statuses[fixture.status],
    worker: fixture.worker,
    started: fixture.at,
    isTest: false,
    details: fixture,
  };
});

const ofFailures = [...listedFixtures, ...tests];
const badFixtures = listedFixtures.filter((fixture) => fixture.status.isBad);
const flaky = ofFailures.filter((test) => test.status.name === "flaky");
const failures = [...ofFailures.filter((test) => test.status.isBad), ...flaky];

/** All fixtures that ran, as (worker, name, owner, when, how long, queries). */
const fixtures = data.workers.flatMap((worker) =>
  worker.fixtures.map(([name, started, took, queries]) => {
    const text = data.names[name];
    const [, kind, owner] = FIXTURE.exec(text) ?? [null, text, ""];
    return { worker: worker.number, text, kind, owner, started, seconds: took, queries };
  }),
);

/** What a test is called on the command line, also if its module could not be loaded. */
function labelOf(test) {
  if (!test.isTest) return test.className || test.id;
  return test.id.startsWith(UNLOADED) ? test.id.slice(UNLOADED.length) : test.id;
}

const commandFor = (test) => `python -m ctest_containers ${quoted(labelOf(test))}`;

/** Paths of the project are told relative to where it ran. */
function shortPath(path) {
  const folder = data.run?.folder;
  return folder && path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}

const LIBRARY =
  /(^|\/)(site-packages|dist-packages|ctest_containers)\/|\/lib(64)?\/python\d|(^|\/)(unittest|django)\/|^<frozen /;

/** Whether a file is somebody else's code. */
const isLibrary = (path) => LIBRARY.test(shortPath(path));

/** What went wrong first; of a flaky test, in the first attempt that failed. */
function firstProblem(test) {
  const isFlakyTest = test.isTest && test.status.name === "flaky";
  const outcomes = isFlakyTest ? test.details?.reruns?.[0].outcomes : test.details?.outcomes;
  return outcomes?.find((one) => one.problem)?.problem;
}

/** Where to look at: the line that failed if it is the project's, else the test. */
function placeOf(test) {
  const problem = firstProblem(test);
  if (problem?.file && problem.line && !isLibrary(problem.file)) return `${shortPath(problem.file)}:${problem.line}`;
  if (problem) {
    const own = parse(problem.text).filter((part) => part.file && !part.isLibrary);
    if (own.length) return `${own.at(-1).path}:${own.at(-1).line}`;
  }
  return test.file ? `${test.file}:${test.line}` : "";
}

/** The first thing that went wrong with a test, in a line. */
function headlineOf(test) {
  const problem = firstProblem(test);
  if (!problem) return ["unexpected success", "flaky"].includes(test.status.name) ? "Marked as an expected failure, but passed." : "";
  const { type, message } = problem;
  const lines = message.split("\n").filter((line) => line.trim());
  // The last line of an import's report says what is wrong, not its first.
  const line = message.includes("\nTraceback (most recent call last):\n") ? lines.at(-1) : lines[0] ?? "";
  return oneLine(line && line !== lines[0] ? line : `${type}${line ? `: ${line}` : ""}`);
}
