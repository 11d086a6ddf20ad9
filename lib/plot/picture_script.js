/** A text between tags. */
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A panel as SVG at its place on the page, named where it is one of several. */
async function panelSvg(plot, { left, top, isNamed }) {
  const { x, y, width, height } = plot.getBoundingClientRect();
  const options = { format: "svg", imageDataOnly: true, width, height };
  const svg = await Plotly.toImage(plot, options);
  const place = `x="${x - left}" y="${y - top}"`;
  const heading = plot.parentElement.querySelector("h2").textContent;
  const name = isNamed
    ? `<text x="${x - left}" y="${y - top - 4}" font-weight="700">${
      escaped(heading)
    }</text>`
    : "";
  return svg.replace("<svg", `<svg ${place}`) + name;
}

/** All panels in one SVG, left on the page for whoever reads the document. */
addEventListener("load", async () => {
  const plots = [...document.querySelectorAll(".plot")];
  const isNamed = plots.length > 1;
  // Papers have captions of their own; notes would leave gaps between rows.
  const notes = [...document.querySelectorAll("figcaption")];
  for (const note of notes) note.hidden = isNamed;
  const boxes = plots.map((plot) => plot.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left));
  const top = Math.min(...boxes.map((box) => box.top)) - (isNamed ? 20 : 0);
  const width = Math.max(...boxes.map((box) => box.right)) - left;
  const height = Math.max(...boxes.map((box) => box.bottom)) - top;
  const parts = [];
  for (const plot of plots) {
    parts.push(await panelSvg(plot, { left, top, isNamed }));
  }
  const font = escaped(getComputedStyle(document.body).fontFamily)
    .replaceAll('"', "'");
  document.body.dataset.svg = encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${font}" font-size="14">${
      parts.join("")
    }</svg>\n`,
  );
  for (const note of notes) note.hidden = false;
  document.body.dataset.height = Math.ceil(
    document.querySelector("main").getBoundingClientRect().height,
  );
});
