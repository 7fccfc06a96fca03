// What is pointed at: a symbol, a number, a unit or a line; where it came from, where it goes, how it is computed.

class Inspector {
  constructor(state, page) {
    this.state = state;
    this.page = page;
    this.element = document.getElementById("inspector");
    this.forget();
  }

  /** Nothing is pointed at. */
  forget() {
    this.write = null;
  }

  refresh() {
    if (this.write) write(this.numbers, this.write());
  }

  /** Show what something pointed at is. */
  inspect(subject) {
    const { state } = this;
    for (const one of document.querySelectorAll(".pointed")) one.classList.remove("pointed");
    if (subject.kind === "step") {
      for (const one of document.querySelectorAll(`[data-s="${subject.place}"]`)) one.classList.add("pointed");
      this.inspectStep(state.steps[subject.place], subject.place);
    } else if (subject.kind === "entry") {
      this.inspectEntry(subject);
    } else if (subject.kind === "unit") {
      this.inspectUnit(subject);
    } else {
      this.inspectWeight(subject);
    }
    this.refresh();
  }

  inspectStep(step, place) {
    const { state } = this;
    const uses = state.steps.flatMap((other, number) => (other.reads.includes(place) ? [number] : []));
    const size = step.shape.length ? `${step.shape.join(" × ")}` : "a single number";
    this.numbers = make("p", { class: "numbers" });
    this.element.replaceChildren(
      make("h3", {}, mathematics(step.symbol, false, step.text), " ", make("small", {}, ...sentence(step.title))),
      make("p", {}, `Shape: ${size}.`),
      this.numbers,
      this.links("It came from", step.reads, step.right.length ? "" : "what is given"),
      this.links("It goes into", uses, "nothing more in this update"),
      make("button", { type: "button", class: "link", onclick: () => this.page.go(place) }, "Go to its step"),
    );
    this.write = () => {
      const values = step.places.slice(0, 8).map((_, entry) => (state.hides(place, entry) ? "?" : short(state.number(place, entry))));
      return `Numbers: ${values.join(", ")}${step.places.length > 8 ? ", …" : ""}`;
    };
  }

  /** An entry with the arithmetic that gives it. */
  inspectEntry({ place, entry }) {
    const { state } = this;
    const step = state.steps[place];
    this.numbers = make("p", { class: "numbers" });
    const where = placeOf(step, entry);
    this.element.replaceChildren(
      make("h3", {}, mathematics(step.symbol, false, step.text), where ? ` at ${where}` : ""),
      this.numbers,
      this.links("It takes numbers of", step.reads, "no other step"),
    );
    this.write = () => {
      if (state.hides(place, entry)) return "?";
      const text = writtenOut(state.page, place, entry);
      return text ? `${text} = ${short(state.number(place, entry))}` : `= ${short(state.number(place, entry))}`;
    };
  }

  links(words, places, none) {
    const line = make("p", { class: "links" }, `${words}: `);
    if (!places.length) line.append(none || "nothing");
    for (const place of places) {
      const step = this.state.steps[place];
      const go = () => this.inspect({ kind: "step", place });
      const name = step.stage === "update" ? [["mo", "→"], ...step.symbol] : step.symbol;
      line.append(make("button", { type: "button", class: "chip", onclick: go, title: step.words }, mathematics(name, false, step.text)));
    }
    return line;
  }

  inspectUnit({ layer, unit }) {
    const { state } = this;
    const name = state.data.names[layer ? "outputs" : "inputs"][unit];
    const isNamed = layer === 0 || layer === state.last;
    const title = layer ? `Unit ${unit + 1} of layer ${state.numberOf(layer)}` : `Input ${unit + 1}`;
    this.numbers = make("p", { class: "numbers" });
    const heading = make("h3", {}, title);
    if (isNamed) heading.append(" ", make("bdi", {}, name));
    this.element.replaceChildren(heading, this.numbers);
    if (layer === 0) {
      this.element.append(this.field("Change it", () => state.inputAt(unit, state.column), "an input"));
    } else {
      const count = state.sizes[layer - 1];
      this.element.append(
        make("p", {}, `z adds up ${count} ${count === 1 ? "product" : "products"} of a weight and a number from the layer before, and the bias; a = f(z), f being ${state.choices.activations[layer - 1].replace(/_/g, " ")}.`),
        this.field("Its bias", () => state.data.inputs.theta.first + state.parameterAt(layer, unit, -1), "a bias"),
      );
    }
    this.write = () => {
      if (layer === 0) return `x = ${short(state.ofUnit("A", 0, unit))}`;
      const numbers = [["pre_activation", "Z", "z"], ["activation", "A", "a"], ["error", "dZ", "∂L/∂z"]];
      return numbers
        .map(([kind, array, sign]) => `${sign} = ${state.hidden({ kind, layer, unit }) ? "?" : short(state.ofUnit(array, layer, unit))}`)
        .join("   ");
    };
  }

  inspectWeight({ layer, to, from }) {
    const { state } = this;
    this.numbers = make("p", { class: "numbers" });
    const source = layer === 1 ? `input ${from + 1}` : `unit ${from + 1} of layer ${state.numberOf(layer - 1)}`;
    this.element.replaceChildren(
      make("h3", {}, `Weight from ${source} to unit ${to + 1} of layer ${state.numberOf(layer)}`),
      this.numbers,
      this.field("Change it", () => state.data.inputs.theta.first + state.parameterAt(layer, to, from), "a weight"),
    );
    this.write = () => {
      const hidden = state.hidden({ kind: "update" });
      const slope = hidden ? "?" : short(state.gradient(layer, to, from));
      const updated = hidden ? "?" : short(state.updated(layer, to, from));
      return `w = ${short(state.weight(layer, to, from))}   ∂L/∂w = ${slope}   after the update ${updated}`;
    };
  }

  /** A field and a slider for an input of the page. */
  field(words, input, what) {
    const { state, page } = this;
    const value = state.inputs[input()];
    const reach = Math.max(2, Math.ceil(Math.abs(value) * 2));
    const field = make("input", { inputmode: "decimal", value: short(value).replace("−", "-"), size: "8" });
    const slider = make("input", { type: "range", min: -reach, max: reach, step: "any", value, "aria-label": words });
    field.addEventListener("change", () => {
      if (page.change(input(), field.value, what, field)) slider.value = state.inputs[input()];
    });
    slider.addEventListener("input", () => {
      page.change(input(), slider.value, what, null);
      field.value = short(state.inputs[input()]).replace("−", "-");
    });
    return make("p", { class: "change" }, make("label", {}, `${words} `, field), slider);
  }
}

/** Where an entry stands, such as "j = 2, i = 1"; nothing where it is the only one. */
function placeOf(step, entry) {
  const [rows, columns] = step.shape;
  const row = labels(step.rows, rows);
  const column = labels(step.columns, columns);
  const place = [];
  if (row && rows > 1) place.push(`${indexOf(step.rows)} = ${row[Math.floor(entry / columns)]}`);
  if (column && columns > 1) place.push(`${indexOf(step.columns)} = ${column[entry % columns]}`);
  return place.join(", ");
}
