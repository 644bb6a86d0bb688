// Memory over time, below the timeline and with its x axis.

const WORKER_COLOURS = 8;

/** All lines: what is available, and for each worker its process and its servers. */
function memoryLines() {
  const lines = [];
  if (data.available.length) lines.push({ label: "Available", points: data.available, scale: "available", ink: "available", dash: [] });
  data.workers.forEach((worker, place) => {
    const ink = `worker-${place % WORKER_COLOURS}`;
    if (worker.process.length) lines.push({ label: `Worker ${worker.number}`, points: worker.process, scale: "used", ink, dash: [] });
    for (const [group, points] of worker.memory) {
      const name = worker.memory.length > 1 ? `${oneLine(group)} server` : "server";
      lines.push({ label: `Worker ${worker.number}, ${name}`, points, scale: "used", ink, dash: [5, 4] });
    }
  });
  return lines;
}

/** One column of times for all lines, as uPlot wants it; null where a line has no value. */
function aligned(lines) {
  const times = [...new Set([0, data.ended, ...lines.flatMap((line) => line.points.map(([at]) => at))])].sort((a, b) => a - b);
  const places = new Map(times.map((at, place) => [at, place]));
  const columns = lines.map((line) => {
    const column = new Array(times.length).fill(null);
    for (const [at, value] of line.points) column[places.get(at)] = value;
    return column;
  });
  return [times, ...columns];
}

/** The latest value up to the cursor: lines are measured at moments of their own. */
function latest(plot, series, place) {
  const column = plot.data[series];
  let found = place;
  while (found > 0 && column[found] === null) found -= 1;
  return column[found] === null ? place : found;
}

function memorySeries(line) {
  return {
    label: line.label,
    scale: line.scale,
    stroke: () => colour(line.ink),
    width: line.scale === "available" ? 2 : 1.5,
    dash: line.dash,
    spanGaps: true,
    points: { show: line.points.length < 40, size: 4 },
    value: (_, value) => (value === null || value === undefined ? "" : bytes(value)),
  };
}

const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500].flatMap((step) => [step * 2 ** 20, step * 2 ** 30]).sort((a, b) => a - b);

function bytesAxis(scale, side, grid) {
  return axisOf({
    scale,
    side,
    size: side === 3 ? LEFT : RIGHT,
    gap: 6,
    space: 30,
    incrs: NICE,
    grid: grid ? { stroke: () => colour("line"), width: 1 } : { show: false },
    values: (_, values) => values.map((value) => (value ? (value >= 2 ** 30 ? `${+(value / 2 ** 30).toFixed(1)} GiB` : `${Math.round(value / 2 ** 20)} MiB`) : "0")),
  });
}

function showMemory(section) {
  const lines = memoryLines();
  if (!lines.length) return null;
  const narrow = section.clientWidth < 600;
  const hasUsed = lines.some((line) => line.scale === "used");
  const fromZero = { range: (_, min, max) => [0, (max || 1) * 1.08] };
  const host = el("div", { class: "chart memory", role: "img", "aria-label": "Memory over time" });
  section.append(
    el("h3", {}, "Memory"),
    el("p", { class: "hint" }, hasUsed ? `Processes and servers of workers on the left axis, dashed lines are servers; what is available ${narrow ? "has its own scale" : "on the right one"}. Click a name to hide its line.` : "What is available to the run."),
    host,
  );
  const width = host.clientWidth;
  return new uPlot(
    {
      width,
      height: 210,
      padding: [8, narrow || !lines.some((line) => line.scale === "available") ? 12 : 0, 0, hasUsed ? 0 : LEFT],
      cursor: { ...momentCursor(), dataIdx: latest, points: { size: 6 } },
      legend: { live: true, markers: { width: 2, stroke: (_, place) => `var(--${lines[place - 1]?.ink ?? "muted"})`, fill: () => "transparent", dash: (_, place) => (lines[place - 1]?.dash.length ? "dashed" : "solid") } },
      scales: { x: momentScale, used: fromZero, available: fromZero },
      axes: [momentAxis(), hasUsed ? bytesAxis("used", 3, true) : { show: false, scale: "used" }, { ...bytesAxis("available", 1, !hasUsed), show: !narrow }],
      series: [{ label: "At", value: (_, value) => (value === null || value === undefined ? "" : seconds(value)) }, ...lines.map(memorySeries)],
    },
    aligned(lines),
    host,
  );
}
