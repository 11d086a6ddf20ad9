const source = document.getElementById("plots").textContent;
const dark = matchMedia("(prefers-color-scheme: dark)");

/** The plots, in colours that fit the page. */
function plotsOn(isDark) {
  const text = isDark
    ? source.replace(/#[0-9a-f]{6}/gi, (color) => onDark[color] ?? color)
    : source;
  return JSON.parse(text);
}

/** Draws every plot, in a width of its own where the page has none yet. */
function draw({ isDark = dark.matches, isPrinted = false } = {}) {
  for (const [i, { data, layout }] of plotsOn(isDark).entries()) {
    const element = document.getElementById("plot-" + i);
    const { width, height } = element.getBoundingClientRect();
    // Names of bars turn where they would lie on one another.
    if (width < 480 && data[0]?.type === "bar") delete layout.xaxis?.tickangle;
    const size = isPrinted ? { width, height, autosize: false } : {};
    Plotly.newPlot(element, data, { ...layout, ...size }, config);
  }
}

draw();
dark.addEventListener("change", () => draw());
addEventListener("beforeprint", () => {
  document.body.classList.add("printed");
  draw({ isDark: false, isPrinted: true });
});
addEventListener("afterprint", () => {
  document.body.classList.remove("printed");
  draw();
});
