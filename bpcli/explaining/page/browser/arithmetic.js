// A number written out: the operations that give it from the numbers of the steps before.

const SIGNS_OF = { add: " + ", subtract: " − ", multiply: "·", divide: "/", power: "^" };
const STRENGTH = { add: 1, subtract: 1, multiply: 2, divide: 2, negative: 2, power: 3 };
const WHOLE = 4; // what needs no parentheses, such as a number by itself
const MOST_SIGNS = 240;

/** How an entry is computed, in numbers; nothing where it is a number of a step before, or would be too long. */
function writtenOut(program, array, entry) {
  const place = program.results[array][entry];
  if (program.isBefore(array, entry) || !program.made.has(place)) return "";
  const [text] = written(program, place);
  return text.length <= MOST_SIGNS ? text : "";
}

/** An operation as text, and how strongly it binds. */
function written(program, place) {
  const { name, operands, leaves } = program.made.get(place);
  const part = (number) => {
    if (leaves[number] || !program.made.has(operands[number])) return numeral(program.values[operands[number]]);
    return written(program, operands[number]);
  };
  if (name === "choose") return part(program.values[operands[0]] !== 0 ? 1 : 2);
  if (name === "greater" || name === "equal") return numeral(program.values[place]);
  if (name === "negative") return [`−${enclosed(part(0), STRENGTH.negative + 1)}`, 0];
  const sign = SIGNS_OF[name];
  if (!sign) return [`${name === "log1p" ? "ln" : NAMES[name] ?? name}(${name === "log1p" ? "1 + " : ""}${part(0)[0]})`, WHOLE];
  const strength = STRENGTH[name];
  const right = name === "add" || name === "multiply" ? strength : strength + 1;
  return [`${enclosed(part(0), strength)}${sign}${enclosed(part(1), right)}`, strength];
}

const NAMES = { log: "ln", atan: "arctan", normal: "Φ", sqrt: "√" };

function enclosed([text, strength], needed) {
  return strength >= needed ? text : `(${text})`;
}

/** A number; a negative one binds as weakly as a sum does. */
function numeral(value) {
  return [short(value), value < 0 ? 0 : WHOLE];
}
