// The window on the image: zoom, pan, and what is drawn. Positions on the screen are CSS pixels of the canvas.

const MOST_ZOOM = 40; // screen pixels a pixel of the image
const TINT = 0x45e9b456; // alpha, blue, green, red
const COLOURS = { mask: "#56B4E9", label: "#E69F00", proposal: "#CC79A7", selected: "#F0E442" };

class MaskView {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    this.fitted = true;
  }

  load(image, width, height) {
    Object.assign(this, { width, height });
    this.image = layer(width, height, (n) => 0xff000000 | (image[n] * 0x010101));
    this.fit();
  }

  fit() {
    const { clientWidth, clientHeight } = this.canvas;
    this.scale = Math.min(clientWidth / this.width, clientHeight / this.height) || 1;
    this.left = (clientWidth - this.width * this.scale) / 2;
    this.top = (clientHeight - this.height * this.scale) / 2;
    this.fitted = true;
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    if (this.fitted) this.fit();
    else this.keepInside();
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const whole = Math.min(this.canvas.clientWidth / this.width, this.canvas.clientHeight / this.height);
    const scale = Math.min(Math.max(MOST_ZOOM, whole), this.scale * factor);
    if (scale <= whole) return this.fit();
    this.left = x - ((x - this.left) * scale) / this.scale;
    this.top = y - ((y - this.top) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.keepInside();
  }

  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.fitted = false;
    this.keepInside();
  }

  // an image that is larger than the canvas covers it, a smaller one is in its middle
  keepInside() {
    const inside = (start, room, length) =>
      length < room ? (room - length) / 2 : Math.min(0, Math.max(room - length, start));
    this.left = inside(this.left, this.canvas.clientWidth, this.width * this.scale);
    this.top = inside(this.top, this.canvas.clientHeight, this.height * this.scale);
  }

  // where an event is, in pixels of the image
  position(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      (event.clientX - box.left - this.left) / this.scale,
      (event.clientY - box.top - this.top) / this.scale,
    ];
  }

  draw(mask, rings, { compared, handles, selected, brush }) {
    const { context, canvas, scale, left, top } = this;
    const ratio = canvas.width / (canvas.clientWidth || 1);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = "#0b0e12";
    context.fillRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    context.imageSmoothingEnabled = false;
    const tint = layer(this.width, this.height, (n) => (mask[n] ? TINT : 0));
    for (const picture of [this.image, tint])
      context.drawImage(picture, left, top, this.width * scale, this.height * scale);
    for (const [name, outlines] of Object.entries(compared)) {
      context.setLineDash([6, 4]);
      this.outline(outlines, COLOURS[name], 1.5);
      context.setLineDash([]);
    }
    this.outline(rings, COLOURS.mask, 2);
    if (handles) rings.forEach((ring, r) => this.handles(ring, (n) => selected?.ring === r && selected.number === n));
    if (brush) this.brush(brush);
  }

  outline(rings, colour, thickness) {
    const path = new Path2D();
    for (const { points } of rings) {
      points.forEach(([x, y], n) => path[n ? "lineTo" : "moveTo"](...this.screen(x, y)));
      path.closePath();
    }
    for (const [stroke, width] of [["rgba(0, 0, 0, 0.65)", thickness + 2], [colour, thickness]]) {
      this.context.strokeStyle = stroke;
      this.context.lineWidth = width;
      this.context.stroke(path);
    }
  }

  handles(ring, isSelected) {
    ring.handles.forEach((place, number) => {
      const [x, y] = this.screen(...ring.points[place]);
      const side = isSelected(number) ? 11 : 8;
      this.context.fillStyle = isSelected(number) ? COLOURS.selected : "#ffffff";
      this.context.strokeStyle = "#000000";
      this.context.lineWidth = 1.5;
      this.context.fillRect(x - side / 2, y - side / 2, side, side);
      this.context.strokeRect(x - side / 2, y - side / 2, side, side);
    });
  }

  // the outline of the pixels under the brush
  brush({ at: [x, y], size, erases }) {
    const side = size + 3;
    const [left, top] = [Math.floor(x - side / 2), Math.floor(y - side / 2)];
    const around = new Uint8Array(side * side);
    dab(around, side, side, [x - left, y - top], size, 1);
    const rings = trace(around, side, side).map(({ points }) => ({
      points: points.map(([column, row]) => [column + left, row + top]),
    }));
    this.context.setLineDash(erases ? [3, 3] : []);
    this.outline(rings, "#ffffff", 1.5);
    this.context.setLineDash([]);
  }

  screen(x, y) {
    return [this.left + x * this.scale, this.top + y * this.scale];
  }
}

function layer(width, height, colour) {
  const picture = Object.assign(document.createElement("canvas"), { width, height });
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  for (let n = 0; n < words.length; n++) words[n] = colour(n);
  picture.getContext("2d").putImageData(pixels, 0, 0);
  return picture;
}
