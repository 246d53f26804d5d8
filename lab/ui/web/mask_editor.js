// The outline editor: its mask, history and tools. Streamlit calls the exported function when data or theme change.

const MOST_UNDO = 200;
const LARGEST_BRUSH = 41;
const ZOOM_STEP = 1.25;
const PAN_STEP = 40;
const SHORTCUTS = [
  ["B", "brush"],
  ["E", "eraser"],
  ["V", "vertices"],
  ["H", "move"],
  ["[ ]", "size"],
  ["F", "fill holes"],
  ["Ctrl+Z", "undo"],
  ["Ctrl+Shift+Z", "redo"],
  ["+ −", "zoom"],
  ["0", "whole image"],
  ["Enter", "use this outline"],
];
const HELP = {
  brush: {
    how: "Drag to paint; two fingers or the mouse wheel zoom.",
    keys: [["Arrows", "move the brush"], ["Space", "paint"]],
  },
  eraser: {
    how: "Drag to erase; two fingers or the mouse wheel zoom.",
    keys: [["Arrows", "move the eraser"], ["Space", "erase"]],
  },
  vertices: {
    how: "Drag a vertex; press on the outline to add one, double-click one to delete it.",
    keys: [["N P", "next, previous vertex"], ["Arrows", "move it"], ["Delete", "delete it"]],
  },
  pan: {
    how: "Drag to move the image; two fingers or the mouse wheel zoom.",
    keys: [["Arrows", "move the image"]],
  },
};

class MaskEditor {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.view = new MaskView(this.canvas);
    this.tool = "brush";
    this.size = 5;
    for (const button of root.querySelectorAll("button[data-tool]"))
      button.addEventListener("click", () => this.pick(button.dataset.tool));
    for (const button of root.querySelectorAll("[data-do]"))
      button.addEventListener("click", () => this.act(button.dataset.do));
    for (const box of root.querySelectorAll("[data-show]")) box.addEventListener("change", () => this.draw());
    const slider = root.querySelector("[type=range]");
    slider.addEventListener("input", () => this.resizeBrush(Number(slider.value)));
    this.drafts = new MaskDrafts(this);
    this.input = new MaskInput(this);
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  receive(data, send, trigger) {
    const before = this.data;
    Object.assign(this, { data, send, trigger });
    this.references = { label: this.unpack(data.label), proposal: this.unpack(data.proposal) };
    this.compared = Object.fromEntries(
      Object.entries(this.references).map(([name, mask]) => [name, mask && trace(mask, data.width, data.height)]),
    );
    if (before?.subject !== data.subject) this.open();
    else {
      if (before.mask !== data.mask) this.restart();
      this.drafts.receive(data.draft, send);
    }
    this.refresh();
  }

  open() {
    const { width, height, image, mask, title } = this.data;
    Object.assign(this, { width, height, cursor: null, selected: null });
    this.begin(mask);
    this.view.load(Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0)), width, height);
    this.canvas.setAttribute("aria-label", title);
    this.drafts.open(this.data.draft, this.send);
    this.resize();
  }

  // The outline that drawing begins with.
  begin(mask) {
    this.start = this.mask = this.unpack(mask);
    this.startBits = mask;
    this.rings = this.outline();
    this.history = [{ bits: mask, rings: this.rings }];
    this.place = 0;
    this.selected = null;
  }

  // Another outline to begin with: what is drawn stays.
  restart() {
    const { history, place, mask, rings, startBits } = this;
    this.begin(this.data.mask);
    if (packMask(mask) === startBits) return;
    this.history.push(...history.slice(1));
    Object.assign(this, { place, mask, rings });
  }

  unpack(text) {
    return text ? unpackMask(text, this.data.width * this.data.height) : null;
  }

  outline() {
    return trace(this.mask, this.width, this.height).map(withHandles);
  }

  change(mask, isKnown = false) {
    this.mask = mask;
    this.rings = this.outline();
    this.selected = null;
    this.commit(isKnown);
  }

  reshape(rings) {
    this.rings = rings.filter(Boolean);
    this.mask = rasterise(this.rings, this.width, this.height);
  }

  // One step of the history; a vertex that changes no pixel is none. What the server knows is not sent to it.
  commit(isKnown = false) {
    const now = { bits: packMask(this.mask), rings: this.rings };
    if (now.bits === this.history[this.place].bits) this.history[this.place] = now;
    else {
      this.history = [...this.history.slice(0, this.place + 1), now].slice(-MOST_UNDO);
      this.place = this.history.length - 1;
    }
    if (!isKnown) this.drafts.keep();
    this.refresh();
  }

  travel(steps) {
    this.place = Math.min(this.history.length - 1, Math.max(0, this.place + steps));
    this.mask = this.unpack(this.history[this.place].bits);
    this.rings = this.history[this.place].rings;
    this.selected = null;
    this.drafts.keep();
    this.refresh();
  }

  act(name) {
    if (name === "undo") this.travel(-1);
    if (name === "redo") this.travel(1);
    if (name === "in") this.view.zoom(ZOOM_STEP);
    if (name === "out") this.view.zoom(1 / ZOOM_STEP);
    if (name === "fit") this.view.fit();
    if (name === "fill") this.change(fillHoles(this.mask, this.width, this.height));
    if (this.references[name]) this.change(this.references[name].slice());
    if (name === "remove") this.removeVertex();
    if (name === "use") this.trigger("used", this.drafts.hold(packMask(this.mask)));
    this.draw();
  }

  pick(tool) {
    this.tool = tool;
    this.selected = null;
    this.refresh();
  }

  resizeBrush(size) {
    this.size = Math.min(LARGEST_BRUSH, Math.max(1, size));
    this.refresh();
  }

  // Where the pointer is, in pixels of the image; null if it is elsewhere.
  point(at) {
    this.cursor = at;
    this.draw();
  }

  // Shown at once; `change` makes it a step of the history.
  paint(from, to) {
    this.mask = this.mask.slice();
    stroke(this.mask, this.width, this.height, from, to, this.size, this.tool === "brush" ? 1 : 0);
    this.rings = trace(this.mask, this.width, this.height);
    this.describe();
    this.draw();
  }

  dabAtCursor() {
    if (!this.cursor || !this.paints()) return;
    this.paint(this.cursor, this.cursor);
    this.change(this.mask);
  }

  paints() {
    return ["brush", "eraser"].includes(this.tool);
  }

  // Select the nearest vertex within reach, or make one on the nearest edge.
  choose(at, reach) {
    this.selected = nearestHandle(this.rings, at, reach);
    const edge = this.selected ? null : nearestEdge(this.rings, at, reach);
    if (edge) {
      const [ring, number] = insertHandle(this.rings[edge.ring], edge.number, at);
      this.rings = this.rings.with(edge.ring, ring);
      this.selected = { ring: edge.ring, number };
    }
    this.refresh();
  }

  // Put a vertex of the ring `original` at the pixel corner nearest to (x, y).
  moveVertex(place, original, number, [x, y]) {
    const to = [Math.min(this.width, Math.max(0, Math.round(x))), Math.min(this.height, Math.max(0, Math.round(y)))];
    const moved = moveHandle(original, number, to);
    this.selected = { ring: place, number: moved.handles.length - 1 };
    this.reshape(this.rings.with(place, moved));
    this.refresh();
  }

  removeVertex() {
    if (!this.selected) return;
    const { ring, number } = this.selected;
    this.selected = null;
    this.reshape(this.rings.with(ring, removeHandle(this.rings[ring], number)));
    this.commit();
  }

  // An arrow key: moves the image, the selected vertex or the brush.
  step([dx, dy], far) {
    if (this.tool === "pan") this.view.pan(-PAN_STEP * dx, -PAN_STEP * dy);
    else if (this.paints()) {
      const [x, y] = this.cursor ?? [Math.floor(this.width / 2) + 0.5, Math.floor(this.height / 2) + 0.5];
      const inside = (value, length) => Math.min(length - 0.5, Math.max(0.5, value));
      this.cursor = [inside(x + dx * far, this.width), inside(y + dy * far, this.height)];
    } else if (this.selected) {
      const { ring, number } = this.selected;
      const [x, y] = this.rings[ring].points[this.rings[ring].handles[number]];
      this.moveVertex(ring, this.rings[ring], number, [x + dx * far, y + dy * far]);
      this.commit();
    }
    this.draw();
  }

  // Select the next or the previous vertex.
  cycle(step) {
    if (this.tool !== "vertices") return;
    const all = this.rings.flatMap((ring, place) => ring.handles.map((_, number) => ({ ring: place, number })));
    const now = all.findIndex((one) => one.ring === this.selected?.ring && one.number === this.selected.number);
    this.selected = all[now < 0 ? 0 : (now + step + all.length) % all.length] ?? null;
    this.refresh();
  }

  resize() {
    if (!this.view.image) return;
    this.view.resize();
    this.draw();
  }

  refresh() {
    const find = (selector) => this.root.querySelector(selector);
    for (const button of this.root.querySelectorAll("button[data-tool]"))
      button.setAttribute("aria-pressed", String(button.dataset.tool === this.tool));
    this.canvas.dataset.tool = this.tool;
    find("[type=range]").value = this.size;
    find("output").textContent = `${this.size} px`;
    find(".size").hidden = !this.paints();
    find("[data-only]").hidden = this.tool !== "vertices";
    find("[data-do=remove]").disabled = !this.selected;
    find("[data-do=undo]").disabled = this.place === 0;
    find("[data-do=redo]").disabled = this.place === this.history.length - 1;
    for (const [name, mask] of Object.entries(this.references)) {
      find(`[data-do=${name}]`).hidden = !mask;
      find(`.shown.${name}`).hidden = !mask;
    }
    const { how, keys } = HELP[this.tool];
    const listed = [...keys, ...SHORTCUTS].map(([key, what]) => `<span><kbd>${key}</kbd> ${what}</span>`);
    find(".help").innerHTML = `${how} Keys: ${listed.join(", ")}.`;
    this.describe();
    this.draw();
  }

  describe() {
    const count = (test) => this.mask.reduce((sum, inside, n) => sum + Number(test(inside, this.start[n])), 0);
    const [area, added, taken] = [
      count((now) => now),
      count((now, start) => now && !start),
      count((now, start) => !now && start),
    ].map((pixels) => pixels.toLocaleString("en"));
    this.root.querySelector(".status").textContent =
      `Area ${area} px: ${added} px added, ${taken} px taken away since it was opened.`;
  }

  draw() {
    if (!this.view.image) return;
    const shown = Object.keys(this.compared).filter(
      (name) => this.compared[name] && this.root.querySelector(`[data-show=${name}]`).checked,
    );
    this.view.draw(this.mask, this.rings, {
      compared: Object.fromEntries(shown.map((name) => [name, this.compared[name]])),
      handles: this.tool === "vertices",
      selected: this.selected,
      brush: this.paints() && this.cursor && { at: this.cursor, size: this.size, erases: this.tool === "eraser" },
    });
  }
}

const editors = new WeakMap();

// No clean-up is returned: Streamlit may run that of an outdated call after a newer one has begun, and everything
// here hangs on elements that go with the component.
export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  let editor = editors.get(parentElement);
  if (editor?.canvas !== parentElement.querySelector("canvas")) editor = undefined;
  if (!editor) editors.set(parentElement, (editor = new MaskEditor(parentElement)));
  editor.receive(data, setStateValue, setTriggerValue);
}
