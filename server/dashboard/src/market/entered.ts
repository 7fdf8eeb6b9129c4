// The orders that were entered here, each as it was when it was last heard of.

import type { OrderResult } from '../../generated/schema';

export type EnteredOrder = Pick<
  OrderResult,
  | 'symbol'
  | 'account'
  | 'client_order_id'
  | 'order_id'
  | 'status'
  | 'leaves_quantity'
  | 'cumulative_quantity'
>;

const MOST_ENTERED = 8;

// What no other order of the cluster has: each shard counts its orders by itself, and a symbol is
// of one shard.
export function identity({ symbol, order_id }: EnteredOrder): string {
  return `${symbol} ${order_id}`;
}

// With what is now known of one of them, which comes first; the oldest are left out.
export function withResult(
  entered: readonly EnteredOrder[],
  result: EnteredOrder,
): readonly EnteredOrder[] {
  const others = entered.filter((order) => identity(order) !== identity(result));
  return [result, ...others].slice(0, MOST_ENTERED);
}
