import { describe, expect, it } from 'vitest';

import { pageAt } from './list';

describe('the list of pages', () => {
  it('has what it lists, and nothing that every object has', () => {
    expect(pageAt('overview')?.name).toBe('Overview');
    for (const name of ['nothing', 'constructor', '__proto__', 'toString', ''])
      expect(pageAt(name), name).toBeUndefined();
  });
});
