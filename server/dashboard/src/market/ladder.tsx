// The best prices of both sides, asks above bids. The bar behind a price is the total of the side
// up to it, so that the depth is seen where it is traded.

import { approximate, grouped, padded } from '../format/decimal';
import { Columns, type Column } from '../parts/columns';
import { Panel } from '../parts/panel';
import { Term } from '../parts/term';
import { spreadOf, totalled, type Book, type LastMove, type TotalledLevel } from '../state/book';
import { LastPrice } from './last_price';

const ROWS = 10; // a side

const COLUMNS: readonly Column[] = [
  { head: 'Side' },
  { head: 'Price', number: true },
  { head: 'Quantity', number: true },
  { head: 'Total', number: true },
  { head: 'Orders', number: true },
];

interface LadderProps {
  book: Book;
  last: LastMove | null;
  digits: number;
  onPrice: (price: string) => void;
}

export function Ladder({ book, last, digits, onPrice }: LadderProps) {
  const asks = [...totalled(book.asks.slice(0, ROWS))].reverse(); // both best prices in the middle
  const bids = totalled(book.bids.slice(0, ROWS));
  const largest = Math.max(
    ...[asks[0], bids.at(-1)].map((level) => approximate(level?.total ?? '0')),
  );
  const row = (side: 'bid' | 'ask') => (level: TotalledLevel) => (
    <Row
      key={`${side} ${level.price}`}
      side={side}
      level={level}
      share={largest > 0 ? approximate(level.total) / largest : 0}
      digits={digits}
      onPrice={onPrice}
    />
  );
  return (
    <Panel title={<Term of="ladder">Order book</Term>} class="ladder">
      <div class="ladder-rows">
        <table>
          <Columns of={COLUMNS} />
          <tbody>{asks.map(row('ask'))}</tbody>
          <tbody>
            <tr class="spread">
              <td colSpan={5}>
                <Middle book={book} last={last} digits={digits} />
              </td>
            </tr>
          </tbody>
          <tbody>{bids.map(row('bid'))}</tbody>
        </table>
      </div>
    </Panel>
  );
}

function Middle({ book, last, digits }: Pick<LadderProps, 'book' | 'last' | 'digits'>) {
  const spread = spreadOf(book);
  return (
    <div>
      {last && <LastPrice last={last} digits={digits} />}
      {spread === null ? (
        <span class="muted">
          {book.asks.length + book.bids.length === 0 ? 'The book is empty' : 'One side is empty'}
        </span>
      ) : (
        <span>
          <Term of="spread">Spread</Term> <b>{padded(spread.absolute, digits)}</b> (
          {spread.basisPoints.toFixed(1)} bps)
        </span>
      )}
    </div>
  );
}

interface RowProps {
  side: 'bid' | 'ask';
  level: TotalledLevel;
  share: number;
  digits: number;
  onPrice: (price: string) => void;
}

function Row({ side, level, share, digits, onPrice }: RowProps) {
  const price = padded(level.price, digits);
  return (
    <tr class={side} style={{ '--share': share }}>
      <td>{side}</td>
      <td class="number">
        <button
          type="button"
          class="price"
          aria-label={`${side} ${price}: take the price over into the order`}
          onClick={() => onPrice(level.price)}
        >
          {price}
        </button>
      </td>
      <td class="number">{grouped(level.quantity)}</td>
      <td class="number">{grouped(level.total)}</td>
      <td class="number muted">{level.orders}</td>
    </tr>
  );
}
