// The present step: its equation and its numbers, which can be changed where they are given.

class Equations {
  constructor(state, page) {
    this.state = state;
    this.page = page;
    this.element = document.getElementById("step");
    this.inspector = new Inspector(state, page);
    this.cells = [];
    const point = (event) => {
      const symbol = event.target.closest?.("[data-s]");
      if (symbol) this.inspector.inspect({ kind: "step", place: Number(symbol.getAttribute("data-s")) });
    };
    for (const kind of ["pointerover", "focusin", "click"]) this.element.addEventListener(kind, point);
    const enter = (event) => {
      const cell = event.target.closest?.("td[data-entry]");
      if (cell) this.inspector.inspect({ kind: "entry", place: this.state.place, entry: Number(cell.dataset.entry) });
    };
    for (const kind of ["focusin", "click"]) this.element.addEventListener(kind, enter);
    this.inspector.element.addEventListener("click", point);
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
    this.inspector.refresh();
  }
}
