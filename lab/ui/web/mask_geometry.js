// Masks, their outlines along pixel edges, and brushes. Pure functions.
// Symbols: a mask is a Uint8Array of height * width, row by row, 1 inside. Points are [x, y] with pixel edges at
// integers, as in lvcnet/masks/outlines.py, whose trace this is. A ring is {points, hole, handles}: handles are the
// places in `points` that are shown and can be dragged.

const HANDLE_TOLERANCE = 1.0; // pixels: staircases along a straight line keep within it

function unpackMask(text, count) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Uint8Array.from({ length: count }, (_, n) => (bytes[n >> 3] >> (7 - (n & 7))) & 1);
}

function packMask(mask) {
  const bytes = new Uint8Array(Math.ceil(mask.length / 8));
  mask.forEach((inside, n) => (bytes[n >> 3] |= inside << (7 - (n & 7))));
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

// Outer rings surround 4-connected foreground, holes 8-connected background; by falling area, so that painting them
// in order gives the mask back.
function trace(mask, width, height) {
  const inside = (x, y) => (x >= 0 && y >= 0 && x < width && y < height ? mask[y * width + x] : 0);
  const steps = new Map(); // corner -> directions of the edges that leave it, foreground on their right hand
  const add = (x, y, dx, dy) => {
    const corner = y * (width + 1) + x;
    if (!steps.has(corner)) steps.set(corner, []);
    steps.get(corner).push([dx, dy]);
  };
  // upper edges first: the first one left of a run begins at a corner, and so does the ring that is walked from there
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) if (inside(x, y) && !inside(x, y - 1)) add(x, y, 1, 0);
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      const here = inside(x, y);
      if (!here && inside(x, y - 1)) add(x + 1, y, -1, 0);
      if (here && !inside(x - 1, y)) add(x, y + 1, 0, -1);
      if (!here && inside(x - 1, y)) add(x, y, 0, 1);
    }
  }
  const rings = [];
  while (steps.size) {
    const points = walk(steps, width + 1);
    rings.push({ points, hole: signedArea(points) < 0 });
  }
  return rings.sort((a, b) => Math.abs(signedArea(b.points)) - Math.abs(signedArea(a.points)));
}

// Follow edges from the first corner that is left until the ring closes, using them up.
function walk(steps, columns) {
  const [start, [first]] = steps.entries().next().value;
  const points = [[start % columns, Math.floor(start / columns)]];
  let here = start;
  let direction = first;
  for (;;) {
    const leaving = steps.get(here);
    leaving.splice(leaving.indexOf(direction), 1);
    if (!leaving.length) steps.delete(here);
    here += direction[0] + direction[1] * columns;
    const options = steps.get(here) ?? [];
    // turning right where two pixels only meet at a corner keeps them apart
    const right = [-direction[1], direction[0]];
    const same = (one, other) => one[0] === other[0] && one[1] === other[1];
    if (here === start && (!options.length || same(right, first))) return points;
    const following = options.find((option) => same(option, right)) ?? options[0];
    if (!same(following, direction)) points.push([here % columns, Math.floor(here / columns)]);
    direction = following;
  }
}

// Pixels whose centre is inside (even-odd); rings are painted in order, holes erase.
function rasterise(rings, width, height) {
  const mask = new Uint8Array(width * height);
  for (const { points, hole } of rings) {
    for (let y = 0; y < height; y++) {
      const crossings = [];
      points.forEach(([x1, y1], n) => {
        const [x2, y2] = points[(n + 1) % points.length];
        if (y1 > y + 0.5 !== y2 > y + 0.5) crossings.push(x1 + ((y + 0.5 - y1) * (x2 - x1)) / (y2 - y1));
      });
      crossings.sort((a, b) => a - b);
      for (let n = 0; n + 1 < crossings.length; n += 2) {
        const from = Math.max(0, Math.ceil(crossings[n] - 0.5));
        const to = Math.min(width, Math.ceil(crossings[n + 1] - 0.5));
        if (to > from) mask.fill(hole ? 0 : 1, y * width + from, y * width + to);
      }
    }
  }
  return mask;
}

function fillHoles(mask, width, height) {
  return rasterise(trace(mask, width, height).filter((ring) => !ring.hole), width, height);
}

function signedArea(points) {
  return points.reduce((sum, [x, y], n) => {
    const [x2, y2] = points[(n + 1) % points.length];
    return sum + (x * y2 - x2 * y) / 2;
  }, 0);
}

// Few handles (Douglas and Peucker) on an outline that keeps all of its points: what is not dragged stays exact.
function withHandles(ring) {
  const { points } = ring;
  const far = farthest(points, 0, points.length - 1, ([x, y]) => Math.hypot(x - points[0][0], y - points[0][1]));
  const closed = [...points, points[0]];
  const kept = [0, ...between(closed, 0, far), far, ...between(closed, far, points.length)];
  return { ...ring, handles: kept.length < 3 ? points.map((_, n) => n) : kept };
}

function between(points, first, last) {
  if (last - first < 2) return [];
  const distance = (point) => distanceToSegment(point, points[first], points[last]);
  const worst = farthest(points, first + 1, last - 1, distance);
  if (distance(points[worst]) <= HANDLE_TOLERANCE) return [];
  return [...between(points, first, worst), worst, ...between(points, worst, last)];
}

function farthest(points, first, last, distance) {
  let worst = first;
  for (let n = first; n <= last; n++) if (distance(points[n]) > distance(points[worst])) worst = n;
  return worst;
}

function projection([x, y], [x1, y1], [x2, y2]) {
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const t = length ? ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length : 0;
  const along = Math.min(1, Math.max(0, t));
  return [x1 + along * (x2 - x1), y1 + along * (y2 - y1)];
}

function distanceToSegment(point, start, end) {
  const [x, y] = projection(point, start, end);
  return Math.hypot(point[0] - x, point[1] - y);
}

// The ring with handle `number` at `point`, joined to its neighbours by straight lines; it becomes the last handle.
function moveHandle(ring, number, point) {
  const rest = withoutSpan(ring, number);
  return { ...rest, points: [...rest.points, point], handles: [...rest.handles, rest.points.length] };
}

// The ring without handle `number`: its neighbours are joined by a straight line. null if only two are left.
function removeHandle(ring, number) {
  return ring.handles.length > 3 ? withoutSpan(ring, number) : null;
}

function withoutSpan({ points, handles, hole }, number) {
  const count = handles.length;
  const order = Array.from({ length: count - 1 }, (_, n) => handles[(number + 1 + n) % count]);
  const place = (n) => (n - order[0] + points.length) % points.length;
  const kept = Array.from({ length: place(order[count - 2]) + 1 }, (_, n) => points[(order[0] + n) % points.length]);
  return { points: kept, handles: order.map(place), hole };
}

// A handle on the edge after point `edge`, at the place nearest to `point`: the outline stays as it is.
// Returns the ring and the handle's number.
function insertHandle(ring, edge, point) {
  const next = (edge + 1) % ring.points.length;
  const at = projection(point, ring.points[edge], ring.points[next]);
  const same = [edge, next].find((n) => Math.hypot(ring.points[n][0] - at[0], ring.points[n][1] - at[1]) < 0.25);
  const place = same ?? edge + 1;
  const points = same === undefined ? ring.points.toSpliced(place, 0, at) : ring.points;
  const moved = ring.handles.map((n) => (same === undefined && n >= place ? n + 1 : n));
  const handles = [...new Set([...moved, place])].sort((a, b) => a - b);
  return [{ ...ring, points, handles }, handles.indexOf(place)];
}

function nearestHandle(rings, at, reach) {
  let best = null;
  rings.forEach(({ points, handles }, ring) =>
    handles.forEach((place, number) => {
      const distance = Math.hypot(points[place][0] - at[0], points[place][1] - at[1]);
      if (distance <= (best?.distance ?? reach)) best = { ring, number, distance };
    }),
  );
  return best;
}

function nearestEdge(rings, at, reach) {
  let best = null;
  rings.forEach(({ points }, ring) =>
    points.forEach((point, number) => {
      const distance = distanceToSegment(at, point, points[(number + 1) % points.length]);
      if (distance <= (best?.distance ?? reach)) best = { ring, number, distance };
    }),
  );
  return best;
}

// Sets the pixels of a round brush: those whose centre is within half its size of its own centre, which is a pixel's
// centre for odd sizes and a corner for even ones.
function dab(mask, width, height, [x, y], size, value) {
  const snap = (at) => (size % 2 ? Math.floor(at) + 0.5 : Math.round(at));
  const [cx, cy] = [snap(x), snap(y)];
  for (let row = Math.max(0, Math.floor(cy - size / 2)); row < Math.min(height, cy + size / 2); row++)
    for (let column = Math.max(0, Math.floor(cx - size / 2)); column < Math.min(width, cx + size / 2); column++)
      if ((column + 0.5 - cx) ** 2 + (row + 0.5 - cy) ** 2 <= size ** 2 / 4) mask[row * width + column] = value;
}

function stroke(mask, width, height, from, to, size, value) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(to[0] - from[0], to[1] - from[1])));
  for (let n = 0; n <= steps; n++) {
    const at = [from[0] + ((to[0] - from[0]) * n) / steps, from[1] + ((to[1] - from[1]) * n) / steps];
    dab(mask, width, height, at, size, value);
  }
}
