// What each worker did and when: the lanes of the timeline, without anything of how they are drawn.

const TIMED_OUT = /TimedOut$/;

function isTimeout(test) {
  return (test.details?.outcomes ?? []).some(
    ({ problem }) => problem && (TIMED_OUT.test(problem.type) || problem.message.startsWith("Timed out:")),
  );
}

/** A lane for each worker: blocks by their beginning, container starts below them, marks above. */
function makeLanes() {
  const numbers = new Set(data.workers.map((worker) => worker.number));
  for (const test of tests) if (test.worker) numbers.add(test.worker);
  const lanes = new Map(
    [...numbers].sort((a, b) => a - b).map((number) => [number, { number, blocks: [], starts: [], marks: [] }]),
  );
  for (const test of tests) {
    const lane = lanes.get(test.worker);
    if (lane) addTest(lane, test);
    for (const { status, worker, at, seconds: took } of test.details?.reruns ?? []) {
      const { key, isBad } = statuses[status];
      lanes.get(worker)?.blocks.push({ start: at, end: at + took, key, isBad, test });
    }
  }
  for (const fixture of fixtures) {
    const { worker, started, seconds: took } = fixture;
    lanes.get(worker).blocks.push({ start: started, end: started + took, key: "fixture", isBad: false, fixture });
  }
  for (const worker of data.workers) {
    const lane = lanes.get(worker.number);
    for (const [ready, group, container, version, took] of worker.servers) {
      lane.starts.push({ start: Math.max(0, ready - took), end: ready, key: "container", server: { group, container, version, took } });
    }
    for (const [at, text] of worker.notes) lane.marks.push({ at, text });
  }
  for (const lane of lanes.values()) {
    lane.blocks.sort((a, b) => a.start - b.start);
    addEarlierTries(lane);
    lane.marks.sort((a, b) => a.at - b.at);
  }
  return [...lanes.values()];
}

function addTest(lane, test) {
  const end = test.started + test.seconds;
  lane.blocks.push({ start: test.started, end, key: test.status.key, isBad: test.status.isBad, test });
  if (isTimeout(test)) lane.marks.push({ at: end, text: `Timed out: ${oneLine(test.name)}`, test });
  for (const retry of test.details?.retries ?? []) {
    lane.marks.push({ at: test.started, text: `Retried: ${oneLine(test.name)}. ${retry}`, test });
  }
}

/** A test that is tried again goes on at once where it was, so its earlier try fills the gap. */
function addEarlierTries(lane) {
  const found = [];
  lane.blocks.forEach((block, place) => {
    if (!block.test?.details?.retries) return;
    const start = lane.blocks[place - 1]?.end ?? block.start;
    if (start < block.start) found.push({ start, end: block.start, key: "earlier-try", isBad: false, test: block.test, isEarlierTry: true });
  });
  if (!found.length) return;
  lane.blocks.push(...found);
  lane.blocks.sort((a, b) => a.start - b.start);
}

/** The block of a lane at a moment, or the nearest within a tolerance. */
function blockAt(lane, at, tolerance) {
  const { blocks } = lane;
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle].start <= at) low = middle + 1;
    else high = middle;
  }
  let best = null;
  let bestDistance = tolerance;
  // Blocks of a worker follow each other, so the neighbours are all that can be near.
  for (let place = Math.max(0, low - 4); place < Math.min(blocks.length, low + 2); place += 1) {
    const block = blocks[place];
    const distance = Math.max(block.start - at, at - block.end, 0);
    if (distance < bestDistance || (distance === 0 && bestDistance === 0)) [best, bestDistance] = [block, distance];
  }
  return best ?? lane.starts.find((one) => one.start <= at && at <= one.end) ?? null;
}

const markAt = (lane, at, tolerance) => {
  let best = null;
  for (const mark of lane.marks) {
    const distance = Math.abs(mark.at - at);
    if (distance <= tolerance && (!best || distance < Math.abs(best.at - at))) best = mark;
  }
  return best;
};
