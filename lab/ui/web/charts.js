// Buttons that save the figure above them as it is, on white whatever the theme. plotly is loaded at the first click.
//
// data: chart (key of the figure), name (of the file, without a suffix).

const INK = "#1B2430";
const LINE = "#D5DBE1";
const NARROWEST = 640;
const axis = { gridcolor: LINE, zerolinecolor: LINE, linecolor: LINE, automargin: true };
const PRINT = { layout: { font: { color: INK, family: "sans-serif" }, xaxis: axis, yaxis: axis } };
let library;

export default function (component) {
  const { parentElement, data } = component;
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = () => save(parentElement, data, button.className);
  }
}

function plotly() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("plotly.min.js", document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      library = undefined;
      reject(new Error("plotly.min.js did not load"));
    };
    document.head.append(script);
  });
  return library;
}

async function save(root, { chart, name }, format) {
  const said = root.querySelector("output");
  const drawn = document.querySelector(`.st-key-${CSS.escape(chart)} .js-plotly-plot`);
  said.textContent = "Drawing …";
  try {
    const drawing = await plotly();
    const { template, updatemenus, sliders, ...layout } = drawn.layout;
    const size = { width: Math.max(NARROWEST, drawn.clientWidth), height: drawn.clientHeight };
    const white = { paper_bgcolor: "#FFFFFF", plot_bgcolor: "#FFFFFF" };
    const figure = { data: drawn.data, layout: { ...layout, ...white, template: PRINT } };
    const link = document.createElement("a");
    link.href = await drawing.toImage(figure, { format, ...size, scale: format === "png" ? 3 : 1 });
    link.download = `${name}.${format}`;
    link.click();
    said.textContent = "";
  } catch (error) {
    said.textContent = `Not saved (${error.message}): use the camera button of the figure.`;
  }
}
