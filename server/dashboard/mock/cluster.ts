// A made-up cluster for developing pages and for unit tests: three nodes, two shards, a market that
// moves. Its documents have the types of the contract, so that they cannot drift from it.

import type {
  Alerts,
  Events,
  Health,
  Nodes,
  Raft,
  Shards,
  Storage,
  Summary,
  Timeseries,
} from '../generated/schema';

const STARTED_MS = Date.now() - 3_600_000;
const MEMBERS = [1, 2, 3];
const SHARDS = [1, 2];
const GIB = 2 ** 30;

// A number that wanders about `middle` with time, the same at the same time.
export function wander(middle: number, spread: number, seed: number, time: number): number {
  const seconds = time / 1000;
  const wave = Math.sin(seconds / 7 + seed * 3) + Math.sin(seconds / 2.3 + seed * 5) * 0.5;
  return middle + (wave / 1.5) * spread;
}

function envelope() {
  return { cluster_id: 'mock', node: 1, time_ms: Date.now(), unreachable: [] };
}

export function health(): Health {
  return {
    ...envelope(),
    verdict: 'healthy',
    sentence: 'Healthy: 3 of 3 voters, can lose 1 node',
    reasons: [],
    voters: 3,
    voters_reachable: 3,
    can_lose: 1,
    shards: SHARDS.length,
    shards_without_leader: [],
    alerts_firing: 1,
  };
}

export function summary(): Summary {
  const now = Date.now();
  return {
    ...envelope(),
    health: health(),
    figures: {
      commands_per_second: wander(15_200, 900, 1, now),
      orders_per_second: wander(12_000, 800, 1, now),
      fills_per_second: wander(3100, 250, 2, now),
      rejects_per_second: 4,
      commit_p50_seconds: wander(0.0011, 0.0002, 3, now),
      commit_p99_seconds: wander(0.0042, 0.0008, 4, now),
      acknowledge_p50_seconds: 0.0013,
      acknowledge_p99_seconds: wander(0.0051, 0.0009, 4, now),
      worst_replica_lag_entries: 12,
      worst_apply_lag_entries: 2,
      open_orders: 48_211,
      sessions: 40,
      symbols: 2,
      market_data_subscribers: 3,
      least_disk_free_bytes: 31 * GIB,
      least_disk_free_ratio: 0.31,
      nodes: 3,
      nodes_reachable: 3,
      shards: SHARDS.length,
      alerts_firing: 1,
      alerts_pending: 0,
    },
    versions: ['0.1.0'],
  };
}

export function nodes(): Nodes {
  const now = Date.now();
  return {
    ...envelope(),
    nodes: MEMBERS.map((node) => ({
      node,
      is_self: node === 1,
      reachable: true,
      reason: null,
      last_seen_ms: now,
      client_address: `127.0.0.1:700${node}`,
      peer_address: `127.0.0.1:710${node}`,
      http: `http://127.0.0.1:808${node}`,
      http_address: `127.0.0.1:808${node}`,
      version: '0.1.0',
      started_ms: STARTED_MS,
      uptime_seconds: (now - STARTED_MS) / 1000,
      ready: true,
      not_ready: [],
      leads_shards: SHARDS.filter((shard) => shard === node),
      round_trip_seconds: node === 1 ? null : wander(0.0004, 0.0001, node, now),
      clock_offset_seconds: node === 1 ? null : 0.00003 * node,
      cpu_ratio: wander(0.6, 0.1, node, now),
      memory_resident_bytes: 210 * 2 ** 20,
      threads: 24,
      open_files: 64,
      max_open_files: 1024,
      disk_bytes: 1.4 * GIB,
      disk_free_bytes: 31 * GIB,
      disk_capacity_bytes: 100 * GIB,
      grpc_calls_per_second: wander(40, 10, node, now),
      grpc_errors_per_second: 0,
      market_data_subscribers: 1,
      http_connections: 3,
    })),
  };
}

export function shards(): Shards {
  const index = Math.floor((Date.now() - STARTED_MS) / 10);
  return {
    ...envelope(),
    shards: SHARDS.map((shard) => ({
      shard,
      leader: shard,
      term: 3 + shard,
      leader_changes: shard,
      voters: MEMBERS,
      learners: [],
      changing_members: false,
      commands_per_second: 7600,
      commits_per_second: 430,
      replicas: MEMBERS.map((node) => ({
        node,
        reachable: true,
        role: node === shard ? ('leader' as const) : ('follower' as const),
        kind: 'voter' as const,
        term: 3 + shard,
        commit_index: index,
        applied_index: index - 1,
        durable_index: index,
        first_index: index - 4000,
        last_index: index + 2,
        snapshot_index: index - 4001,
        log_bytes: 12 * 2 ** 20,
        lag_entries: node === shard ? 0 : node * 3,
        apply_lag_entries: 1,
        event_sequence: index * 20,
        open_orders: 24_105,
        sessions: 20,
        fenced: false,
        fenced_nodes: [],
      })),
    })),
  };
}

const STAGES = [
  ['queue', 0.0002],
  ['append', 0.00008],
  ['sync', 0.0006],
  ['replicate', 0.0003],
  ['commit', 0.0011],
  ['apply', 0.0001],
  ['acknowledge', 0.0013],
] as const;

export function raft(): Raft {
  const now = Date.now();
  return {
    ...envelope(),
    window_seconds: 10,
    shards: SHARDS.map((shard) => ({
      shard,
      leader: shard,
      term: 3 + shard,
      stages: STAGES.map(([stage, mean], at) => ({
        stage,
        count: 4300,
        mean_seconds: wander(mean, mean / 5, at, now),
        p50_seconds: mean * 0.9,
        p99_seconds: mean * 3.5,
      })),
    })),
    round_trips: MEMBERS.flatMap((from) =>
      MEMBERS.filter((to) => to !== from).map((to) => ({
        from,
        to,
        seconds: wander(0.0004, 0.0001, from * 3 + to, now),
      })),
    ),
    elections: [
      { time_ms: STARTED_MS + 60_000, shard: 2, term: 5, leader: 2 },
      { time_ms: STARTED_MS, shard: 1, term: 4, leader: 1 },
    ],
  };
}

export function storage(): Storage {
  const now = Date.now();
  return {
    ...envelope(),
    nodes: MEMBERS.map((node) => ({
      node,
      reachable: true,
      disk_bytes: 1.4 * GIB,
      disk_free_bytes: 31 * GIB,
      disk_capacity_bytes: 100 * GIB,
      sync_p50_seconds: 0.0005,
      sync_p99_seconds: wander(0.003, 0.0008, node, now),
      syncs_per_second: wander(420, 30, node, now),
      write_p99_seconds: wander(0.0034, 0.0008, node, now),
      corruptions_total: 0,
      written_bytes_per_second: wander(4e6, 4e5, node, now),
      disk_full: false,
      write_stalls_total: 0,
      pending_compaction_bytes: 0,
      memtable_bytes: 18 * 2 ** 20,
      shards: SHARDS.map((shard) => ({
        shard,
        log_bytes: 12 * 2 ** 20,
        log_entries: 4002,
        first_index: 356_001,
        last_index: 360_002,
        snapshot_index: 356_000,
        snapshot_bytes: 3.1 * 2 ** 20,
        snapshots_taken_total: 14,
        snapshots_installed_total: 0,
      })),
    })),
  };
}

export function alerts(): Alerts {
  const rule = {
    severity: 'warning' as const,
    for_seconds: 10,
    what_to_do: 'look at the disk of the node',
    runbook: 'docs/operating.md#slow-sync',
    expression:
      'histogram_quantile(0.99, rate(quorumbook_storage_sync_duration_seconds_bucket[10s]))',
  };
  return {
    ...envelope(),
    rules: [
      {
        ...rule,
        name: 'SlowSync',
        summary: 'writing the log is slow',
        threshold: 0.1,
        unit: 'seconds',
        state: 'firing',
        instances: [
          {
            labels: { node: '2' },
            state: 'firing',
            value: 0.14,
            since_ms: Date.now() - 40_000,
            message: 'sync p99 of node 2 is 140 ms',
          },
        ],
      },
      {
        ...rule,
        name: 'NoLeader',
        severity: 'critical',
        summary: 'a shard has no leader',
        threshold: 0,
        unit: 'count',
        state: 'inactive',
        instances: [],
      },
    ],
    history: [],
  };
}

export function events(): Events {
  return {
    ...envelope(),
    oldest_id: 1,
    events: [
      {
        id: 2,
        time_ms: STARTED_MS + 60_000,
        kind: 'leader_changed',
        severity: 'info',
        node: 2,
        shard: 2,
        message: 'Node 2 leads shard 2 in term 5',
      },
      {
        id: 1,
        time_ms: STARTED_MS,
        kind: 'node_down',
        severity: 'critical',
        node: 3,
        shard: null,
        message: 'Node 3 does not answer',
      },
    ],
  };
}

const SERIES: Record<string, [unit: string, middle: number]> = {
  orders_per_second: ['per_second', 6000],
  fills_per_second: ['per_second', 1500],
  commands_per_second: ['per_second', 7600],
  commit_p99_seconds: ['seconds', 0.004],
  sync_p99_seconds: ['seconds', 0.003],
  replica_lag_entries: ['entries', 8],
  apply_lag_entries: ['entries', 2],
  cpu_ratio: ['ratio', 0.6],
  memory_resident_bytes: ['bytes', 210 * 2 ** 20],
  grpc_calls_per_second: ['per_second', 40],
  syncs_per_second: ['per_second', 420],
  written_bytes_per_second: ['per_second', 4e6],
  disk_bytes: ['bytes', 1.4 * GIB],
};

// The last `points` seconds.
export function timeseries(points: number): Timeseries {
  const last = Math.floor(Date.now() / 1000) * 1000;
  const times = Array.from({ length: points }, (_, at) => last - (points - 1 - at) * 1000);
  return {
    ...envelope(),
    interval_ms: 1000,
    capacity: 300,
    series: Object.entries(SERIES).map(([name, [unit]]) => ({ name, unit, help: '' })),
    times_ms: times,
    nodes: MEMBERS.map((node) => ({
      node,
      values: Object.fromEntries(
        Object.entries(SERIES).map(([name, [, middle]]) => {
          return [name, times.map((time) => wander(middle, middle / 8, node, time))];
        }),
      ),
    })),
  };
}
