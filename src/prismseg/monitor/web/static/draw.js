// Drawing on canvases: outlines, the scale of colours.
import { number, scale, t } from "./api.js";

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const colourOf = (side) => (side === "left" ? "#6cc0ff" : side === "right" ? "#ff9d5c" : "#ffffff");

/** Draw outlines {side: [[x, y], …]} of a frame of `size` [height, width] over the whole canvas. */
export function drawOutlines(context, outlines, size) {
  const factor = context.canvas.width / size[1];
  context.save();
  context.lineJoin = "round";
  for (const [side, lines] of Object.entries(outlines)) {
    let top = null;
    for (const line of lines) {
      context.beginPath();
      for (const [x, y] of line) {
        context.lineTo((x + 0.5) * factor, (y + 0.5) * factor);
        if (top === null || y > top[1]) top = [x, y];
      }
      context.closePath();
      context.setLineDash([]);
      context.lineWidth = 5;
      context.strokeStyle = "rgb(0 0 0 / .75)";
      context.stroke();
      // Not by colour alone: the right sole's line is dashed.
      context.setLineDash(side === "right" ? [12, 6] : side === "unnamed" ? [3, 5] : []);
      context.lineWidth = 2.5;
      context.strokeStyle = colourOf(side);
      context.stroke();
    }
    if (top && side !== "unnamed") label(context, side === "left" ? t("L") : t("R"), (top[0] + 0.5) * factor, (top[1] + 0.5) * factor - 26, colourOf(side));
  }
  context.restore();
}

function label(context, text, x, y, colour) {
  context.setLineDash([]);
  context.font = "700 30px system-ui, 'DejaVu Sans', sans-serif";
  context.textAlign = "center";
  context.lineWidth = 6;
  context.strokeStyle = "rgb(0 0 0 / .85)";
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}

/** Draw the one scale of colours with its temperatures. */
export async function drawScale(canvas) {
  const colours = await (await fetch("/static/scale.json")).json();
  const paint = () => {
    const width = (canvas.width = Math.max(canvas.clientWidth, 200) * devicePixelRatio);
    const height = (canvas.height = 40 * devicePixelRatio);
    const context = canvas.getContext("2d");
    const bar = height * 0.42;
    colours.forEach((colour, k) => {
      context.fillStyle = colour;
      context.fillRect((k * width) / colours.length, 0, width / colours.length + 1, bar);
    });
    context.fillStyle = style("--ink");
    context.font = `600 ${15 * devicePixelRatio}px system-ui, "DejaVu Sans", sans-serif`;
    const [low, high] = scale;
    const step = high - low > 12 ? 4 : 2;
    for (let degree = Math.ceil(low / step) * step; degree <= high; degree += step) {
      const x = ((degree - low) / (high - low)) * width;
      context.textAlign = x < 20 ? "left" : x > width - 30 ? "right" : "center";
      context.fillText(degree + step > high ? `${number(degree, 0)} °C` : number(degree, 0), x, height * 0.92);
    }
  };
  paint();
  document.addEventListener("theme", paint);
  new ResizeObserver(paint).observe(canvas);
}
