// Exercises: a number is hidden, someone works it out, and the page says what a wrong one suggests.

const WORDS = ["Three", "Four"];

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

  /** The steps that can be asked for, in order. */
  candidates() {
    const { state } = this;
    return state.steps.flatMap((step, place) =>
      ASKED[step.key] && state.layerOf(step) > 0 && this.entries(step).length ? [{ step, place }] : [],
    );
  }

  /** The entries of a step that are not the same everywhere. */
  entries(step) {
    return step.places.map((_, entry) => entry).filter((entry) => this.slips.meaning(step, entry) !== null);
  }

  /** The next question whose number few digits tell from every slip, if there is one; else the next. */
  question() {
    const every = this.candidates();
    const questions = every.map((_, further) => {
      const turn = this.turn + further;
      const { step, place } = every[turn % every.length];
      const entries = this.entries(step);
      return { turn, step, place, entry: entries[(turn * 7 + 1) % entries.length] };
    });
    return questions.find((question) => this.slips.digits(question) <= WORDS.length + FEWEST_DIGITS - 1) ?? questions[0];
  }

  ask() {
    const { state } = this;
    state.question = null;
    const { turn, step, place, entry } = this.question();
    const digits = this.slips.digits({ step, place, entry });
    this.turn = turn + 1;
    state.question = { step, place, entry };
    this.page.go(place);
    const where = placeOf(step, entry);
    const after = step.stage === "update" ? " after the update" : "";
    this.asked.replaceChildren("What is ", mathematics(step.symbol, false, step.text), `${after}${where ? ` at ${where}` : ""}? ${WORDS[digits - FEWEST_DIGITS] ?? digits} digits will do.`);
    this.open(true);
    this.answer.value = "";
    write(this.verdict, "");
    for (const one of ["equations", "exercises"]) document.getElementById(one).scrollIntoView({ block: "nearest" });
    this.answer.focus({ preventScroll: true });
  }

  /** The form of a question, or what an exercise is. */
  open(isOpen) {
    for (const one of ["answer-form", "solve"]) document.getElementById(one).hidden = !isOpen;
    document.getElementById("task").hidden = isOpen;
  }

  check() {
    const { state } = this;
    const found = typed(this.answer.value);
    if (Number.isNaN(found)) return write(this.verdict, "That is no number. Write it with digits, such as −0.25.");
    const { right, reason } = this.slips.judge(state.question, found);
    if (right) {
      this.done(`Right: it is ${short(this.slips.right(state.question))}.`);
      return undefined;
    }
    write(this.verdict, `Not yet. ${reason || "Take the equation above, and put in the numbers of the steps before, one by one."}`);
    return undefined;
  }

  solve() {
    const { place, entry } = this.state.question;
    this.done(`It is ${short(this.slips.right({ place, entry }))}.`);
  }

  /** Other steps than those of the question are shown from now on. */
  forget() {
    this.state.question = null;
    this.open(false);
    for (const one of [this.asked, this.verdict]) one.replaceChildren();
  }

  done(words) {
    write(this.verdict, words);
    this.close();
  }

  close() {
    this.state.question = null;
    this.open(false);
    this.page.refresh();
  }
}
