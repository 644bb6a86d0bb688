// The timeline: uPlot gives the axes, the cursor and the zoom; the lanes are drawn here, for each
// block is a test of its own and there may be tens of thousands.

const SYNC = "run";
const LEFT = 72;
const RIGHT = 62;
const DOUBLE_CLICK = 220;

/** Only what has a colour in the styles may be drawn with one. */
const BLOCK_KEYS = [...statuses.map((status) => status.key), "fixture", "container", "earlier-try"];

let charts = [];
let selectedTest = null;

function axisOf(more = {}) {
  return {
    stroke: () => colour("muted"),
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
    ...more,
  };
}

/** Ticks such as 0.2 s, 40 s, 2:30. */
function moments(_, values) {
  const step = values.length > 1 ? values[1] - values[0] : 1;
  const digits = step < 0.01 ? 3 : step < 0.1 ? 2 : step < 1 ? 1 : 0;
  return values.map((value) => {
    if (value < 60 || step < 1) return `${value.toFixed(digits)} s`;
    return `${Math.floor(value / 60)}:${String(Math.round(value % 60)).padStart(2, "0")}`;
  });
}

/** The x axis that both charts have. */
const momentAxis = () => axisOf({ values: moments, space: 80, size: 28, gap: 4 });
const momentScale = { time: false, range: (_, min, max) => [Math.max(0, min ?? 0), Math.min(max ?? data.ended, data.ended) || 1] };
const momentCursor = () => ({ y: false, drag: { x: true, y: false, dist: 5 }, sync: { key: SYNC, scales: ["x", null] } });

function laneHeight(lanes) {
  return Math.max(9, Math.min(26, Math.floor(520 / lanes.length)));
}

function stripes(context, ink) {
  const size = 6 * devicePixelRatio;
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d");
  pen.strokeStyle = ink;
  pen.lineWidth = 1.2 * devicePixelRatio;
  pen.beginPath();
  // Three strokes, so that tiles meet without gaps.
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

function drawLanes(plot, lanes) {
  const { ctx: context, bbox } = plot;
  const colours = Object.fromEntries(BLOCK_KEYS.map((key) => [key, colour(key)]));
  const { min, max } = plot.scales.x;
  const perSecond = bbox.width / (max - min);
  const place = (at) => bbox.left + (at - min) * perSecond;
  const height = bbox.height / lanes.length;
  const inset = Math.max(1, height * 0.14);
  context.save();
  context.beginPath();
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  context.clip();
  const pattern = stripes(context, colours.container);
  lanes.forEach((lane, number) => {
    const top = bbox.top + number * height;
    context.fillStyle = colour("lane");
    context.fillRect(bbox.left, top + inset, bbox.width, height - 2 * inset);
    context.fillStyle = pattern;
    for (const one of lane.starts) context.fillRect(place(one.start), top + inset, (one.end - one.start) * perSecond, height - 2 * inset);
    drawBlocks(context, lane.blocks, { min, max, place, top: top + inset, height: height - 2 * inset, right: bbox.left + bbox.width }, colours);
    drawMarks(context, lane.marks, place, top, height);
  });
  context.restore();
}

/** Blocks that share a pixel are drawn once; what went wrong is always drawn, and last. */
function drawBlocks(context, blocks, lane, colours) {
  const pixel = devicePixelRatio;
  const bad = [];
  let drawnTo = -Infinity;
  let chosen = null;
  for (const block of blocks) {
    if (block.end < lane.min) continue;
    if (block.start > lane.max) break;
    if (block.isBad) {
      bad.push(block);
      continue;
    }
    const left = lane.place(block.start);
    const right = lane.place(block.end);
    if (right <= drawnTo && right - left < pixel) continue;
    if (block.key !== chosen) context.fillStyle = colours[(chosen = block.key)];
    // Neighbours are told apart by a gap as soon as there is room for one.
    const gap = right - left > 4 * pixel ? pixel : 0;
    context.fillRect(left, lane.top, Math.max(pixel, right - left - gap), lane.height);
    drawnTo = Math.max(right, left + pixel);
  }
  for (const block of bad) {
    const left = lane.place(block.start);
    context.fillStyle = colours[block.key];
    context.fillRect(left, lane.top, Math.max(3 * pixel, lane.place(block.end) - left - pixel), lane.height);
  }
  const selected = selectedTest && blocks.find((block) => block.test === selectedTest && !block.isEarlierTry);
  if (selected) drawSelection(context, selected, lane);
}

function drawSelection(context, block, lane) {
  const pixel = devicePixelRatio;
  const left = lane.place(block.start);
  context.strokeStyle = colour("ink");
  context.lineWidth = 2 * pixel;
  context.strokeRect(left - pixel, lane.top - pixel, Math.max(4 * pixel, lane.place(block.end) - left) + 2 * pixel, lane.height + 2 * pixel);
}

function drawMarks(context, marks, place, top, height) {
  const size = Math.min(5 * devicePixelRatio, height / 2.4);
  for (const mark of marks) {
    const x = place(mark.at);
    const y = top + height / 2;
    context.beginPath();
    context.moveTo(x, y - size);
    context.lineTo(x + size, y);
    context.lineTo(x, y + size);
    context.lineTo(x - size, y);
    context.closePath();
    context.fillStyle = colour("mark");
    context.strokeStyle = colour("surface");
    context.lineWidth = 1.5 * devicePixelRatio;
    context.fill();
    context.stroke();
  }
}

function blockTip(block) {
  if (block.server) {
    const { container, version, took } = block.server;
    return [el("b", {}, "Container starts"), el("div", {}, oneLine(container)), el("div", { class: "muted" }, `${oneLine(version)} · answered after ${seconds(took)}`)];
  }
  if (block.fixture) {
    const { text, queries } = block.fixture;
    return [el("b", {}, oneLine(text)), el("div", { class: "muted" }, `fixture · ${seconds(block.fixture.seconds)} · ${queryCount(queries)}`)];
  }
  const { test } = block;
  const title = el("div", { class: "tip-title" }, statusMark(test.status.place), el("b", {}, oneLine(test.name)));
  const owner = el("div", {}, oneLine(test.className));
  if (block.isEarlierTry) return [title, owner, el("div", { class: "muted" }, "an abandoned earlier attempt")];
  return [title, owner, el("div", { class: "muted" }, `${test.status.name} · ${seconds(test.seconds)} · ${queryCount(test.queries)} · at ${seconds(test.started)}`)];
}

const queryCount = (value) => `${count(value)} ${value === 1 ? "query" : "queries"}`;

/** What is under the pointer: a mark before a block, for marks are small. */
function found(plot, lanes, left, top) {
  const lane = lanes[Math.floor((top / plot.over.clientHeight) * lanes.length)];
  if (!lane || left < 0) return null;
  const at = plot.posToVal(left, "x");
  const pixel = plot.posToVal(left + 1, "x") - at;
  const mark = markAt(lane, at, 6 * pixel);
  if (mark) return { mark, lane, test: mark.test };
  const block = blockAt(lane, at, 3 * pixel);
  return block && { block, lane, test: block.test };
}

function showTip(tip, content, event) {
  tip.replaceChildren(...content);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - width - 8);
  const below = event.clientY + 18;
  const top = below + height > innerHeight - 8 ? event.clientY - height - 12 : below;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${top}px`;
}

function followPointer(plot, lanes, tip, select) {
  let pressedAt = 0;
  let selecting = 0;
  const { over } = plot;
  const under = (event) => {
    const box = over.getBoundingClientRect();
    return found(plot, lanes, event.clientX - box.left, event.clientY - box.top);
  };
  over.addEventListener("mousemove", (event) => {
    const hit = event.buttons ? null : under(event);
    over.style.cursor = hit?.test ? "pointer" : "crosshair";
    if (!hit) tip.hidden = true;
    else showTip(tip, hit.mark ? [el("b", {}, `Worker ${hit.lane.number} at ${seconds(hit.mark.at)}`), el("div", {}, printable(hit.mark.text))] : blockTip(hit.block), event);
  });
  over.addEventListener("mouseleave", () => (tip.hidden = true));
  over.addEventListener("mousedown", (event) => (pressedAt = event.clientX));
  over.addEventListener("click", (event) => {
    // A drag ends with a click, too; it has zoomed and is not meant for a test.
    if (Math.abs(event.clientX - pressedAt) > 4) return;
    const hit = under(event);
    clearTimeout(selecting);
    // The first click of two must not scroll away from what the second resets.
    if (hit?.test && event.detail === 1) selecting = setTimeout(() => select(hit.test), DOUBLE_CLICK);
  });
}

function timelineLegend(lanes) {
  const used = new Set(lanes.flatMap((lane) => lane.blocks.map((block) => block.key)));
  const items = statuses.filter((status) => used.has(status.key)).map((status) => [status.key, status.name]);
  if (used.has("fixture")) items.push(["fixture", "fixture (setUpClass, …)"]);
  if (lanes.some((lane) => lane.starts.length)) items.push(["container", "container starts"]);
  if (used.has("earlier-try")) items.push(["earlier-try", "earlier attempt"]);
  if (lanes.some((lane) => lane.marks.length)) items.push(["mark-sign", "worker lost, paused or replaced; timeout; retry"]);
  items.push(["lane", "waiting"]);
  return el("ul", { class: "legend" }, items.map(([key, text]) => el("li", {}, el("i", { class: `swatch ${key}` }), text)));
}

function timelinePlot(host, lanes, width) {
  const size = laneHeight(lanes);
  const narrow = width < 560;
  const step = Math.ceil(14 / size);
  return new uPlot(
    {
      width,
      height: lanes.length * size + 28 + 8,
      padding: [8, narrow ? 12 : RIGHT, 0, 0],
      legend: { show: false },
      cursor: { ...momentCursor(), points: { show: false } },
      scales: { x: momentScale, y: { range: [0, lanes.length], dir: -1 } },
      axes: [
        momentAxis(),
        axisOf({
          size: LEFT,
          gap: 8,
          grid: { show: false },
          splits: () => lanes.map((_, place) => place + 0.5).filter((_, place) => place % step === 0),
          values: (_, splits) => splits.map((split) => (narrow ? `${lanes[split - 0.5].number}` : `Worker ${lanes[split - 0.5].number}`)),
        }),
      ],
      // uPlot wants a series to know the extent of x; the lanes are drawn by the hook.
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { draw: [(plot) => drawLanes(plot, lanes)] },
    },
    [[0, data.ended], [0, 0]],
    host,
  );
}

function showTimeline(select) {
  const lanes = makeLanes();
  if (!lanes.length || !data.ended) return;
  const section = byId("timeline");
  section.hidden = false;
  const reset = el("button", { type: "button", class: "small", disabled: true, onclick: () => charts.forEach((chart) => chart.setScale("x", { min: 0, max: data.ended })) }, "Whole run");
  const host = el("div", { class: "chart", role: "img", "aria-label": `What ${plural(lanes.length, "worker")} did over ${seconds(data.ended)}. The list of all tests shows the same as text.` });
  const tip = el("div", { class: "tip", hidden: true });
  section.append(
    el("div", { class: "section-head" }, el("h2", { id: "timeline-title" }, "Timeline"), el("div", { class: "tools" }, el("span", { class: "hint" }, "Drag to zoom, click a test to see it"), reset)),
    timelineLegend(lanes),
    host,
  );
  document.body.append(tip);
  const timeline = timelinePlot(host, lanes, host.clientWidth);
  followPointer(timeline, lanes, tip, select);
  const memory = showMemory(section);
  charts = memory ? [timeline, memory] : [timeline];
  keepInStep(reset);
  fitCharts(host);
}

/** A zoom of one chart is a zoom of both. */
function keepInStep(reset) {
  for (const chart of charts) {
    (chart.hooks.setScale ??= []).push((plot, key) => {
      if (key !== "x") return;
      const { min, max } = plot.scales.x;
      reset.disabled = min <= 0 && max >= data.ended;
      for (const other of charts) {
        if (other !== plot && (other.scales.x.min !== min || other.scales.x.max !== max)) other.setScale("x", { min, max });
      }
    });
  }
}

function fitCharts(host) {
  const fit = oncePerFrame(() => {
    const width = host.clientWidth;
    for (const chart of charts) if (chart.width !== width) chart.setSize({ width, height: chart.height });
  });
  new ResizeObserver(fit).observe(host);
}

/** Draws anew what the styles colour: after a change of the theme, or of the selected test. */
const redrawCharts = oncePerFrame(() => charts.forEach((chart) => chart.redraw(false, false)));

function markInTimeline(test) {
  selectedTest = test;
  redrawCharts();
}
