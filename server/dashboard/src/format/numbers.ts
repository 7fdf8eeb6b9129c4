// Figures as people read them: at most four significant digits, the unit beside the number, and a
// dash for what is not known. A zero is a measured zero; it never stands for "unknown".

export const UNKNOWN = '–';

type Maybe = number | null | undefined;

function known(value: Maybe): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function significant(value: number): string {
  const magnitude = Math.abs(value);
  const digits = magnitude >= 100 || magnitude === 0 ? 0 : magnitude >= 10 ? 1 : 2;
  return value.toFixed(digits);
}

// 1234567 -> "1,234,567".
export function count(value: Maybe): string {
  return known(value) ? Math.round(value).toLocaleString('en-US') : UNKNOWN;
}

const SCALES: readonly [number, string][] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

// 1234567 -> "1.23 M"; below ten thousand all digits of the whole part are shown.
export function short(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  if (Math.abs(value) < 10_000) {
    return Number.isInteger(value) || Math.abs(value) >= 100 ? count(value) : significant(value);
  }
  for (const [size, suffix] of SCALES) {
    if (Math.abs(value) >= size) return `${significant(value / size)} ${suffix}`;
  }
  return count(value);
}

// A rate with its unit: "182 orders/s".
export function rate(value: Maybe, what: string): string {
  return known(value) ? `${short(value)} ${what}/s` : UNKNOWN;
}

const BYTES: readonly [number, string][] = [
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
];

export function bytes(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  for (const [size, unit] of BYTES) {
    if (Math.abs(value) >= size) return `${significant(value / size)} ${unit}`;
  }
  return `${Math.round(value)} B`;
}

// Seconds, from microseconds up to days: "740 µs", "12.3 ms", "4 h 5 min".
export function seconds(value: Maybe): string {
  if (!known(value)) return UNKNOWN;
  const magnitude = Math.abs(value);
  if (magnitude === 0) return '0 s';
  if (magnitude < 0.001) return `${significant(value * 1e6)} µs`;
  if (magnitude < 1) return `${significant(value * 1e3)} ms`;
  if (magnitude < 120) return `${significant(value)} s`;
  const minutes = Math.round(value / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function percent(share: Maybe): string {
  return known(share) ? `${significant(share * 100)} %` : UNKNOWN;
}

// A value in the unit that the API names: "seconds", "bytes", "ratio", or what is counted.
export function valueIn(unit: string, value: number): string {
  if (unit === 'seconds') return seconds(value);
  if (unit === 'bytes') return bytes(value);
  if (unit === 'ratio') return percent(value);
  const words = unit.replaceAll('_', ' ');
  if (value !== 1) return `${short(value)} ${words}`;
  return `1 ${words.replace(/ies$/, 'y').replace(/s$/, '')}`;
}
