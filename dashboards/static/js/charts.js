// ECharts in the clothes of the product: colours from the tokens, patterns beside colours, rich-text tooltips (strict CSP).
import * as echarts from "/static/vendor/echarts/echarts.esm.min.js";

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function frame() {
  const text = { color: token("--ink-3"), fontFamily: token("--font"), fontSize: 12 };
  const axis = {
    axisLine: { lineStyle: { color: token("--line-strong") } },
    axisTick: { show: false },
    axisLabel: text,
    nameTextStyle: { ...text, align: "left" },
    splitLine: { lineStyle: { color: token("--line") } },
  };
  return {
    animation: false,
    textStyle: text,
    aria: { enabled: true },
    color: [token("--chart-1"), token("--chart-2"), token("--chart-3"), token("--chart-4")],
    grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
    legend: { top: 0, right: 0, icon: "roundRect", itemWidth: 14, itemHeight: 3, textStyle: text },
    tooltip: {
      renderMode: "richText", confine: true, trigger: "axis", backgroundColor: token("--raised"),
      borderColor: token("--line"), textStyle: { ...text, color: token("--ink") },
    },
    axis,
  };
}

// The axis counts in UTC (useUTC below), and what it is given is the city's clock: whatever zone the browser stands in, a time
// reads as in Suzhou. China has kept UTC+8 without summer time since 1991.
const SHANGHAI_MS = 8 * 3600 * 1000;
const onCityClock = (time) => new Date(time).getTime() + SHANGHAI_MS;

const symbols = ["circle", "rect", "triangle", "diamond"];
// A signal differs by shape and size, not by colour alone.
const marked = (values, signals) => values.map((value, index) => signals.includes(index)
  ? { value, symbol: "diamond", symbolSize: 13, itemStyle: { color: token("--high"), borderColor: token("--ink"), borderWidth: 1.5 } }
  : value);

// The next round number above a value, so that an axis does not end at 1.149309.
function ceiling(value) {
  const step = 10 ** Math.floor(Math.log10(value));
  return Number((Math.ceil((value * 1.1) / step) * step).toPrecision(6));
}

const dashes = ["solid", [6, 3], [2, 3], [10, 3, 2, 3]];

const kinds = {
  // {unit, series: [{name, points: [[time, value|null], ...], step?}], limits: [{name, value}]}
  time(data, base) {
    return {
      useUTC: true,
      xAxis: { type: "time", ...base.axis, splitLine: { show: false } },
      yAxis: { type: "value", name: data.unit, scale: data.scale !== false, ...base.axis },
      legend: data.series.length > 1 ? base.legend : { show: false },
      series: data.series.map((line, index) => ({
        name: line.name, type: "line", data: line.points.map(([time, value]) => [onCityClock(time), value]), step: line.step ? "end" : false, showSymbol: line.points.length < 40,
        symbolSize: 4, connectNulls: false, lineStyle: { width: 1.6, type: dashes[index % dashes.length] },
        markLine: index === 0 && data.limits?.length ? {
          silent: true, symbol: "none", lineStyle: { color: token("--critical"), type: "dashed" },
          label: { color: token("--critical"), position: "insideEndTop", formatter: "{b}" },
          data: data.limits.map((limit) => ({ name: limit.name, yAxis: limit.value })),
        } : undefined,
      })),
    };
  },
  // {labels, unit, series: [{name, values}], target?: {name, value}}
  bars(data, base) {
    return {
      xAxis: { type: "category", data: data.labels, ...base.axis, splitLine: { show: false } },
      yAxis: { type: "value", name: data.unit, minInterval: data.whole ? 1 : 0, ...base.axis },
      legend: data.series.length > 1 ? base.legend : { show: false },
      series: data.series.map((bar, index) => ({
        name: bar.name, type: "bar", data: bar.values, barMaxWidth: 28,
        markLine: index === 0 && data.target ? {
          silent: true, symbol: "none", lineStyle: { color: token("--ink"), type: "dashed" },
          label: { color: token("--ink-2"), position: "insideEndTop", formatter: data.target.name }, data: [{ yAxis: data.target.value }],
        } : undefined,
      })),
    };
  },
  // {labels, unit, rate, low, high, target: {name, value}}: points with exact intervals
  intervals(data, base) {
    const draw = (params, api) => {
      const x = api.coord([api.value(0), 0])[0];
      const low = api.coord([0, api.value(1)])[1];
      const high = api.coord([0, api.value(2)])[1];
      const style = { stroke: token("--chart-1"), lineWidth: 1.6 };
      const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
      return { type: "group", children: [line(x, low, x, high), line(x - 5, low, x + 5, low), line(x - 5, high, x + 5, high)] };
    };
    return {
      xAxis: { type: "category", data: data.labels, ...base.axis, splitLine: { show: false } },
      yAxis: { type: "value", name: data.unit, min: 0, ...base.axis },
      grid: { ...base.grid, right: 64 },
      legend: { show: false },
      series: [
        { name: data.interval_name, type: "custom", renderItem: draw, data: data.labels.map((_, i) => [i, data.low[i], data.high[i]]), encode: { x: 0, y: [1, 2] } },
        {
          name: data.rate_name, type: "line", data: data.rate, symbol: "diamond", symbolSize: 9, lineStyle: { width: 0 },
          markLine: {
            silent: true, symbol: "none", lineStyle: { color: token("--ink"), type: "dashed" },
            label: { color: token("--ink-2"), position: "end", formatter: data.target.name }, data: [{ yAxis: data.target.value }],
          },
        },
      ],
    };
  },
  // {labels, unit, series: [{name, values}]}: one point per label, gaps stay gaps
  lines(data, base) {
    return {
      xAxis: { type: "category", data: data.labels, ...base.axis, splitLine: { show: false } },
      yAxis: { type: "value", name: data.unit, min: 0, ...base.axis },
      legend: base.legend,
      series: data.series.map((line, index) => ({
        name: line.name, type: "line", data: line.values, connectNulls: false, symbol: symbols[index % symbols.length], symbolSize: 7,
        lineStyle: { width: 1.6, type: dashes[index % dashes.length] },
      })),
    };
  },
  // {labels, unit, name, values, signals, centre, low, high, limit_name, centre_name}: a control chart; a signal is a ringed diamond
  control(data, base) {
    const limit = (values, name, type = [6, 4]) => ({
      name, type: "line", data: values, step: "middle", symbol: "none", silent: true, tooltip: { show: false },
      lineStyle: { color: token("--ink-3"), width: 1, type }, itemStyle: { color: token("--ink-3") },
    });
    return {
      xAxis: { type: "category", data: data.labels, ...base.axis, splitLine: { show: false } },
      yAxis: { type: "value", name: data.unit, min: 0, ...base.axis },
      // both limits bear one name, so that the legend says it once; what is what is told by the dash
      legend: { ...base.legend, icon: undefined, itemWidth: 22, itemHeight: 8, selectedMode: false },
      series: [
        { name: data.name, type: "line", data: marked(data.values, data.signals), lineStyle: { width: 1.6 }, symbolSize: 5, showAllSymbol: true },
        limit(data.labels.map(() => data.centre), data.centre_name, [1, 3]),
        limit(data.high, data.limit_name), limit(data.low, data.limit_name),
      ],
    };
  },
  // {labels, unit, name, values, signals, limit: {name, value}}: S_t as steps up to its limit
  cusum(data, base) {
    return {
      xAxis: { type: "category", data: data.labels, ...base.axis, splitLine: { show: false } },
      yAxis: { type: "value", name: data.unit, min: 0, max: (top) => ceiling(Math.max(top.max, data.limit.value)), ...base.axis },
      legend: { show: false },
      series: [{
        name: data.name, type: "line", step: "end", data: marked(data.values, data.signals), lineStyle: { width: 1.6 }, symbolSize: 3, showAllSymbol: true,
        markLine: {
          silent: true, symbol: "none", lineStyle: { color: token("--ink"), type: "dashed" },
          label: { color: token("--ink-2"), position: "insideEndTop", formatter: data.limit.name }, data: [{ yAxis: data.limit.value }],
        },
      }],
    };
  },
  // {unit, x, points: [{name, x, y, out}], limits: [{name, high: [[x, y]]}], target: {name, value}}
  funnel(data, base) {
    const widest = Math.max(...data.points.map((p) => p.x));
    return {
      tooltip: { ...base.tooltip, trigger: "item" },
      xAxis: { type: "value", ...base.axis, name: data.x, nameLocation: "middle", nameGap: 26, min: 0, nameTextStyle: base.axis.axisLabel },
      yAxis: { type: "value", name: data.unit, min: 0, ...base.axis },
      grid: { ...base.grid, bottom: 28 },
      legend: { ...base.legend, icon: undefined, itemWidth: 22, itemHeight: 8, selectedMode: false, data: data.limits.map((limit) => limit.name) },
      series: [
        {
          type: "scatter", data: data.points.map((p) => ({
            name: p.name, value: [p.x, p.y], symbol: p.out ? "diamond" : "circle", symbolSize: p.out ? 14 : 9, label: { position: p.x > 0.75 * widest ? "left" : "right" },
            itemStyle: p.out ? { color: token("--high"), borderColor: token("--ink"), borderWidth: 1.5 } : { color: token("--chart-1") },
          })),
          label: { show: true, position: "right", formatter: (p) => (p.value[1] > 0 ? p.name : ""), color: token("--ink-2"), fontSize: 11, backgroundColor: token("--surface"), padding: [1, 3] },
          labelLayout: { hideOverlap: true, moveOverlap: "shiftY" },
          tooltip: { formatter: (p) => `${p.name}\n${data.x}: ${p.value[0]}\n${data.unit}: ${p.value[1]}` },
          markLine: {
            silent: true, symbol: "none", lineStyle: { color: token("--ink"), type: "dotted" },
            label: { color: token("--ink-2"), position: "insideEndTop", formatter: data.target.name }, data: [{ yAxis: data.target.value }],
          },
        },
        ...data.limits.map((limit, index) => ({
          name: limit.name, type: "line", step: "middle", data: limit.high, symbol: "none", silent: true,
          lineStyle: { color: token("--ink-3"), width: 1.2, type: dashes[index + 1] }, itemStyle: { color: token("--ink-3") },
        })),
      ],
    };
  },
};

function draw(figure, chart) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const base = frame();
  const { axis, ...rest } = base;
  chart.setOption({ ...rest, ...kinds[figure.dataset.chart](data, { ...rest, axis }) }, true);
}

const drawn = new Map();

export function setData(figure, data) {
  figure.querySelector("script").textContent = JSON.stringify(data);
  draw(figure, drawn.get(figure));
}

export function drawAll() {
  for (const figure of document.querySelectorAll("[data-chart]")) {
    if (drawn.has(figure)) continue;
    const chart = echarts.init(figure.querySelector(".canvas"));
    drawn.set(figure, chart);
    draw(figure, chart);
    new ResizeObserver(() => chart.resize()).observe(figure);
  }
}

const again = () => drawn.forEach((chart, figure) => draw(figure, chart));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
addEventListener("beforeprint", again);
