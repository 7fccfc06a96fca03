// Training goes on in the page: update after update on the examples that came along, with the loss and the regions.

const CURVE = { width: 420, height: 190, left: 52, bottom: 26, top: 10, right: 10 };

class Training {
  constructor(state, page) {
    this.state = state;
    this.page = page;
    this.next = state.m;
    this.losses = [];
    this.running = null;
    this.forward = new Map();
    this.line = draw("path", { class: "curve" });
    this.axis = draw("g", { class: "axis" });
    const { width, height } = CURVE;
    const label = "The loss over the examples after each update";
    this.curve = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, this.axis, this.line);
    document.getElementById("curve").append(this.curve);
    this.region = state.sizes[0] === 2 ? new Region(state, () => this.upTo("A")) : null;
    document.getElementById("region-part").hidden = this.region === null;
    this.report = document.getElementById("training-report");
    this.remember();
  }

  get examples() {
    return this.state.data.examples;
  }

  /** The rows of the next update: m of them, from the first again after the last. */
  following() {
    const { m } = this.state;
    const count = this.examples.rows.length;
    const rows = Array.from({ length: m }, (_, column) => (this.next + column) % count);
    this.next = (this.next + m) % count;
    return rows;
  }

  /** The engine's steps up to the loss, or to the outputs, for inputs that are not those shown. */
  upTo(name) {
    const { state } = this;
    const key = `${state.variant} ${name}`;
    if (!this.forward.has(key)) {
      const last = state.quantities.findLastIndex((one) => one.name === name);
      this.forward.set(key, new Program(state.tape, state.quantities.slice(0, last + 1)));
    }
    return this.forward.get(key);
  }

  /** The mean loss of the page's examples, by their weights: m at a time, the last ones filled up with the last row. */
  loss() {
    const { state } = this;
    const count = this.examples.rows.length;
    const kept = state.inputs.slice();
    let total = 0;
    for (let first = 0; first < count; first += state.m) {
      const rows = Array.from({ length: state.m }, (_, column) => Math.min(first + column, count - 1));
      total += this.sum(rows);
    }
    const added = (state.m - (count % state.m)) % state.m;
    if (added) total -= (added / state.m) * this.sum(Array(state.m).fill(count - 1));
    state.inputs.set(kept);
    return total / this.weight(Array.from({ length: count }, (_, row) => row));
  }

  /** The sum of the losses of m rows. */
  sum(rows) {
    const { state } = this;
    const program = this.upTo("loss");
    state.show(rows);
    program.run(state.inputs);
    const loss = program.entry(program.results.length - 1, 0);
    return state.data.network.examples === "mean" ? loss * this.weight(rows) : loss;
  }

  /** What rows weigh together: how many they are, or the sum of their weights. */
  weight(rows) {
    const weigh = this.state.data.inputs.weights ? (row) => this.examples.weights[row] : () => 1;
    return rows.reduce((total, row) => total + weigh(row), 0);
  }

  remember() {
    this.losses.push(this.loss());
    if (this.losses.length > 2000) this.losses = this.losses.filter((_, place) => place % 2 === 0);
  }

  /** One update by the examples shown; then the next ones, where there are any. */
  once() {
    const { state } = this;
    state.update();
    this.remember();
    const finite = Number.isFinite(this.losses.at(-1));
    if (!finite) this.stop();
    return finite;
  }

  step() {
    const finite = this.once();
    this.page.refresh();
    this.say(finite);
  }

  /** Another example, or others, in the place of those shown. */
  another() {
    const { state } = this;
    state.show(this.following());
    state.changes.add("the examples");
    state.compute();
    this.page.refresh();
  }

  run() {
    if (this.running !== null) return this.stop();
    const each = () => {
      const updates = Number(document.getElementById("speed").value);
      let finite = true;
      for (let update = 0; update < updates && finite; update++) {
        finite = this.once();
        this.state.show(this.following());
      }
      this.state.compute();
      this.page.refresh();
      this.say(finite);
      if (finite && this.running !== null) this.running = requestAnimationFrame(each);
    };
    document.getElementById("run").textContent = "Pause";
    this.running = requestAnimationFrame(each);
    return undefined;
  }

  stop() {
    if (this.running !== null) cancelAnimationFrame(this.running);
    this.running = null;
    document.getElementById("run").textContent = "Run";
  }

  say(finite) {
    const updates = this.state.inputs[this.state.data.inputs.step.first] - 1;
    const count = this.examples.rows.length;
    const words = finite
      ? `After ${updates} ${updates === 1 ? "update" : "updates"}: mean loss of the ${count} examples ${short(this.losses.at(-1))}, at first ${short(this.losses[0])}.`
      : "Training diverged: the loss is no longer a number. Go back to bp's numbers and choose a smaller learning rate.";
    write(this.report, words);
  }

  restart() {
    this.stop();
    this.next = this.state.m;
    this.losses = [];
    this.remember();
    write(this.report, "");
  }

  refresh() {
    this.drawCurve();
    this.region?.draw();
  }

  drawCurve() {
    const finite = this.losses.filter(Number.isFinite);
    const { width, height, left, bottom, top, right } = CURVE;
    const high = Math.max(...finite, 1e-12);
    const low = Math.min(0, ...finite);
    const x = (place) => left + ((width - left - right) * place) / Math.max(1, this.losses.length - 1);
    const y = (loss) => top + ((height - top - bottom) * (high - loss)) / (high - low || 1);
    const points = this.losses.map((loss, place) => (Number.isFinite(loss) ? `${x(place).toFixed(1)},${y(loss).toFixed(1)}` : ""));
    const path = points.filter(Boolean);
    const alone = path.length ? `M${path[0]}h3` : "";
    this.line.setAttribute("d", path.length > 1 ? `M${path.join("L")}` : alone);
    const updates = this.state.inputs[this.state.data.inputs.step.first] - 1;
    const marks = [
      ["text", { x: left - 6, y: top + 8, class: "end" }, short(high)],
      ["text", { x: left - 6, y: height - bottom, class: "end" }, short(low)],
      ["text", { x: left + 8, y: top + 8 }, `loss, mean of ${this.examples.rows.length} examples`],
      ["text", { x: left, y: height - 6 }, "0"],
      ["text", { x: width - right, y: height - 6, class: "end" }, `${updates} updates`],
    ];
    this.axis.replaceChildren(
      draw("path", { d: `M${left},${top}V${height - bottom}H${width - right}` }),
      ...marks.map(([tag, attributes, words]) => draw(tag, attributes, words)),
    );
  }
}
