// An order as it is typed, and as it is sent.

import type { NewOrder } from '../../generated/schema';

export interface Draft {
  account: string;
  side: 'buy' | 'sell';
  type: 'limit' | 'market';
  time_in_force: 'gtc' | 'day' | 'ioc' | 'fok';
  price: string;
  quantity: string;
  post_only: boolean;
}

export const EMPTY_DRAFT: Draft = {
  account: '1',
  side: 'buy',
  type: 'limit',
  time_in_force: 'gtc',
  price: '',
  quantity: '',
  post_only: false,
};

// What is sent: a market order has no price, and takes at once or not at all.
export function orderOf(symbol: string, draft: Draft): NewOrder {
  const { account, side, type, quantity } = draft;
  const common = { symbol, account: Number(account), side, type, quantity: quantity.trim() };
  if (type === 'market') return common;
  const { time_in_force, post_only } = draft;
  return {
    ...common,
    price: draft.price.trim(),
    time_in_force,
    ...(post_only ? { post_only } : {}),
  };
}
