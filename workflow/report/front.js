// The plots of the fronts: point at a network to see it, choose it to get its export command.
// Chart.js draws each plot once. What is pointed at, and what is chosen, lies over it as HTML.
"use strict";

const REACH = 24; // pixels around a point in which it is pointed at
const BRIEF = 4; // details beside a point on a small screen: sizes and accuracies
const STEPS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -Infinity, End: Infinity };
const inPercent = (share) => String(Number((100 * share).toPrecision(4)));

function element(tag, text = "", attributes = {}) {
  const made = Object.assign(document.createElement(tag), { textContent: text });
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function describe(point, most = Infinity) {
  const list = element("dl");
  for (const [name, text] of point.details.slice(0, most)) list.append(element("dt", name), element("dd", text));
  return [element("b", point.title), list];
}

// The first data set lies on top.
function datasets(plot) {
  const points = plot.series.flatMap((one) => one.points.map((point) => ({ ...one, ...point })));
  const tested = points.filter((point) => point.test !== null);
  // Three entries for each network: no marker, the marker, and a gap in the line.
  const thrice = (first, second, third) => tested.flatMap((one) => [first(one), second(one), third(one)]);
  const floor = ([, y], index) => ({
    data: plot.x.ends.map((x) => [x, y]), showLine: true, pointRadius: 0,
    borderColor: "#222222", borderWidth: 1, borderDash: index ? [2, 2] : [6, 3],
  });
  return [
    ...plot.series.map(({ name, points, color, marker, radius, stepped }) => ({
      label: name, data: points.map(({ x, y }) => [x, y]), showLine: stepped, stepped, clip: false,
      borderColor: color, borderWidth: marker === "star" ? 2 : 1.5, backgroundColor: color,
      pointStyle: marker, pointRadius: radius,
    })),
    ...(tested.length ? [{
      label: "on test images", showLine: true, borderColor: "#22222299", borderWidth: 1, clip: false,
      data: thrice(({ x, y }) => [x, y], ({ x, test }) => [x, test], ({ x }) => [x, NaN]),
      pointRadius: thrice(() => 0, ({ radius }) => radius, () => 0),
      pointStyle: tested.flatMap(({ marker }) => Array(3).fill(marker)),
      pointBorderColor: tested.flatMap(({ color }) => Array(3).fill(color)),
      pointBackgroundColor: "transparent",
    }] : []),
    ...plot.floors.map(floor),
    ...plot.clouds.map(({ name, points, color, marker }) => ({
      label: name, data: points, pointStyle: marker, pointRadius: points.length > 500 ? 1.5 : 2.5,
      borderWidth: marker === "crossRot" ? 1 : 0, borderColor: `${color}99`, backgroundColor: `${color}99`,
    })),
  ];
}

function draw(canvas, plot, drawn) {
  const style = getComputedStyle(canvas);
  Chart.defaults.font.family = style.fontFamily;
  const [ink, line] = ["--ink", "--line"].map((name) => style.getPropertyValue(name).trim());
  const axis = ({ label, ends: [min, max], ticks }) => ({
    type: ticks ? "logarithmic" : "linear", min, max,
    title: { display: true, text: label, color: ink },
    ticks: { callback: inPercent, color: ink, maxRotation: 0, includeBounds: false },
    grid: { color: line },
    ...(ticks && { afterBuildTicks: (scale) => { scale.ticks = ticks.map((value) => ({ value })); } }),
  });
  return new Chart(canvas, {
    type: "scatter",
    data: { datasets: datasets(plot) },
    plugins: [{ id: "drawn", afterRender: drawn }],
    options: {
      animation: false, maintainAspectRatio: false, normalized: true,
      events: ["click"], hover: { mode: null }, // of the legend alone
      layout: { padding: { top: 10, right: 14 } },
      scales: { x: axis(plot.x), y: axis(plot.y) },
      plugins: {
        tooltip: { enabled: false },
        legend: { position: "bottom", labels: {
          usePointStyle: true, boxHeight: 7, color: ink, padding: 12, filter: ({ text }) => text,
        } },
      },
    },
  });
}

async function copied(code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    return true;
  } catch { // a page that is not from this machine, or one that may not
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}

function show(root) {
  const part = (name) => root.querySelector(`.${name}`);
  const plot = JSON.parse(part("data").textContent);
  const [area, canvas, tip, details, code, said] = ["area", "canvas", "tip", "chosen", "command", "said"].map(part);
  const points = plot.series.flatMap((one, series) => one.points.map((point) => ({ ...point, series })))
    .sort((one, other) => one.x - other.x || one.y - other.y);
  if (!points.length) return; // the figure says what there is
  let [chosen, pointed, chart] = [null, null, null];
  points.forEach((point, index) => {
    const words = [point.title, ...point.details.map((pair) => pair.join(" "))].join(", ");
    point.option = element("div", words, { role: "option", id: `${root.id}-${index}`, "aria-selected": false });
    part("options").append(point.option);
  });

  const lines = plot.floors.map(([name, y]) => [element("span", name), y]);
  part("lines").append(...lines.map(([line]) => line));

  const spot = ({ x, y }) => [chart.scales.x.getPixelForValue(x), chart.scales.y.getPixelForValue(y)];
  function ring(name, point) {
    part(name).hidden = !point;
    if (point) [part(name).style.left, part(name).style.top] = spot(point).map((at) => `${at}px`);
  }
  function place() {
    ring("chosen-ring", chosen);
    ring("pointed-ring", pointed);
    for (const [line, y] of lines) { // the highest stands above its line, so that two do not meet
      const above = y === Math.max(...plot.floors.map(([, other]) => other));
      line.style.left = `${chart.chartArea.right - line.offsetWidth}px`; // the smallest designs are left
      line.style.top = `${chart.scales.y.getPixelForValue(y) - (above ? line.offsetHeight : 0)}px`;
    }
    tip.hidden = !pointed;
    if (!pointed) return;
    const [[x, y], { top, bottom }, wide] = [spot(pointed), chart.chartArea, area.clientWidth];
    const [small, high] = [wide < 600, y < (top + bottom) / 2];
    tip.replaceChildren(...describe(pointed, small ? BRIEF : Infinity));
    // Beside the point, under a front that is high; on a small screen at the other end of the plot.
    const [left, most] = [x + 18, wide - tip.offsetWidth];
    tip.style.left = `${small ? Math.min(left, most) : left > most ? x - 18 - tip.offsetWidth : left}px`;
    const below = small ? bottom - 4 - tip.offsetHeight : y + 18;
    tip.style.top = `${high ? below : small ? top + 4 : y - 18 - tip.offsetHeight}px`;
  }
  function point(at) {
    if (at === pointed) return;
    pointed = at;
    if (at) area.setAttribute("aria-activedescendant", at.option.id);
    place();
  }
  function choose(at) {
    chosen?.option.setAttribute("aria-selected", false);
    chosen = at;
    chosen.option.setAttribute("aria-selected", true);
    details.replaceChildren(...describe(at));
    code.textContent = at.command;
    part("export").hidden = !at.command;
    said.textContent = "";
    place();
  }
  function nearest(event) {
    const box = canvas.getBoundingClientRect();
    const away = (at) => Math.hypot(spot(at)[0] + box.left - event.clientX, spot(at)[1] + box.top - event.clientY);
    const shown = points.filter(({ series }) => chart.isDatasetVisible(series));
    const best = shown.reduce((one, other) => (!one || away(other) < away(one) ? other : one), null);
    return best && away(best) <= REACH ? best : null;
  }

  area.addEventListener("pointermove", (event) => {
    point(nearest(event));
    area.style.cursor = pointed ? "pointer" : "";
  });
  area.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && point(null));
  area.addEventListener("click", (event) => {
    point(nearest(event));
    if (pointed) choose(pointed);
  });
  area.addEventListener("focus", () => area.matches(":focus-visible") && point(chosen));
  area.addEventListener("blur", () => point(null));
  area.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return; // keys of the browser
    if (event.key in STEPS) {
      const next = points.indexOf(pointed ?? chosen) + STEPS[event.key];
      point(points[Math.max(0, Math.min(next, points.length - 1))]);
    } else if (event.key === "Enter" || event.key === " ") choose(pointed ?? chosen);
    else if (event.key === "Escape") point(null);
    else return;
    event.preventDefault();
  });
  part("copy").addEventListener("click", async () => {
    said.textContent = "";
    said.textContent = await copied(code) ? "Copied." : "Selected: copy it with your keys.";
  });
  for (const link of document.querySelectorAll(`[data-plot="${root.id}"]`)) {
    link.addEventListener("click", () => choose(points.find(({ id }) => id === link.dataset.design)));
  }

  root.hidden = false;
  chart = draw(canvas, plot, () => chart && place());
  root.parentElement.classList.add("drawn"); // hides the figure that stands for it elsewhere
  choose(points.find(({ id }) => id === plot.first) ?? points[0]);
}

document.querySelectorAll(".plot").forEach(show);
