// In which order alerts want to be read.

import type { AlertRule } from '../../generated/schema';

const STATES: readonly AlertRule['state'][] = ['firing', 'pending', 'inactive'];

// What fires before what is about to, and of these what is critical before what is not; the rest as
// it was.
export function byUrgency(rules: readonly AlertRule[]): readonly AlertRule[] {
  const rank = ({ state, severity }: AlertRule) =>
    STATES.indexOf(state) * 2 + (severity === 'critical' || state === 'inactive' ? 0 : 1);
  return [...rules].sort((a, b) => rank(a) - rank(b));
}
