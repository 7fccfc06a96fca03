// Words, numbers and formulas as elements. Nothing is ever read as HTML: texts of the data are texts.

const MATHEMATICS = "http://www.w3.org/1998/Math/MathML";
const DRAWING = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (on…) and children. */
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(DRAWING, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** An element of a formula; a marked symbol can be pointed at, and reached by the keyboard. */
function formula(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const [tag, ...inside] = tree;
  if (tag !== "s") {
    const element = document.createElementNS(MATHEMATICS, tag);
    element.append(...inside.map(formula));
    return element;
  }
  const [place, ...parts] = inside;
  const element = document.createElementNS(MATHEMATICS, "mrow");
  element.setAttribute("data-s", place);
  element.setAttribute("tabindex", "0");
  element.append(...parts.map(formula));
  return element;
}

function mathematics(trees, display = false, words = "") {
  const element = document.createElementNS(MATHEMATICS, "math");
  if (display) element.setAttribute("display", "block");
  if (words) element.setAttribute("alttext", words);
  const row = document.createElementNS(MATHEMATICS, "mrow");
  row.append(...trees.map(formula));
  element.append(row);
  return element;
}

/** A sentence: texts and formulas. */
function sentence(parts) {
  return parts.map((part) => (typeof part === "string" ? document.createTextNode(part) : mathematics(part)));
}

const SIGNS = 4;

/** A number for reading. */
function short(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const written = size >= 1e5 || size < 1e-4 ? value.toExponential(SIGNS - 1) : trimmed(value.toPrecision(SIGNS));
  return written.replace(/-/g, "−");
}

function trimmed(digits) {
  return digits.includes(".") && !digits.includes("e") ? digits.replace(/\.?0+$/, "") : digits;
}

/** A number that someone typed; a comma is a point, and a minus may be the typographic one. NaN where it is none. */
function typed(text) {
  const cleaned = text.trim().replace("−", "-").replace(",", ".");
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(cleaned) ? Number(cleaned) : NaN;
}

function shapeOf(step) {
  return step.shape.length ? step.shape.join(" × ") : "a number";
}

/** What stands at a row or column: "k = 0 … 3" counts from 0; nothing where there is no index. */
function labels(run, count) {
  const found = /^(.*) = (\d+)/.exec(run);
  if (!found) return null;
  return Array.from({ length: count }, (_, place) => String(Number(found[2]) + place));
}

/** The name of an index, such as k. */
function indexOf(run) {
  return run.split(" = ")[0];
}
