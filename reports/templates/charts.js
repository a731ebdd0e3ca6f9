const figures = [...document.querySelectorAll("[data-figure]")];
const options = { displayModeBar: false, responsive: true };
const paperWidth = 680;

for (const figure of figures) {
  const drawing = JSON.parse(document.getElementById(figure.dataset.figure).textContent);
  Plotly.newPlot(figure, drawing.data, drawing.layout, options);
}

// A figure keeps the width of the screen on paper unless it is told the width of the page.
window.addEventListener("beforeprint", () => {
  for (const figure of figures) Plotly.relayout(figure, { width: paperWidth, autosize: false });
});
window.addEventListener("afterprint", () => {
  for (const figure of figures) Plotly.relayout(figure, { width: null, autosize: true });
});
