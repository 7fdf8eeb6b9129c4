// Enters an order, and says what became of it. The orders that were entered here and are open can
// be cancelled.

import { useSignal, type Signal } from '@preact/signals';
import { useRef } from 'preact/hooks';

import { ApiError, get, post, remove, token, type Problem } from '../api/client';
import type { OpenOrder, Symbol } from '../../generated/schema';
import { Choices } from '../parts/choices';
import { Panel } from '../parts/panel';
import { ProblemNote } from '../parts/problem';
import { accountProblem, numbered, orderOf, type Draft, type NumberedOrder } from './draft';
import { identity, withResult, type EnteredOrder } from './entered';

interface TicketProps {
  symbol: Symbol;
  draft: Signal<Draft>;
}

const TIMES = [
  ['gtc', 'Until cancelled'],
  ['day', 'Today'],
  ['ioc', 'At once, rest cancelled'],
  ['fok', 'At once, whole or not'],
] as const;

export function Ticket({ symbol, draft }: TicketProps) {
  const entered = useSignal<readonly EnteredOrder[]>([]);
  const unanswered = useRef<NumberedOrder | null>(null);
  const problem = useSignal<Problem | null>(null);
  const busy = useSignal(false);
  if (!token.value) {
    return (
      <Panel title="Order" class="ticket">
        <p class="muted">Traders can enter orders here, once changes are unlocked at the top.</p>
      </Panel>
    );
  }
  const attempt = async (action: () => Promise<EnteredOrder>) => {
    busy.value = true;
    problem.value = null;
    try {
      const result = await action();
      entered.value = withResult(entered.value, result);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.value = error.problem;
    } finally {
      busy.value = false;
    }
  };
  const enter = async () => {
    const again = unanswered.current;
    const order = numbered(orderOf(symbol.symbol, draft.value), again);
    unanswered.current = order;
    const result = await post('/api/orders', order).catch(async (error: unknown) => {
      const open = order === again && isDuplicate(error) ? await find(order) : undefined;
      if (!open) throw error;
      return open;
    });
    unanswered.current = null;
    return result;
  };
  return (
    <Panel title={`Order in ${symbol.symbol}`} class="ticket">
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(enter);
        }}
      >
        <Fields draft={draft} symbol={symbol} />
        <button type="submit" class={`primary wide ${draft.value.side}`} disabled={busy.value}>
          {draft.value.side === 'buy' ? 'Buy' : 'Sell'} {draft.value.quantity} {symbol.symbol}
        </button>
      </form>
      {problem.value && <ProblemNote problem={problem.value} />}
      {problem.value && unanswered.current && isUnknown(problem.value) && (
        <p class="small">
          Whether order {unanswered.current.client_order_id} was entered is not known. Pressing
          again sends it under the same number: while it is open it is not entered twice. If it may
          have traded at once, look at the trades first.
        </p>
      )}
      <Entered
        orders={entered.value}
        onCancel={({ symbol: of, account, client_order_id }) =>
          void attempt(() => remove('/api/orders', { symbol: of, account, client_order_id }))
        }
      />
    </Panel>
  );
}

// The node did not say what became of the order.
function isUnknown({ status }: Problem): boolean {
  return status === 0 || status >= 500;
}

function isDuplicate(error: unknown): boolean {
  return error instanceof ApiError && error.problem.reason === 'duplicate_client_order_id';
}

// The order as it is open, if it is.
async function find({ account, symbol, client_order_id }: NumberedOrder) {
  const { orders } = await get('/api/orders', { account, symbol });
  const open = orders.find((order: OpenOrder) => order.client_order_id === client_order_id);
  if (!open) return undefined;
  const status = Number(open.cumulative_quantity) === 0 ? 'new' : 'partially_filled';
  return { ...open, account, status };
}

function Fields({ draft, symbol: { base, quote, tick_size, lot_size } }: TicketProps) {
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
        Quantity{base && ` in ${base}`}, steps of {lot_size}
        <input
          required
          inputMode="decimal"
          value={value.quantity}
          onInput={(event) => set({ quantity: event.currentTarget.value })}
        />
      </label>
      {value.type === 'limit' ? (
        <label>
          Price{quote && ` in ${quote}`}, steps of {tick_size}
          <input
            required
            inputMode="decimal"
            value={value.price}
            onInput={(event) => set({ price: event.currentTarget.value })}
          />
        </label>
      ) : (
        <label>
          At most so far from the best price{quote && `, ${quote}`}
          <input
            inputMode="decimal"
            placeholder="as the symbol's rules say"
            value={value.protection}
            onInput={(event) => set({ protection: event.currentTarget.value })}
          />
        </label>
      )}
      <label>
        Account
        <input
          required
          inputMode="numeric"
          ref={(input) => input?.setCustomValidity(accountProblem(value.account))}
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
  orders: readonly EnteredOrder[];
  onCancel: (order: EnteredOrder) => void;
}

function Entered({ orders, onCancel }: EnteredProps) {
  return (
    <div role="status">
      <ul class="entered" aria-label="Orders entered here">
        {orders.map((order) => (
          <li key={identity(order)}>
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
