// Prices and quantities: decimal numbers in strings, exact, as the API gives them. They are
// compared and added as integers of a common scale; only what is drawn becomes floating-point.

interface Scaled {
  digits: bigint;
  scale: number; // the value is digits / 10^scale
}

function parse(text: string): Scaled {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new Error(`not a decimal number: '${text}'`);
  const [whole, fraction = ''] = text.split('.');
  return { digits: BigInt(whole! + fraction), scale: fraction.length };
}

function align(a: string, b: string): [bigint, bigint, number] {
  const left = parse(a);
  const right = parse(b);
  const scale = Math.max(left.scale, right.scale);
  const raise = ({ digits, scale: from }: Scaled) => digits * 10n ** BigInt(scale - from);
  return [raise(left), raise(right), scale];
}

function print(digits: bigint, scale: number): string {
  const sign = digits < 0n ? '-' : '';
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const cut = text.length - scale;
  return sign + text.slice(0, cut) + (scale > 0 ? `.${text.slice(cut)}` : '');
}

// Negative, zero or positive, as a sort wants it.
export function compare(a: string, b: string): number {
  const [left, right] = align(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function add(a: string, b: string): string {
  const [left, right, scale] = align(a, b);
  return print(left + right, scale);
}

export function subtract(a: string, b: string): string {
  const [left, right, scale] = align(a, b);
  return print(left - right, scale);
}

export function isZero(text: string): boolean {
  return parse(text).digits === 0n;
}

// One spelling for each value: "10.50" and "10.5" become "10.5".
export function canonical(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

// How many digits follow the point: 2 for "0.01". Of a tick, the digits that its prices need.
export function decimals(text: string): number {
  return parse(canonical(text)).scale;
}

// For drawing and ratios only.
export function approximate(text: string): number {
  return Number(text);
}

// `price` with as many digits as the tick has, so that a column of prices lines up.
export function padded(text: string, digits: number): string {
  const { digits: value, scale } = parse(text);
  return scale >= digits ? text : print(value * 10n ** BigInt(digits - scale), digits);
}

// "1234567.5" -> "1,234,567.5".
export function grouped(text: string): string {
  const [whole, fraction] = text.split('.');
  const groups = whole!.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}
