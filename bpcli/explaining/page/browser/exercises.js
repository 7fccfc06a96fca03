// Exercises: a number is hidden, someone works it out, and the page says what a wrong one suggests.

class Exercises {
  constructor(state, page) {
    this.state = state;
    this.page = page;
    this.answer = document.getElementById("answer");
    this.asked = document.getElementById("question");
    this.verdict = document.getElementById("verdict");
    this.slips = new Slips(state);
    this.turn = 0;
    document.getElementById("ask").addEventListener("click", () => this.ask());
    document.getElementById("solve").addEventListener("click", () => this.solve());
    document.getElementById("answer-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.check();
    });
  }

  /** The steps that can be asked for, in order, and their entries that are not the same everywhere. */
  candidates() {
    const { state } = this;
    return state.steps.flatMap((step, place) =>
      ASKED[step.key] && state.layerOf(step) > 0 ? [{ step, place }] : [],
    );
  }

  ask() {
    const { state } = this;
    const every = this.candidates();
    const { step, place } = every[this.turn % every.length];
    const entries = step.places.map((_, entry) => entry).filter((entry) => this.slips.meaning(step, entry) !== null);
    const entry = entries[(this.turn * 7 + 1) % entries.length];
    this.turn += 1;
    state.question = { step, place, entry };
    this.page.go(place);
    const where = placeOf(step, entry);
    this.asked.replaceChildren("What is ", mathematics(step.symbol, false, step.text), `${where ? ` at ${where}` : ""}? Three digits will do.`);
    for (const one of ["answer-form", "solve"]) document.getElementById(one).hidden = false;
    this.answer.value = "";
    write(this.verdict, "");
    this.answer.focus({ preventScroll: true });
  }

  check() {
    const { state } = this;
    const found = typed(this.answer.value);
    if (Number.isNaN(found)) return write(this.verdict, "That is no number. Write it with digits, such as −0.25.");
    const right = this.slips.right(state.question);
    if (isClose(found, right)) {
      this.done(`Right: it is ${short(right)}.`);
      return undefined;
    }
    const slip = this.slips.of(state.question).find(([value]) => isClose(found, value));
    write(this.verdict, slip ? `Not yet. ${slip[1]}` : "Not yet. Take the equation above, and put in the numbers of the steps before, one by one.");
    return undefined;
  }

  solve() {
    const { place, entry } = this.state.question;
    this.done(`It is ${short(this.slips.right({ place, entry }))}.`);
  }

  done(words) {
    write(this.verdict, words);
    this.close();
  }

  close() {
    this.state.question = null;
    for (const one of ["answer-form", "solve"]) document.getElementById(one).hidden = true;
    this.page.refresh();
  }
}
