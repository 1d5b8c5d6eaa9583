// Keeps the open page true: hears that newer figures are complete, fetches the same page, and swaps what differs.
// Of incidents it hears by the same stream, and hands them to popup.js. Nothing runs while the tab is hidden, but where
// this PC is to tell of incidents also then: one of its hidden tabs keeps a stream, and fetches no page. Only one: a
// browser opens six connections to a site, and streams of many tabs would leave none for pages.
// Without this script the page is whole; it is only as old as its load.

const SOONEST = 5_000; // milliseconds between two fetches, however fast the site's clock runs
const POLL = 15_000;
const FOCUSED = "a, button, summary, [tabindex]"; // what keeps the focus when it is swapped

let events = null;
let timer = 0;
let last = performance.now();
let fetching = false;
// The newest journal entry of incidents that this page knows; null where it was made without.
let entry = document.body.dataset.entry ? Number(document.body.dataset.entry) : null;

const tells = () =>
  "Notification" in window && Notification.permission === "granted" && localStorage.getItem("pharmapulse.tell") === "yes";
let turn = null; // of a hidden tab that listens, or waits for its turn to: what ends that
let hears = false;
const asleep = () => document.hidden && !hears;

function tell(news) {
  entry = Math.max(entry ?? 0, news.entry);
  document.dispatchEvent(new CustomEvent("pharmapulse:incident", { detail: news }));
}

const after = () => (entry === null ? "" : `?after=${entry}`);

// Where there is no stream: what came since.
async function ask() {
  const answer = await fetch(`/api/v1/news${after()}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const told = await answer.json();
  told.news.forEach(tell);
  entry = Math.max(entry ?? 0, told.entry);
}

async function refresh() {
  clearTimeout(timer);
  timer = 0;
  if (document.hidden || fetching) return;
  fetching = true;
  last = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    away(answer.status >= 500);
    // Nobody is logged in here any more: the page leaves, rather than showing what is over as if it were now.
    if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    away(true);
  } finally {
    fetching = false;
  }
}

// What is shown may be green and long over: while the server is away it turns grey, and the page says why.
function away(is) {
  document.documentElement.classList.toggle("away", is);
  document.getElementById("away").hidden = !is;
}

function swap(fresh) {
  document.title = fresh.title;
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const made = fresh.getElementById(old.id);
    if (!made) continue;
    for (const details of old.querySelectorAll("details[id][open]")) {
      made.querySelector(`#${CSS.escape(details.id)}`)?.setAttribute("open", "");
    }
    if (made.innerHTML === (old.dataset.made ?? old.innerHTML)) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const place = focused && [...old.querySelectorAll(FOCUSED)].indexOf(focused);
    const markup = made.innerHTML;
    old.replaceChildren(...document.importNode(made, true).childNodes);
    for (const { name, value } of made.attributes) old.setAttribute(name, value);
    old.dataset.made = markup;
    if (focused) old.querySelectorAll(FOCUSED)[place]?.focus({ preventScroll: true });
  }
}

function soon() {
  if (!timer) timer = setTimeout(refresh, Math.max(0, SOONEST - (performance.now() - last)));
}

function poll() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    await refresh();
    await ask().catch(() => away(true));
    if (!events && !asleep()) poll();
  }, POLL);
}

function listen() {
  if (events || asleep()) return;
  events = new EventSource(`/api/v1/stream${after()}`);
  events.addEventListener("complete", soon);
  events.addEventListener("incident", (event) => {
    tell(JSON.parse(event.data));
    soon();
  });
  events.addEventListener("error", () => {
    // Broken off, or not to be had again: the server may be away, which asking for the page tells.
    soon();
    // A refused stream (too many are open) is closed for good; a broken one reconnects by itself.
    if (events?.readyState === EventSource.CLOSED) {
      events = null;
      poll();
    }
  });
}

function rest() {
  events?.close();
  events = null;
  clearTimeout(timer);
  timer = 0;
}

function hide() {
  rest();
  if (!tells() || turn) return;
  turn = new AbortController();
  const { signal } = turn;
  const hear = () => new Promise((done) => {
    signal.addEventListener("abort", done);
    hears = true;
    listen();
  });
  navigator.locks.request("pharmapulse.tells", { signal }, hear).catch((error) => {
    if (error.name !== "AbortError") throw error; // it is seen again before its turn came
  });
}

function seen() {
  turn?.abort();
  turn = null;
  hears = false;
  listen();
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return hide();
  seen();
  soon();
});
addEventListener("pagehide", () => {
  turn?.abort();
  turn = null;
  hears = false;
  rest();
});
addEventListener("pageshow", () => (document.hidden ? hide() : seen()));
