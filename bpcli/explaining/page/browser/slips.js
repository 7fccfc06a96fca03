// What a wrong answer suggests: the numbers that typical slips lead to, each with its reason.

const CLOSE = 0.01;
const SAME = 1e-9;
const FEWEST_DIGITS = 3;
const ALL_DIGITS = 17;
const ASKED = {
  pre_activation: "Z",
  activation: "A",
  activation_gradient: "dA",
  error: "dZ",
  weight_gradient: "gradient",
  bias_gradient: "gradient",
  theta_gradient: "gradient",
  new_weights: "new",
  new_biases: "new",
  new_theta: "new",
};

class Slips {
  constructor(state) {
    this.state = state;
  }

  /** Which unit and example, or which parameter, an entry is; null where it is a constant. */
  meaning(step, entry) {
    const { state } = this;
    const layer = state.layerOf(step);
    if (ASKED[step.key] === "gradient" || ASKED[step.key] === "new") {
      const kind = step.key.replace(/_gradient$/, "").replace(/^new_/, "");
      const given = state.steps.find((one) => one.stage === "given" && one.layer === step.layer && OF_KIND[kind] === one.key);
      const input = given ? state.inputOf(given, entry) : -1;
      return input < 0 ? null : { parameter: input - state.data.inputs.theta.first };
    }
    const columns = step.shape[1];
    const unit = Math.floor(entry / columns) - (step.shape[0] - state.sizes[layer]);
    return unit < 0 ? null : { layer, unit, column: entry % columns };
  }

  /** Whether a number is right, or the reason of the slip that it suggests; empty where it suggests none. The nearest counts. */
  judge(question, number) {
    const right = this.right(question);
    const apart = (value) => Math.abs(number - value);
    const [slip, reason] = this.of(question).reduce((one, other) => (apart(other[0]) < apart(one[0]) ? other : one), [right, ""]);
    return { right: reason === "" && isClose(number, right), reason: isClose(number, slip) ? reason : "" };
  }

  /** How many digits of the right number tell it from every slip. */
  digits(question) {
    const right = this.right(question);
    let digits = FEWEST_DIGITS;
    while (digits < ALL_DIGITS && !this.judge(question, Number(right.toPrecision(digits))).right) digits++;
    return digits;
  }

  /** Wrong numbers that slips lead to, each with its reason; the right number is not among them. */
  of({ step, place, entry }) {
    const found = this.meaning(step, entry);
    const right = this.right({ place, entry });
    const kind = ASKED[step.key];
    const slips = found.parameter === undefined ? this.ofUnit(kind, found) : this.ofParameter(kind, found.parameter);
    const factor = kind === "new" ? 1 : this.factor(kind, found, right);
    const written = slips.map(([value, reason]) => [value * factor, reason]);
    if (kind !== "new") written.push([-right, "The sign is wrong. Look at which of the two is subtracted from the other, and follow the minus."]);
    if (this.divides && Math.abs(factor) === 1 && (kind === "gradient" || kind === "dZ")) {
      written.push([right * this.state.m, `The factor 1/m is missing: the loss is a mean over the ${this.state.m} examples.`]);
    }
    step.places.forEach((_, other) => written.push([this.right({ place, entry: other }), `That is the number at ${placeOf(step, other)}.`]));
    return written.filter(([value]) => Number.isFinite(value) && Math.abs(value - right) > SAME * Math.abs(right));
  }

  /** Whether the loss divides by the number of examples. */
  get divides() {
    const { network, inputs } = this.state.data;
    return network.m > 1 && network.examples === "mean" && !inputs.weights;
  }

  right({ place, entry }) {
    return this.state.number(place, entry);
  }

  /** A document's number divided by bp's: documents divide and point differently. */
  factor(kind, found, right) {
    const { state } = this;
    const own = kind === "gradient" ? this.gradientOf(found.parameter) : state.ofUnit(kind, found.layer, found.unit, found.column);
    return own ? right / own : 1;
  }

  /** Layer, unit and source (−1 for the bias) of a parameter. */
  parameter(place) {
    const { state } = this;
    for (let layer = 1; layer <= state.last; layer++) {
      for (let to = 0; to < state.sizes[layer]; to++) {
        for (let from = -1; from < state.sizes[layer - 1]; from++) {
          if (state.parameterAt(layer, to, from) === place) return { layer, to, from };
        }
      }
    }
    return null;
  }

  gradientOf(place) {
    const { layer, to, from } = this.parameter(place);
    return this.state.gradient(layer, to, from);
  }

  ofUnit(kind, { layer, unit, column }) {
    const { state } = this;
    const of = (name, at = layer, which = unit) => state.ofUnit(name, at, which, column);
    if (kind === "Z") {
      const bias = state.weight(layer, unit, -1);
      return [
        [of("Z") - bias, "The bias is missing: z is the sum of the products, and the bias."],
        [of("A"), "That is a, after the activation; z is the number before it."],
        [this.turned(layer, unit, column) + bias, "The weights are those of a column of W. A unit's own weights are its row: W is not transposed here."],
      ];
    }
    if (kind === "A") {
      return [
        [of("Z"), "That is z. The activation has not been applied to it yet."],
        [this.withoutBias(layer, unit, column), "The bias is missing in z."],
      ];
    }
    if (kind === "dA") {
      return [[this.turnedBack(layer, unit, column), "The weights are those of a row of W. What comes back to a unit uses the weights out of it: W is transposed."]];
    }
    return [
      [of("dA"), "The derivative of the activation is missing: ∂L/∂z = ∂L/∂a · f′(z)."],
      [of("dA") * of("A"), "That multiplies by a, where the derivative f′(z) belongs."],
      [this.turnedBack(layer, unit, column) * (of("dZ") / of("dA")), "The weights are those of a row of W. What comes back to a unit uses the weights out of it: W is transposed."],
    ];
  }

  /** a of a unit whose bias were 0. */
  withoutBias(layer, unit, column) {
    const { state } = this;
    const changed = state.inputs.slice();
    changed[state.data.inputs.theta.first + state.parameterAt(layer, unit, -1)] = 0;
    state.engine.run(changed);
    const found = state.engine.entry(state.found.get(`A ${layer}`), unit * state.m + column);
    state.engine.run(state.inputs);
    return found;
  }

  /** Σ of a column of W instead of a row, where W has one. */
  turned(layer, unit, column) {
    const { state } = this;
    if (unit >= state.sizes[layer - 1] || state.sizes[layer] !== state.sizes[layer - 1]) return NaN;
    let total = 0;
    for (let other = 0; other < state.sizes[layer]; other++) {
      total += state.weight(layer, other, unit) * state.ofUnit("A", layer - 1, other, column);
    }
    return total;
  }

  /** Σ of a row of the W above instead of a column. */
  turnedBack(layer, unit, column) {
    const { state } = this;
    if (layer === state.last || state.sizes[layer] !== state.sizes[layer + 1]) return NaN;
    let total = 0;
    for (let other = 0; other < state.sizes[layer]; other++) {
      total += state.weight(layer + 1, unit, other) * state.ofUnit("dZ", layer + 1, other, column);
    }
    return total;
  }

  ofParameter(kind, place) {
    const { state } = this;
    const { layer, to, from } = this.parameter(place);
    const slope = state.gradient(layer, to, from);
    if (kind === "new") {
      const weight = state.weight(layer, to, from);
      const step = state.updated(layer, to, from) - weight;
      return [
        ...this.ofRule(weight, slope, step),
        [step, "That is the step alone; the new weight is the old one and the step."],
        [weight, "That is the old weight. The step is still to be taken."],
      ];
    }
    const over = (name, at, which) => this.sum(layer, to, (column) => state.ofUnit(name, at, which, column));
    if (from < 0) return [[over("A", layer, to), "A bias has a factor of 1 in z, so its gradient is the sum of ∂L/∂z alone."]];
    return [
      [layer > 1 ? over("Z", layer - 1, from) : NaN, "That multiplies by z of the layer before; what the weight meets is a, after the activation."],
      [over("A", layer, to), "That multiplies by a of this layer; what the weight meets is a of the layer before."],
      [this.sum(layer, to, () => 1), "That is the gradient of the bias; a weight's has the number that it meets as a factor."],
      [this.swapped(layer, to, from), "Row and column are exchanged: the row is the unit that the weight leads to, the column that from which it comes."],
    ];
  }

  /** Slips in the step, which only gradient descent takes straight from the gradient. */
  ofRule(weight, slope, step) {
    const { network, inputs } = this.state.data;
    if (network.rule === "gradient_descent") {
      return [
        [weight - step, "That goes uphill: the step is subtracted, so that the loss falls."],
        [weight - slope, "The learning rate is missing: the step is η times the gradient."],
        [weight + slope, "The learning rate is missing, and the step goes uphill."],
      ];
    }
    return [
      [weight - step, "The step has the wrong sign."],
      [weight - slope, "That subtracts the gradient itself. This rule's step is in the equation above."],
      [weight - this.state.inputs[inputs.rate.first] * slope, "That is a step of gradient descent. This rule's step is in the equation above."],
    ];
  }

  /** Σ over the examples of dZ times something. */
  sum(layer, to, factor) {
    let total = 0;
    for (let column = 0; column < this.state.m; column++) total += this.state.ofUnit("dZ", layer, to, column) * factor(column);
    return total;
  }

  swapped(layer, to, from) {
    const { state } = this;
    if (from >= state.sizes[layer] || to >= state.sizes[layer - 1]) return NaN;
    return state.gradient(layer, from, to);
  }
}

const OF_KIND = { weight: "weights", bias: "biases", theta: "theta", weights: "weights", biases: "biases" };

/** Whether two numbers agree to the digits that are asked for. */
function isClose(one, other) {
  return Math.abs(one - other) <= CLOSE * Math.max(Math.abs(other), 1e-3);
}
