// The teacher's board. The key comes behind # in the link, and leaves the address bar at once.
import { LOST, STAGES, answer, bars, follow, make, send, t } from "./class.js";

const at = (id) => document.getElementById(id);
const hashed = decodeURIComponent(location.hash.slice(1));
let key = hashed;
try {
  if (hashed) sessionStorage.setItem("labkit-board", hashed);
  key ||= sessionStorage.getItem("labkit-board") ?? "";
} catch {
  // Without storage a reload needs the link again.
}
history.replaceState(null, "", location.pathname);
window.onhashchange = () => location.reload(); // another link was opened in this tab
const headers = { Authorization: `Bearer ${key}` };

const WORDS = { p: ["✓", t("passed")], t: ["✗", t("not yet")], n: ["", t("not attempted")], "-": ["", ""] };
const CONTROLS = {
  first: [["stop", t("End the round: talk")], ["again", t("Second round")]],
  talk: [["again", t("Second round")]],
  second: [["stop", t("End the second round")]],
  ended: [],
  closed: [],
};

let seen;
let ahead = 0; // the server's clock, of ours
const said = (error) => { at("state").textContent = error.message; };
const act = (method, path, body) => send(method, path, body, headers).then(() => { at("state").textContent = ""; }).catch(said);

function drawQuestion() {
  const { question, crowd } = seen;
  const box = at("question");
  const now = JSON.stringify([question, crowd]);
  if (box.dataset.drawn === now) return;
  box.dataset.drawn = now;
  box.replaceChildren();
  at("controls").replaceChildren();
  at("bars").replaceChildren();
  if (!question.id) return box.append(make("p", t("None is open. Choose one below.")));
  const [first, second] = question.answers;
  box.append(make("p", STAGES[question.stage], { class: "quiet" }), make("h3", question.ask));
  if (question.text) box.append(Object.assign(make("pre"), { textContent: question.text }));
  if (!question.rounds) {
    const list = make("ul");
    question.options.forEach((option) => list.append(make("li", option)));
    box.append(list);
  }
  box.append(make("p", second || question.stage === "second" ? t("{first} answered, then {second}", { first, second }) : t("{first} answered", { first })));
  const press = (name, text) => {
    const button = make("button", text, { type: "button" });
    button.onclick = () => act("POST", "/teacher/question", { question: question.id, do: name });
    at("controls").append(button);
  };
  CONTROLS[question.stage].forEach(([name, text]) => press(name, text));
  if (crowd) {
    box.append(make("p", t("{number} answers from one address.", { number: crowd }), { class: "crowd" }));
    press("leave", t("Leave them out"));
    if (question.stage !== "closed") press("redo", t("This round again"));
  }
  if (question.stage !== "closed") {
    press(question.rounds ? "hide" : "show", question.rounds ? t("Hide the bars") : t("Show the bars"));
    press("close", t("Close: show the answer"));
  }
  if (question.rounds) at("bars").append(bars(question));
  if (question.stage === "closed") at("bars").append(answer(question));
}

function drawJoin() {
  const { address, code } = seen;
  at("address").textContent = `${address}/vote`;
  at("code").textContent = code;
  at("call").textContent = `lab.join("${address}", "${code}")`;
}

function drawMistakes() {
  const now = JSON.stringify(seen.mistakes);
  if (at("mistakes").dataset.drawn === now) return;
  at("mistakes").dataset.drawn = now;
  if (!seen.mistakes.length) return at("mistakes").replaceChildren(make("p", t("None yet.")));
  const table = make("table");
  const head = table.createTHead().insertRow();
  [t("mistake"), t("learners"), t("say"), t("they may believe"), t("answered by")].forEach((text) => head.append(make("th", text, { scope: "col" })));
  const body = table.createTBody();
  seen.mistakes.forEach(({ name, count, say, idea, step }) => {
    const row = body.insertRow();
    row.append(make("th", name, { scope: "row" }), ...[count, say, idea, step].map((text) => make("td", text)));
  });
  at("mistakes").replaceChildren(table);
}

const passed = (learner) => learner.cells.split("p").length - 1;
const SORTS = {
  stuck: (one, two) => (one.stuck?.since ?? Infinity) - (two.stuck?.since ?? Infinity) || one.id - two.id,
  passed: (one, two) => passed(one) - passed(two) || one.id - two.id,
  name: (one, two) => (at("hide").checked ? one.id - two.id : one.name.localeCompare(two.name, undefined, { numeric: true })),
  id: (one, two) => one.id - two.id,
};

function since(seconds) {
  const minutes = Math.max(0, Math.floor((Date.now() / 1000 + ahead - seconds) / 60));
  if (minutes < 1) return t("just now");
  return minutes < 120 ? t("for {minutes} min", { minutes }) : t("for {hours} h", { hours: Math.floor(minutes / 60) });
}

const rows = new Map(); // by learner: its row, and what it was drawn from

function drawRow(learner) {
  const hidden = at("hide").checked;
  const name = hidden ? t("Learner {number}", { number: learner.id }) : learner.name;
  const { stuck } = learner;
  const text = stuck ? `${stuck.step} ${since(stuck.since)}, ${stuck.tries === 1 ? t("1 try") : t("{tries} tries", { tries: stuck.tries })}${stuck.mistake ? `: ${stuck.mistake}` : ""}` : "";
  const from = JSON.stringify([name, learner.cells, text]);
  let kept = rows.get(learner.id);
  if (kept?.from === from) return kept.row;
  const row = kept?.row ?? document.createElement("tr");
  const head = make("th", "", { scope: "row" });
  head.append(name);
  if (!hidden) {
    const remove = make("button", "×", { type: "button", title: t("Remove"), "aria-label": t("Remove {name}", { name }) });
    remove.onclick = () => confirm(t("Remove {name}, and all outcomes of this lab?", { name })) && act("DELETE", `/teacher/learners/${learner.id}`);
    head.append(remove);
  }
  const cells = [...learner.cells].map((letter) => {
    const [sign, word] = WORDS[letter];
    const cell = make("td", "", { class: `cell ${letter}` });
    if (word) cell.append(make("span", sign, { "aria-hidden": "true" }), make("span", word, { class: "unseen" }));
    return cell;
  });
  row.replaceChildren(head, make("td", passed(learner)), make("td", text, { class: "stuck" }), ...cells);
  rows.set(learner.id, { row, from });
  return row;
}

function drawLearners() {
  const head = at("board").tHead.rows[0];
  if (head.cells.length !== seen.steps.length + 3) {
    const titles = [t("learner"), t("passed"), t("stuck")].map((text) => make("th", text, { scope: "col" }));
    head.replaceChildren(...titles, ...seen.steps.map((step) => make("th", step, { scope: "col", class: "cell" })));
  }
  const part = at("hide").checked ? "" : at("filter").value.trim().toLowerCase();
  const wanted = seen.learners
    .filter((learner) => learner.name.toLowerCase().includes(part) && (!at("which").value || learner.stuck))
    .sort(SORTS[at("sort").value]);
  const body = at("board").tBodies[0];
  const drawn = wanted.map(drawRow);
  if (drawn.length !== body.rows.length || drawn.some((row, place) => row !== body.rows[place])) {
    const focused = document.activeElement;
    body.replaceChildren(...drawn);
    if (body.contains(focused)) focused.focus();
  }
  const stuck = seen.learners.filter((learner) => learner.stuck).length;
  const count = t("{joined} joined, {stuck} stuck, {shown} shown", { joined: seen.learners.length, stuck, shown: wanted.length });
  if (at("count").textContent !== count) at("count").textContent = count;
}

function draw() {
  if (!seen) return;
  at("all").hidden = false;
  at("trouble").textContent = seen.trouble;
  drawQuestion();
  drawJoin();
  drawMistakes();
  drawLearners();
}

["sort", "which", "filter", "hide"].forEach((id) => at(id).addEventListener("input", draw));
setInterval(draw, 20000);

at("ask").onclick = () => act("POST", "/teacher/ask", { source: at("source").value });
at("own").onsubmit = (event) => {
  event.preventDefault();
  const right = at("own-right").value ? Number(at("own-right").value) - 1 : null;
  act("POST", "/teacher/ask", { ask: at("own-ask").value, options: at("own-options").value.split("\n"), right });
};
// -- saving ------------------------------------------------------------------------------------

const time = (seconds) => new Date(1000 * seconds).toLocaleString();
// No spreadsheet may take a name for a formula.
const cell = (value) => `"${String(value).replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;

/** The whole class as tables: a list of rows for each, its headings first. */
function tables(everything) {
  const of = (what) => everything.filter((row) => row.what === what);
  const votes = (row) => row.options.map((option, place) => {
    const right = place === row.right ? "yes" : "";
    return [row.id, row.source, row.ask, option, right, ...row.rounds.map((round) => round[place])];
  });
  return {
    outcomes: [
      ["learner", "step", "state", "mistake", "first guess", "tries", "last"],
      ...of("outcome").map((row) => [row.name, row.step, row.state, row.kind, row.guess, row.tries, time(row.at)]),
    ],
    mistakes: [["learner", "step", "mistake", "first"], ...of("mistake").map((row) => [row.name, row.step, row.kind, time(row.at)])],
    answers: [["question", "source", "asked", "answer", "right", "first round", "second round"], ...of("question").flatMap(votes)],
  };
}

function save(name, text, type) {
  const link = make("a", "", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function printable(everything) {
  const box = at("print");
  box.replaceChildren(make("h2", t("The class of {time}", { time: time(seen.began) })), make("h3", t("Questions")));
  everything.filter((row) => row.what === "question").forEach((row) => {
    box.append(make("h4", row.ask));
    if (row.text) box.append(Object.assign(make("pre"), { textContent: row.text }));
    box.append(bars(row));
    if (row.because) box.append(make("p", row.because));
  });
  box.append(make("h3", t("The commonest mistakes")), at("mistakes").firstChild.cloneNode(true), make("h3", t("Learners")));
  const table = make("table");
  const head = table.createTHead().insertRow();
  [t("learner"), t("passed"), t("not yet")].forEach((text) => head.append(make("th", text, { scope: "col" })));
  const body = table.createTBody();
  const steps = (learner, letter) => seen.steps.filter((_, place) => learner.cells[place] === letter).join(" ");
  seen.learners.forEach((learner) => {
    const name = at("hide").checked ? t("Learner {number}", { number: learner.id }) : learner.name;
    body.insertRow().append(make("th", name, { scope: "row" }), make("td", steps(learner, "p")), make("td", steps(learner, "t")));
  });
  box.append(table);
}

at("save").onclick = async ({ target: { value } }) => {
  if (!value) return;
  try {
    const everything = await send("GET", "/teacher/everything", undefined, headers);
    if (value === "print") {
      printable(everything);
      print();
    } else if (value === "class.csv") {
      const rows = Object.entries(tables(everything)).flatMap(([name, rows]) => rows.map((row) => [name, ...row]));
      save(value, rows.map((row) => row.map(cell).join(",")).join("\r\n"), "text/csv");
    } else save(value, everything.map((row) => `${JSON.stringify(row)}\n`).join(""), "application/x-ndjson");
  } catch (error) {
    said(error);
  }
};

if (key) {
  send("GET", "/teacher/questions", undefined, headers).then(({ questions, qr }) => {
    at("qr").hidden = !qr;
    at("qr").src = qr || "data:,";
    at("source").replaceChildren(
      ...Object.entries(questions).map(([group, titles]) => {
        const box = make("optgroup", "", { label: group });
        Object.entries(titles).forEach(([source, title]) => box.append(Object.assign(make("option", "", { value: source }), { textContent: title })));
        return box;
      }),
    );
  }).catch(said);
  follow("/teacher/events", headers, (data) => {
    seen = data;
    ahead = data.now - Date.now() / 1000;
    draw();
  }, (text) => { if (text || at("state").textContent === LOST) at("state").textContent = text; });
} else {
  at("state").textContent = t("This page needs the key of the board. Open the link that labkit class start printed.");
}
