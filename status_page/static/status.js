// Keeps the open page true. It asks for itself now and then and takes over what is new; when what it shows has grown
// too old, because nothing newer came or the network went, it turns grey. Nothing runs while nobody looks.

const page = document.documentElement;
const POLL = 30_000;
const title = document.title;

let heard = Date.now(); // when the server last answered, by this device's clock
let ahead = 0; // how much the server's clock is ahead of this device's, which may be wrong (milliseconds)
let trusted = false; // whether the server has told its time
let next = 0;
let due = 0;
let asking = false;

// Milliseconds for which what is shown may still be believed. A replayed site has a time of its own, which only its
// server knows: there it counts how long ago the server was heard.
function left() {
  const limit = Number(page.dataset.staleSeconds) * 1000;
  if ("replayed" in page.dataset) return heard + limit - Date.now();
  return Number(page.dataset.asOf) * 1000 + limit - (Date.now() + ahead);
}

function grow() {
  clearTimeout(due);
  if (!("asOf" in page.dataset)) return; // grey as it came
  const old = left() <= 0;
  page.classList.toggle("stale", old);
  const gone = document.querySelector("h1 .gone");
  if (old && gone) document.title = `${gone.textContent} · ${title.split(" · ").at(-1)}`;
  if (!old) due = setTimeout(grow, Math.min(left() + 50, 2 ** 31 - 1));
}

async function ask() {
  clearTimeout(next);
  if (document.hidden || asking) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { cache: "no-cache", headers: { Accept: "text/html" } });
    page.classList.toggle("lost", answer.status >= 500);
    if (answer.ok) {
      // The form is of one length; some servers say it twice.
      const date = Date.parse((answer.headers.get("Date") ?? "").slice(0, 29));
      const told = date + 1000 * Number(answer.headers.get("Age") ?? 0);
      heard = Date.now();
      if (!Number.isNaN(told)) [ahead, trusted] = [told - heard, true];
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
  } catch {
    page.classList.add("lost");
  } finally {
    asking = false;
    grow();
    // Not all at once: a page that many look at must not be asked by all of them in the same second.
    if (!document.hidden) next = setTimeout(ask, POLL * (0.8 + 0.4 * Math.random()));
  }
}

function take(fresh) {
  const made = fresh.documentElement;
  if (made.lang !== page.lang || !fresh.getElementById("answer")) return;
  document.title = fresh.title;
  page.classList.toggle("stale", made.classList.contains("stale"));
  for (const name of ["asOf", "staleSeconds", "replayed"]) {
    if (name in made.dataset) page.dataset[name] = made.dataset[name];
    else delete page.dataset[name];
  }
  for (const old of document.querySelectorAll("[data-live][id]")) {
    const renewed = fresh.getElementById(old.id);
    if (!renewed || renewed.outerHTML === (old.made ?? old.outerHTML)) continue;
    const markup = renewed.outerHTML;
    for (const open of old.querySelectorAll("details[id][open]")) {
      renewed.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    old.hidden = renewed.hidden;
    old.replaceChildren(...document.importNode(renewed, true).childNodes);
    old.made = markup;
  }
}

function wake() {
  if (document.hidden) return clearTimeout(next);
  // A device's clock that is wrong does not make a fresh page grey: the server is asked first.
  if (left() > 0 || trusted) grow();
  if (left() <= 0 || Date.now() - heard > POLL) ask();
  else next = setTimeout(ask, POLL);
}

document.addEventListener("visibilitychange", wake);
addEventListener("online", ask);
addEventListener("pageshow", (event) => event.persisted && wake());
addEventListener("pagehide", () => clearTimeout(next));
wake();
