// Draw the picture that stands after this page's "#", with the widget's own script and without a kernel.
import { readPicture } from "./link.js";

const byId = (id) => document.getElementById(id);

// The language is the one that the link names, as a Korean lab's does, else the browser's. Its texts are fetched.
const LANGUAGES = { en: "English", ko: "한국어" };
const [, language] = (new URLSearchParams(location.search).get("lang") ?? navigator.language).match(/^(ko)\b/) || [, "en"];
const { words, landing } = language === "en" ? { words: {} } : await import(`./words-${language}.js`).catch(() => ({ words: {} }));
const t = (english) => words[english] ?? english;
if (landing) {
  document.documentElement.lang = language;
  document.head.append(Object.assign(document.createElement("script"), { src: `fonts/${language}.js` }));
  document.querySelectorAll("[data-text]").forEach((each) => { each.textContent = t(each.textContent); });
  byId("about").href = landing;
}
const other = language === "en" ? "ko" : "en";
Object.assign(byId("other"), { textContent: LANGUAGES[other], lang: other, hreflang: other });

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => { document.body.dataset.jpThemeLight = String(!dark.matches); };
dark.addEventListener("change", theme);
theme();

/** A model without a kernel: it has the data, and answers each action with a sentence. */
function modelOf(data) {
  const values = { data, notice: "", words };
  const listeners = {};
  return {
    get: (name) => values[name],
    on: (event, listener) => { listeners[event] = listener; },
    off() {},
    send({ action }) {
      values.notice = t("This is a picture, and no cluster is behind it. Open it in the lab to ask again.");
      listeners["msg:custom"]({ done: action });
    },
  };
}

let away = () => {};

async function draw() {
  away();
  away = () => {};
  byId("picture").replaceChildren();
  byId("refused").textContent = "";
  byId("open").hidden = true;
  byId("other").href = `?lang=${other}${location.hash}`;
  const text = location.hash.slice(1);
  try {
    const { picture, data, policy } = await readPicture(text);
    const { default: widget } = await import(`./${picture}.js`);
    if (text !== location.hash.slice(1)) return; // another link has come meanwhile
    away = widget.render({ model: modelOf({ namespaces: [], subjects: [], ...data }), el: byId("picture") });
    byId("open").href = `lab/index.html#shared=${text}`;
    byId("open").hidden = !policy.length;
  } catch {
    byId("picture").replaceChildren();
    byId("refused").textContent = t("This is no picture of labkit, or its link was cut short. Copy the whole link.");
  }
}

addEventListener("hashchange", draw);
await draw();
document.body.dataset.ready = "yes";
