// Panels that show the same part of one image: what is zoomed, moved or pointed at in one of them is in all.
//
// data: width and height (pixels), image (PNG as data URL), panels [{title, note, alt, layers [{path, colour, fill, dash, part}]}],
// opacity, focus [x, y] or null, names [{title, categories, kind}], values (N x H x W bytes, deflated, base64), swipe
// {before, after} or null, fit, filename. Coordinates are pixels of the image, pixel centres at integers.

const SVG = "http://www.w3.org/2000/svg";
const DEEPEST = 16;
const STEP = 1.5;
const EXPORTED = 512;
const GAP = 12;
const HEAD = 40;
const views = new WeakMap();

export default function (component) {
  const root = component.parentElement.querySelector(".viewer");
  const data = component.data;
  const viewer = { root, data, values: null, svgs: [], pointers: new Map() };
  const kept = views.get(root);
  viewer.view = kept?.image === data.image ? kept.view : { x: -0.5, y: -0.5, size: data.width };
  viewer.share = kept?.share ?? 0.5;
  viewer.at = null;
  build(viewer);
  listen(viewer);
  apply(viewer);
  inflate(data.values).then((bytes) => (viewer.values = bytes));
}

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// What is seen is as high over as wide as the image: of a view, `size` is its width in pixels.
const high = ({ data }, size) => (size * data.height) / data.width;

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function build(viewer) {
  const { data, root } = viewer;
  const figures = data.panels.map((panel, number) => {
    const svg = drawn(data, panel, number);
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    const title = document.createElement("strong");
    title.textContent = panel.title;
    const note = document.createElement("span");
    note.textContent = panel.note;
    caption.append(title, note);
    figure.append(svg, caption);
    return figure;
  });
  const swipe = root.querySelector(".swipe");
  viewer.swiped = data.panels.findIndex((panel) => panel.layers.some((layer) => layer.part !== "all"));
  if (data.swipe) figures[viewer.swiped].querySelector("svg").after(swipe);
  root.querySelector(".panels").replaceChildren(...figures);
  viewer.svgs = [...root.querySelectorAll(".panels svg")];
  root.querySelector(".focus").hidden = !data.focus;
  swipe.hidden = !data.swipe;
  root.classList.toggle("large", data.panels.length < 3);
  root.classList.toggle("fit", data.fit);
  root.style.setProperty("--aspect", data.width / data.height);
  if (data.swipe) {
    swipe.querySelector(".before").textContent = data.swipe.before;
    swipe.querySelector(".after").textContent = data.swipe.after;
    swipe.querySelector("input").value = 100 * viewer.share;
  }
}

function drawn(data, panel, number) {
  const whole = { x: -0.5, y: -0.5, width: data.width, height: data.height };
  const parts = { before: [], after: [], all: [] };
  for (const layer of panel.layers) {
    parts[layer.part].push(
      element("path", {
        d: layer.path,
        fill: layer.fill ? layer.colour : "none",
        "fill-opacity": data.opacity,
        "fill-rule": "evenodd",
        stroke: layer.fill ? "none" : layer.colour,
        "stroke-width": 2,
        "stroke-dasharray": layer.dash,
        "stroke-linejoin": "round",
        "vector-effect": "non-scaling-stroke",
      }),
    );
  }
  const clips = ["before", "after"].map((part) =>
    element("clipPath", { id: `${part}-${number}` }, element("rect", { class: part, ...whole })),
  );
  const groups = ["before", "after"].map((part) =>
    element("g", { "clip-path": `url(#${part}-${number})` }, ...parts[part]),
  );
  const line = { fill: "none", "vector-effect": "non-scaling-stroke" };
  return element(
    "svg",
    { role: "img", tabindex: 0, "aria-label": panel.alt, preserveAspectRatio: "xMidYMid slice" },
    ...(data.swipe ? clips : []),
    element("image", { ...whole, href: data.image }),
    ...parts.all,
    ...(data.swipe ? groups : []),
    element("path", { class: "divider", stroke: "#FFFFFF", "stroke-width": 1.5, ...line }),
    element("path", { class: "cross", stroke: "#000000", "stroke-width": 3, ...line }),
    element("path", { class: "cross", stroke: "#FFFFFF", "stroke-width": 1, ...line }),
  );
}

function listen(viewer) {
  const { root, data } = viewer;
  const panels = root.querySelector(".panels");
  panels.onwheel = (event) => wheel(viewer, event);
  panels.onpointerdown = (event) => press(viewer, event);
  panels.onpointermove = (event) => move(viewer, event);
  panels.onpointerup = panels.onpointercancel = (event) => viewer.pointers.delete(event.pointerId);
  panels.onpointerleave = () => point(viewer, null);
  panels.ondblclick = (event) => {
    const place = placeOf(viewer, event);
    if (place) zoom(viewer, 2, place);
  };
  panels.onkeydown = (event) => press_key(viewer, event);
  root.querySelector(".in").onclick = () => zoom(viewer, STEP, centre(viewer));
  root.querySelector(".out").onclick = () => zoom(viewer, 1 / STEP, centre(viewer));
  root.querySelector(".whole").onclick = () => see(viewer, -0.5, -0.5, data.width);
  root.querySelector(".focus").onclick = () => {
    const size = data.width / 4;
    see(viewer, data.focus[0] - size / 2, data.focus[1] - high(viewer, size) / 2, size);
    point(viewer, data.focus);
  };
  root.querySelector(".png").onclick = () => save(viewer, "png");
  root.querySelector(".svg").onclick = () => save(viewer, "svg");
  root.querySelector(".swipe input").oninput = (event) => {
    viewer.share = event.target.value / 100;
    apply(viewer);
  };
}

function wheel(viewer, event) {
  const place = placeOf(viewer, event);
  const whole = viewer.view.size >= viewer.data.width;
  if (!place || (event.deltaY > 0 && whole)) return; // nothing to zoom out of: the page scrolls
  event.preventDefault();
  zoom(viewer, Math.exp(-Math.sign(event.deltaY) * Math.min(0.3, Math.abs(event.deltaY) / 300)), place);
}

function press(viewer, event) {
  if (!event.target.closest("svg") || event.button) return;
  event.target.closest("svg").setPointerCapture(event.pointerId);
  viewer.pointers.set(event.pointerId, [event.clientX, event.clientY]);
  point(viewer, placeOf(viewer, event));
}

function move(viewer, event) {
  const before = viewer.pointers.get(event.pointerId);
  const svg = event.target.closest("svg");
  if (before && svg) {
    const now = [event.clientX, event.clientY];
    const scale = viewer.view.size / svg.getBoundingClientRect().width;
    const other = [...viewer.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const middle = { clientX: (now[0] + other[0]) / 2, clientY: (now[1] + other[1]) / 2, target: svg };
      const apart = ([x, y]) => Math.hypot(x - other[0], y - other[1]) || 1;
      zoom(viewer, apart(now) / apart(before), placeOf(viewer, middle));
    }
    const half = other ? 0.5 : 1;
    const { x, y, size } = viewer.view;
    see(viewer, x - half * scale * (now[0] - before[0]), y - half * scale * (now[1] - before[1]), size);
    viewer.pointers.set(event.pointerId, now);
  }
  point(viewer, placeOf(viewer, event));
}

function press_key(viewer, event) {
  const { x, y, size } = viewer.view;
  const step = size / 8;
  const keys = {
    "+": () => zoom(viewer, STEP, centre(viewer)),
    "=": () => zoom(viewer, STEP, centre(viewer)),
    "-": () => zoom(viewer, 1 / STEP, centre(viewer)),
    0: () => see(viewer, -0.5, -0.5, viewer.data.width),
    ArrowLeft: () => see(viewer, x - step, y, size),
    ArrowRight: () => see(viewer, x + step, y, size),
    ArrowUp: () => see(viewer, x, y - step, size),
    ArrowDown: () => see(viewer, x, y + step, size),
  };
  if (event.target.tagName === "INPUT" || !(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
  point(viewer, centre(viewer));
}

function centre(viewer) {
  const { x, y, size } = viewer.view;
  return [x + size / 2, y + high(viewer, size) / 2];
}

function placeOf(viewer, event) {
  const box = event.target.closest("svg")?.getBoundingClientRect();
  if (!box) return null;
  const { x, y, size } = viewer.view;
  return [
    x + (size * (event.clientX - box.left)) / box.width,
    y + (high(viewer, size) * (event.clientY - box.top)) / box.height,
  ];
}

function zoom(viewer, times, [x, y]) {
  const { width } = viewer.data;
  const size = Math.min(width, Math.max(width / DEEPEST, viewer.view.size / times));
  const share = size / viewer.view.size;
  see(viewer, x - share * (x - viewer.view.x), y - share * (y - viewer.view.y), size);
}

function see(viewer, x, y, size) {
  const { width, height } = viewer.data;
  const inside = (value, room) => Math.min(room - 0.5, Math.max(-0.5, value));
  viewer.view = { x: inside(x, width - size), y: inside(y, height - high(viewer, size)), size };
  apply(viewer);
}

function apply(viewer) {
  const { x, y, size } = viewer.view;
  const { width, height, image } = viewer.data;
  views.set(viewer.root, { image, view: viewer.view, share: viewer.share });
  const line = x + viewer.share * size;
  viewer.svgs.forEach((svg, number) => {
    svg.setAttribute("viewBox", `${x} ${y} ${size} ${high(viewer, size)}`);
    svg.querySelector("image").setAttribute("image-rendering", size < width / 3 ? "pixelated" : "auto");
    if (viewer.data.swipe && number === viewer.swiped) {
      svg.querySelector("rect.before").setAttribute("width", Math.max(0, line + 0.5));
      svg.querySelector("rect.after").setAttribute("x", line);
      svg.querySelector(".divider").setAttribute("d", `M${line} -0.5V${height}`);
    }
  });
  viewer.root.classList.toggle("zoomed", size < width);
  viewer.root.querySelector(".level").textContent = `${(width / size).toFixed(1)}×`;
  point(viewer, viewer.at);
}

function point(viewer, place) {
  viewer.at = place;
  const lasts = [viewer.data.width - 1, viewer.data.height - 1];
  const [x, y] = place ? place.map((value, axis) => Math.min(lasts[axis], Math.max(0, Math.round(value)))) : [];
  const arm = viewer.view.size / 40;
  const cross = place ? `M${x - arm} ${y}H${x + arm}M${x} ${y - arm}V${y + arm}` : "";
  for (const path of viewer.root.querySelectorAll(".cross")) path.setAttribute("d", cross);
  viewer.root.querySelector(".readout").textContent =
    place && viewer.values ? said(viewer, x, y) : "Point at a pixel to read its values.";
}

function said(viewer, x, y) {
  const { width, height, names } = viewer.data;
  let layer = 0;
  const parts = names.map(({ title, categories, kind }) => {
    const found = categories.map((name) => [name, viewer.values[(layer++ * height + y) * width + x]]);
    if (kind === "grey") return `${title} ${found[0][1]}`;
    if (kind === "mask") {
      const inside = found.filter(([, value]) => value).map(([name]) => name);
      return `${title} ${inside.join(" and ") || "outside"}`;
    }
    if (kind === "px") return `${title} ${(found[0][1] / 16).toFixed(1)} px`;
    const shown = found.map(([name, value]) => `${found.length > 1 ? `${name} ` : ""}${(value / 255).toFixed(2)}`);
    return `${title} ${shown.join(", ")}`;
  });
  return `x ${x}, y ${y}: ${parts.join(" · ")}`;
}

function save(viewer, kind) {
  const text = sheet(viewer);
  const blob = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") return download(blob, `${viewer.data.filename}.svg`);
  const image = new Image();
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext("2d").drawImage(image, 0, 0);
    canvas.toBlob((png) => download(png, `${viewer.data.filename}.png`), "image/png");
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
}

function sheet(viewer) {
  const width = viewer.svgs.length * (EXPORTED + GAP) - GAP;
  const high_as_saved = Math.round(high(viewer, EXPORTED));
  const height = high_as_saved + HEAD;
  const ground = element("rect", { width, height, fill: "#FFFFFF" });
  const whole = element("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` }, ground);
  viewer.svgs.forEach((svg, number) => {
    const x = number * (EXPORTED + GAP);
    const title = element("text", { x, y: 26, "font-family": "sans-serif", "font-size": 20, fill: "#1B2430" });
    title.textContent = viewer.data.panels[number].title;
    const copy = svg.cloneNode(true);
    for (const path of copy.querySelectorAll(".cross")) path.remove();
    for (const [key, value] of Object.entries({ x, y: HEAD, width: EXPORTED, height: high_as_saved })) {
      copy.setAttribute(key, value);
    }
    whole.append(title, copy);
  });
  return new XMLSerializer().serializeToString(whole);
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
