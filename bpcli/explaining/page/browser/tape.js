// The tape: the operations that bp recorded of its formulas, computed on the page's inputs.

/** Φ(x) by Mills' ratio: the polynomial is bp's own, written in the page. */
function normalDistribution(x, normal) {
  const size = Math.min(Math.abs(x), normal.far);
  const t = (size - normal.centre) / (size + normal.centre);
  let mills = 0;
  for (let power = normal.powers.length - 1; power >= 0; power--) mills = mills * t + normal.powers[power];
  mills /= size + 1;
  const coarse = Math.round(size * normal.steps) / normal.steps;
  const fine = size - coarse;
  const tail = mills * Math.exp(-0.5 * coarse * coarse) * Math.exp(-fine * (coarse + 0.5 * fine));
  return x > 0 ? 1 - tail : tail;
}

/** What each operation computes; a product is 0 where either factor is 0, so that 0 · log 0 is 0. */
const OPERATIONS = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => (a === 0 || b === 0 ? 0 : a * b),
  divide: (a, b) => a / b,
  power: (a, b) => Math.pow(a, b),
  negative: (a) => -a,
  log: Math.log,
  log1p: Math.log1p,
  exp: Math.exp,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  atan: Math.atan,
  sin: Math.sin,
  cos: Math.cos,
  greater: (a, b) => (a > b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  choose: (a, b, c) => (a !== 0 ? b : c),
};

/** The recorded operations, their operands found by place. */
class Tape {
  constructor(data) {
    const { operations, counts, codes, operands, constants } = data.tape;
    this.names = codes.map((code) => operations[code]);
    this.first = [];
    let place = 0;
    for (const code of codes) {
      this.first.push(place);
      place += counts[code];
    }
    this.counts = codes.map((code) => counts[code]);
    this.operands = operands;
    this.constants = constants;
    this.functions = { ...OPERATIONS, normal: (x) => normalDistribution(x, data.normal) };
  }

  operand(place, number) {
    return this.operands[this.first[place] + number];
  }
}

/** Arrays in order, each with the places of its entries; a later one reads earlier ones as slots. */
class Program {
  constructor(tape, arrays) {
    this.tape = tape;
    this.values = new Float64Array(tape.names.length);
    this.sources = [];
    this.lent = [];
    this.steps = [];
    this.results = [];
    this.made = new Map();
    this.arrays = arrays;
    const done = new Map();
    const slots = (this.slots = []);
    for (const array of arrays) {
      const places = array.places.map((place) => this.resolve(place, done, slots));
      this.results.push(Int32Array.from(places));
      slots.push(...places);
    }
  }

  /** Append what a number needs; where it will stand. */
  resolve(place, done, slots) {
    const known = done.get(place);
    if (known !== undefined) return known;
    const name = this.tape.names[place];
    let found = place;
    if (name === "slot") {
      found = slots[this.tape.operand(place, 0)];
    } else if (name === "constant") {
      this.values[place] = this.tape.constants[this.tape.operand(place, 0)];
    } else if (name === "borrowed") {
      this.lent.push(place, this.tape.operand(place, 0));
    } else if (name === "input") {
      this.sources.push(place, this.tape.operand(place, 0));
    } else {
      const count = this.tape.counts[place];
      const operands = [0, 0, 0];
      const leaves = [true, true, true];
      for (let number = 0; number < count; number++) {
        const operand = this.tape.operand(place, number);
        operands[number] = this.resolve(operand, done, slots);
        leaves[number] = this.tape.names[operand] === "slot";
      }
      const step = { run: this.tape.functions[name], to: place, operands, name, leaves };
      this.steps.push(step);
      this.made.set(place, step);
    }
    done.set(place, found);
    return found;
  }

  /** Compute everything from the inputs; and from what another program has computed, if this one borrows of it. */
  run(inputs, other = null) {
    const { values, sources, steps, lent } = this;
    for (let place = 0; place < lent.length; place += 2) values[lent[place]] = other.values[other.slots[lent[place + 1]]];
    for (let place = 0; place < sources.length; place += 2) values[sources[place]] = inputs[sources[place + 1]];
    for (const { run, to, operands } of steps) {
      values[to] = run(values[operands[0]], values[operands[1]], values[operands[2]]);
    }
  }

  /** Whether an entry is a number of an earlier array. */
  isBefore(array, entry) {
    return this.tape.names[this.arrays[array].places[entry]] === "slot";
  }

  /** An entry of an array. */
  entry(array, number) {
    return this.values[this.results[array][number]];
  }

  array(array) {
    return Array.from(this.results[array], (place) => this.values[place]);
  }
}
