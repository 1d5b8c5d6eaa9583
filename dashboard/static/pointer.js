// The figures under the pointer: a line and a small box over each chart, from the same JSON that others may use.
// Arrow keys move it too. The table beneath every chart holds the figures for whoever needs no pointer.

const zone = new Map(); // figure → promise of its series

const count = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const figure = (value) => (value >= 9.95 ? count : small).format(value);

function series(chart) {
  const kept = zone.get(chart);
  if (kept && kept.url === chart.dataset.series && performance.now() - kept.at < 60_000) return kept.data;
  const data = fetch(chart.dataset.series).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
  zone.set(chart, { url: chart.dataset.series, at: performance.now(), data });
  return data;
}

// The bucket that holds a time, by binary search; -1 outside.
function bucketAt(times, step, time) {
  let low = 0;
  let high = times.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (times[middle] > time) high = middle - 1;
    else if (times[middle] + step * 1.05 <= time) low = middle + 1;
    else return middle;
  }
  return -1;
}

function perMinute(line, time) {
  const place = bucketAt(line.times, line.resolution, time);
  const calls = place < 0 ? null : line.values.calls[place];
  return calls === null ? null : figure((calls * 60) / line.resolution);
}

const SAYS = {
  calls(data, time) {
    const rows = [["now", perMinute(data, time)]];
    for (const line of data.compare) rows.push([line.label, perMinute(line, time)]);
    return rows.map(([name, value]) => [name, value === null ? "–" : `${value} calls/min`]);
  },
  failures(data, time) {
    const place = bucketAt(data.times, data.resolution, time);
    const calls = place < 0 ? null : data.values.calls[place];
    if (calls === null) return [["calls", "–"]];
    const of = (source) => {
      if (data.few[source]?.includes(place)) return `under ${data.fewer_than}`;
      const failed = data.values[source][place] ?? 0;
      return `${count.format(failed)} of ${count.format(calls)}${calls ? ` (${small.format((100 * failed) / calls)} %)` : ""}`;
    };
    return [["technical", of("technical")], ["functional", of("functional")]];
  },
  latency(data, time) {
    const place = bucketAt(data.times, data.resolution, time);
    return ["p50", "p95", "p99"].filter((source) => data.values[source]).map((source) => {
      const value = place < 0 ? null : data.values[source][place];
      return [source, value === null ? "–" : `${figure(value / 1000)} ms`];
    });
  },
};

function parts(plot) {
  const find = (kind) => plot.querySelector(`:scope > .${kind}`) ?? plot.appendChild(Object.assign(document.createElement(kind === "readout" ? "output" : "i"), { className: kind }));
  return { cross: find("cross"), readout: find("readout") };
}

async function show(chart, share) {
  const plot = chart.querySelector(".drawing");
  const drawing = [...plot.querySelectorAll("svg.chart")].find((svg) => svg.getBoundingClientRect().width > 0);
  if (!drawing) return;
  const [left, top, width, height] = drawing.dataset.plot.split(" ").map(Number);
  const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
  plot.dataset.share = share;
  const data = await series(chart);
  if (!data || plot.dataset.share !== String(share)) return;
  const start = Number(chart.dataset.start);
  const time = start + share * (Number(chart.dataset.end) - start);
  const { cross, readout } = parts(plot);
  const x = (left + share * width) * scale;
  cross.hidden = readout.hidden = false;
  Object.assign(cross.style, { left: `${x}px`, top: `${top * scale}px`, height: `${height * scale}px` });
  const title = document.createElement("b");
  title.textContent = label(time, data);
  readout.replaceChildren(title, ...SAYS[chart.dataset.measure](data, time).map(([name, value]) => {
    const row = document.createElement("span");
    const shown = document.createElement("strong");
    shown.textContent = value;
    row.append(name, shown);
    return row;
  }));
  const room = plot.clientWidth - readout.offsetWidth;
  readout.style.left = `${Math.max(0, Math.min(room, x < plot.clientWidth / 2 ? x + 12 : x - 12 - readout.offsetWidth))}px`;
}

function label(time, data) {
  const place = bucketAt(data.times, data.resolution, time);
  const at = place < 0 ? time : data.times[place];
  const long = data.to - data.from > 2 * 86_400;
  const local = new Date(at * 1000);
  const options = { timeZone: data.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (data.resolution < 60) options.second = "2-digit";
  if (data.resolution >= 86_400) {
    return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(local);
  }
  const day = long ? { weekday: "short", day: "numeric", month: "short" } : {};
  return new Intl.DateTimeFormat("en-GB", { ...day, ...options }).format(local);
}

function hide(plot) {
  delete plot.dataset.share;
  for (const one of plot.querySelectorAll(":scope > .cross, :scope > .readout")) one.hidden = true;
}

document.addEventListener("pointermove", (event) => {
  const plot = event.target.closest?.(".drawing");
  for (const other of document.querySelectorAll(".drawing[data-share]")) if (other !== plot && other !== document.activeElement) hide(other);
  const drawing = event.target.closest?.("svg.chart");
  if (!plot || !drawing) return;
  const [left, , width] = drawing.dataset.plot.split(" ").map(Number);
  const box = drawing.getBoundingClientRect();
  const share = ((event.clientX - box.left) / (box.width / drawing.viewBox.baseVal.width) - left) / width;
  if (share < 0 || share > 1) return hide(plot);
  show(plot.closest("figure"), share);
});

document.addEventListener("keydown", (event) => {
  const plot = event.target;
  if (!plot.classList?.contains("drawing")) return;
  if (event.key === "Escape") return hide(plot);
  const move = { ArrowLeft: -1, ArrowRight: 1, PageUp: -12, PageDown: 12 }[event.key];
  if (!move) return;
  event.preventDefault();
  const share = Number(plot.dataset.share ?? 0.5);
  show(plot.closest("figure"), Math.max(0, Math.min(1, share + move / 144)));
});
document.addEventListener("focusout", (event) => event.target.classList?.contains("drawing") && hide(event.target));
