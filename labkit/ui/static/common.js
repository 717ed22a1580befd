// What all widgets share: building elements, drawing again without losing the focus,
// and the two symbols that stand beside every colour.

let words = {}; // what the widget says in another language, by the English text

/** A text in the learner's language, with values in the place of their names in braces. */
function t(english, values = {}) {
  return (words[english] ?? english).replace(/\{(\w+)\}/g, (name, key) => values[key] ?? name);
}

/** An element: h("button", {class: "lk-button", onclick: f}, "Text", child). */
function h(tag, attributes, ...children) {
  const svg = ["svg", "path", "g"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "style") element.style.cssText = value; // a style attribute may be forbidden
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** A long name that may break after its dots, colons, slashes and commas, or before a capital, and only else within a word. */
function breakable(text) {
  return String(text).split(/(?<=[.:/,])|(?<=[a-z])(?=[A-Z])/).flatMap((part, index) => index ? [h("wbr"), part] : [part]);
}

/** A yes or a no: symbol and word, so that colour is never alone. */
function verdict(allowed, words) {
  const [yes, no] = words || [t("Allowed"), t("Forbidden")].map((each) => each.toLowerCase());
  return h("span", { class: `lk-verdict ${allowed ? "lk-yes" : "lk-no"}` },
    h("span", { "aria-hidden": "true" }, allowed ? "✓" : "✕"), " ", allowed ? yes : no);
}

/** A command line with a button that copies it. */
function command(text) {
  const button = h("button", { type: "button", class: "lk-button lk-small", "aria-label": t("Copy: {text}", { text }) }, t("Copy"));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = t("Copied");
    } catch {
      const range = document.createRange();
      range.selectNodeContents(code);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = t("Selected");
    }
  });
  const code = h("code", {}, text);
  return h("div", { class: "lk-command" }, code, button);
}

/** A box that scrolls where it is too small, and says so. */
function scrolling(label, ...children) {
  return [
    h("p", { class: "lk-more", "aria-hidden": "true", hidden: true }),
    h("div", { class: "lk-scroll", tabindex: "0", role: "region", "aria-label": label }, children),
  ];
}

/** Fade the sides of a scrolling box where something is hidden, and show its hint. */
function showMore(box) {
  const hidden = {
    left: box.scrollLeft > 1,
    right: box.scrollWidth - box.clientWidth - box.scrollLeft > 1,
    up: box.scrollTop > 1,
    down: box.scrollHeight - box.clientHeight - box.scrollTop > 1,
  };
  const ways = [hidden.left || hidden.right ? t("⇄ sideways") : "", hidden.up || hidden.down ? t("⇅ up and down") : ""];
  box.dataset.more = Object.keys(hidden).filter((side) => hidden[side]).join(" ");
  box.previousElementSibling.hidden = !box.dataset.more;
  box.previousElementSibling.textContent = t("There is more: scroll {ways}.", { ways: ways.filter(Boolean).join(", ") });
}

/** A table: head is an array of strings, rows are arrays of strings or elements. */
function table(caption, head, rows, attributes) {
  return scrolling(caption,
    h("table", attributes || {},
      h("caption", { class: "lk-visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((cell) => h("th", { scope: "col" }, cell)))),
      h("tbody", {}, rows.map((row) => h("tr", {},
        row.map((cell, column) => column === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell)))))));
}

/**
 * A widget from a drawing function.
 *
 * draw(data, act, view) returns the content for `data`; act(name, arguments) sends an
 * action to Python; view is an object of the widget's own that lives as long as it does.
 */
function widget(name, label, draw, after) {
  return {
    initialize({ model }) {
      return takePlaces(model, (el, view) => this.render({ model, el, view }));
    },
    render({ model, el, view = {} }) {
      words = model.get("words") ?? {};
      const body = h("div", { class: "lk-body" });
      const notice = h("p", { class: "lk-notice", role: "status", "aria-live": "polite" });
      const root = h("section", { class: `lk lk-${name}`, "aria-label": t(label) }, body, notice);
      el.append(root);
      let patience;
      const say = () => { notice.textContent = model.get("notice"); };
      const act = (action, rest) => {
        if (root.closest(".jupyter-widgets-disconnected")) {
          notice.textContent = t("The kernel that made this is gone. Run the cell again.");
          return;
        }
        root.setAttribute("aria-busy", "true");
        clearTimeout(patience);
        patience = setTimeout(() => {
          notice.textContent = t("Waiting for the kernel …");
          patience = setTimeout(() => {
            notice.textContent = t("The kernel does not answer. It is busy, or was restarted: then run the cell again.");
          }, 6000);
        }, 2000);
        model.send({ action, ...(rest || {}) });
      };
      const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => showMore(target)));
      const redraw = () => {
        words = model.get("words") ?? {};
        root.dataset.gone = t("The kernel that made this is gone. Run the cell again to use it.");
        sizes.disconnect();
        const active = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
        const places = [...body.querySelectorAll(".lk-scroll")].map((box) => [box.scrollLeft, box.scrollTop]);
        body.replaceChildren(...[draw(model.get("data"), act, view)].flat(Infinity));
        body.querySelectorAll(".lk-scroll").forEach((box, index) => {
          box.scrollTo(...(places[index] || [0, 0]));
          box.addEventListener("scroll", () => showMore(box));
          sizes.observe(box);
        });
        if (active) body.querySelector(`[data-key="${CSS.escape(active)}"]`)?.focus();
        if (after) requestAnimationFrame(() => after(body, model.get("data"), view));
        root.dataset.drawn = String(Number(root.dataset.drawn || 0) + 1);
        clearTimeout(patience);
      };
      const done = (message) => {
        view.receive?.(message);
        if (!("done" in message)) return;
        root.removeAttribute("aria-busy");
        clearTimeout(patience);
        say();
      };
      // Jupyter's single keys (x cuts the cell) mean nothing in a widget; Ctrl-S still saves and Escape
      // leaves. JupyterLab hears keys as they bubble; Notebook 7 hears them first, so there the very
      // target must be marked before.
      const own = (event) => !event.ctrlKey && !event.metaKey && event.key !== "Escape";
      const mark = (event) => {
        if (root.contains(event.target)) event.target.toggleAttribute("data-lm-suppress-shortcuts", own(event));
      };
      window.addEventListener("keydown", mark, true);
      root.addEventListener("keydown", (event) => { if (own(event)) event.stopPropagation(); });
      model.on("change:data", redraw);
      model.on("change:notice", say);
      model.on("msg:custom", done);
      view.redraw = redraw;
      redraw();
      say();
      return () => {
        window.removeEventListener("keydown", mark, true);
        model.off("change:data", redraw);
        model.off("change:notice", say);
        model.off("msg:custom", done);
        clearTimeout(patience);
        sizes.disconnect();
        view.stop?.();
      };
    },
  };
}

/**
 * Show a widget in place of the HTML that is stored for it, wherever and whenever the page has that.
 *
 * JupyterLab's own output of a widget says "model not found" once the kernel is gone. The stored HTML stays,
 * and is hidden while the widget lives: it stands beside it in the output's row, so that new HTML in the
 * output does not disturb it.
 */
function takePlaces(model, show) {
  const id = model.get("place");
  const places = document.getElementsByClassName(`lk-place-${id}`);
  const rows = new Map(); // what is on the page: an output, and how its widget is taken away
  const seen = new WeakMap(); // JupyterLab takes cells away that are out of sight, and brings them back
  const look = () => {
    for (const [output, away] of rows) {
      if (!output.isConnected) {
        rows.delete(output);
        away();
      }
    }
    for (const place of places) {
      const output = place.closest(".jp-OutputArea-output") || place;
      if (rows.has(output)) continue;
      if (!seen.has(output)) {
        const el = h("div", { class: "jp-OutputArea-output lk-live" });
        output.style.display = "none";
        output.after(el);
        seen.set(output, { el, view: {} });
      }
      const { el, view } = seen.get(output);
      el.replaceChildren();
      const away = show(el, view);
      const mark = async () => {
        const { comm_live: lives } = await model.widget_manager.get_model(id);
        el.classList.toggle("jupyter-widgets-disconnected", !lives);
      };
      model.on("comm_live_update", mark);
      rows.set(output, () => {
        model.off("comm_live_update", mark);
        away();
      });
    }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true, subtree: true });
  look();
  return () => {
    observer.disconnect();
    rows.forEach((away, output) => {
      away();
      seen.get(output).el.remove();
      output.style.display = "";
    });
  };
}
