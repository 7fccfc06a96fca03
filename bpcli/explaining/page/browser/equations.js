// The present step: its equation, its numbers, what a symbol pointed at is, where it came from and where it goes.

class Equations {
  constructor(state, page) {
    this.state = state;
    this.page = page;
    this.element = document.getElementById("step");
    this.told = document.getElementById("told");
    this.cells = [];
    this.subject = null;
    const point = (event) => {
      const symbol = event.target.closest?.("[data-s]");
      if (symbol) this.tell({ kind: "step", place: Number(symbol.getAttribute("data-s")) });
    };
    for (const kind of ["pointerover", "focusin", "click"]) this.element.addEventListener(kind, point);
    const enter = (event) => {
      const cell = event.target.closest?.("td[data-entry]");
      if (cell) this.tell({ kind: "entry", place: this.state.place, entry: Number(cell.dataset.entry) });
    };
    for (const kind of ["focusin", "click"]) this.element.addEventListener(kind, enter);
    this.told.addEventListener("click", point);
  }

  /** Set the present step anew. */
  show() {
    const { state } = this;
    const step = state.step;
    const entries = make("div", { class: "scroll" }, this.table(step, state.place));
    this.element.replaceChildren(
      make("p", { class: "reference" }, ...sentence(step.reference)),
      make("h2", { id: "step-title" }, ...sentence(step.title)),
      make("div", { class: "scroll equation" }, this.equation(step)),
      entries,
      ...step.notes.map((note) => make("p", { class: "note" }, ...sentence(note))),
    );
  }

  equation(step) {
    return mathematics([["s", this.state.steps.indexOf(step), ...step.symbol], ...step.right], true, step.equation);
  }

  /** A step's numbers as a table; those that can be changed are fields. */
  table(step, place) {
    const { state } = this;
    this.cells = [];
    const [rows, columns] = step.shape.length ? step.shape : [1, 1];
    const rowLabels = labels(step.rows, rows);
    const columnLabels = labels(step.columns, columns);
    const table = make("table", { class: "matrix" });
    const caption = step.shape.length ? `${step.text}, ${shapeOf(step)}` : step.text;
    table.append(make("caption", { class: "sr" }, caption));
    if (columnLabels && columns > 1) {
      const corner = make("td", { class: "corner" });
      corner.append(rowLabels ? `${indexOf(step.rows)} \\ ${indexOf(step.columns)}` : indexOf(step.columns));
      table.append(make("tr", {}, corner, ...columnLabels.map((one) => make("th", { scope: "col" }, one))));
    }
    for (let row = 0; row < rows; row++) {
      const line = make("tr");
      if (columnLabels && columns > 1 && !rowLabels) line.append(make("td", { class: "corner" }));
      if (rowLabels && (rows > 1 || columns > 1)) line.append(make("th", { scope: "row" }, rowLabels[row]));
      for (let column = 0; column < columns; column++) line.append(this.cell(step, place, row * columns + column));
      table.append(line);
    }
    this.cells.forEach((cell) => this.refreshCell(cell));
    return table;
  }

  cell(step, place, entry) {
    const { state } = this;
    const input = step.stage === "given" ? state.inputOf(step, entry) : -1;
    const cell = make("td");
    if (input >= 0) {
      const change = (event) => this.page.change(input, event.target.value, step.text, event.target);
      const name = `${step.text}, entry ${entry + 1} of ${step.places.length}`;
      const field = make("input", { inputmode: "decimal", "aria-label": name, onchange: change, size: "8" });
      cell.append(field);
      this.cells.push({ field, place, entry });
    } else {
      cell.dataset.entry = entry;
      cell.tabIndex = 0;
      this.cells.push({ cell, place, entry });
    }
    return cell;
  }

  refreshCell({ cell, field, place, entry }) {
    const { state } = this;
    const value = state.number(place, entry);
    const text = state.hides(place, entry) ? "?" : short(value);
    if (field) {
      if (document.activeElement !== field || field.dataset.shown !== text) field.value = text.replace("−", "-");
      field.dataset.shown = text;
      field.title = String(value);
    } else {
      write(cell, text);
      cell.title = text === "?" ? "" : String(value);
    }
  }

  refresh() {
    this.cells.forEach((cell) => this.refreshCell(cell));
    if (this.subject) this.refreshTold();
  }

  /** Say what something pointed at is. */
  tell(subject) {
    this.subject = subject;
    const { state } = this;
    for (const one of document.querySelectorAll(".pointed")) one.classList.remove("pointed");
    if (subject.kind === "step") {
      for (const one of document.querySelectorAll(`[data-s="${subject.place}"]`)) one.classList.add("pointed");
      this.tellStep(state.steps[subject.place], subject.place);
    } else if (subject.kind === "entry") {
      this.tellEntry(subject);
    } else if (subject.kind === "unit") {
      this.tellUnit(subject);
    } else {
      this.tellWeight(subject);
    }
    this.refreshTold();
  }

  tellStep(step, place) {
    const { state } = this;
    const uses = state.steps.flatMap((other, number) => (other.reads.includes(place) ? [number] : []));
    const size = step.shape.length ? `${step.shape.join(" × ")}` : "a single number";
    this.numbers = make("p", { class: "numbers" });
    this.told.replaceChildren(
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
  tellEntry({ place, entry }) {
    const { state } = this;
    const step = state.steps[place];
    this.numbers = make("p", { class: "numbers" });
    const where = placeOf(step, entry);
    this.told.replaceChildren(
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
      const go = () => this.tell({ kind: "step", place });
      const name = step.stage === "update" ? [["mo", "→"], ...step.symbol] : step.symbol;
      line.append(make("button", { type: "button", class: "chip", onclick: go, title: step.words }, mathematics(name, false, step.text)));
    }
    return line;
  }

  tellUnit({ layer, unit }) {
    const { state } = this;
    const name = state.data.names[layer ? "outputs" : "inputs"][unit];
    const isNamed = layer === 0 || layer === state.last;
    const title = layer ? `Unit ${unit + 1} of layer ${layer}` : `Input ${unit + 1}`;
    this.numbers = make("p", { class: "numbers" });
    const heading = make("h3", {}, title);
    if (isNamed) heading.append(" ", make("bdi", {}, name));
    this.told.replaceChildren(heading, this.numbers);
    if (layer === 0) {
      this.told.append(this.field("Change it", () => state.inputAt(unit, state.column), "an input"));
    } else {
      const count = state.sizes[layer - 1];
      this.told.append(
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

  tellWeight({ layer, to, from }) {
    const { state } = this;
    this.numbers = make("p", { class: "numbers" });
    const source = layer === 1 ? `input ${from + 1}` : `unit ${from + 1} of layer ${layer - 1}`;
    this.told.replaceChildren(
      make("h3", {}, `Weight from ${source} to unit ${to + 1} of layer ${layer}`),
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

  refreshTold() {
    if (this.write) write(this.numbers, this.write());
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
