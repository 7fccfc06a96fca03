// What the page knows: its inputs, which of them were changed, the notation, and the numbers that follow.

/** bp's number; JSON has null for one that is not finite, and which it is the page's own says, where it is none either. */
function bpsNumber(own, found) {
  if (own !== null) return own;
  return Number.isFinite(found) ? NaN : found;
}

class State {
  constructor(data) {
    this.data = data;
    if (data.textual) for (const step of data.steps) for (const name of data.textual) step[name] = data.texts[step[name]];
    data.textual = null;
    this.tape = new Tape(data);
    this.inputs = Float64Array.from(data.values);
    this.variant = 0;
    this.document = data.document;
    this.place = 0;
    this.column = 0;
    this.changes = new Set();
    this.programs = new Map();
    this.question = null;
    this.choose();
  }

  get choices() {
    return this.data.variants[this.variant];
  }

  get sizes() {
    return this.data.network.sizes;
  }

  get last() {
    return this.sizes.length - 1;
  }

  get m() {
    return this.data.network.m;
  }

  get isOwn() {
    return this.changes.size === 0;
  }

  get step() {
    return this.steps[this.place];
  }

  /** Take the notation and the variant as they are now. */
  choose() {
    const { data } = this;
    if (!(this.document in this.choices.documents)) this.document = Object.keys(this.choices.documents)[0];
    this.steps = this.choices.documents[this.document].map((place) => data.steps[place]);
    this.place = Math.min(this.place, this.steps.length - 1);
    this.quantities = this.choices.quantities.map((place) => data.quantities[place]);
    this.found = new Map(this.quantities.map((one, place) => [`${one.name} ${one.layer}`, place]));
    this.page = this.program(`${this.variant} ${this.document}`, this.steps);
    this.engine = this.program(`${this.variant}`, this.quantities);
    this.first = this.steps.find((step) => step.key === "inputs").layer;
    const parameters = this.steps.find((step) => step.stage === "given" && step.key !== "inputs" && this.isParameter(step));
    this.firstParameter = parameters ? parameters.layer : 1;
    this.compute();
  }

  program(name, arrays) {
    if (!this.programs.has(name)) this.programs.set(name, new Program(this.tape, arrays));
    return this.programs.get(name);
  }

  compute() {
    this.engine.run(this.inputs);
    this.page.run(this.inputs, this.engine);
  }

  /** An entry of a step: bp's own number as long as nothing was changed. */
  number(place, entry) {
    const found = this.page.entry(place, entry);
    return this.isOwn ? bpsNumber(this.data.own[this.document][place][entry], found) : found;
  }

  /** How far the page's own numbers are from bp's; of arrays of large numbers as a fraction of the largest. */
  distance() {
    let worst = 0;
    this.data.own[this.document].forEach((own, place) => {
      const largest = Math.max(...own.map(Math.abs), 1);
      own.forEach((value, entry) => {
        const found = this.page.entry(place, entry);
        if (value === null) {
          if (Number.isFinite(found)) worst = Infinity;
          return;
        }
        const apart = Math.abs(found - value);
        if (apart > 0) worst = Math.max(worst, apart / largest);
      });
    });
    return worst;
  }

  /** An array of the engine's: name and layer. */
  quantity(name, layer = 0) {
    const place = this.found.get(`${name} ${layer}`);
    if (place === undefined) return [];
    const found = this.engine.array(place);
    const own = this.isOwn && this.data.ownQuantities[place];
    return own ? own.map((value, entry) => bpsNumber(value, found[entry])) : found;
  }

  /** An entry of an array of the engine's; bp's own number as long as nothing was changed. */
  entry(name, layer, entry) {
    const place = this.found.get(`${name} ${layer}`);
    if (place === undefined) return NaN;
    const own = this.isOwn && this.data.ownQuantities[place];
    const found = this.engine.entry(place, entry);
    return own ? bpsNumber(own[entry], found) : found;
  }

  /** The same of an array with a row for each unit and a column for each example. */
  ofUnit(name, layer, unit, column = this.column) {
    if (name === "A" && layer === 0) return this.inputs[this.inputAt(unit, column)];
    return this.entry(name, layer, unit * this.m + column);
  }

  get loss() {
    return this.quantity("loss")[0];
  }

  inputAt(unit, column) {
    return this.data.inputs.X.first + unit * this.m + column;
  }

  targetAt(unit, column) {
    const { first, shape } = this.data.inputs.targets;
    return first + (shape.length === 1 ? column : unit * this.m + column);
  }

  /** Where a weight stands in θ, or a bias: from is −1. */
  parameterAt(layer, to, from) {
    const { sizes } = this;
    let place = 0;
    for (let l = 1; l < layer; l++) place += sizes[l] * (sizes[l - 1] + 1) + this.ownedBy(l);
    return place + (from < 0 ? sizes[layer] * sizes[layer - 1] + to : to * sizes[layer - 1] + from);
  }

  ownedBy(layer) {
    return this.data.network.owned[layer - 1];
  }

  weight(layer, to, from) {
    return this.inputs[this.data.inputs.theta.first + this.parameterAt(layer, to, from)];
  }

  /** The gradient of a parameter, and the parameter after the update. */
  gradient(layer, to, from) {
    return from < 0 ? this.entry("db", layer, to) : this.entry("dW", layer, to * this.sizes[layer - 1] + from);
  }

  updated(layer, to, from) {
    return this.entry("new", 0, this.parameterAt(layer, to, from));
  }

  isParameter(step) {
    const theta = this.data.inputs.theta;
    return step.places.some((place) => {
      if (this.tape.names[place] !== "input") return false;
      const input = this.tape.operand(place, 0);
      return input >= theta.first && input < theta.first + theta.shape[0];
    });
  }

  /** The input that an entry of a given step is; −1 for a constant or what follows from others. */
  inputOf(step, entry) {
    const place = step.places[entry];
    return this.tape.names[place] === "input" ? this.tape.operand(place, 0) : -1;
  }

  /** bp's number of a step's layer; of parameters that of the layer into which they lead. */
  layerOf(step) {
    if (step.layer === null) return null;
    return OF_PARAMETERS.test(step.key) || step.stage === "update"
      ? step.layer - this.firstParameter + 1
      : step.layer - this.first;
  }

  /** The number that the notation gives to a layer of bp's. */
  numberOf(layer) {
    return layer + this.first;
  }

  /** Whether an exercise hides a step's numbers: that which is asked for, and what follows from it. */
  hides(place) {
    return this.question !== null && place >= this.question.place && this.steps[place].stage !== "given";
  }

  /** The same of the step of a unit's layer, or of the update. */
  hidden({ kind, layer }) {
    if (this.question === null) return false;
    const place = this.steps.findIndex((step) =>
      kind === "update" ? step.stage === "backward" : step.key === kind && this.layerOf(step) === layer,
    );
    return place >= 0 && this.hides(place);
  }

  set(input, value, what) {
    this.inputs[input] = value;
    this.changes.add(what);
    this.compute();
  }

  /** Which of the page's examples the column shows; "" for numbers that are none's. */
  rowShown() {
    const { X, targets } = this.data.examples;
    const place = X.findIndex(
      (x, row) =>
        x.every((value, unit) => value === this.inputs[this.inputAt(unit, this.column)]) &&
        targets[row].every((value, unit) => value === this.inputs[this.targetAt(unit, this.column)]),
    );
    return place < 0 ? "" : String(place);
  }

  /** Put rows of the page's examples into the columns. */
  show(rows) {
    rows.forEach((row, column) => this.put(row, column));
  }

  /** Put a row into a column: its inputs, its targets, and its weight where examples have weights. */
  put(row, column) {
    const { X, targets, weights } = this.data.examples;
    X[row].forEach((value, unit) => (this.inputs[this.inputAt(unit, column)] = value));
    targets[row].forEach((value, unit) => (this.inputs[this.targetAt(unit, column)] = value));
    if (this.data.inputs.weights) this.inputs[this.data.inputs.weights.first + column] = weights[row];
  }

  /** Take θ and the rule's memory after the update. */
  update() {
    const { inputs } = this.data;
    this.inputs.set(this.quantity("new"), inputs.theta.first);
    for (const [name, { first }] of Object.entries(inputs)) {
      if (name.startsWith("memory ")) this.inputs.set(this.quantity(name.slice(7)), first);
    }
    this.inputs[inputs.step.first] += 1;
    this.changes.add("the parameters, by training");
    this.compute();
  }

  reset() {
    this.inputs.set(this.data.values);
    this.variant = 0;
    this.changes.clear();
    this.choose();
  }
}

const OF_PARAMETERS = /^(weights|biases|theta|weight_gradient|bias_gradient|theta_gradient|bias_factor|carrier)/;
