// How much a book holds up to each price.

export interface DepthLevel {
  price: number; // in the quote's own unit, to be drawn
  quantity: number;
}

interface Totals {
  bought: number | null;
  sold: number | null;
}

// Prices ascending, with each side's running total, best price first; null where a side has no
// price. An auction's sides overlap.
export function cumulate(bids: readonly DepthLevel[], asks: readonly DepthLevel[]) {
  const totals = new Map<number, Totals>();
  const add = (side: keyof Totals, levels: readonly DepthLevel[]) => {
    let total = 0;
    for (const { price, quantity } of levels) {
      total += quantity;
      totals.set(price, { bought: null, sold: null, ...totals.get(price), [side]: total });
    }
  };
  add('bought', bids);
  add('sold', asks);
  const rows = [...totals].sort(([a], [b]) => a - b);
  return {
    prices: rows.map(([price]) => price),
    bought: rows.map(([, { bought }]) => bought),
    sold: rows.map(([, { sold }]) => sold),
  };
}
