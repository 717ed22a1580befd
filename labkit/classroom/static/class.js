// What the pages of a class share: following the server, and drawing a question.

const words = JSON.parse(document.getElementById("words").textContent); // translations, by the English text

/** A text in the teacher's language, with values in the place of names. */
export const t = (text, values = {}) => (words[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

export const LOST = t("The connection is lost. Trying again …");
const PATIENCE = 40000; // the server says something every 15 seconds

export const make = (tag, text = "", attributes = {}) => {
  const element = document.createElement(tag);
  // What stands between backticks is code.
  String(text).split("`").forEach((part, place) => {
    if (place % 2) element.append(Object.assign(document.createElement("code"), { textContent: part }));
    else if (part) element.append(part);
  });
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

/** Send JSON, and return what is answered. An error has the server's sentence. */
export async function send(method, path, body, headers = {}) {
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(15000) });
  } catch {
    throw new Error(t("The teacher's computer does not answer. Are you still in the same network? Try again."));
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(`${answer.what ?? response.status} ${answer.todo ?? ""}`), { status: response.status });
  return answer;
}

/** Follow server-sent events for good: again after a lost connection, and after a laptop or a phone has slept. */
export async function follow(path, headers, onData, onState) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
    const control = new AbortController();
    let last = Date.now();
    const watch = setInterval(() => Date.now() - last > PATIENCE && control.abort(), 2000);
    try {
      const response = await fetch(path, { headers, signal: control.signal, cache: "no-store" });
      if (!response.ok) {
        const { what, todo } = await response.json();
        onState(`${what} ${todo}`);
        if (response.status === 401) return;
        throw new Error(what);
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        last = Date.now();
        const messages = (text + value).split("\n\n");
        text = messages.pop();
        const data = messages.filter((message) => message.startsWith("data: ")).pop();
        if (data) {
          wait = 500;
          onState("");
          onData(JSON.parse(data.slice(6)));
        }
      }
      onState(LOST);
    } catch (error) {
      if (error.name !== "Error") onState(LOST);
    } finally {
      clearInterval(watch);
      control.abort();
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

export const STAGES = {
  first: t("First round: answer for yourself."),
  talk: t("Talk: find somebody who answered otherwise, and convince them."),
  second: t("Second round: answer again."),
  ended: t("The second round is over."),
  closed: t("This is the answer."),
};

/** The bars of both rounds as a list, which reads as text too. */
export function bars(question) {
  const list = make("ul", "", { class: "bars" });
  const rounds = question.rounds.filter((votes, place) => place === 0 || votes.some(Boolean));
  question.options.forEach((option, place) => {
    const item = make("li", option);
    if (place === question.right) item.append(make("span", ` ${t("✓ right")}`, { class: "yes" }));
    rounds.forEach((votes, round) => {
      const all = votes.reduce((sum, votes) => sum + votes, 0);
      const bar = make("div", "", { class: round ? "bar second" : "bar" });
      const ink = make("i");
      ink.style.width = `${all ? (100 * votes[place]) / all : 0}%`;
      bar.append(make("span", round ? t("2nd") : t("1st")), make("span"), make("b", votes[place]));
      bar.children[1].append(ink);
      item.append(bar);
    });
    list.append(item);
  });
  return list;
}

/** The right answer, why, and the wrong idea behind the commonest wrong answer. */
export function answer(question) {
  const box = make("div", "", { class: "answer" });
  if (question.right !== null) box.append(make("p", `✓ ${question.options[question.right]}`, { class: "yes" }));
  (question.because ?? "").split("\n").filter(Boolean).forEach((line) => box.append(make("p", line)));
  if (question.wrong) {
    const { option, count, ideas } = question.wrong;
    box.append(make("p", t("The commonest wrong answer: {answer} ({count}).", { answer: question.options[option], count })));
    ideas.forEach(({ idea, say, step }) => {
      if (idea) box.append(make("p", t("The idea behind it: “{idea}”", { idea })));
      if (say !== question.because) box.append(make("p", say));
      if (step) box.append(make("p", t("Step {step} answers it.", { step }), { class: "quiet" }));
    });
  }
  return box;
}
