// What went wrong, one card for each; its body is made when it is opened.

const OPEN_AT_FIRST = 3;
const SHOWN_AT_FIRST = 20;

let failureCards = [];

function failureCard(test, select) {
  const where = placeOf(test);
  const head = el(
    "summary",
    {},
    statusMark(test.status.place),
    el(
      "span",
      { class: "failure-title" },
      el("span", { class: "failure-id" }, el("b", {}, oneLine(test.name)), el("span", { class: "muted" }, oneLine(test.className))),
      el("span", { class: "failure-headline" }, headlineOf(test)),
    ),
    el("span", { class: "failure-where muted" }, el("span", {}, where), test.worker ? el("span", {}, `worker ${test.worker}`) : null, test.isTest ? el("span", {}, seconds(test.seconds)) : null),
  );
  const card = el("details", { class: `failure ${test.status.key}`, "data-id": test.id }, head);
  const fill = () => {
    if (card.querySelector(".failure-body")) return;
    card.append(
      el(
        "div",
        { class: "failure-body" },
        reportView(test),
        el(
          "div",
          { class: "failure-actions" },
          el("code", {}, oneLine(commandFor(test))),
          copyButton("Copy command", commandFor(test), "Copy a command that runs it again"),
          test.isTest ? el("button", { type: "button", class: "small", onclick: () => select(test) }, "Show in the list") : null,
        ),
      ),
    );
  };
  card.addEventListener("toggle", () => card.open && fill());
  card.fill = fill;
  return card;
}

function openCard(card) {
  card.fill();
  card.open = true;
}

function showFailures(select) {
  if (!failures.length) return;
  const section = byId("failures");
  section.hidden = false;
  failureCards = failures.map((test) => failureCard(test, select));
  const list = el("div", { class: "failure-list" }, failureCards.slice(0, SHOWN_AT_FIRST));
  const rest = failureCards.slice(SHOWN_AT_FIRST);
  const more = rest.length
    ? el("button", { type: "button", class: "more", onclick: () => showAllFailures() }, `Show ${count(rest.length)} more`)
    : null;
  const libraries = el(
    "button",
    {
      type: "button",
      class: "small",
      "aria-pressed": "false",
      onclick: () => {
        const shown = libraries.getAttribute("aria-pressed") !== "true";
        libraries.setAttribute("aria-pressed", String(shown));
        for (const one of section.querySelectorAll(".libraries")) one.open = shown;
      },
    },
    "Library frames",
  );
  const all = el(
    "button",
    {
      type: "button",
      class: "small",
      onclick: () => {
        const cards = [...list.children];
        const isOpening = cards.some((card) => !card.open);
        for (const card of cards) isOpening ? openCard(card) : (card.open = false);
      },
    },
    "Open or close all",
  );
  section.append(
    el("div", { class: "section-head" }, el("h2", { id: "failures-title" }, "Failures ", el("span", { class: "count" }, count(failures.length - flaky.length) + (flaky.length ? `, ${count(flaky.length)} flaky` : ""))), el("div", { class: "tools" }, libraries, all)),
    list,
    more ?? "",
  );
  for (const card of failureCards.slice(0, OPEN_AT_FIRST)) openCard(card);
}

function showAllFailures() {
  const section = byId("failures");
  section.querySelector(".failure-list")?.append(...failureCards);
  section.querySelector(".more")?.remove();
}

/** To the failure after the one that has the focus, or that was visited last. */
let lastFailure = -1;
function nextFailure() {
  if (!failureCards.length) return;
  const focused = failureCards.findIndex((card) => card.contains(document.activeElement));
  lastFailure = ((focused >= 0 ? focused : lastFailure) + 1) % failureCards.length;
  if (lastFailure >= SHOWN_AT_FIRST) showAllFailures();
  const card = failureCards[lastFailure];
  openCard(card);
  card.querySelector("summary").focus({ preventScroll: true });
  card.scrollIntoView({ block: "start" });
}

/** On paper everything is open, for nobody can click there. */
function openFailuresForPrint() {
  showAllFailures();
  failureCards.forEach(openCard);
}
