import { describe, expect, it } from 'vitest';

import { shards } from '../../mock/cluster';
import { standing } from './standing';

describe('how a replica stands', () => {
  const follower = shards().shards[0]!.replicas[1]!;

  it('is a word and a level, the worst thing first', () => {
    expect(standing(follower)).toEqual(['ok', 'follows']);
    expect(standing({ ...follower, role: 'leader' })).toEqual(['ok', 'leads']);
    expect(standing({ ...follower, lag_entries: 5000 })).toEqual(['warn', 'behind']);
    expect(standing({ ...follower, role: 'pre_candidate' })).toEqual(['warn', 'candidate']);
    expect(standing({ ...follower, kind: 'learner', lag_entries: 5000 })).toEqual([
      'none',
      'learns',
    ]);
    expect(standing({ ...follower, role: 'leader', fenced: true })).toEqual(['bad', 'fenced']);
    expect(standing({ ...follower, role: 'leader', reachable: false })).toEqual(['bad', 'down']);
    expect(standing({ ...follower, role: null })).toEqual(['none', 'no replica']);
  });
});
