// The network as a drawing: units with the numbers that the steps so far have given, weights as lines between them.

const RADIUS = 24;
const SMALLEST = 44; // pixels that a finger needs
const BETWEEN = { x: 130, y: 74, least: 84 };
const MARGIN = { x: 112, y: 46, least: 52 };

class Drawing {
  /** ``width`` is that of the place for it, in pixels: as far as it can be, the drawing is no wider. */
  constructor(state, inspect, width) {
    this.state = state;
    this.inspect = inspect;
    const { sizes } = state;
    this.height = Math.max(...sizes) * BETWEEN.y + 2 * MARGIN.y - BETWEEN.y + 2 * RADIUS;
    const { inputs, outputs } = state.data.names;
    const longest = Math.max(...[...inputs, ...outputs].map((name) => name.length));
    this.margin = Math.min(MARGIN.x, Math.max(MARGIN.least, RADIUS + 12 + 7 * longest));
    const gaps = sizes.length - 1;
    const fitting = ((width * 2 * RADIUS) / SMALLEST - 2 * this.margin) / gaps;
    this.between = Math.min(BETWEEN.x, Math.max(BETWEEN.least, fitting));
    this.width = gaps * this.between + 2 * this.margin;
    this.lines = [];
    this.units = [];
    const label = `A drawing of the network: ${sizes.join(", ")} units from left to right`;
    this.element = draw("svg", { viewBox: `0 0 ${this.width} ${this.height}`, role: "group", "aria-label": label });
    const { style } = this.element;
    style.setProperty("min-width", `${(this.width * SMALLEST) / (2 * RADIUS)}px`);
    style.setProperty("min-height", `${(this.height * SMALLEST) / (2 * RADIUS)}px`);
    const lines = draw("g", { class: "lines" });
    const units = draw("g", { class: "units" });
    for (let layer = 1; layer < sizes.length; layer++) this.drawLines(layer, lines);
    for (let layer = 0; layer < sizes.length; layer++) this.drawUnits(layer, units);
    this.heads = this.headings();
    this.element.append(lines, units, ...this.heads);
  }

  at(layer, unit) {
    const count = this.state.sizes[layer];
    const top = (this.height - (count - 1) * BETWEEN.y) / 2 + 8;
    return { x: this.margin + layer * this.between, y: top + unit * BETWEEN.y };
  }

  headings() {
    const { state } = this;
    return state.sizes.map((_, layer) => {
      const heading = draw("text", { x: this.at(layer, 0).x, y: 20, class: "heading" });
      return heading;
    });
  }

  /** Layers have the numbers of the notation. */
  refreshHeadings() {
    const { state } = this;
    this.heads.forEach((heading, layer) => {
      const name = `layer ${state.numberOf(layer)}`;
      write(heading, layer === 0 ? "inputs" : layer === state.last ? `${name}: outputs` : name);
    });
  }

  drawLines(layer, group) {
    for (let to = 0; to < this.state.sizes[layer]; to++) {
      for (let from = 0; from < this.state.sizes[layer - 1]; from++) {
        const start = this.at(layer - 1, from);
        const end = this.at(layer, to);
        const ends = { x1: start.x + RADIUS, y1: start.y, x2: end.x - RADIUS, y2: end.y };
        const line = draw("line", { class: "weight", ...ends });
        const hit = draw("line", { class: "hit", ...ends });
        const inspect = () => this.inspect({ kind: "weight", layer, to, from });
        hit.addEventListener("pointerenter", inspect);
        hit.addEventListener("click", inspect);
        group.append(line, hit);
        this.lines.push({ line, layer, to, from });
      }
    }
  }

  drawUnits(layer, group) {
    for (let unit = 0; unit < this.state.sizes[layer]; unit++) {
      const { x, y } = this.at(layer, unit);
      const circle = draw("circle", { cx: x, cy: y, r: RADIUS });
      const number = draw("text", { x, y: y + 5, class: "number" });
      const error = draw("text", { x, y: y + RADIUS + 15, class: "error" });
      const inspect = () => this.inspect({ kind: "unit", layer, unit });
      const whole = draw(
        "g",
        { class: "unit", tabindex: "0", role: "button", onpointerenter: inspect, onfocus: inspect, onclick: inspect },
        circle,
        number,
        error,
      );
      const name = this.nameOf(layer, unit);
      if (name) whole.append(this.nameBeside(layer, name, x, y));
      group.append(whole);
      this.units.push({ whole, circle, number, error, layer, unit, name });
    }
  }

  nameOf(layer, unit) {
    const { names } = this.state.data;
    return layer === 0 ? names.inputs[unit] : layer === this.state.last ? names.outputs[unit] : "";
  }

  nameBeside(layer, name, x, y) {
    const before = layer === 0;
    const text = draw("text", {
      x: before ? x - RADIUS - 6 : x + RADIUS + 6,
      y: y + 4,
      class: before ? "name before" : "name",
    });
    text.append(`\u2068${name.length > 11 ? `${name.slice(0, 10)}…` : name}\u2069`);
    const whole = draw("title");
    whole.append(`\u2068${name}\u2069`);
    text.append(whole);
    return text;
  }

  /** What the steps up to the present one have given, by array and layer. */
  known() {
    const { state } = this;
    const known = new Set();
    for (const step of state.steps.slice(0, state.place + 1)) {
      known.add(step.stage === "update" ? "update" : `${step.key} ${state.layerOf(step)}`);
    }
    return known;
  }

  refresh() {
    const known = this.known();
    const present = this.state.step;
    const layer = this.state.layerOf(present);
    this.refreshHeadings();
    this.refreshUnits(known, present, layer);
    this.refreshLines(known, present, layer);
  }

  refreshUnits(known, present, present_layer) {
    const { state } = this;
    for (const { whole, number, error, layer, unit, name } of this.units) {
      const isKnown = layer === 0 || known.has(`activation ${layer}`);
      const before = !isKnown && known.has(`pre_activation ${layer}`);
      const shown = isKnown ? state.ofUnit("A", layer, unit) : before ? state.ofUnit("Z", layer, unit) : null;
      const errorKnown = layer > 0 && known.has(`error ${layer}`);
      const wrong = errorKnown ? state.ofUnit("dZ", layer, unit) : null;
      write(number, shown === null ? "" : state.hidden({ kind: isKnown ? "activation" : "pre_activation", layer, unit }) ? "?" : short3(shown));
      write(error, wrong === null ? "" : `δ ${state.hidden({ kind: "error", layer, unit }) ? "?" : short3(wrong)}`);
      const isPresent = layer === present_layer && !OF_PARAMETERS.test(present.key) && present.stage !== "update";
      whole.classList.toggle("present", isPresent);
      whole.classList.toggle("before", before);
      whole.classList.toggle("back", errorKnown);
      const words = [
        layer === 0 ? `input ${unit + 1}` : `unit ${unit + 1} of layer ${state.numberOf(layer)}`,
        name,
        shown === null ? "not yet computed" : `${before ? "z" : layer ? "a" : "x"} = ${number.textContent}`,
        wrong === null ? "" : error.textContent,
      ];
      label(whole, words.filter(Boolean).join(", "));
    }
  }

  refreshLines(known, present, present_layer) {
    const { state } = this;
    const updated = known.has("update");
    const largest = Math.max(...this.lines.map(({ layer, to, from }) => Math.abs(state.weight(layer, to, from)))) || 1;
    const ofParameters = OF_PARAMETERS.test(present.key) || present.stage === "update";
    for (const { line, layer, to, from } of this.lines) {
      const value = updated ? state.updated(layer, to, from) : state.weight(layer, to, from);
      line.style.setProperty("stroke-width", String(0.8 + 4.2 * Math.min(1, Math.abs(value) / largest)));
      line.classList.toggle("negative", value < 0);
      line.classList.toggle("present", ofParameters && layer === present_layer);
    }
  }
}

/** Three signs fit into a circle. */
function short3(value) {
  if (!Number.isFinite(value) || value === 0) return short(value);
  const size = Math.abs(value);
  if (size >= 1e4 || size < 1e-3) return value.toExponential(0).replace(/-/g, "−").replace("e+", "e");
  return trimmed(size >= 100 ? value.toFixed(0) : value.toPrecision(3)).replace(/-/g, "−");
}

/** Change a text only where it differs: the browser lays out what is touched. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function label(element, text) {
  if (element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text);
}
