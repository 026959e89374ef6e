// Draws a running stack as its events tell of it, and asks for what the controls say.
// Invariant: nothing is shown that the server did not say, and what it refuses is shown in its own words.
"use strict";

const PHASES = [
  ["quiet", "The responder has found no trouble. It looks once a minute, and whenever an alarm calls it."],
  ["open", "Trouble was found, and people are told."],
  ["waiting", "The dead letters wait until Stripe is well."],
  ["canary", "A few dead letters go first."],
  ["redriving", "The dead letters go back into the queue."],
  ["draining", "What went back is being settled."],
  ["resolved", "It is over; people are told so."],
];
const STATES = [["succeeded", "well"], ["intended", "mark"], ["received", "care"], ["declined", "dim"], ["quarantined", "harm"]];
const SAMPLES_MIN = 60; // One a second: a curve shows the last minute,
const SAMPLES_MAX = 900; // and grows to the last quarter of an hour.
const LINES_MAX = 300;
const RECONNECT_SAID_MS = 1500;
const LET_GO_MS = 200;

const by = (id) => document.getElementById(id);
const clock = (instant) => instant.slice(11, 19);
const number = (value) => value.toLocaleString("en");
const counted = (value, one) => `${number(value)} ${value === 1 ? one : `${one}s`}`;
const percent = (share) => `${(share * 100).toLocaleString("en", { maximumFractionDigits: 4 })} %`;
const listed = (names) => names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
const spell = (name) => name.replaceAll("_", " ").toLowerCase();

function length(seconds) {
  if (seconds === null) return "until it is cleared";
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  if (minutes === 0) return `${rest} s left`;
  return minutes < 10 && rest > 0 ? `${minutes} min ${rest} s left` : `${minutes} min left`;
}

// An element with classes, and what is in it.
function made(tag, classes, ...inside) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...inside);
  return element;
}

// Sets a text only when it is another, so that nothing that is read, marked or focused is replaced.
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// One child for each key, in order: kept where it was there, made where it is new, taken away where it is gone.
function keyed(parent, keys, make) {
  const there = new Map([...parent.children].filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  for (const child of [...parent.children]) if (!keys.includes(child.dataset.key)) child.remove();
  return keys.map((key, index) => {
    let child = there.get(key);
    if (!child) {
      child = make(key);
      child.dataset.key = key;
    }
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    return child;
  });
}

function figures(list, rows) {
  const made_row = () => made("div", "", made("dt", "", made("span")), made("dd"));
  keyed(list, rows.map(([name]) => name), made_row).forEach((row, index) => {
    const [name, value, colour] = rows[index];
    const term = row.querySelector("dt");
    term.className = colour ? `swatch ${colour}` : "";
    put(term.firstChild, name);
    put(row.querySelector("dd"), value);
  });
}

// --- Announcing -------------------------------------------------------------------------------------------------------

// Only what somebody who does not look would want to be told, and none of the counting.
function announce(text) {
  by("announcer").textContent = text;
}

const told = new Map();

function announceChange(subject, now, words) {
  const before = told.get(subject);
  told.set(subject, now);
  if (before !== undefined && before !== now) announce(words);
}

// --- State ------------------------------------------------------------------------------------------------------------

function show(state) {
  put(by("clock"), `${clock(state.now)} UTC`);
  const alarms = alarmsOf(state);
  showSentence(state, alarms);
  showPhase(state.incident ?? "quiet");
  showQueues(state);
  showPayments(state);
  showAlarms(alarms);
  showFaults(state);
}

function alarmsOf(state) {
  const names = Object.keys(state.alarms);
  const prefix = names.reduce((common, name) => {
    while (!name.startsWith(common)) common = common.slice(0, -1);
    return common;
  }, names[0] ?? "").replace(/[^-]*$/, "");
  const rank = { ALARM: 0, OK: 1, INSUFFICIENT_DATA: 2 };
  const alarms = names.map((name) => ({ name: name.slice(prefix.length), ...state.alarms[name] }));
  return alarms.sort((one, other) => rank[one.state] - rank[other.state]);
}

function showSentence(state, alarms) {
  const others = state.faults.filter((fault) => fault.kind !== "stripe-unavailable" || fault.operations.length > 0).length;
  const total = (name) => {
    const { visible, in_flight, delayed } = state.queues[name] ?? { visible: 0, in_flight: 0, delayed: 0 };
    return visible + in_flight + delayed;
  };
  const { source, dead_letters, quarantine } = state.names;
  const waits = [
    [total(source), (count) => `${counted(count, "payment")} in the queue`],
    [total(dead_letters), (count) => counted(count, "dead letter")],
    [total(quarantine), (count) => `${number(count)} in quarantine`],
  ].filter(([count]) => count > 0).map(([count, words]) => words(count));
  const sounding = alarms.filter((alarm) => alarm.state === "ALARM").map((alarm) => alarm.name);
  const rate = state.failure_rate;
  const stripe = rate >= 1 ? "Stripe is down" : rate > 0 ? `Stripe fails ${percent(rate)} of calls` : others > 0 ? "Stripe is troubled" : "Stripe is well";
  const together = (text) => text.replaceAll(/(\d) /g, "$1\u00a0").replaceAll("dead ", "dead\u00a0");
  put(by("sentence"), together([
    `${stripe}${rate > 0 && others > 0 ? `, with ${counted(others, "more fault")}` : ""}.`,
    waits.length > 0 ? `There ${/^1 /.test(waits[0]) ? "is" : "are"} ${listed(waits)}.` : "Nothing waits.",
    sounding.length > 0 ? `${listed(sounding)} ${sounding.length === 1 ? "sounds" : "sound"}.` : "",
  ].join(" ").trim()));
}

function showPhase(phase) {
  keyed(by("phases"), PHASES.map(([name]) => name), (name) => made("li", "", name)).forEach((item) => {
    const is = item.dataset.key === phase;
    if (is) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
    item.classList.toggle("trouble", !["quiet", "resolved"].includes(phase));
  });
  const words = PHASES.find(([name]) => name === phase)?.[1] ?? "";
  put(by("phase").firstElementChild, phase);
  put(by("phase").lastElementChild, words);
  announceChange("phase", phase, `Incident: ${phase}. ${words}`);
}

const depths = new Map();

function showQueues(state) {
  const { source, dead_letters, quarantine } = state.names;
  const known = new Map([[source, ["Payments", "mark"]], [dead_letters, ["Dead letters", "care"]], [quarantine, ["Quarantine", "harm"]]]);
  const others = Object.keys(state.queues).filter((name) => !known.has(name));
  const prefix = source.slice(0, source.indexOf("-") + 1);
  for (const name of others) known.set(name, [capital(name.replace(prefix, "").replaceAll("-", " ")), "dim"]);
  const names = [...known.keys()].filter((name) => name in state.queues);
  keyed(by("queues"), names, (name) => queue(...known.get(name))).forEach((card, index) => {
    const { visible, in_flight, delayed } = state.queues[names[index]];
    const total = visible + in_flight + delayed;
    const history = depths.get(names[index]) ?? [];
    depths.set(names[index], history);
    history.push(total);
    if (history.length > SAMPLES_MAX) history.shift();
    const most = Math.max(...history);
    put(card.querySelector(".depth span"), number(total));
    put(card.querySelector(".depth small"), total === 1 ? "message" : "messages");
    card.classList.toggle("none", total === 0);
    draw(card.querySelector("svg"), history, most);
    put(card.querySelector(".row").firstChild, total === 0 ? "empty" : `${number(visible)} visible`);
    put(card.querySelector(".row").lastChild, `most ${number(most)}`);
  });
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function queue(title, colour) {
  const [svg, area, line] = ["svg", "path", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  area.setAttribute("class", "area");
  svg.append(area, line);
  const depth = made("p", "depth", made("span"), made("small"));
  return made("article", `queue ${colour}`, made("h3", "", title), depth, svg, made("p", "row quiet", made("span"), made("span")));
}

// Depth over time, the newest at the right.
function draw(svg, history, most) {
  const span = Math.max(history.length, SAMPLES_MIN);
  const y = (depth) => (47 - 45 * depth / Math.max(most, 1)).toFixed(1);
  const from = span - history.length;
  const points = `${history.map((depth, index) => `${from + index} ${y(depth)}`).join("L")}L${span} ${y(history.at(-1))}`;
  svg.setAttribute("viewBox", `0 0 ${span} 48`);
  svg.firstChild.setAttribute("d", most === 0 ? "" : `M${from} 48L${points}V48Z`);
  svg.lastChild.setAttribute("d", most === 0 ? "" : `M${points}`);
}

function showPayments(state) {
  const counts = STATES.map(([name, colour]) => [name, state.payments[name] ?? 0, colour]);
  keyed(by("bar"), STATES.map(([name]) => name), () => made("span")).forEach((part, index) => {
    part.className = counts[index][2];
    part.style.flexGrow = counts[index][1];
  });
  figures(by("payments"), counts.map(([name, count, colour]) => [name, number(count), colour]));
  const money = (amount, currency) => {
    const format = new Intl.NumberFormat("en", { style: "currency", currency: currency.toUpperCase(), currencyDisplay: "code" });
    return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits).replace(/^(\w{3})\s*(.*)$/, "$2 $1");
  };
  const book = Object.entries(state.stripe).map(([currency, { charges, amount }]) => [counted(charges, "charge") + ` in ${currency}`, money(amount, currency)]);
  figures(by("book"), book.length > 0 ? book : [["charges", "none"]]);
  const { open, calls, failed, spared } = state.breakers;
  figures(by("breakers"), [
    [open > 0 ? "open, calls are spared" : "closed", open > 0 ? `in ${counted(open, "container")}` : "", open > 0 ? "harm" : "well"],
    ["calls to Stripe", number(calls)],
    ["of these failed", number(failed)],
    ["spared by the breaker", number(spared)],
  ]);
  announceChange("breaker", open > 0, open > 0 ? "The breaker opened." : "The breaker closed.");
}

function showAlarms(alarms) {
  const colours = { ALARM: "harm", OK: "well", INSUFFICIENT_DATA: "dim" };
  const row = (name) => made("li", "", made("p", "row", made("span", "", name), made("span")), made("p", "quiet"));
  keyed(by("alarms"), alarms.map((alarm) => alarm.name), row).forEach((item, index) => {
    const { name, state, since, reason } = alarms[index];
    const said = item.querySelector(".row").lastChild;
    said.className = colours[state] ?? "";
    put(said, state === "ALARM" ? `in alarm since ${clock(since)}` : spell(state) === "ok" ? "OK" : spell(state));
    const why = item.querySelector(".quiet");
    why.hidden = state !== "ALARM";
    put(why, reason);
    announceChange(`alarm ${name}`, state, `Alarm ${name}: ${spell(state)}.`);
  });
}

// --- Faults -----------------------------------------------------------------------------------------------------------

const share = by("share");
let isHeld = false;
let letGo;

function showShare(value) {
  const said = by("share-said");
  put(said, percent(value));
  said.classList.toggle("harm", value > 0);
  share.setAttribute("aria-valuetext", `${percent(value)} of calls`);
}

function showFaults(state) {
  if (!isHeld) {
    const value = String(Math.round(state.failure_rate * 100));
    if (share.value !== value) share.value = value;
    showShare(state.failure_rate);
  }
  const keys = state.faults.map((fault) => String(fault.id));
  keyed(by("faults"), keys.length > 0 ? keys : ["none"], faultRow).forEach((item, index) => {
    const fault = state.faults[index];
    if (!fault) return;
    const name = fault.placement ? `${fault.kind}/${fault.placement}` : fault.kind;
    put(item.querySelector(".row span"), name);
    item.querySelector("button").setAttribute("aria-label", `Clear ${name}, number ${fault.id}`);
    put(item.querySelector(".quiet"), `${percent(fault.rate)}, fired ${number(fault.fired)} of ${counted(fault.asked, "time")}, ${length(fault.expires_in_s)}`);
  });
  announceChange("faults", keys.join(), keys.length > 0 ? `${counted(keys.length, "fault")} open.` : "No fault is open.");
}

function faultRow(id) {
  if (id === "none") return made("li", "quiet", "No fault is set.");
  const clear = made("button", "small", "Clear");
  clear.type = "button";
  clear.addEventListener("click", () => ask("DELETE", `/chaos/faults/${id}`, undefined, by("failure").querySelector(".refusal")));
  return made("li", "", made("p", "row", made("span"), clear), made("p", "quiet"));
}

// Asks, and shows in one line what is refused. Whether it was done.
async function ask(method, path, body, refusal) {
  refusal.textContent = "";
  try {
    const answer = await fetch(path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    if (answer.ok) return true;
    const said = await answer.json().catch(() => ({}));
    refusal.textContent = said.error?.message ?? `the server answers ${answer.status}`;
  } catch {
    refusal.textContent = "the stack does not answer; it may have been ended";
  }
  return false;
}

share.addEventListener("input", () => { isHeld = true; showShare(Number(share.value) / 100); });
share.addEventListener("change", () => {
  // A key that is held down lets go at every step: only the last of them counts.
  clearTimeout(letGo);
  letGo = setTimeout(async () => {
    await ask("PUT", "/chaos/failure-rate", { rate: Number(share.value) / 100 }, by("failure").querySelector(".refusal"));
    isHeld = false;
  }, LET_GO_MS);
});
by("failure").addEventListener("submit", (event) => event.preventDefault());

// What is no number goes to the server as it is: it knows the words.
const typed = (text) => text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);

by("fault").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const wanted = { kind: form.kind.value };
  if (form.placement.value) wanted.placement = form.placement.value;
  for (const name of ["rate", "ttl_s"]) if (form[name].value !== "") wanted[name] = typed(form[name].value);
  ask("POST", "/chaos/faults", wanted, form.querySelector(".refusal"));
});

async function offerKinds() {
  const { kinds, ttl_s } = await (await fetch("/chaos/kinds")).json();
  const kind = by("kind");
  kind.replaceChildren(...kinds.map((each) => new Option(each.kind)));
  by("ttl").value = ttl_s;
  put(by("share-ends"), `Takes effect when it is let go, and ends by itself after ${ttl_s / 60} min.`);
  const describe = () => {
    const { does, rate, placements } = kinds[kind.selectedIndex];
    put(by("does"), `${capital(does)}.`);
    by("rate").value = rate;
    by("placement").replaceChildren(...placements.map((each) => new Option(each)));
    by("placement-field").hidden = placements.length < 2;
  };
  kind.addEventListener("change", describe);
  describe();
}

for (const button of by("send").querySelectorAll("button")) {
  button.addEventListener("click", async () => {
    const { path, body } = button.dataset;
    if (await ask("POST", path, JSON.parse(body), by("send").querySelector(".refusal"))) announce(`Done: ${button.textContent}.`);
  });
}

// --- Mails and lines --------------------------------------------------------------------------------------------------

let mails = 0;

function showMail({ number: of, at, subject, to }) {
  mails += 1;
  if (mails === 1) by("mails").replaceChildren();
  put(by("mails-count"), number(mails));
  const text = made("pre");
  text.tabIndex = 0;
  text.setAttribute("aria-label", subject);
  const title = made("span", "unread", subject);
  const mail = made("details", "", made("summary", "", title, made("span", "quiet", clock(at))), text);
  mail.title = `to ${to}`;
  mail.addEventListener("toggle", async () => {
    if (!mail.open || text.textContent !== "") return;
    title.className = "";
    text.textContent = await (await fetch(`/chaos/mails/${of}`)).text();
  });
  by("mails").prepend(mail);
  announce(`A mail arrived: ${subject}`);
}

// A line of a log as people read it: what, whose, and what is not nothing. Nothing of lines that only count.
function words(line) {
  let said;
  try { said = JSON.parse(line.text); } catch { return { text: line.text, pairs: [], colour: "care" }; }
  if (said._aws || said.type === "platform.start" || said.type === "platform.runtimeDone") return null;
  if (said.type === "platform.initStart") return { text: "a container starts", pairs: [], colour: "dim" };
  if (said.type === "platform.report") {
    const { durationMs, maxMemoryUsedMB, memorySizeMB } = said.record.metrics;
    const memory = maxMemoryUsedMB ? `, ${maxMemoryUsedMB} of ${memorySizeMB} MB` : "";
    const colour = said.record.status === "success" ? "dim" : "harm";
    return { text: `${said.record.status} after ${number(durationMs)} ms${memory}`, pairs: [], colour };
  }
  const { message, message_id, payment_id, ...rest } = said.fields ?? said;
  const pairs = Object.entries(rest).filter(([, value]) => value !== 0 && value !== "" && value !== null);
  const text = [message, payment_id ?? message_id].filter(Boolean).join(" ");
  return { text, pairs, colour: { WARN: "care", ERROR: "harm" }[said.level] ?? "" };
}

function lineOf(line, { text, pairs, colour }) {
  const what = made("span", `what ${colour}`, made("span", "", text));
  for (const [name, value] of pairs) {
    const shown = typeof value === "object" ? JSON.stringify(value) : String(value);
    what.append(" ", made("span", "", made("span", "dim", `${name} `), shown));
  }
  const who = line.group.replace(/^.*[/-]/, "");
  return made("li", "", made("span", "when", clock(line.at)), made("span", "who", who), what);
}

let held = null;

function showLines(lines) {
  if (held) return void held.push(...lines);
  const log = by("log");
  for (const line of lines) {
    const said = words(line);
    if (said) log.prepend(lineOf(line, said));
  }
  while (log.children.length > LINES_MAX) log.lastChild.remove();
}

by("hold").addEventListener("click", () => {
  const lines = held;
  held = held ? null : [];
  by("hold").setAttribute("aria-pressed", String(held !== null));
  if (lines) showLines(lines.slice(-LINES_MAX));
});

// --- Events -----------------------------------------------------------------------------------------------------------

function listen() {
  const events = new EventSource("/chaos/events");
  const connection = by("connection");
  let lost;
  events.addEventListener("open", () => {
    clearTimeout(lost);
    // Each connection tells all of it from the beginning.
    mails = 0;
    by("mails").querySelectorAll("details").forEach((mail) => mail.remove());
    by("log").replaceChildren();
    put(connection, "live");
    connection.className = "live";
  });
  events.addEventListener("error", () => {
    lost = setTimeout(() => {
      put(connection, "the stack does not answer; trying again");
      connection.className = "";
      announce("The stack does not answer.");
    }, RECONNECT_SAID_MS);
  });
  events.addEventListener("state", (event) => show(JSON.parse(event.data)));
  events.addEventListener("mail", (event) => showMail(JSON.parse(event.data)));
  events.addEventListener("lines", (event) => showLines(JSON.parse(event.data)));
}

listen();
offerKinds();
