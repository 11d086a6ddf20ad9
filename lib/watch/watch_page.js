/**
 * Shows what the server finds. Whatever comes from data, file names too, is set
 * as text: nothing here parses HTML.
 */
const EVERY = 2000;
const dark = matchMedia("(prefers-color-scheme: dark)");
const groups = document.getElementById("groups");
const notice = document.getElementById("notice");
const filter = document.getElementById("filter");

/** The parts of the page for each thing that is watched. */
const shown = new Map();
/** Whether runs that begin are opened, as nothing is yet or what was is gone. */
let opensNext = true;

function element(name, { text = "", ...attributes } = {}, children = []) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

async function ask(what) {
  const response = await fetch(what, { cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status}`);
  return await response.json();
}

async function update() {
  try {
    const states = await ask("states");
    notice.textContent = states.length > 0
      ? ""
      : "No runs yet. This page shows them as soon as they begin.";
    show(states);
    for (const state of states) await detail(state);
    document.body.classList.remove("lost");
  } catch {
    document.body.classList.add("lost");
    notice.textContent =
      "The server does not answer. Has deno task watch ended?";
  }
}

/** Puts a line for each thing that is watched, in their order. */
function show(states) {
  const ids = new Set(states.map(({ id }) => id));
  for (const [id, { box }] of shown) {
    if (ids.has(id)) continue;
    opensNext ||= box.open;
    box.remove();
    shown.delete(id);
  }
  const opened = opensNext ? toOpen(states) : [];
  states.forEach((state, i) => {
    const isNew = !shown.has(state.id);
    if (isNew) shown.set(state.id, made(state));
    const { box, head } = shown.get(state.id);
    if (isNew && opened.includes(state)) {
      box.open = true;
      opensNext = false;
    }
    if (groups.children[i] !== box) {
      groups.insertBefore(box, groups.children[i] ?? null);
    }
    head.replaceChildren(...headOf(state));
  });
}

/** Runs that are under way, as many as fit, or whatever comes first. */
function toOpen(states) {
  const running = states.filter(({ phase, unit }) =>
    phase === "running" && unit === "step"
  );
  return running.length > 0 ? running.slice(0, 3) : states.slice(0, 1);
}

function made(state) {
  const head = element("summary");
  const body = element("div");
  const box = element("details", { class: "group" }, [head, body]);
  const parts = { box, head, body, revision: -1, match: "" };
  box.addEventListener("toggle", () => detail(state).catch(() => {}));
  return parts;
}

/** Name, progress and the last measures. */
function headOf({ name, about, phase, done, total, unit, rate, latest }) {
  const of = total === null || phase === "finished" ? "" : ` of ${total}`;
  const isOne = (total ?? done) === 1;
  const left = phase === "running" && rate && total !== null
    ? `, ${duration((total - done) / rate)} left`
    : "";
  const speed = phase === "running" && rate ? `, ${pace(rate, unit)}` : "";
  return [
    element("strong", { text: name }),
    element("span", { class: `phase ${phase}`, text: phase }),
    element("small", { class: "about", text: about }),
    ...phase === "finished" ? [] : [progress(phase, done, total)],
    element("small", {
      text: `${done}${of} ${unit}${isOne ? "" : "s"}${speed}${left}`,
    }),
    element("small", { class: "latest", text: measures(latest, 4) }),
  ];
}

/** A bar that moves to and fro while nobody knows where the end is. */
function progress(phase, done, total) {
  const bar = element("progress", { max: total ?? 1, value: done });
  if (total === null && phase === "running") bar.removeAttribute("value");
  return bar;
}

function measures(latest, most) {
  return Object.entries(latest).slice(0, most)
    .map(([name, value]) => `${name} ${digits(value)}`).join(", ");
}

const digits = (x) => `${Number(x.toPrecision(4))}`.replace("-", "−");

function pace(rate, unit) {
  if (rate >= 1) return `${digits(rate)} ${unit}s/s`;
  return rate * 60 >= 1
    ? `${digits(rate * 60)} ${unit}s/min`
    : `${digits(rate * 3600)} ${unit}s/h`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** Asks for the details of what is open, where they have changed. */
async function detail({ id, revision }) {
  const parts = shown.get(id);
  const match = filter.value;
  if (!parts?.box.open) return;
  if (parts.revision === revision && parts.match === match) return;
  const query = new URLSearchParams({ id, match });
  const { runs, found, plots } = await ask(`details?${query}`);
  Object.assign(parts, { revision, match });
  const note = found > runs.length
    ? `The last ${runs.length} of ${found} runs.`
    : found === 0
    ? "No run has ended yet."
    : "";
  const panels = element("div", { class: "panels small" });
  parts.body.replaceChildren(
    element("p", { class: "note", text: note }),
    panels,
    ...runsOf(runs),
  );
  for (const { title } of plots) {
    const plot = element("div", { class: "plot", role: "img" });
    plot.setAttribute("aria-label", title);
    panels.append(
      element("figure", {}, [element("h2", { text: title }), plot]),
    );
  }
  draw(parts.body, plots);
}

/** A table of runs and their last measures, and the texts that they have. */
function runsOf(runs) {
  const names = [...new Set(runs.flatMap(({ latest }) => Object.keys(latest)))]
    .slice(0, 8);
  const head = ["run", "step", ...names]
    .map((text) => element("th", { text, scope: "col" }));
  const rows = runs.map(({ name, color, step, latest }) =>
    element("tr", {}, [
      element("th", { scope: "row" }, [markOf(color), name]),
      element("td", { text: step }),
      ...names.map((measure) =>
        element("td", {
          text: measure in latest ? digits(latest[measure]) : "–",
        })
      ),
    ])
  );
  const table = element("table", {}, [
    element("thead", {}, [element("tr", {}, head)]),
    element("tbody", {}, rows),
  ]);
  const texts = runs.filter(({ texts }) => texts.length > 0).map((run) =>
    element("article", {}, [
      element("h3", { text: run.name }),
      element("ul", {}, run.texts.map((text) => element("li", { text }))),
    ])
  );
  const samples = element("details", { class: "samples" }, [
    element("summary", { text: "Texts at the end of each run" }),
    element("div", {}, texts),
  ]);
  return [
    ...runs.length > 1
      ? [element("section", { class: "table" }, [element("div", {}, [table])])]
      : [],
    ...texts.length > 0 ? [samples] : [],
  ];
}

/** A dot in the colour of a run's curves. */
function markOf(color) {
  const mark = element("span", { text: "● " });
  mark.style.color = dark.matches ? style.onDark[color] ?? color : color;
  return mark;
}

/** Draws the plots of a group in colours that fit the page. */
function draw(body, plots) {
  const places = body.querySelectorAll(".plot");
  plots.forEach((plot, i) => {
    const json = JSON.stringify(plot);
    const { data, layout } = JSON.parse(
      dark.matches
        ? json.replace(
          /#[0-9a-f]{6}/gi,
          (color) => style.onDark[color] ?? color,
        )
        : json,
    );
    Plotly.react(places[i], data, layout, style.config);
  });
}

let style;

async function begin() {
  style = await ask("style");
  dark.addEventListener("change", () => {
    for (const parts of shown.values()) parts.revision = -1;
    update();
  });
  filter.addEventListener("input", update);
  for (;;) {
    if (!document.hidden) await update();
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

begin();
