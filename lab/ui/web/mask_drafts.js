// Drafts: every finished stroke goes to the server at once. Until the server confirms it, the browser keeps it, too,
// so that neither a reload nor a server that dies in that instant loses it.
// A kept stroke is {id: "WINDOW-NUMBER", base: revision it is drawn on, bits: mask or null for none, time}.

const KEPT = "lvcnet-draft";
const RETRIES = [2, 4, 8, 15, 30]; // seconds without an answer, the last again and again
const STATES = { stored: "Draft stored", sending: "Storing the draft", kept: "Not stored yet: this browser keeps it" };

const windowOf = (id) => (id ?? "").split("-")[0];
const clock = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

class MaskDrafts {
  constructor(editor) {
    this.editor = editor;
    this.window = [...crypto.getRandomValues(new Uint8Array(8))].map((n) => n.toString(16).padStart(2, "0")).join("");
    this.number = 0;
    const leave = (event) => {
      if (!editor.canvas.isConnected) removeEventListener("beforeunload", leave);
      else if (this.pending) event.preventDefault();
    };
    addEventListener("beforeunload", leave);
    this.mark = editor.root.querySelector(".draft");
    this.choice = editor.root.querySelector(".choice");
    for (const button of this.choice.querySelectorAll("button"))
      button.addEventListener("click", () => this.choose(button.dataset.choice));
  }

  // Another image: on top of what it begins with comes the stored draft, then what this browser could not hand over.
  open(draft, send) {
    Object.assign(this, { draft, send, pending: null, offer: null, problem: "", note: "" });
    if (!draft) return this.describe();
    this.last = draft.bits;
    if (draft.bits) this.editor.change(this.editor.unpack(draft.bits), true);
    for (const [place, kept] of this.kept()) {
      if (draft.receipts.includes(kept.id) || kept.id === draft.stroke || kept.bits === draft.bits) forget(place);
      else if (kept.base === draft.revision || windowOf(kept.id) === windowOf(draft.stroke)) {
        this.bring(kept.bits);
        this.note = `Brought back what was not stored at ${clock(kept.time)}`;
        forget(place);
      } else this.offer = { place, bits: kept.bits, time: kept.time, stored: false };
    }
    this.describe();
  }

  // The server's state of the image that is open.
  receive(draft, send) {
    Object.assign(this, { send, problem: draft?.problem ?? "" });
    if (!draft || draft.revision < this.draft.revision) return this.describe();
    const before = this.draft;
    this.draft = draft;
    const { pending } = this;
    if (pending && [...draft.receipts, draft.stroke].includes(pending.id)) {
      this.pending = null;
      clearTimeout(this.timer);
      forget(this.place(this.window));
    }
    if (!this.pending && draft.revision > before.revision && windowOf(draft.stroke) !== this.window) {
      const changed = (draft.bits ?? this.editor.startBits) !== this.bits();
      this.load(draft.bits);
      const what = draft.bits ? `Draft of ${clock(draft.time)} loaded` : "Drawing put away";
      this.note = changed ? `${what}: undo brings back what was here` : "";
    } else if (this.pending && draft.revision !== pending.base && windowOf(draft.stroke) !== this.window)
      this.offer = { bits: draft.bits, time: draft.time, stored: true };
    this.describe();
  }

  // Hand over what is drawn; nothing happens if that is known already.
  keep() {
    if (!this.draft) return;
    const now = this.bits();
    const bits = now === this.editor.startBits ? null : now;
    if (bits === this.last) return;
    this.last = bits;
    this.note = "";
    this.hold(bits);
    if (!this.offer?.stored) this.hand();
    this.describe();
  }

  // The drawing as a message that is kept until it is confirmed.
  hold(bits) {
    const { subject, width, height } = this.editor.data;
    const id = `${this.window}-${++this.number}`;
    const message = { subject, width, height, id, base: this.draft?.revision ?? 0, bits, time: Date.now() };
    if (!this.draft) return message; // nobody keeps drafts
    this.pending = message;
    try {
      localStorage.setItem(this.place(this.window), JSON.stringify(this.pending));
    } catch {
      // a browser that stores nothing: the server has to
    }
    return message;
  }

  hand(attempt = 0) {
    clearTimeout(this.timer);
    this.attempt = attempt;
    this.send("draft", { ...this.pending, attempt });
    this.timer = setTimeout(() => {
      if (!this.pending || this.offer?.stored || !this.editor.canvas.isConnected) return;
      this.hand(attempt + 1);
      this.describe();
    }, 1000 * RETRIES[Math.min(attempt, RETRIES.length - 1)]);
  }

  // Two drawings: which one goes on. The other one is a step of the history away.
  choose(which) {
    const { offer } = this;
    this.offer = null;
    if (which === "other") this.bring(offer.bits);
    else if (offer.stored) this.bring(this.pending.bits); // now on top of the newer one
    if (offer.place) forget(offer.place);
    this.describe();
  }

  // Show a drawing and hand it over.
  bring(bits) {
    this.load(bits);
    this.hold(bits);
    setTimeout(() => this.hand());
  }

  load(bits) {
    this.last = bits;
    this.editor.change(bits ? this.editor.unpack(bits) : this.editor.start.slice(), true);
  }

  bits() {
    return packMask(this.editor.mask);
  }

  place(window) {
    return `${KEPT}:${this.editor.data.subject}:${window}`;
  }

  // What windows of this browser kept of this image, oldest first.
  kept() {
    try {
      const places = Object.keys(localStorage).filter((name) => name.startsWith(this.place("")));
      const found = places.map((place) => [place, JSON.parse(localStorage.getItem(place))]);
      return found.sort(([, one], [, other]) => one.time - other.time);
    } catch {
      return [];
    }
  }

  describe() {
    const { pending, draft, attempt, problem, offer } = this;
    const state = pending ? (attempt || problem ? "kept" : "sending") : draft?.bits ? "stored" : "";
    this.mark.dataset.state = state;
    const mark = state === "stored" ? `${STATES.stored} ${clock(draft.time)}, not accepted yet` : (STATES[state] ?? "");
    this.mark.textContent = [mark, problem, this.note].filter(Boolean).join(". ");
    this.choice.hidden = !offer;
    if (!offer) return;
    const [text, other, mine] = offer.stored
      ? ["Another window stored a newer drawing of this image at", "Show that one", "Keep this one"]
      : ["This browser kept a drawing that was never stored, of", "Show it", "Forget it"];
    this.choice.querySelector("span").textContent = `${text} ${clock(offer.time)}.`;
    this.choice.querySelector("[data-choice=other]").textContent = other;
    this.choice.querySelector("[data-choice=mine]").textContent = mine;
  }
}

function forget(place) {
  try {
    localStorage.removeItem(place);
  } catch {
    // nothing was kept
  }
}
