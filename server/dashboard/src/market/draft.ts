// An order as it is typed, and as it is sent.

import type { NewOrder } from '../../generated/schema';

export interface Draft {
  account: string;
  side: 'buy' | 'sell';
  type: 'limit' | 'market';
  time_in_force: 'gtc' | 'day' | 'ioc' | 'fok';
  price: string;
  protection: string; // of a market order
  quantity: string;
  post_only: boolean;
}

export const EMPTY_DRAFT: Draft = {
  account: '1',
  side: 'buy',
  type: 'limit',
  time_in_force: 'gtc',
  price: '',
  protection: '',
  quantity: '',
  post_only: false,
};

// What of a draft goes for any symbol: a price of one, or a distance between its prices, means
// nothing in another.
export function forAnotherSymbol(draft: Draft): Draft {
  return { ...draft, price: '', protection: '' };
}

// What is wrong with the account as it is typed; '' when nothing is. Greater numbers are rounded
// here, to the number of somebody else.
export function accountProblem(account: string): string {
  const known = /^[1-9][0-9]*$/.test(account) && Number.isSafeInteger(Number(account));
  return known ? '' : `A number from 1 to ${Number.MAX_SAFE_INTEGER}; gRPC takes greater ones.`;
}

// What is sent: a market order has no price, and takes at once or not at all. Without a protection
// of its own it has the symbol's.
export function orderOf(symbol: string, draft: Draft): NewOrder {
  const { account, side, type, quantity } = draft;
  const common = { symbol, account: Number(account), side, type, quantity: quantity.trim() };
  if (type === 'market') {
    const protection = draft.protection.trim();
    return { ...common, ...(protection ? { protection } : {}) };
  }
  const { time_in_force, post_only } = draft;
  return {
    ...common,
    price: draft.price.trim(),
    time_in_force,
    ...(post_only ? { post_only } : {}),
  };
}

export type NumberedOrder = NewOrder & { client_order_id: string };

// `order` under a number of its own, or under that of `unanswered` when that is the same order: one
// that was sent and of which no answer said that it was entered. While it is open its number is
// taken, so that who presses again does not enter it twice.
export function numbered(
  order: NewOrder,
  unanswered: NumberedOrder | null,
  draw: () => string = drawNumber,
): NumberedOrder {
  if (unanswered) {
    const again = { ...order, client_order_id: unanswered.client_order_id };
    if (JSON.stringify(again) === JSON.stringify(unanswered)) return unanswered;
  }
  return { ...order, client_order_id: draw() };
}

// 1 to 2^53, at random.
function drawNumber(): string {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return String((high! % 2 ** 21) * 2 ** 32 + low! + 1);
}
