import { describe, expect, it } from 'vitest';

import type { AlertRule } from '../../generated/schema';
import { alerts } from '../../mock/cluster';
import { byUrgency } from './urgency';

describe('alerts', () => {
  it('are read by state, then by severity, then as they came', () => {
    const rule = (
      name: string,
      state: AlertRule['state'],
      severity: AlertRule['severity'],
    ): AlertRule => ({ ...alerts().rules[0]!, name, state, severity });
    const rules = [
      rule('a', 'inactive', 'warning'),
      rule('b', 'pending', 'critical'),
      rule('c', 'firing', 'warning'),
      rule('d', 'inactive', 'critical'),
      rule('e', 'firing', 'critical'),
      rule('f', 'firing', 'critical'),
    ];
    expect(byUrgency(rules).map(({ name }) => name)).toEqual(['e', 'f', 'c', 'b', 'a', 'd']);
  });
});
