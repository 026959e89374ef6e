// What a reader with a script has beside the page: a line that follows the pointer, and a search. Everything else is there
// without it.
"use strict";
(() => {
  const by = (id) => document.getElementById(id);
  const figure = by("picture");
  const lanes = [...figure.querySelectorAll(".lane")].map((lane) => ({
    now: lane.querySelector(".now"),
    svg: lane.querySelector("svg"),
    values: lane.querySelector("svg").dataset.values?.split(" ").map(Number),
    spans: [...lane.querySelectorAll(".span")].map(({ dataset }) => dataset),
  }));
  const from = Number(figure.dataset.from);
  const step = Number(figure.dataset.step);
  const columns = Number(by("at").max) + 1;
  const clock = (ms) => new Date(ms).toISOString().slice(5, 19).replace("T", " ");

  function lookAt(column) {
    const begins = from + column * step;
    const within = ({ from: begun, until }) => Number(begun) < begins + step && Number(until) > begins;
    for (const { now, values, spans } of lanes) {
      if (!now) continue;
      if (values) now.textContent = (values[column] ?? 0).toLocaleString("en");
      else now.textContent = spans.filter(within).map((span) => span.what.split(",")[0])[0] ?? "";
    }
    const frame = figure.getBoundingClientRect();
    const plot = lanes[0].svg.getBoundingClientRect();
    by("cursor").style.left = `${plot.left - frame.left + ((column + 0.5) / columns) * plot.width}px`;
    by("cursor").hidden = false;
    by("at").value = column;
    by("at-said").textContent = clock(begins);
    figure.classList.add("looking");
  }

  function lookAway() {
    figure.classList.remove("looking");
    by("cursor").hidden = true;
    by("at-said").textContent = "";
    for (const { now } of lanes) if (now) now.textContent = "";
  }

  by("dial").hidden = false;
  by("at").addEventListener("input", () => lookAt(Number(by("at").value)));
  by("at").addEventListener("blur", lookAway);
  figure.addEventListener("pointermove", (event) => {
    const plot = lanes[0].svg.getBoundingClientRect();
    const share = (event.clientX - plot.left) / plot.width;
    if (event.target.closest("#dial")) return;
    if (share < 0 || share >= 1) lookAway();
    else lookAt(Math.floor(share * columns));
  });
  figure.addEventListener("pointerleave", () => {
    if (document.activeElement !== by("at")) lookAway();
  });

  const payments = [...document.querySelectorAll(".payment")];
  const names = payments.map((payment) => payment.querySelector("b").textContent.toLowerCase());

  function search() {
    const wanted = by("wanted").value.trim().toLowerCase();
    let found = 0;
    payments.forEach((payment, index) => {
      payment.hidden = !names[index].includes(wanted);
      found += payment.hidden ? 0 : 1;
    });
    for (const group of document.querySelectorAll(".group")) {
      group.hidden = group.querySelector(".payment:not([hidden])") === null;
    }
    by("found").textContent = wanted === "" ? "" : `${found.toLocaleString("en")} found`;
    if (wanted !== "" && found === 1) open(payments.find((payment) => !payment.hidden));
  }

  function open(target) {
    if (target?.matches("details")) target.open = true;
  }

  if (by("search")) {
    by("search").hidden = false;
    by("wanted").addEventListener("input", search);
  }
  // Whoever follows a link to a payment or a mail wants to read it.
  const follow = () => open(by(location.hash.slice(1)));
  addEventListener("hashchange", follow);
  follow();
})();
