// Tells of incidents wherever one looks: a pop-up on every open page, and a notification of this PC where that was
// allowed. What is new comes with the stream that live.js holds (or, where there is none, is asked for).
// A pop-up of a page stays until somebody dismisses it, also across pages; others go by themselves.

const SHOWN = "pharmapulse.popups"; // of this tab: { incident: entry } of what stands open
const DISMISSED = "pharmapulse.dismissed"; // of this browser: { incident: entry } up to which it was put away
const TELL = "pharmapulse.tell"; // "yes" where this PC is to tell, also when the tab is hidden
const KEPT = 50;
const GOES = 30_000; // milliseconds until a pop-up of no page goes
const OLD = 600; // seconds: what was over before that is news to nobody

const LOOKS = { suspected: "degraded", acknowledged: "taken", resolved: "ok", closed: "unknown" };
const popups = document.getElementById("popups");
const timers = new Map();

function read(store, key) {
  try {
    return JSON.parse(store.getItem(key) ?? "{}");
  } catch {
    return {}; // somebody else wrote there
  }
}

function write(store, key, value) {
  const kept = Object.entries(value).sort(([, a], [, b]) => a - b).slice(-KEPT);
  store.setItem(key, JSON.stringify(Object.fromEntries(kept)));
}

function remember(store, key, incident, entry) {
  write(store, key, { ...read(store, key), [incident]: entry });
}

function forget(store, key, incident) {
  const all = read(store, key);
  delete all[incident];
  write(store, key, all);
}

const over = (news) => news.state === "resolved" || news.state === "closed";
const open = (news) => document.getElementById(`popup-${news.incident}`);

// Whether a page is to show it: not twice, not what was put away, and what is no longer new only where it stands open.
function wanted(news) {
  if ((read(localStorage, DISMISSED)[news.incident] ?? 0) >= news.entry) return false;
  const shown = open(news);
  if (shown) return Number(shown.dataset.entry) < news.entry;
  if (news.event === "acknowledged") return false;
  return !over(news) || news.age < OLD;
}

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function popup(news) {
  const page = news.severity === "page";
  const urgent = page && !over(news);
  const look = over(news) ? LOOKS[news.state] : `${page ? "down" : "degraded"} ${LOOKS[news.state] ?? ""}`;
  const link = element("a", { href: `/incident/${news.incident}` }, news.text);
  const by = news.by && !over(news) ? [element("small", {}, `${news.by} took it up.`)] : [];
  const detail = news.detail ? [element("p", {}, news.detail)] : [];
  const away = element("button", { type: "button", "aria-label": `Put away: incident ${news.incident}` }, "Dismiss");
  away.addEventListener("click", () => dismiss(news.incident, Number(open(news)?.dataset.entry ?? news.entry)));
  return element(
    "section",
    {
      id: `popup-${news.incident}`, class: "popup", role: urgent ? "alert" : "status",
      "data-entry": news.entry, "data-state": news.state, "data-severity": news.severity,
    },
    element("div", {},
      element("h2", {}, element("span", { class: `s ${look}` }, over(news) ? "resolved" : news.state), " ", link),
      ...detail, ...by),
    away,
  );
}

function show(news) {
  if (!wanted(news)) return false;
  const made = popup(news);
  const before = open(news);
  // What stood there as a page stays a page's: it is seen off by somebody, not by time.
  const stays = news.severity === "page" && (before !== null || !over(news));
  if (before) before.replaceWith(made);
  else popups.prepend(made);
  clearTimeout(timers.get(news.incident));
  if (stays) remember(sessionStorage, SHOWN, news.incident, news.entry);
  else timers.set(news.incident, setTimeout(() => remove(news.incident), GOES));
  return true;
}

function remove(incident) {
  clearTimeout(timers.get(incident));
  timers.delete(incident);
  document.getElementById(`popup-${incident}`)?.remove();
  forget(sessionStorage, SHOWN, incident);
}

function dismiss(incident, entry) {
  remember(localStorage, DISMISSED, incident, entry);
  remove(incident);
  document.getElementById("main").focus({ preventScroll: true });
}

// ---- this PC's own notifications ----

const able = "Notification" in window;
const telling = () => able && Notification.permission === "granted" && localStorage.getItem(TELL) === "yes";

function notify(news) {
  if (!telling() || (!document.hidden && document.hasFocus())) return;
  try {
    const told = new Notification(news.text, {
      body: news.detail, tag: `pharmapulse-${news.incident}`, icon: "/favicon.ico",
      requireInteraction: news.severity === "page" && !over(news),
    });
    told.addEventListener("click", () => {
      window.focus();
      location.assign(`/incident/${news.incident}`);
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // phones have the constructor and refuse it: the pop-up stands
  }
}

function offer() {
  const box = document.getElementById("tell");
  if (!box || !able) return;
  const button = box.querySelector("button");
  const words = box.querySelector("span");
  const denied = Notification.permission === "denied";
  box.hidden = false;
  button.hidden = denied;
  button.textContent = telling() ? "Stop telling me on this PC" : "Tell me on this PC, also when the tab is hidden";
  words.textContent = denied
    ? "This browser blocks notifications of this site; allow them in its settings to be told while the tab is hidden."
    : telling() ? "This PC tells you of incidents as long as a tab of pharmapulse is open." : "";
}

async function toggle() {
  if (telling()) localStorage.removeItem(TELL);
  else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(TELL, "yes");
  offer();
}

// ---- what comes ----

document.addEventListener("pharmapulse:incident", ({ detail }) => {
  if (show(detail)) notify(detail);
});

// Put away in one tab, put away in all.
addEventListener("storage", ({ key, newValue }) => {
  if (key === TELL) offer();
  if (key !== DISMISSED || !newValue) return;
  for (const [incident, entry] of Object.entries(JSON.parse(newValue))) {
    const shown = document.getElementById(`popup-${incident}`);
    if (shown && Number(shown.dataset.entry) <= entry) remove(incident);
  }
});

// What stood open on the page before stands open on this one. The words are asked for anew: they may not be kept.
async function again() {
  const before = Object.entries(read(sessionStorage, SHOWN));
  for (const [incident] of before.sort(([, a], [, b]) => a - b)) {
    const answer = await fetch(`/api/v1/incidents/${incident}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) {
      if (answer.status === 404) forget(sessionStorage, SHOWN, incident);
      continue;
    }
    const { news } = await answer.json();
    if ((read(localStorage, DISMISSED)[incident] ?? 0) >= news.entry) forget(sessionStorage, SHOWN, incident);
    else if (!open(news)) popups.prepend(popup(news));
  }
}

document.getElementById("tell")?.querySelector("button").addEventListener("click", toggle);
offer();
again().catch((error) => console.info("pop-ups of the page before could not be shown:", error.message));
