// What each figure means, in a sentence or two, for those who point at it.

const GLOSSARY = {
  // The cluster
  orders: 'Orders that the leaders accepted in the last second, over all shards.',
  fills: 'Trades in the last second, over all shards.',
  commands:
    'Commands executed in the last second at the leaders: orders, cancels, replaces and all ' +
    'others.',
  rejects: 'Commands that the exchange rejected in the last second, for any reason.',
  commit:
    'From the moment a leader proposes a log entry until a majority of the nodes has it on ' +
    'disk. Half of the entries of the last 10 s were faster than p50, 99 of 100 faster than ' +
    'p99.',
  acknowledge:
    'From the arrival of a batch of commands at its leader until the answer leaves, over the ' +
    'last 10 s: commit, execution and all waiting.',
  worst_lag:
    'How many log entries the slowest node that answers lacks. It grows when a node cannot ' +
    'keep up; a node that is down is not counted here but in the verdict.',
  alerts_firing: 'Alert rules whose condition has held for longer than the rule asks.',
  open_orders: 'Orders that rest in the books now.',
  verdict:
    'Every node judges by itself, once a second. "Can lose" is how many nodes may fail now, any ' +
    'of them, with every shard going on; voters are the nodes that a majority is made of.',
  subscribers: 'Streams of market data that are open.',

  // Nodes
  ready:
    'Whether the node serves: every shard has a known leader and is caught up, the disk has ' +
    'space.',
  leads: 'The shards that this node leads: it orders their commands and answers their clients.',
  version: 'The program that runs there. Nodes of one cluster should run one version.',
  uptime: 'Since the process started.',
  last_seen: 'When the node last answered the node that serves this page.',
  status_round_trip:
    'How long a status call to that node took from the node that serves this page.',
  clock_offset:
    'Its wall clock less that of the node that serves this page, give or take half a round ' +
    'trip. Clocks that differ make leases unsafe and times in the market misleading.',
  cpu: 'Processor time of the last second, where 100 % is one core.',
  memory: 'Memory that the process has in RAM.',
  threads: 'Threads of the process.',
  open_files: 'Files and sockets that the process has open, of those it may have.',
  disk_used: 'What the store takes on disk: log, snapshots and state of all shards.',
  disk_free:
    'Space left on the disk of the store. When it runs out the node stops accepting writes.',
  grpc_calls: 'Calls over gRPC that ended in the last second.',
  grpc_errors: 'Those that ended with an error of the server or the way to it.',
  http_connections: 'Connections to the HTTP server, this page among them.',

  // Shards
  leader: 'The node that orders the commands of the shard. A shard without one does not serve.',
  term: 'Counts elections. A term has at most one leader.',
  leader_changes: 'Seen by the node that serves this page, since it started.',
  lag: 'Log entries that the leader has and this replica does not.',
  apply_lag: 'Entries that are committed and not yet executed here.',
  commit_index: 'The last log entry that a majority has on disk, as this replica knows.',
  applied_index: 'The last log entry that this replica executed.',
  role: 'Leader, follower, or candidate in an election that goes on.',
  member: 'A voter counts for majorities. A learner gets the log and does not vote yet.',
  fenced: 'Evidence of a fault was found against this replica: it neither votes nor serves.',
  commits: 'Log entries committed in the last second; each holds all commands that waited.',
  event_sequence:
    'Number of the last market event of the shard: the same on all replicas that caught up.',

  // Raft
  stages:
    'What a command spends its time on at the leader: queue (waiting to be packed into an ' +
    'entry), append (until the write starts), sync (write and sync of the log), replicate ' +
    '(until a majority has it), apply (execution).',
  stage_count: 'How many were measured in the window.',
  round_trip: 'A status call from the node of the row to the node of the column, and back.',
  elections: 'Changes of leader, as the node that serves this page saw them.',

  // Storage
  sync:
    'Of the log: until the disk says that what was written is safe. It bounds how fast commits ' +
    'are.',
  write: 'To write what all shards had waiting, and to sync it: a commit waits for this.',
  written:
    'Bytes of log entries made durable in the last second. What the store writes beside them, ' +
    'for compaction and snapshots, is not counted here.',
  stalls: 'How often the store made writers wait for compaction, since the start.',
  corruptions:
    'Stores of the node that were damaged: it set them aside, and began anew. Those that were ' +
    'taken away since are left out.',
  pending_compaction: 'Bytes that the store still has to merge.',
  memtable: 'Bytes that are in memory as well as in the log, until they are written as a table.',
  log_size: 'Bytes and entries of the shard’s log. It is cut at each snapshot.',
  snapshot: 'The log entry up to which the latest snapshot holds the state, and its size.',
  snapshots_taken: 'Of the replica’s own state, since the start.',
  snapshots_received:
    'From a leader, since the start: this replica lacked more than the log still had.',

  // Market
  last: 'Price of the last trade.',
  change: 'Last price against the first trade ever.',
  spread: 'Best ask less best bid, and that in basis points (1/10,000) of the middle between them.',
  range: 'Highest and lowest price of all trades since the symbol was added.',
  vwap: 'Volume weighted average price of all trades.',
  volume: 'Quantity traded since the symbol was added.',
  phase:
    'What the symbol does with orders now: trade them, collect them for an auction, or refuse' +
    ' them.',
  indicative: 'How much the auction would trade if it ended now, and at which price.',
  depth:
    'Quantity in the book up to each price, of the best 25 prices a side: bids to the left, ' +
    'asks to the right. Point at it for the figures of a price.',
  ladder:
    'The best prices of each side, asks above bids, with the quantity and number of orders at ' +
    'each. The bar behind is the total: what all prices up to this one hold. A click on a price ' +
    'takes it over into the order.',
  tape: 'The latest trades. The side is that of the order which came last and took.',
  candles:
    'First, highest, lowest and last price of each interval, volume below. Falling ones are ' +
    'hollow. Point at one for its figures; drag to move, turn the wheel to zoom.',

  // Alerts
  threshold: 'The value beyond which the condition of the rule is true.',
  for: 'How long the condition must hold before the alert fires; until then it is pending.',
} as const;

export type Figure = keyof typeof GLOSSARY;

export function meaning(figure: Figure): string {
  return GLOSSARY[figure];
}
