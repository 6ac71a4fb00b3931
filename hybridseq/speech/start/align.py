"""Exact Viterbi alignment of many utterances at once."""

import numpy as np

from hybridseq.speech.decoding.frame_scores import check_frame_scores
from hybridseq.speech.graph.arcs import min_frames
from hybridseq.speech.start.alignments import Alignments
from hybridseq.speech.start.bulk import Bulk

#: Frames whose scores are looked up at a time.
_TOGETHER = 1 << 14


def names_of(ids, count):
    """The utterances' names; their numbers where there are none."""
    ids = tuple(map(str, range(count))) if ids is None else tuple(ids)
    if len(ids) != count or len(set(ids)) < count:
        raise ValueError(
            f"ids must be {count} different names, one an utterance; got {len(ids)}, {len(set(ids))} different."
        )
    return ids


def fitting(lengths, graphs):
    """The utterances that may have a path, (n,) int array, and the problems {number: message} of the others.

    ``lengths`` has None where there are no features.
    """
    problems, fewest = {}, {}
    for i, (length, graph) in enumerate(zip(lengths, graphs)):
        if graph is None:
            problems[i] = "no graph: its transcript could not be compiled"
            continue
        if not length:
            problems[i] = "no frames: its features are missing or empty"
            continue
        if id(graph) not in fewest:
            fewest[id(graph)] = min_frames(graph)
        needed = fewest[id(graph)]
        if needed is None:
            problems[i] = "no path of its transcript's graph leads from the start to the end"
        elif length < needed:
            problems[i] = f"too short: {length} frames, needs at least {needed}"
    return np.array([i for i in range(len(graphs)) if i not in problems], np.int64), problems


def gathered(ids, bulk, kept, problems, labels, stays, scores):
    """``Alignments`` of all utterances from the frames of those that were kept; ``labels`` is −1 where no path is."""
    found, stayed, total = [None] * len(ids), [None] * len(ids), np.full(len(ids), -np.inf)
    problems = dict(problems)
    for n, i in enumerate(kept.tolist()):
        begin, end = bulk.offset[n : n + 2]
        if labels[begin] < 0:
            problems[i] = f"no path fits its {end - begin} frames: every one has an arc or a frame score of -inf"
            continue
        found[i], stayed[i], total[i] = labels[begin:end], stays[begin:end], scores[n]
    told = tuple((ids[i], problems[i]) for i in sorted(problems))
    return Alignments(ids, tuple(found), told, tuple(stayed), total)


def path_scores(bulk, scores_of, labels, transitions):
    """Scores (N,) of paths: those of transitions plus their frames'. ``scores_of`` is as of ``Bulk.emissions``."""
    own = np.zeros(len(labels))
    for begin in range(0, len(labels), _TOGETHER):
        frames = np.arange(begin, min(begin + _TOGETHER, len(labels)))
        own[frames] = scores_of(frames)[np.arange(len(frames)), np.maximum(labels[frames], 0)]
    return transitions + np.add.reduceat(own, bulk.offset[:-1])


def align_all(frame_scores, graphs, ids=None, acoustic_scale=1.0):
    """The best paths of many utterances through the graphs of their transcripts: Viterbi alignment, exact.

    Parameters
    ----------
    frame_scores : list of (T, P) arrays or tensors
        None for an utterance that has none; it is left out.
    graphs : list of SearchGraph
        One an utterance; None for one that has none. Give utterances of the same transcript the same object, or equal
        ones: a graph is compiled once, and its utterances run side by side.
    ids : list of str, optional
        What utterances are called; by default their numbers.
    acoustic_scale : float
        What frame scores are multiplied by.

    Returns
    -------
    Alignments
        Utterances without a path are named in ``problems``: none of them is fatal.

    Raises
    ------
    ValueError
        Where numbers of utterances differ, or a score is NaN or +inf.
    ShapeError
        Where frame scores lack columns that a graph consumes.

    Notes
    -----
    O(frames · (S + A)) for graphs of S states and A arcs, and about a millisecond for each different graph.
    """
    if len(frame_scores) != len(graphs):
        raise ValueError(f"frame_scores and graphs must be as many; got {len(frame_scores)} and {len(graphs)}.")
    ids = names_of(ids, len(graphs))
    lengths = [None if x is None else len(x) for x in frame_scores]
    kept, problems = fitting(lengths, graphs)
    bulk = Bulk([graphs[i] for i in kept], [lengths[i] for i in kept])
    if not len(kept):
        nothing = np.zeros(0, np.int64)
        return gathered(ids, bulk, kept, problems, nothing, nothing, nothing)
    scores = np.concatenate([check_frame_scores(frame_scores[i], bulk.num_labels, f"frame_scores[{i}]") for i in kept])
    if acoustic_scale != 1:
        scores = scores * scores.dtype.type(acoustic_scale)
    scores_of = scores.__getitem__
    labels, stays, transitions = bulk.spelled(bulk.best_paths(scores_of, scores.shape[1]))
    return gathered(ids, bulk, kept, problems, labels, stays, path_scores(bulk, scores_of, labels, transitions))
