"""One search over a network: frames in, chunk by chunk; the best path and the settled one out."""

import functools

import numpy as np

from hybridseq.kernels.beam.numba_cpu.counts import ACTIVE, FRAMES, RECORDS, SETTLED, STUCK


@functools.cache
def _compiled():
    """The search's and the records' kernels, imported when first used, as numba is slow to import."""
    from hybridseq.kernels.beam.numba_cpu import records, search

    return search, records


class Search:
    """Token passing with a beam over one utterance :cite:p:`young1989token`.

    A frame costs O(live tokens + their arcs); memory is O(S + T + what is still open), not O(T · tokens).

    Parameters
    ----------
    network : Network
    scale : float
        What frame scores are multiplied by.
    beam : float
        Nats below a frame's best token at which a token is dropped; inf: never.
    max_active, min_active : int
        At most, and at least, so many tokens a frame that consume it (more at most only where scores are equal).
    """

    def __init__(self, network, scale=1.0, beam=np.inf, max_active=2**31 - 1, min_active=0):
        states = len(network.labels)
        self.network = network
        self._scale = float(scale)
        self._pruning = float(beam), int(max_active), int(min_active)
        self._tokens = np.empty(states, np.int32), np.empty(states), np.empty(states, np.int32)
        self._fresh = np.full(states, -np.inf), np.empty(states, np.int32), np.empty(states, np.int32)
        self._buckets = np.full(network.num_levels, -1, np.int32), np.empty(states, np.int32)
        self._room = np.empty(states, np.int32), np.empty(states), np.empty(states)
        size = 16 * states + 8192
        self._records = np.empty(size, np.int32), np.empty(size, np.int32)
        self._settled = np.empty(1024, np.int32)
        self._counts = np.zeros(6, np.int64)
        self._given = 0
        _compiled()[0].begin(
            network.start,
            network.silent,
            network.level,
            self._tokens,
            self._fresh,
            self._buckets,
            self._records,
            self._counts,
        )

    @property
    def frames(self):
        """Frames consumed."""
        return int(self._counts[FRAMES])

    @property
    def stuck(self):
        """Whether a frame came that no token could consume: it and all later ones are left out."""
        return bool(self._counts[STUCK])

    @property
    def num_records(self):
        """Back-pointers held."""
        return int(self._counts[RECORDS])

    def accept(self, frames):
        """Consume frames (T, K), C-contiguous, without NaN or +inf."""
        if not self.stuck:
            self._advance(frames, np.empty(0, np.int64))

    def newly_settled(self):
        """The arcs that all live tokens have had in common since the last call."""
        self._settled = _compiled()[1].compact(self._tokens[2], *self._records, self._settled, self._counts)
        given, self._given = self._given, int(self._counts[SETTLED])
        return self._settled[given : self._given].copy()

    def finish(self):
        """No more frames will come: pass tokens on to the end without a beam."""
        if not self.stuck:
            net = self.network
            _compiled()[0].close_all(
                net.silent, net.level, self._tokens, self._fresh, self._buckets, self._records, self._counts
            )

    def best(self, at_end=False):
        """The best live token's score and arcs; with ``at_end``, of the one at the end state: (−inf, None) if none."""
        states, scores, origins = self._tokens
        anywhere, ending = _compiled()[0].best_token(states, scores, self.network.end, self._counts)
        token = ending if at_end else anywhere
        if token < 0 or (at_end and self.stuck):
            return -np.inf, None
        open_path = _compiled()[1].trace(origins[token], *self._records)
        return float(scores[token]), np.concatenate([self._settled[: self._counts[SETTLED]], open_path])

    def lattice(self, frames, beam):
        """Consume all frames (T, K) of an utterance, as the first call, and keep what lies near the best path.

        Nodes are tokens, in an order in which arcs lead to later ones only; the last one is the end. None are left
        where no token reached the end. O(T · (live tokens + their arcs)) time and memory.

        Returns
        -------
        consumed, states : (N,) int64 arrays
            Frames consumed before each node, and its state in the network.
        source, target, arcs : (M,) int64 arrays
            Nodes that arcs join, sorted by source, and the arcs' numbers in the network.
        acoustic : (M,) float64 array
            Frame scores, without the scale; 0 where an arc consumes none.
        """
        from hybridseq.kernels.beam.numba_cpu import trellis

        net, slots = self.network, np.empty(len(frames) + 2, np.int64)
        states, scores = self._advance(frames, slots)
        consumed, kept, *arcs, used = trellis.prune(
            frames, self._scale, net.labels, net.emitting, net.silent, net.end, float(beam), states, scores, slots
        )
        return consumed, kept, *(array[:used].copy() for array in arcs)

    @property
    def num_active(self):
        """Live tokens."""
        return int(self._counts[ACTIVE])

    def _advance(self, frames, slots):
        net = self.network
        *records, self._settled, states, scores = _compiled()[0].advance(
            frames,
            self._scale,
            net.labels,
            net.emitting,
            net.silent,
            net.level,
            self._pruning,
            self._tokens,
            self._fresh,
            self._buckets,
            self._room,
            self._records,
            self._settled,
            self._counts,
            slots,
        )
        self._records = tuple(records)
        return states, scores
