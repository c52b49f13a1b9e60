"""The scheduler's limits, each with its unit."""

# The caller must place the call within this time of the dispatch. With the caller's lease (15 s) and its reaper (5 s)
# a run has ended within its longest duration + 60 s of the dispatch, whatever dies.
START_WITHIN_SECONDS = 30
# A run of a batch that waited this long goes before new single runs.
LONG_WAIT_SECONDS = 120
# What a run of a staggered batch may wait for a predecessor that was dispatched and neither starts nor ends. The caller
# promises less; this is for what no promise foresaw.
PREDECESSOR_GRACE_SECONDS = 120
# A worker announces its room every few seconds; one that was not heard of for so long is thought to be gone.
ROOM_HEARD_WITHIN_SECONDS = 15
# An announcement that is older than this, on the worker's own clock, is history that is read again.
ROOM_ANNOUNCED_WITHIN_SECONDS = 3_600
MAX_DISPATCHES_PER_TICK = 500
MAX_ORGS_PER_TICK = 500
MAX_RUNS_OF_ORG_PER_TICK = 50
MAX_EXPIRIES_PER_TICK = 500
# What other instances left is found within so long: they died, or their clocks ran in another process.
FALLBACK_LOOK_SECONDS = 2.0
SHORTEST_PAUSE_SECONDS = 0.02
GONE_WORKERS_KEPT_DAYS = 1
LEFT_REQUESTS_KEPT_HOURS = 1
ENDED_RUNS_KEPT_DAYS = 10  # longer than the topics keep what could ask for them again

NO_SLOT = "No slot became free in time"
NO_ROOM = "No worker had room in time"
NO_TURN = "The run before it in its batch neither started nor ended in time"
NO_FUNDS_ANSWER = "The funds were not confirmed in time"
CANCELED = "Canceled"
UNREADABLE = "The confirmation of the funds could not be read"
UNDISPATCHABLE = "The test call could not be prepared from its request"
