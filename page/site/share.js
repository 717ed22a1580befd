// Draw the picture that stands after this page's "#", with the widget's own script and without a kernel.
import { readPicture } from "./link.js";

const NONE = "This is no picture of labkit, or its link was cut short. Copy the whole link.";
const STILL = "This is a picture, and no cluster is behind it. Open it in the lab to ask again.";
const byId = (id) => document.getElementById(id);

const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = () => { document.body.dataset.jpThemeLight = String(!dark.matches); };
dark.addEventListener("change", theme);
theme();

/** A model without a kernel: it has the data, and answers each action with a sentence. */
function modelOf(data) {
  const values = { data, notice: "" };
  const listeners = {};
  return {
    get: (name) => values[name],
    on: (event, listener) => { listeners[event] = listener; },
    off() {},
    send({ action }) {
      values.notice = STILL;
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
    byId("refused").textContent = NONE;
  }
}

addEventListener("hashchange", draw);
await draw();
document.body.dataset.ready = "yes";
