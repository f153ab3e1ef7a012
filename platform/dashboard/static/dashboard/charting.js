// Shared by the charts: their look in both themes, and a message in place of an empty chart.

// A custom property's value as the browser paints it (light-dark() is resolved only in a color).
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function chartLook(priceFormatter) {
  return {
    layout: {
      background: { type: "solid", color: "transparent" },
      textColor: colour("--ink-3"),
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 12,
      attributionLogo: false, // the logo needs an inline style; the card's foot has the link
    },
    grid: {
      vertLines: { visible: false },
      horzLines: { color: colour("--line") },
    },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.06 }, entireTextOnly: true },
    timeScale: { borderColor: colour("--line"), fixLeftEdge: true, fixRightEdge: true },
    crosshair: {
      vertLine: { color: colour("--line-strong"), labelBackgroundColor: colour("--accent") },
      horzLine: { color: colour("--line-strong"), labelBackgroundColor: colour("--accent") },
    },
    handleScroll: false,
    handleScale: false,
    localization: { priceFormatter, locale: "en-GB" },
  };
}

export function areaLook() {
  const line = colour("--accent");
  const clear = line.replace(/rgba?\(([^)]+)\)/, "rgba($1, 0)");
  return {
    lineColor: line,
    topColor: line.replace(/rgba?\(([^)]+)\)/, "rgba($1, 0.14)"),
    bottomColor: clear,
    lineWidth: 2,
    priceLineVisible: false,
    lastValueVisible: true,
  };
}

// A line beside the main one: dashed, so that it can be distinguished without color.
export function besideLook() {
  return {
    color: colour("--warn-mark"),
    lineWidth: 2,
    lineStyle: 2,
    priceLineVisible: false,
    lastValueVisible: true,
  };
}

// Bars at the foot of the chart, on a scale of their own that is not shown.
export function volumeLook() {
  return {
    color: colour("--line-strong"),
    priceScaleId: "",
    priceFormat: { type: "volume" },
    priceLineVisible: false,
    lastValueVisible: false,
  };
}

export function note(box, words) {
  box.querySelector(".chart-note")?.remove();
  if (!words) return;
  const line = document.createElement("p");
  line.className = "chart-note";
  line.textContent = words;
  box.append(line);
}
