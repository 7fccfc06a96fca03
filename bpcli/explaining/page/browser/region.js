// Of two inputs: what the network says of every point, and where the examples lie.

const GRID = 48;

class Region {
  /** ``outputs`` gives the engine's program up to the outputs. */
  constructor(state, outputs) {
    this.state = state;
    this.outputs = outputs;
    this.paints = new Paints(state.data);
    const [across, up] = state.data.names.inputs.map(isolated);
    write(document.getElementById("region-scale"), `${across} grows to the right, ${up} upwards. ${this.paints.words}`);
  }

  /** What the network says of every point of two inputs, and where the examples lie. */
  draw() {
    const { state } = this;
    const canvas = document.getElementById("region");
    const pen = canvas.getContext("2d");
    const reach = this.reach();
    const kept = state.inputs.slice();
    const program = this.outputs();
    const image = pen.createImageData(GRID, GRID);
    const outputs = state.sizes[state.last];
    const point = (place) => [
      reach.x[0] + ((place % GRID) + 0.5) * ((reach.x[1] - reach.x[0]) / GRID),
      reach.y[1] - (Math.floor(place / GRID) + 0.5) * ((reach.y[1] - reach.y[0]) / GRID),
    ];
    for (let start = 0; start < GRID * GRID; start += state.m) {
      for (let column = 0; column < state.m; column++) {
        point(Math.min(start + column, GRID * GRID - 1)).forEach((value, unit) => (state.inputs[state.inputAt(unit, column)] = value));
      }
      program.run(state.inputs);
      for (let column = 0; column < state.m && start + column < GRID * GRID; column++) {
        const found = Array.from({ length: outputs }, (_, unit) => program.entry(program.results.length - 1, unit * state.m + column));
        image.data.set([...this.paints.of(found), 255], 4 * (start + column));
      }
    }
    state.inputs.set(kept);
    this.paint(canvas, pen, image, reach);
  }

  reach() {
    const ends = (unit) => {
      const values = this.state.data.examples.X.map((X) => X[unit]);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      const rim = (high - low || 1) * 0.25;
      return [low - rim, high + rim];
    };
    return { x: ends(0), y: ends(1) };
  }

  paint(canvas, pen, image, reach) {
    const small = document.createElement("canvas");
    small.width = small.height = GRID;
    small.getContext("2d").putImageData(image, 0, 0);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(small, 0, 0, canvas.width, canvas.height);
    const { X, targets } = this.state.data.examples;
    X.forEach((x, row) => {
      const left = ((x[0] - reach.x[0]) / (reach.x[1] - reach.x[0])) * canvas.width;
      const top = ((reach.y[1] - x[1]) / (reach.y[1] - reach.y[0])) * canvas.height;
      const aim = this.state.data.network.targets.classes ? oneOf(targets[row][0], this.state.sizes[this.state.last]) : targets[row];
      pen.beginPath();
      pen.arc(left, top, 8, 0, 2 * Math.PI);
      pen.fillStyle = `rgb(${this.paints.of(aim).join(" ")})`;
      pen.fill();
      pen.lineWidth = 3;
      pen.strokeStyle = "#111";
      pen.stroke();
    });
  }
}

const CLASSES = [[0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233], [213, 94, 0]];
const COLOURS = ["blue", "orange", "green", "pink", "light blue", "red"];

/** The colours of outputs: of classes that of the largest output, of a number from blue to orange as targets go. */
class Paints {
  constructor({ network, names, examples }) {
    const { classes, shares, low, high } = network.targets;
    const several = network.sizes.at(-1) > 1;
    const firsts = examples.targets.map((targets) => targets[0]);
    this.compares = several && (classes || shares || names.classes.length > 0);
    this.low = low ?? Math.min(...firsts);
    this.high = high ?? Math.max(...firsts);
    this.words = this.compares
      ? `The colour is that of the largest output: ${names.outputs.map((name, place) => `${COLOURS[place % COLOURS.length]} ${isolated(name)}`).join(", ")}.`
      : `Blue is ${isolated(names.outputs[0])} ${short(this.low)} and less, orange ${short(this.high)} and more.${several ? " Only the first output is drawn." : ""}`;
  }

  /** Grey where an output is no number. */
  of(outputs) {
    if (outputs.some(Number.isNaN)) return [128, 128, 128];
    if (this.compares) return CLASSES[outputs.indexOf(Math.max(...outputs)) % CLASSES.length];
    const share = Math.min(1, Math.max(0, (outputs[0] - this.low) / (this.high - this.low || 1))) || 0;
    return CLASSES[0].map((blue, part) => Math.round(blue + share * (CLASSES[1][part] - blue)));
  }
}

/** A name of the data, whose direction of writing is its own. */
function isolated(name) {
  return `\u2068${name}\u2069`;
}

function oneOf(place, count) {
  return Array.from({ length: count }, (_, unit) => (unit === place ? 1 : 0));
}
