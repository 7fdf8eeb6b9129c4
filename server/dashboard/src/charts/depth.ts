// How much a book holds up to each price.

export interface DepthLevel {
  price: number; // in the quote's own unit, to be drawn
  quantity: number;
}

// Prices ascending, with each side's running total; null where the other side is.
export function cumulate(bids: readonly DepthLevel[], asks: readonly DepthLevel[]) {
  const prices: number[] = [];
  const bought: (number | null)[] = [];
  const sold: (number | null)[] = [];
  let total = 0;
  for (const { price, quantity } of bids) {
    total += quantity;
    prices.unshift(price);
    bought.unshift(total);
    sold.push(null);
  }
  total = 0;
  for (const { price, quantity } of asks) {
    total += quantity;
    prices.push(price);
    bought.push(null);
    sold.push(total);
  }
  return { prices, bought, sold };
}
