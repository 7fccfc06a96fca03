// The page: its controls, and what follows when one of them is moved.

class Page {
  constructor(data) {
    this.state = new State(data);
    this.equations = new Equations(this.state, this);
    const place = document.getElementById("drawing");
    this.drawing = new Drawing(this.state, (subject) => this.equations.inspector.inspect(subject), place.clientWidth);
    place.append(this.drawing.element);
    this.training = new Training(this.state, this);
    this.exercises = new Exercises(this.state, this);
    this.slider = document.getElementById("slider");
    this.introduce();
    this.connect();
    this.chooseNotation(this.state.document);
  }

  by(name) {
    return document.getElementById(name);
  }

  introduce() {
    const { data } = this.state;
    this.by("introduction").append(`As configured: ${data.introduction.join(" ")}`);
    this.by("source").append("Made by bp of ", make("bdi", {}, data.source), " and ", make("bdi", {}, data.data), ".");
    const columns = this.by("column");
    for (let column = 0; column < this.state.m; column++) columns.append(make("option", { value: column }, `column ${column + 1}`));
    this.by("column-part").hidden = this.state.m === 1;
    const activations = this.by("activation");
    data.variants.forEach((variant, place) => {
      const own = [...new Set(variant.activations.slice(0, -1))].join(", ");
      activations.append(make("option", { value: place }, (variant.activation || own || "none").replace(/_/g, " ")));
    });
    const { m } = this.state;
    const following = this.state.data.examples.rows.length > m ? "; running goes on to the next ones, in the file's order" : "";
    this.by("training-note").append(`Each update takes the ${m === 1 ? "example" : `${m} examples`} shown${following}.`);
    this.by("activation-part").hidden = data.variants.length === 1;
    this.examples();
  }

  /** The rows of the file that can be put into the column shown. */
  examples() {
    const { rows, training, of } = this.state.data.examples;
    const choices = this.by("example");
    rows.forEach((row, place) => choices.append(make("option", { value: place }, `row ${row} of the file`)));
    this.by("example-note").append(
      training < of ? `${training} of the ${of} training examples are on this page.` : `All ${of} training examples are on this page.`,
    );
  }

  connect() {
    const on = (name, kind, act) => this.by(name).addEventListener(kind, act);
    on("notation", "change", (event) => this.chooseNotation(event.target.value));
    on("activation", "change", (event) => this.chooseActivation(Number(event.target.value)));
    on("slider", "input", () => this.go(Number(this.slider.value)));
    on("back", "click", () => this.go(this.state.place - 1));
    on("forth", "click", () => this.go(this.state.place + 1));
    on("column", "change", (event) => this.chooseColumn(Number(event.target.value)));
    on("example", "change", (event) => this.chooseExample(Number(event.target.value)));
    on("rate", "change", (event) => this.change(this.state.data.inputs.rate.first, event.target.value, "the learning rate", event.target));
    on("reset", "click", () => this.reset());
    on("large", "click", (event) => this.enlarge(event.target));
    on("once", "click", () => this.training.step());
    on("another", "click", () => this.training.another());
    on("run", "click", () => this.training.run());
    for (const button of document.querySelectorAll("[data-stage]")) {
      button.addEventListener("click", () => this.goToStage(button.dataset.stage));
    }
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const free = !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (free && event.key === "ArrowRight") this.go(this.state.place + 1);
    if (free && event.key === "ArrowLeft") this.go(this.state.place - 1);
  }

  chooseNotation(name) {
    const { state } = this;
    state.document = name;
    state.choose();
    this.renew();
  }

  chooseActivation(variant) {
    const { state } = this;
    state.variant = variant;
    if (variant > 0) state.changes.add("the activation");
    else state.changes.delete("the activation");
    state.choose();
    this.training.restart();
    this.renew();
  }

  /** What depends on which steps there are. */
  renew() {
    const { state } = this;
    this.exercises.forget();
    const notations = Object.keys(state.data.documents).map((name) => {
      const can = name in state.choices.documents;
      const words = can ? name : `${name} (cannot express this)`;
      return make("option", { value: name, disabled: !can, selected: name === state.document }, words);
    });
    this.by("notation").replaceChildren(...notations);
    this.by("notation").value = state.document;
    this.slider.max = state.steps.length - 1;
    const about = state.data.documents[state.document];
    this.by("about").replaceChildren(
      make("p", {}, `${about.title}. It covers ${about.expresses}.`),
      make("ul", {}, ...about.conventions.map((line) => make("li", {}, ...sentence(line)))),
      make("dl", {}, ...about.notation.flatMap(([symbol, meaning]) => [make("dt", {}, mathematics(symbol)), make("dd", {}, ...sentence(meaning))])),
    );
    this.targets();
    this.equations.inspector.forget();
    this.equations.inspector.element.replaceChildren(make("p", { class: "hint" }, "Point at a symbol of the equation, at a unit or at a line: what it is, where it came from and where it goes is said here. Choose a number, and it is written out."));
    this.go(state.place);
    this.refresh();
  }

  go(place) {
    const { state } = this;
    state.place = Math.max(0, Math.min(state.steps.length - 1, place));
    this.slider.value = state.place;
    const step = state.step;
    this.slider.setAttribute("aria-valuetext", `step ${state.place + 1} of ${state.steps.length}: ${step.words}`);
    write(this.by("count"), `step ${state.place + 1} of ${state.steps.length}`);
    this.by("back").disabled = state.place === 0;
    this.by("forth").disabled = state.place === state.steps.length - 1;
    for (const button of document.querySelectorAll("[data-stage]")) {
      button.setAttribute("aria-pressed", button.dataset.stage === step.stage);
    }
    this.equations.show();
    this.drawing.refresh();
    this.refreshButtons();
  }

  goToStage(stage) {
    const place = this.state.steps.findIndex((step) => step.stage === stage);
    if (place >= 0) this.go(place);
  }

  /** Take a typed number for an input; false, and a word on it, where it is none. */
  change(input, text, what, field) {
    const { state } = this;
    const value = typed(String(text));
    const problem = Number.isNaN(value) ? "Write a number with digits, such as −0.25." : this.objection(input, value);
    if (field) {
      field.setAttribute("aria-invalid", problem !== "");
      field.setCustomValidity(problem);
    }
    write(this.by("problem"), problem);
    if (problem) return false;
    if (value !== state.inputs[input]) {
      state.set(input, value, what);
      this.refresh();
    }
    return true;
  }

  /** Why a number cannot be taken, or cannot be a target of this loss. */
  objection(input, value) {
    if (!Number.isFinite(value)) return "That is beyond the largest number that the page computes with, 1.8e308.";
    const { first, shape } = this.state.data.inputs.targets;
    const count = shape.reduce((product, one) => product * one, 1);
    const { low, high, excluded } = this.state.data.network.targets;
    if (input < first || input >= first + count) return "";
    const below = low !== null && (value < low || (excluded && value === low));
    const above = high !== null && (value > high || (excluded && value === high));
    return below || above ? `This loss takes targets from ${low ?? "−∞"} to ${high ?? "∞"}.` : "";
  }

  chooseColumn(column) {
    this.state.column = column;
    this.targets();
    this.refresh();
  }

  chooseExample(row) {
    const { state } = this;
    state.put(row, state.column);
    state.changes.add("the examples");
    state.compute();
    this.refresh();
  }

  /** The fields of inputs and targets of the column shown. */
  targets() {
    const { state } = this;
    const { names, network } = state.data;
    const field = (name, input, what) => {
      const change = (event) => this.change(input, event.target.value, what, event.target);
      const own = make("input", { inputmode: "decimal", size: "8", onchange: change });
      this.fields.push({ own, input });
      return make("label", {}, make("bdi", {}, name), " ", own);
    };
    this.fields = [];
    this.by("inputs").replaceChildren(...names.inputs.map((name, unit) => field(name, state.inputAt(unit, state.column), "an input")));
    if (network.targets.classes) {
      const input = state.targetAt(0, state.column);
      const change = (event) => this.change(input, event.target.value, "a target", null);
      const own = make("select", { onchange: change }, ...names.outputs.map((name, place) => make("option", { value: place }, `\u2068${name}\u2069`)));
      this.fields.push({ own, input });
      this.by("targets").replaceChildren(make("label", {}, "class ", own));
    } else {
      this.by("targets").replaceChildren(...names.outputs.map((name, unit) => field(name, state.targetAt(unit, state.column), "a target")));
    }
  }

  /** Everything that shows numbers. */
  refresh() {
    const { state } = this;
    this.equations.refresh();
    this.drawing.refresh();
    for (const { own, input } of this.fields) this.write(own, state.inputs[input]);
    this.write(this.by("rate"), state.inputs[state.data.inputs.rate.first]);
    write(this.by("loss"), short(state.loss));
    this.by("activation").value = state.variant;
    this.by("example").value = state.rowShown();
    this.training.refresh();
    this.say();
    this.refreshButtons();
  }

  write(field, value) {
    const text = field.tagName === "SELECT" ? String(value) : short(value).replace("−", "-");
    if (document.activeElement === field && field.dataset.shown === text) return;
    field.value = text;
    field.dataset.shown = text;
  }

  refreshButtons() {
    this.by("reset").disabled = this.state.isOwn;
    this.by("another").hidden = this.state.data.examples.rows.length <= this.state.m;
  }

  /** Whose numbers these are. */
  say() {
    const { state } = this;
    const words = state.isOwn
      ? `These are bp's own numbers. The page computes the same by itself: ${this.apart()}.`
      : `These are the page's own numbers, by the formulas shown. Changed: ${[...state.changes].join(", ")}.`;
    write(this.by("whose"), words);
    document.body.classList.toggle("changed", !state.isOwn);
  }

  /** How far the page's numbers are from bp's, in words. */
  apart() {
    const distance = this.state.distance();
    return distance ? `they differ by ${distance.toExponential(0).replace("-", "−")} at most` : "to the last digit";
  }

  reset() {
    this.state.reset();
    this.training.restart();
    write(this.by("problem"), "");
    this.renew();
  }

  enlarge(button) {
    const large = document.body.classList.toggle("large");
    button.setAttribute("aria-pressed", large);
  }
}

const page = new Page(JSON.parse(document.getElementById("contents").textContent));
globalThis.bpPage = page;
