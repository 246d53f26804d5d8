// Pointers and keys of the outline editor, as calls of its methods.

const NEAR = { mouse: 9, pen: 12, touch: 20 }; // how near to a vertex or an edge counts as on it, on the screen
const TOOLS = { b: "brush", e: "eraser", v: "vertices", h: "pan" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEYS = { "+": "in", "=": "in", "-": "out", 0: "fit", f: "fill", Delete: "remove", Backspace: "remove" };
const ON_CANVAS = { Enter: "use" };

class MaskInput {
  constructor(editor) {
    this.editor = editor;
    this.canvas = editor.canvas;
    this.view = editor.view;
    this.pointers = new Map();
    this.drag = null; // what a pressed pointer does: {kind: paint | vertex | pan | pinch, ...}
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.release(event));
    canvas.addEventListener("pointerleave", () => this.drag || editor.point(null));
    canvas.addEventListener("dblclick", () => editor.tool === "vertices" && editor.act("remove"));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    editor.root.querySelector(".editor").addEventListener("keydown", (event) => {
      if (!this.key(event)) return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  press(event) {
    if (event.button > 1) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size > 1) return this.pinch();
    const at = this.view.position(event);
    if (event.button === 1 || this.editor.tool === "pan") this.drag = { kind: "pan" };
    else if (this.editor.tool === "vertices") this.grab(at, NEAR[event.pointerType] ?? NEAR.mouse);
    else {
      this.drag = { kind: "paint", at };
      this.editor.paint(at, at);
    }
  }

  // A second finger: what the first one has begun is taken back.
  pinch() {
    if (["paint", "vertex"].includes(this.drag?.kind)) this.editor.travel(0);
    this.drag = { kind: "pinch" };
  }

  move(event) {
    const before = this.pointers.get(event.pointerId);
    if (before) this.pointers.set(event.pointerId, event);
    const at = this.view.position(event);
    const { drag, editor } = this;
    if (before && drag?.kind === "pan") this.view.pan(event.clientX - before.clientX, event.clientY - before.clientY);
    if (before && drag?.kind === "pinch") this.spread(event, before);
    if (before && drag?.kind === "paint") {
      editor.paint(drag.at, at);
      drag.at = at;
    }
    if (before && drag?.kind === "vertex") this.dragVertex(drag, at);
    editor.point(at);
  }

  release(event) {
    if (!this.pointers.delete(event.pointerId) || this.pointers.size) return;
    const kind = this.drag?.kind;
    this.drag = null;
    if (event.pointerType === "touch") this.editor.point(null);
    if (kind === "paint") this.editor.change(this.editor.mask);
    if (kind === "vertex") this.editor.commit();
  }

  // Two fingers: pan by the way of their middle, zoom by their distance.
  spread(event, before) {
    const other = [...this.pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    if (!other) return;
    const apart = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
    const box = this.canvas.getBoundingClientRect();
    this.view.pan((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
    const [x, y] = [(event.clientX + other.clientX) / 2 - box.left, (event.clientY + other.clientY) / 2 - box.top];
    this.view.zoom(apart(event) / Math.max(1, apart(before)), x, y);
  }

  wheel(event) {
    // the page scrolls over an editor that does not have the focus
    if (!event.ctrlKey && !this.editor.root.activeElement) return;
    event.preventDefault();
    const box = this.canvas.getBoundingClientRect();
    this.view.zoom(ZOOM_STEP ** (-event.deltaY / 100), event.clientX - box.left, event.clientY - box.top);
    this.editor.draw();
  }

  // Choose the vertex there, or make one on the outline there, and hold it.
  grab(at, near) {
    const { editor } = this;
    editor.choose(at, near / this.view.scale);
    if (!editor.selected) return;
    const { ring, number } = editor.selected;
    this.drag = { kind: "vertex", original: editor.rings[ring], ring, number, moved: false };
  }

  dragVertex(drag, [x, y]) {
    const from = drag.original.points[drag.original.handles[drag.number]];
    drag.moved ||= Math.hypot(x - from[0], y - from[1]) >= 0.5; // a click is no move
    if (drag.moved) this.editor.moveVertex(drag.ring, drag.original, drag.number, [x, y]);
  }

  // True if the key means something here.
  key(event) {
    const { editor } = this;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (!["z", "y"].includes(key)) return false;
      editor.act(key === "y" || event.shiftKey ? "redo" : "undo");
      return true;
    }
    if (event.altKey) return false;
    const onCanvas = event.target === this.canvas; // elsewhere Enter, space and arrows are the button's or slider's
    if (TOOLS[key]) editor.pick(TOOLS[key]);
    else if (key === "[" || key === "]") editor.resizeBrush(editor.size + (key === "]" ? 1 : -1));
    else if (KEYS[key] && (onCanvas || key.length === 1)) editor.act(KEYS[key]);
    else if (!onCanvas) return false;
    else if (ON_CANVAS[key]) editor.act(ON_CANVAS[key]);
    else if (ARROWS[key]) editor.step(ARROWS[key], event.shiftKey ? 5 : 1);
    else if (key === " ") editor.dabAtCursor();
    else if (key === "n" || key === "p") editor.cycle(key === "n" ? 1 : -1);
    else return false;
    return true;
  }
}
