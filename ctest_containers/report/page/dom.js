// Elements, and how texts and numbers are shown. All text goes through textContent, so whatever a
// test is called or has printed stays text.

/** An element with attributes, listeners (`onclick`) and children; strings become text. */
function el(tag, attributes = {}, ...children) {
  const found = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) found.addEventListener(name.slice(2), value);
    else if (name === "class") found.className = value;
    else if (name === "style") for (const [key, of] of Object.entries(value)) found.style.setProperty(key, of);
    else found.setAttribute(name, value === true ? "" : value);
  }
  found.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return found;
}

const byId = (id) => document.getElementById(id);

function seconds(value) {
  if (value >= 3600) {
    const minutes = Math.round(value / 60);
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  if (value >= 59.95) {
    const whole = Math.round(value);
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  if (value >= 9.995) return `${value.toFixed(1)} s`;
  if (value >= 0.9995) return `${value.toFixed(2)} s`;
  if (value >= 0.01) return `${(value * 1000).toFixed(0)} ms`;
  return value ? `${(value * 1000).toFixed(1)} ms` : "0 ms";
}

function bytes(value) {
  const mebibytes = value / 2 ** 20;
  if (mebibytes >= 1024) return `${(mebibytes / 1024).toFixed(1)} GiB`;
  return `${mebibytes >= 10 ? mebibytes.toFixed(0) : mebibytes.toFixed(1)} MiB`;
}

const grouped = new Intl.NumberFormat("en");
const count = (value) => grouped.format(value);

function plural(value, noun) {
  const many = /(s|ch)$/.test(noun) ? `${noun}es` : `${noun}s`;
  return `${count(value)} ${value === 1 ? noun : many}`;
}

/** What a terminal would show, without its colours; other control characters can be seen. */
function printable(text) {
  return text
    .replace(/\x1b\[[0-9;:]*m/g, "")
    .replace(/\r\n/g, "\n")
    .replace(/[\x00-\x08\x0b-\x1f]/g, (one) => String.fromCharCode(0x2400 + one.charCodeAt(0)))
    .replace(/\x7f/g, "␡");
}

/** A name in one line, however many the test gives it. */
const oneLine = (text) => printable(text).replace(/[\n\t\u2028\u2029]+/g, " ");

/** A word of the shell. */
const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages from plain HTTP get no clipboard; selecting and copying works there.
    const area = el("textarea", { class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

function copyButton(label, text, title) {
  const button = el("button", { type: "button", class: "small", title }, label);
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    await copy(text);
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

/** Tells a screen reader. */
function say(text) {
  byId("live").textContent = text;
}

/** The colour that a custom property has in the present theme: canvases cannot ask for `var()`. */
function colour(name) {
  const probe = byId("live");
  probe.style.color = `var(--${name})`;
  const found = getComputedStyle(probe).color;
  probe.style.color = "";
  return found;
}

/** Runs once in a frame, however often it is called. */
function oncePerFrame(action) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      action();
    });
  };
}
