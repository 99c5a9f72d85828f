// Curves of both soles with their uncertainty, and their difference.
import uPlot from "./vendor/uPlot.mjs";
import { Z95, number } from "./api.js";

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Curves {
  constructor(plot, difference) {
    this.holders = [plot, difference];
    this.plots = [];
    document.addEventListener("theme", () => this.last && this.show(...this.last));
    new ResizeObserver(() => this.plots.forEach((each, k) => {
      const width = this.holders[k].clientWidth;
      if (width > 0 && Math.abs(width - each.width) > 2) each.setSize({ width, height: each.height });
    })).observe(plot);
  }

  /** Draw captures (measured ones, in order) of a region up to a minute. */
  show(captures, region, until) {
    this.last = [captures, region, until];
    const measured = captures.filter((each) => each.measured && each.minute !== null);
    const minutes = measured.map((each) => each.minute);
    const of = (side) => measured.map((each) => each.values[side][region].delta);
    this.plots.forEach((plot) => plot.destroy());
    const [from, to] = [Math.min(-2, ...minutes), Math.max(until, ...minutes) + 1];
    this.plots = [
      this._plot(0, minutes, [band(of("left")), band(of("right"))], ["--left", "--right"], [from, to], 1),
      this._plot(1, minutes, [band(measured.map((each) => each.differences[region]))], ["--ink"], [from, to], null),
    ];
  }

  _plot(place, minutes, bands, colours, range, threshold) {
    const holder = this.holders[place];
    const data = [minutes];
    const series = [{}];
    const fills = [];
    bands.forEach((each, k) => {
      const colour = style(colours[k]);
      data.push(each.middle, each.high, each.low);
      const first = series.length;
      series.push(
        { stroke: colour, width: 3, dash: k === 1 ? [12, 6] : undefined, points: { show: true, size: 11, fill: k === 1 ? style("--card") : colour, width: 3 } },
        { stroke: "transparent", points: { show: false } },
        { stroke: "transparent", points: { show: false } },
      );
      fills.push({ series: [first + 1, first + 2], fill: `${colour}33` });
    });
    const ink = style("--ink"), line = style("--line");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: "600 16px system-ui, 'DejaVu Sans', sans-serif", size: 56 };
    return new uPlot({
      width: holder.clientWidth || 600,
      height: place === 0 ? Math.max(240, holder.clientHeight) : 130,
      series, bands: fills,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => range },
        y: { range: (_, low, high) => [Math.min(-1, low ?? 0) - 0.3, Math.max(place === 0 ? 3 : 1.5, high ?? 0) + 0.3] },
      },
      axes: [
        { ...axis, size: 44, values: (_, all) => all.map((each) => number(each, 0)) },
        { ...axis, values: (_, all) => all.map((each) => number(each, each % 1 ? 1 : 0, true)) },
      ],
      hooks: { drawAxes: [(plot) => mark(plot, threshold, ink)] },
    }, data, holder);
  }
}

function band(values) {
  const half = values.map((each) => (each.error === null ? null : Z95 * each.error));
  return {
    middle: values.map((each) => each.value),
    high: values.map((each, k) => (each.value === null ? null : each.value + half[k])),
    low: values.map((each, k) => (each.value === null ? null : each.value - half[k])),
  };
}

function mark(plot, threshold, ink) {
  const { ctx, bbox } = plot;
  const line = (y, dash) => {
    const at = plot.valToPos(y, "y", true);
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.globalAlpha = 0.7;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(bbox.left, at);
    ctx.lineTo(bbox.left + bbox.width, at);
    ctx.stroke();
    ctx.restore();
  };
  line(0, []);
  if (threshold !== null) line(threshold, [4, 6]);
}
