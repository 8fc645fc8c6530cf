// The study's page. `STUDY` comes from study_data.js: {id, contact, seconds, questions: [{code, text}],
// shots: [{code, films: [code, …]}]}. What it knows of a film is a code that means nothing without the key.
"use strict";

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const COLUMNS = ["study", "participant", "page", "shot", "question", "order", "choice", "seconds"];
const find = (id) => document.getElementById(id);

// Order

/** Numbers in [0, 1) that follow from `text` alone: FNV-1a makes the seed, mulberry32 the numbers. */
function numbers(text) {
  let state = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    state = Math.imul(state ^ byte, 0x01000193);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A fair shuffle (Fisher-Yates) of a copy. */
function shuffled(items, random) {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other], result[last]];
  }
  return result;
}

/** The participant's pages: shots, the questions of each and its films, all in an order of their own. */
function plan(participant) {
  const random = numbers(`${STUDY.id} ${participant}`);
  return shuffled(STUDY.shots, random).map((shot) => ({
    shot: shot.code,
    films: shuffled(shot.films, random),
    questions: shuffled(STUDY.questions, random),
  }));
}

// What is kept in the browser: {participant, at, pages: [{seen: [film], choices: {question: film}, seconds}], saved}

const given = new URLSearchParams(location.search).get("participant") ?? "";
const named = /^[\w-]{1,32}$/.test(given) ? given : "";
const storageKey = `study ${STUDY.id} ${named}`;

function fresh() {
  const letters = crypto.getRandomValues(new Uint8Array(6));
  const participant = named || [...letters].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const pages = STUDY.shots.map(() => ({ seen: [], choices: {}, seconds: 0 }));
  return { participant, at: -1, pages, saved: false };
}

function recall() {
  try {
    return JSON.parse(localStorage.getItem(storageKey)) ?? fresh();
  } catch {
    return fresh();
  }
}

function keep() {
  try {
    localStorage.setItem(storageKey, JSON.stringify(state));
  } catch {
    // A browser that keeps nothing still asks before the page is closed.
  }
}

let state = recall();
let pages = plan(state.participant);
let since = performance.now();

// Showing

function show(section) {
  for (const main of document.querySelectorAll("main")) {
    main.hidden = main.id !== section;
  }
  window.scrollTo(0, 0);
  find(section).querySelector("h1").focus({ preventScroll: true });
}

function showCurrent() {
  stop();
  since = performance.now();
  if (state.at < 0) {
    showWelcome();
  } else if (state.at < pages.length) {
    showPage();
  } else {
    showEnd();
  }
}

function showWelcome() {
  const answering = 40;
  const minutes = Math.max(1, Math.ceil((STUDY.seconds + answering * pages.length) / 60));
  document.querySelector(".film-count").textContent = pages[0].films.length;
  document.querySelector(".page-count").textContent = count(pages.length, "page");
  document.querySelector(".minutes").textContent = count(minutes, "minute");
  show("welcome");
}

function showPage() {
  const page = pages[state.at];
  find("page-number").textContent = `Page ${state.at + 1} of ${pages.length}`;
  find("progress").max = pages.length;
  find("progress").value = state.at + 1;
  find("films").replaceChildren(...page.films.map(filmItem));
  find("questions").replaceChildren(...page.questions.map((question) => questionField(question, page.films)));
  find("next").textContent = state.at + 1 < pages.length ? "Next page" : "Finish";
  find("message").textContent = "";
  showSeen();
  show("trial");
}

function showEnd() {
  find("contact").textContent = STUDY.contact;
  find("saved").textContent = state.saved ? savedText() : "";
  find("another").hidden = !state.saved || Boolean(named);
  show("end");
}

function filmItem(film, place) {
  const item = find("film").content.cloneNode(true).firstElementChild;
  const video = item.querySelector("video");
  item.querySelector("h2").textContent = LETTERS[place];
  video.src = `films/${film}.mp4`;
  video.dataset.film = film;
  video.setAttribute("aria-label", `Film ${LETTERS[place]}`);
  const toggle = () => (video.paused ? playOne(video) : video.pause());
  item.querySelector("button").addEventListener("click", toggle);
  video.addEventListener("click", toggle);
  video.addEventListener("ended", () => markSeen(film));
  for (const event of ["play", "pause", "ended"]) {
    video.addEventListener(event, () => label(item, video));
  }
  video.addEventListener("error", () => {
    find("message").textContent = `Film ${LETTERS[place]} cannot be played here. Please try another browser.`;
  });
  label(item, video);
  return item;
}

function label(item, video) {
  const playing = !video.paused && !video.ended;
  const name = video.getAttribute("aria-label");
  item.classList.toggle("playing", playing);
  item.querySelector("button").textContent = playing ? "Pause" : "Play";
  item.querySelector("button").setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${name}`);
}

function questionField(question, films) {
  const field = find("question").content.cloneNode(true).firstElementChild;
  field.dataset.question = question.code;
  field.querySelector("legend").textContent = question.text;
  films.forEach((film, place) => {
    const choice = document.createElement("label");
    const button = document.createElement("input");
    Object.assign(button, { type: "radio", name: question.code, value: film });
    button.checked = state.pages[state.at].choices[question.code] === film;
    button.addEventListener("change", () => choose(question.code, film, field));
    choice.append(button, LETTERS[place]);
    field.querySelector(".choices").append(choice);
  });
  return field;
}

function showSeen() {
  const { seen } = state.pages[state.at];
  for (const item of document.querySelectorAll(".film")) {
    item.querySelector(".seen").textContent = seen.includes(item.querySelector("video").dataset.film) ? "✓ seen" : "";
  }
  find("watched").textContent = `${seen.length} of ${pages[state.at].films.length} films seen`;
}

// Playing: one film at a time, so that its sound is its own

let queue = [];

function playOne(video, following = []) {
  stop(video);
  queue = following;
  if (video.ended) {
    video.currentTime = 0;
  }
  video.scrollIntoView({ block: "nearest" });
  video.play().catch(() => {}); // a film that fails tells so by its "error" event
}

function stop(except = null) {
  queue = [];
  for (const video of document.querySelectorAll("video")) {
    if (video !== except) {
      video.pause();
    }
  }
}

function markSeen(film) {
  const page = state.pages[state.at];
  if (!page.seen.includes(film)) {
    page.seen.push(film);
    keep();
    showSeen();
  }
  if (queue.length) {
    playOne(queue[0], queue.slice(1));
  }
}

find("play-all").addEventListener("click", () => {
  const videos = [...document.querySelectorAll("video")];
  for (const video of videos) {
    video.currentTime = 0;
  }
  playOne(videos[0], videos.slice(1));
});

// Answering

function choose(question, film, field) {
  state.pages[state.at].choices[question] = film;
  state.saved = false;
  field.classList.remove("open");
  find("message").textContent = "";
  keep();
}

/** What is still to be done on this page, in words; nothing when it is done. */
function missing() {
  const page = state.pages[state.at];
  const unseen = pages[state.at].films.flatMap((film, place) => (page.seen.includes(film) ? [] : [LETTERS[place]]));
  if (unseen.length) {
    return `Please watch ${unseen.length > 1 ? "these films" : "this film"} to the end first: ${unseen.join(", ")}.`;
  }
  const fields = [...document.querySelectorAll("fieldset")];
  const open = fields.filter((field) => !(field.dataset.question in page.choices));
  for (const field of fields) {
    field.classList.toggle("open", open.includes(field));
  }
  if (open.length) {
    open[0].querySelector("input").focus();
  }
  return open.length ? `Please answer every question: ${count(open.length, "answer")} still missing.` : "";
}

function go(to) {
  if (state.at >= 0 && state.at < pages.length) {
    state.pages[state.at].seconds += (performance.now() - since) / 1000;
  }
  state.at = to;
  keep();
  showCurrent();
}

find("start").addEventListener("click", () => go(0));
find("back").addEventListener("click", () => go(state.at - 1));
find("review").addEventListener("click", () => go(pages.length - 1));
find("questions").addEventListener("submit", (event) => {
  event.preventDefault();
  const obstacle = missing();
  find("message").textContent = obstacle;
  if (!obstacle) {
    go(state.at + 1);
  }
});

// Saving

function table() {
  const rows = pages.flatMap((page, index) =>
    page.questions.map(({ code }) => {
      const { choices, seconds } = state.pages[index];
      const order = page.films.join(" ");
      return [STUDY.id, state.participant, index + 1, page.shot, code, order, choices[code], seconds.toFixed(1)];
    }),
  );
  return [COLUMNS, ...rows].map((row) => row.join(",") + "\r\n").join("");
}

const fileName = () => `answers-${state.participant}.csv`;
const savedText = () => `Saved as ${fileName()}.`;
const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

find("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
  link.download = fileName();
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  state.saved = true;
  keep();
  find("saved").textContent = savedText();
  find("another").hidden = Boolean(named);
});

find("another").addEventListener("click", () => {
  state = fresh();
  pages = plan(state.participant);
  keep();
  showCurrent();
});

window.addEventListener("beforeunload", (event) => {
  if (state.at >= 0 && !state.saved) {
    event.preventDefault();
  }
});

showCurrent();
