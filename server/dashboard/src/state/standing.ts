// How a replica stands in its group, in a word.

import type { Replica } from '../../generated/schema';
import type { Level } from '../parts/state';

// A replica that lacks more than this is called behind: more than what is under way at any moment.
const BEHIND_ENTRIES = 1000;

export function standing(replica: Replica): readonly [Level, string] {
  if (!replica.reachable) return ['bad', 'down'];
  if (replica.fenced) return ['bad', 'fenced'];
  if (replica.role === 'leader') return ['ok', 'leads'];
  if (replica.role === 'candidate' || replica.role === 'pre_candidate')
    return ['warn', 'candidate'];
  if (replica.kind === 'learner') return ['none', 'learns'];
  if (replica.role === null) return ['none', 'no replica'];
  if ((replica.lag_entries ?? 0) > BEHIND_ENTRIES) return ['warn', 'behind'];
  return ['ok', 'follows'];
}
