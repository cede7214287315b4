// Draws what /pipeline/data says, once a second. Texts are set as texts, never as markup.
"use strict";

const EVERY_MILLIS = 1000;
const PASSES = { FORWARD: ["forward", "F"], BACKWARD: ["backward", "B"], WEIGHTS: ["weights", "W"] };
let shown = "";

function element(name, attributes, ...content) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...content);
  return made;
}

function drawn(name, attributes, ...content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...content);
  return made;
}

function picture(label, width, height, fixed) {
  const size = fixed ? { width, height } : {};
  return drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, ...size });
}

function number(value, digits, unit = "") {
  return typeof value === "number" ? value.toFixed(digits) + unit : String(value ?? "");
}

function brief(value) {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

function table(id, caption, heads, rows) {
  const place = document.getElementById(id);
  if (rows.length === 0) {
    place.replaceChildren();
    return;
  }
  const head = element("tr", {}, ...heads.map(text => element("th", { scope: "col" }, text)));
  const body = rows.map(cells => element("tr", {}, ...cells.map((text, i) =>
    i === 0 ? element("th", { scope: "row" }, text) : element("td", {}, text))));
  place.replaceChildren(element("table", {}, element("caption", {}, caption), element("thead", {}, head),
    element("tbody", {}, ...body)));
}

function figures(state, points) {
  const step = state.step ?? {};
  const last = points[points.length - 1];
  const list = [
    ["Step", number(step.number, 0)],
    ["Loss", number(step.score, 4)],
    ["Examples a second", last ? number(last[2], 1) : ""],
    ["Forward and backward", number(step.millis, 1, " ms")],
    ["Predicted", state.predictedMillis > 0 ? number(state.predictedMillis, 1, " ms") : ""],
    ["Waiting", step.bubble === undefined ? "" : number(100 * step.bubble, 0, " %")],
  ];
  document.getElementById("figures").replaceChildren(...list.filter(entry => entry[1] !== "")
    .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

/** A round step of an axis, so that there are at most eight. */
function tickOf(range) {
  const power = 10 ** Math.floor(Math.log10(range / 8));
  return [1, 2, 5, 10].map(factor => factor * power).find(tick => range / tick <= 8) ?? 10 * power;
}

function timeline(step) {
  const place = document.getElementById("timeline");
  if (!step || !step.tasks || step.tasks.length === 0) {
    place.replaceChildren();
    return;
  }
  const routes = [...new Set(step.transfers.map(transfer => transfer[0]))];
  const left = 190, width = 1100, row = 34, thin = 20;
  const height = step.workers.length * row + routes.length * thin + 30;
  const scale = (width - left - 20) / step.spanMillis;
  const svg = picture(`Step ${step.number}: ${step.workers.length} workers, ${number(step.spanMillis, 1)} ms`, width, height, true);
  const tick = tickOf(step.spanMillis);
  for (let at = 0; at <= step.spanMillis; at += tick) {
    const x = left + at * scale;
    svg.append(drawn("line", { class: "tick", x1: x, x2: x, y1: 0, y2: height - 22 }),
      drawn("text", { class: "middle", x, y: height - 6 }, `${Number(at.toPrecision(6))} ms`));
  }
  step.workers.forEach((worker, i) => svg.append(
    drawn("text", { x: 0, y: i * row + 20 }, worker.name),
    drawn("rect", { class: "wait", x: left, y: i * row + 2, width: step.spanMillis * scale, height: row - 6 })));
  step.tasks.forEach(([worker, pass, stage, microBatch, start, end]) => {
    const [kind, letter] = PASSES[pass];
    const wide = (end - start) * scale;
    const task = drawn("g", {}, drawn("title", {},
      `${kind} of micro-batch ${microBatch}, stage ${stage}: ${number(start, 2)} to ${number(end, 2)} ms`),
    drawn("rect", { class: `task ${kind}`, x: left + start * scale, y: worker * row + 2, width: Math.max(0.5, wide), height: row - 6 }));
    if (wide > 26) {
      task.append(drawn("text", { class: "in", x: left + start * scale + wide / 2, y: worker * row + 20 }, letter + microBatch));
    }
    svg.append(task);
  });
  routes.forEach((route, i) => svg.append(drawn("text", { x: 0, y: step.workers.length * row + i * thin + 14 }, route)));
  step.transfers.forEach(([route, what, bytes, start, end]) => svg.append(drawn("g", {},
    drawn("title", {}, `${what}: ${brief(bytes / 1e6)} MB, ${number(start, 2)} to ${number(end, 2)} ms`),
    drawn("rect", { class: "copy", x: left + start * scale, y: step.workers.length * row + routes.indexOf(route) * thin + 3,
      width: Math.max(1, (end - start) * scale), height: thin - 6 }))));
  place.replaceChildren(svg);
}

function workers(step) {
  const rows = step?.workers ?? [];
  table("workers", "Workers in the last step", ["worker", "computes", "waits", "used"], rows.map(worker => [worker.name,
    number(worker.busyMillis, 1, " ms"), number(Math.max(0, step.spanMillis - worker.busyMillis), 1, " ms"),
    number(100 * worker.busyMillis / step.spanMillis, 0, " %")]));
  table("stages", "Stages: a replica's time in the last step, and memory", ["stage", "devices", "vertices", "busy", "predicted",
    "activations", "memory, predicted"], (step?.stages ?? []).map((stage, i) => [`stage ${i}`, stage.devices,
    String(stage.vertices), number(stage.busyMillis, 1, " ms"), stage.predictedMillis > 0 ? number(stage.predictedMillis, 1, " ms") : "",
    number(stage.memoryBytes / 1e6, 1, " MB"), stage.predictedBytes > 0 ? number(stage.predictedBytes / 1e6, 1, " MB") : ""]));
}

function curve(title, points, index, factor = 1) {
  const finite = points.filter(point => typeof point[index] === "number").map(point => [point[0], factor * point[index]]);
  const width = 560, height = 200, left = 70, top = 30, bottom = 28;
  const values = finite.map(point => point[1]);
  const least = Math.min(...values), most = Math.max(...values);
  const svg = picture(finite.length === 0 ? `${title}: no values`
    : `${title}: from ${brief(values[0])} to ${brief(values[values.length - 1])}`, width, height, false);
  svg.append(drawn("text", { class: "title", x: 0, y: 16 }, title));
  if (finite.length > 0) {
    const first = finite[0][0], last = finite[finite.length - 1][0];
    const range = most > least ? most - least : Math.max(1e-9, Math.abs(most));
    const at = ([step, value]) => `${(left + (width - left - 12) * (step - first) / Math.max(1, last - first)).toFixed(1)},${
      (height - bottom - (height - bottom - top) * (value - least) / range).toFixed(1)}`;
    svg.append(drawn("line", { class: "axis", x1: left, x2: width - 12, y1: height - bottom, y2: height - bottom }),
      drawn("text", { class: "end", x: left - 8, y: top + 6 }, brief(most)),
      drawn("text", { class: "end", x: left - 8, y: height - bottom }, brief(least)),
      drawn("text", { x: left, y: height - 8 }, `step ${first}`),
      drawn("text", { class: "end", x: width - 12, y: height - 8 }, String(last)),
      drawn("polyline", { class: "curve", points: finite.map(at).join(" ") }));
  }
  return svg;
}

function plan(state) {
  document.getElementById("explain").textContent = state.explain ?? "";
  table("changes", "How training came to this plan", ["after step", "cause", "reason", "plan"],
    (state.changes ?? []).map(change => [String(change.step), change.cause, change.reason, change.plan]));
  table("measured", "Plans that were tried", ["plan", "steps", "measured", "predicted"], (state.measured ?? []).map(tried =>
    [tried.plan, String(tried.steps), number(tried.millis, 1, " ms"), tried.predictedMillis > 0 ? number(tried.predictedMillis, 1, " ms") : ""]));
}

function settings(state) {
  table("settings", "Settings of the plan", ["what", "value"], Object.entries(state.settings ?? {}));
  table("machine", "Machine and software of the training process", ["what", "value"], Object.entries(state.machine ?? {}));
}

function choices(sessions, session) {
  const select = document.getElementById("sessions");
  if (select.dataset.sessions !== sessions.join("\n")) {
    select.dataset.sessions = sessions.join("\n");
    select.replaceChildren(...sessions.map(name => element("option", { value: name }, name)));
  }
  if (document.activeElement !== select && session) {
    select.value = session;
  }
}

async function show() {
  const asked = new URLSearchParams(location.search).get("session");
  const response = await fetch("/pipeline/data" + (asked ? "?session=" + encodeURIComponent(asked) : ""));
  const text = await response.text();
  if (text === shown) {
    return;
  }
  shown = text;
  const data = JSON.parse(text);
  choices(data.sessions, data.session);
  if (!data.state) {
    return;
  }
  document.getElementById("phase").textContent = [data.state.plan, data.state.phase].filter(Boolean).join(": ");
  figures(data.state, data.points);
  timeline(data.state.step);
  workers(data.state.step);
  document.getElementById("curves").replaceChildren(curve("Loss", data.points, 1), curve("Examples a second", data.points, 2),
    curve("Use of the workers in %", data.points, 3, 100));
  plan(data.state);
  settings(data.state);
}

document.getElementById("sessions").addEventListener("change", event => {
  history.replaceState(null, "", "/pipeline?session=" + encodeURIComponent(event.target.value));
  show().catch(() => {});
});

async function repeat() {
  try {
    await show();
  } catch (failure) {
    document.getElementById("phase").textContent = "The server does not answer: " + failure.message;
    shown = "";
  }
  setTimeout(repeat, EVERY_MILLIS);
}
repeat();
