// The page on which the room answers: one question, no name, one answer for each browser and round.
import { LOST, STAGES, answer, bars, follow, make, send, t } from "./class.js";

const ROUNDS = { first: 1, second: 2 };
const at = (id) => document.getElementById(id);

/** What this browser keeps; in memory where storage is refused. */
const kept = (() => {
  try {
    return JSON.parse(localStorage.getItem("labkit-class")) ?? {};
  } catch {
    return {};
  }
})();
const keep = () => {
  try {
    localStorage.setItem("labkit-class", JSON.stringify(kept));
  } catch {
    // A reload then counts as another browser.
  }
};
kept.token ??= [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const read = () => {
  if (location.hash.length > 1) kept.code = decodeURIComponent(location.hash.slice(1));
};
read();
keep();
window.onhashchange = () => {
  read();
  keep();
  draw();
};

let seen; // the last message
let drawn = "";
let sending = false;

const chosen = (round) => kept.answers?.[`${seen.class} ${seen.question.id} ${round}`];

async function vote(choice) {
  if (sending) return;
  sending = true;
  const { id, stage } = seen.question;
  const round = ROUNDS[stage];
  at("done").textContent = t("Sending …");
  try {
    await send("PUT", "/api/vote", { code: kept.code, token: kept.token, question: id, round, choice });
    kept.answers = { ...(kept.class === seen.class ? kept.answers : {}), [`${seen.class} ${id} ${round}`]: choice };
    kept.class = seen.class;
    keep();
    at("state").textContent = "";
  } catch (error) {
    at("state").textContent = error.message;
    if (error.status === 403) delete kept.code;
  } finally {
    sending = false;
    drawn = "";
    draw();
  }
}

function draw() {
  at("enter").hidden = Boolean(kept.code);
  if (!seen) return;
  const { question } = seen;
  at("lab").hidden = !seen.site;
  at("lab").querySelector("a").href = seen.site || "#";
  at("plain").hidden = isSecureContext;
  const round = ROUNDS[question.stage];
  const mine = round && chosen(round);
  const open = Boolean(round && kept.code);
  const now = JSON.stringify([question, kept.code]);
  if (now === drawn) return;
  const same = drawn && JSON.parse(drawn)[0].id === question.id && JSON.parse(drawn)[0].stage === question.stage;
  drawn = now;
  if (!same || !at("question").firstChild) {
    at("question").replaceChildren();
    if (!question.id) at("question").append(make("p", t("Wait here: your teacher will open a question.")));
    else {
      at("question").append(make("p", STAGES[question.stage], { class: "quiet" }), make("h2", question.ask));
      if (question.text) at("question").append(Object.assign(make("pre"), { textContent: question.text }));
    }
  }
  const focused = [...at("choose").children].indexOf(document.activeElement);
  at("choose").hidden = !open;
  at("choose").replaceChildren(
    ...(open ? question.options : []).map((option, place) => {
      const button = make("button", option, { type: "button", "aria-pressed": String(place === mine) });
      button.onclick = () => vote(place);
      return button;
    }),
  );
  if (open && focused >= 0) at("choose").children[focused]?.focus();
  at("done").textContent = open && mine !== undefined ? t("Your answer is kept. You can change it until the round ends.") : "";
  at("after").replaceChildren();
  if (question.stage === "closed") {
    at("after").append(answer(question));
    const own = [1, 2].map(chosen).filter((each) => each !== undefined).map((each) => question.options[each]);
    if (own.length) at("after").append(make("p", t("You answered: {answers}.", { answers: own.join(t(", then ")) })));
  }
  if (question.rounds) at("after").append(bars(question));
}

at("enter").onsubmit = (event) => {
  event.preventDefault();
  kept.code = at("code").value.trim();
  keep();
  at("state").textContent = "";
  draw();
};

draw();
follow("/api/events", {}, (data) => {
  seen = data;
  draw();
}, (text) => { if (text || at("state").textContent === LOST) at("state").textContent = text; });
