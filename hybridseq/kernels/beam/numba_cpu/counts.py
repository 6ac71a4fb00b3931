"""Places in the counts (6,) int64 that a search carries along."""

#: Live tokens; how many of them, the first ones, stand in states that consume (or at the start).
ACTIVE, CONSUMING = 0, 1
#: Records in use; arcs of the settled path.
RECORDS, SETTLED = 2, 3
#: Frames consumed; 1 once a frame let no token live.
FRAMES, STUCK = 4, 5
