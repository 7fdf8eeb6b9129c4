// The latest trades, latest first.

import type { Trade } from '../../generated/schema';
import { grouped, padded } from '../format/decimal';
import { timeOfDay, wholeTime } from '../format/time';
import { Columns, type Column } from '../parts/columns';
import { Empty, Panel } from '../parts/panel';
import { Term } from '../parts/term';

const COLUMNS: readonly Column[] = [
  { head: 'Time' },
  { head: 'Taker' },
  { head: 'Price', number: true },
  { head: 'Quantity', number: true },
];

export function Tape({ trades, digits }: { trades: readonly Trade[]; digits: number }) {
  return (
    <Panel title={<Term of="tape">Trades</Term>} class="tape">
      {trades.length === 0 ? (
        <Empty>No trade yet.</Empty>
      ) : (
        <div class="tape-rows" tabIndex={0} role="region" aria-label="Trades, latest first">
          <table>
            <Columns of={COLUMNS} />
            <tbody>
              {[...trades].reverse().map(({ trade_id, time_ms, taker_side, price, quantity }) => (
                <tr key={trade_id}>
                  <td title={wholeTime(time_ms)}>{timeOfDay(time_ms)}</td>
                  <td class={taker_side === 'buy' ? 'buy-text' : 'sell-text'}>
                    {taker_side === 'buy' ? '▲ buy' : '▼ sell'}
                  </td>
                  <td class="number">{padded(price, digits)}</td>
                  <td class="number">{grouped(quantity)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
