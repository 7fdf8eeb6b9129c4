// The best prices of both sides, asks above bids, each with a bar for its share of what is shown.

import type { Level } from '../../generated/schema';
import { approximate, padded } from '../format/decimal';
import { Panel } from '../parts/panel';
import { Term } from '../parts/term';
import { spreadOf, type Book } from '../state/book';

const ROWS = 10; // a side

interface LadderProps {
  book: Book;
  digits: number;
  onPrice: (price: string) => void;
}

export function Ladder({ book, digits, onPrice }: LadderProps) {
  const asks = book.asks.slice(0, ROWS).reverse(); // so that both best prices meet in the middle
  const bids = book.bids.slice(0, ROWS);
  const largest = Math.max(...[...asks, ...bids].map(({ quantity }) => approximate(quantity)), 1);
  const spread = spreadOf(book);
  const row = (side: 'bid' | 'ask') => (level: Level) => (
    <Row
      key={`${side} ${level.price}`}
      side={side}
      level={level}
      share={approximate(level.quantity) / largest}
      digits={digits}
      onPrice={onPrice}
    />
  );
  return (
    <Panel title={<Term of="ladder">Order book</Term>} class="ladder">
      <table>
        <thead>
          <tr>
            <th scope="col">Side</th>
            <th scope="col" class="number">
              Price
            </th>
            <th scope="col" class="number">
              Quantity
            </th>
            <th scope="col" class="number">
              Orders
            </th>
          </tr>
        </thead>
        <tbody>{asks.map(row('ask'))}</tbody>
        <tbody>
          <tr class="spread">
            <td colSpan={4}>
              {spread === null ? (
                <span class="muted">
                  {asks.length + bids.length === 0 ? 'The book is empty' : 'One side is empty'}
                </span>
              ) : (
                <>
                  <Term of="spread">Spread</Term> <b>{padded(spread.absolute, digits)}</b> (
                  {spread.basisPoints.toFixed(1)} bps)
                </>
              )}
            </td>
          </tr>
        </tbody>
        <tbody>{bids.map(row('bid'))}</tbody>
      </table>
    </Panel>
  );
}

interface RowProps {
  side: 'bid' | 'ask';
  level: Level;
  share: number;
  digits: number;
  onPrice: (price: string) => void;
}

function Row({ side, level, share, digits, onPrice }: RowProps) {
  const price = padded(level.price, digits);
  return (
    <tr class={side}>
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
      <td class="number">
        <span class="amount" style={{ '--share': share }}>
          {level.quantity}
        </span>
      </td>
      <td class="number muted">{level.orders}</td>
    </tr>
  );
}
