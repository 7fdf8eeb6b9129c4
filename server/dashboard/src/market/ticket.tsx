// Enters an order, and says what became of it. The orders that were entered here and are open can
// be cancelled.

import { useSignal, type Signal } from '@preact/signals';

import { ApiError, post, remove, token, type Problem } from '../api/client';
import type { OrderResult } from '../../generated/schema';
import { Choices } from '../parts/choices';
import { Panel } from '../parts/panel';
import { ProblemNote } from '../parts/problem';
import { orderOf, type Draft } from './draft';

interface TicketProps {
  symbol: string;
  tick: string;
  lot: string;
  draft: Signal<Draft>;
}

const TIMES = [
  ['gtc', 'Until cancelled'],
  ['day', 'Today'],
  ['ioc', 'At once, rest cancelled'],
  ['fok', 'At once, whole or not'],
] as const;

export function Ticket({ symbol, tick, lot, draft }: TicketProps) {
  const entered = useSignal<readonly OrderResult[]>([]);
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  if (!token.value) {
    return (
      <Panel title="Order" class="ticket">
        <p class="muted">Traders can enter orders here, once changes are unlocked at the top.</p>
      </Panel>
    );
  }
  const attempt = async (action: () => Promise<OrderResult>) => {
    busy.value = true;
    problem.value = null;
    try {
      const result = await action();
      const others = entered.value.filter(({ order_id }) => order_id !== result.order_id);
      entered.value = [result, ...others].slice(0, 8);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = error.problem;
    } finally {
      busy.value = false;
    }
  };
  return (
    <Panel title={`Order in ${symbol}`} class="ticket">
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(() => post('/api/orders', orderOf(symbol, draft.value)));
        }}
      >
        <Fields draft={draft} tick={tick} lot={lot} />
        <button type="submit" class="primary wide" disabled={busy.value}>
          {draft.value.side === 'buy' ? 'Buy' : 'Sell'} {draft.value.quantity} {symbol}
        </button>
      </form>
      {problem.value && <ProblemNote problem={problem.value} />}
      <Entered
        orders={entered.value}
        onCancel={({ symbol: of, account, client_order_id }) =>
          void attempt(() => remove('/api/orders', { symbol: of, account, client_order_id }))
        }
      />
    </Panel>
  );
}

function Fields({ draft, tick, lot }: Pick<TicketProps, 'draft' | 'tick' | 'lot'>) {
  const { value } = draft;
  const set = (change: Partial<Draft>) => (draft.value = { ...draft.value, ...change });
  return (
    <>
      <div class="wide choices">
        <Choices
          label="Side"
          options={[
            ['buy', 'Buy'],
            ['sell', 'Sell'],
          ]}
          value={value.side}
          onChoose={(side) => set({ side })}
        />
        <Choices
          label="Type"
          options={[
            ['limit', 'Limit'],
            ['market', 'Market'],
          ]}
          value={value.type}
          onChoose={(type) => set({ type })}
        />
      </div>
      <label>
        Quantity, in steps of {lot}
        <input
          required
          inputMode="decimal"
          value={value.quantity}
          onInput={(event) => set({ quantity: event.currentTarget.value })}
        />
      </label>
      <label>
        Price, in steps of {tick}
        <input
          required={value.type === 'limit'}
          disabled={value.type === 'market'}
          inputMode="decimal"
          value={value.type === 'market' ? '' : value.price}
          onInput={(event) => set({ price: event.currentTarget.value })}
        />
      </label>
      <label>
        Account
        <input
          required
          inputMode="numeric"
          pattern="[1-9][0-9]*"
          value={value.account}
          onInput={(event) => set({ account: event.currentTarget.value })}
        />
      </label>
      {value.type === 'limit' && (
        <label>
          Stays
          <select
            value={value.time_in_force}
            onChange={(event) =>
              set({ time_in_force: event.currentTarget.value as Draft['time_in_force'] })
            }
          >
            {TIMES.map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}

interface EnteredProps {
  orders: readonly OrderResult[];
  onCancel: (order: OrderResult) => void;
}

function Entered({ orders, onCancel }: EnteredProps) {
  return (
    <div role="status">
      <ul class="entered" aria-label="Orders entered here">
        {orders.map((order) => (
          <li key={order.order_id}>
            <span>
              {order.symbol} order {order.client_order_id}:{' '}
              <b>{order.status.replaceAll('_', ' ')}</b>, {order.cumulative_quantity} done,{' '}
              {order.leaves_quantity} open
            </span>
            {(order.status === 'new' || order.status === 'partially_filled') && (
              <button type="button" onClick={() => onCancel(order)}>
                Cancel
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
