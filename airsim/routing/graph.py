"""Visibility graph of an outline on the sphere, and shortest paths over it.

Shortest paths around obstacles turn only at convex corners and touch each on one side. Corners are
moved outward by a hair, obstacles are not: no leg lies along an edge, so plain signs decide.

The graph is that of a simplified outline, its cover. Between an outline and its cover lie pockets:
a path that starts in one turns at corners of the outline there, and at no others once it has left.
So each end brings the corners of its own pocket along, and nothing is lost by covering them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from airsim import geodesy, kernels
from airsim.routing.outline import CLOSED, Outline
from airsim.routing.rings import Rings
from airsim.routing.tree import EdgeTree, order_near

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_HAIR_KM = 0.003  # corners stand off the outline by so much
_STRAIGHT = 1e-9  # radians: a corner that turns less is none
_ROOM = 256  # legs per corner, and nodes per path, that are looked for at first
_MOST_CORNERS = 3000  # of a table of all paths, which takes twelve bytes for each pair
_ALL_ROWS = 32  # so many corners per path and fewer: all rows are found at once, by all threads
_LONG_TASK = 32  # one such task is worth a thread as much as so many short ones
_NO_DISC = (0.0, 0.0, 0.0, 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Points at which paths may turn.

    Parameters
    ----------
    point : ndarray, shape (n, 3)
        Unit vectors, a hair outside the rings.
    side : ndarray, shape (n, 6)
        Unit normals of the great circles to both neighbours on the ring.
    vertex : ndarray of int64, shape (n,)
        Number of the point of the rings.
    """

    point: Floats
    side: Floats
    vertex: Longs


def find_turns(rings: Rings) -> Turns:
    """Convex corners of rings, near ones together."""
    at, before, after = rings.point, rings.point[rings.before], rings.point[rings.after]
    arriving, leaving = _unit(np.cross(before, at)), _unit(np.cross(at, after))
    aside = arriving + leaving  # towards the closed side
    mitre = -aside / np.maximum(1.0 + np.sum(arriving * leaving, axis=1, keepdims=True), 0.1)
    hair = mitre * (_HAIR_KM / geodesy.EARTH_RADIUS_KM)
    moved = _unit(at + hair)
    side_a = _unit(np.cross(moved, moved[rings.before]))
    side_b = _unit(np.cross(moved, moved[rings.after]))
    turn = np.sum(np.cross(side_b, side_a) * moved, axis=1)  # sine of the angle to the left
    convex = np.flatnonzero(turn > _STRAIGHT)
    # across a gap narrower than the hair lies a closed side again
    foot = _unit(at[convex] + 0.01 * hair[convex])
    with kernels.few_threads(len(convex)):
        cut = kernels.find_cut_legs(foot, moved[convex], rings.tree.edge, rings.tree.ball)
    convex = convex[~cut]
    vertex = convex[order_near(moved[convex])]
    return Turns(moved[vertex], np.hstack((side_a, side_b))[vertex], vertex)


def _unit(v: Floats) -> Floats:
    size = np.linalg.norm(v, axis=1, keepdims=True)
    return np.asarray(v / np.where(size > 0.0, size, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """A disc around an end in which less clearance is kept.

    Parameters
    ----------
    disc : ndarray, shape (4,)
        Centre and cosine of the radius; edges of the outline do not count in it.
    start, end : ndarray, shape (edges, 3)
        Edges that count instead.
    point : ndarray, shape (n, 3)
        Where paths may turn in the disc and at its rim.
    """

    disc: Floats
    start: Floats
    end: Floats
    point: Floats


@dataclass(eq=False)
class Graph:
    """Corners of a cover, and what each sees, as far as anyone asked.

    Parameters
    ----------
    outline, cover : Outline
        What paths stay out of, and a simplified one around it.
    reach_km : float
        No point of the cover is farther from the outline.
    """

    outline: Outline
    cover: Outline
    reach_km: float

    @cached_property
    def corners(self) -> kernels.Corners:
        """Corners of the cover."""
        turns, tree = find_turns(self.cover.rings), self.cover.rings.tree
        component = self.cover.component[self.cover.rings.ring[turns.vertex]]
        near = EdgeTree.from_ordered(turns.point, turns.point)
        return kernels.Corners(
            turns.point, turns.side, component, near.ball, *tree.in_lanes(), self.outline.cores
        )

    @cached_property
    def _rows(self) -> kernels.Sights:
        n = len(self.corners.point)
        room = 4096 + 8 * n
        return kernels.Sights(
            np.full(n, -1), np.zeros(n, np.int32), np.empty(room, np.int32), np.empty(room),
            np.zeros(1, np.int64),
        )  # fmt: skip

    @cached_property
    def table(self) -> kernels.Table:
        """Shortest paths between all corners."""
        with kernels.few_threads(_LONG_TASK * len(self.corners.point)):
            return kernels.tabulate_paths(self.rows(complete=True))

    @property
    def legs(self) -> int:
        """Number of legs between corners."""
        return int(self.rows(complete=True).size.sum()) // 2

    def rows(self, *, complete: bool = False) -> kernels.Sights:
        """What corners see, as far as known, or all of it."""
        if complete and np.any(self._rows.first < 0):
            self._rows = _find_rows(self.corners)
        return self._rows

    def more_room(self) -> None:
        """Twice the room for what corners see."""
        rows = self._rows
        to, mm = np.resize(rows.to, 2 * len(rows.to)), np.resize(rows.mm, 2 * len(rows.mm))
        self._rows = rows._replace(to=to, mm=mm)

    @cached_property
    def hidden(self) -> Turns:
        """Corners of the outline."""
        return find_turns(self.outline.rings)

    @cached_property
    def pocket(self) -> Longs:
        """Pocket that each edge of the outline bounds: the last point before it that both have."""
        rings, owner = self.outline.rings, self.cover.rings.owner
        kept = np.zeros(len(rings.point), np.bool_)
        kept[owner[np.all(rings.point[owner] == self.cover.rings.point, axis=1)]] = True
        last = np.maximum.accumulate(np.where(kept, np.arange(len(kept)), -1))
        around = last[rings.first[1:] - 1]  # from the end of a ring to its start
        around = np.where(around < rings.first[:-1], len(kept) + np.arange(len(around)), around)
        return np.where(last < rings.first[rings.ring], around[rings.ring], last)


def _find_rows(corners: kernels.Corners) -> kernels.Sights:
    """All that corners see: each pair is looked at once."""
    n = len(corners.point)
    with kernels.few_threads(_LONG_TASK * n):
        found, up = kernels.find_legs(corners, _ROOM)
        if up.max(initial=0) > _ROOM:
            found, up = kernels.find_legs(corners, int(up.max()))
    low = np.repeat(np.arange(n), up)
    high = found[np.arange(found.shape[1]) < up[:, None]]
    mm = kernels.measure_legs_mm(corners.point[low], corners.point[high])
    down = np.bincount(high, minlength=n)
    count = down + up
    first = np.cumsum(count) - count
    to, lengths = np.empty(2 * len(low), np.int32), np.empty(2 * len(low))
    at = np.arange(len(low)) + np.repeat(first + down - (np.cumsum(up) - up), up)
    to[at], lengths[at] = high, mm
    order = np.argsort(high, kind="stable")
    at = np.arange(len(low)) + np.repeat(first - (np.cumsum(down) - down), down)
    to[at], lengths[at] = low[order], mm[order]
    return kernels.Sights(first, count.astype(np.int32), to, lengths, np.array([len(to)]))


def gather_ends(
    outline: Outline,
    points: Floats,
    component: Ints,
    openings: Mapping[int, Opening],
    turns: Mapping[int, Turns] | None = None,
) -> kernels.Ends:
    """Ends of paths without links: points (unit vectors, (n, 3)) and turns of their own.

    `component` is their free component of the outline, `CLOSED` if they are in an opening.
    """
    turns = turns or {}
    count = np.ones(len(points), np.int64)
    for k, own in turns.items():
        count[k] += len(own.vertex)
    first = np.concatenate(([0], np.cumsum(count)))
    place, side = np.empty((first[-1], 3)), np.zeros((first[-1], 6))
    place[first[:-1]] = points
    for k, own in turns.items():
        place[first[k] + 1 : first[k + 1]] = own.point
        side[first[k] + 1 : first[k + 1]] = own.side
    disc = np.tile(_NO_DISC, (len(points), 1))
    for k, opening in openings.items():
        disc[k] = opening.disc
    spare = EdgeTree.from_edges(
        np.concatenate([np.empty((0, 3)), *(opening.start for opening in openings.values())]),
        np.concatenate([np.empty((0, 3)), *(opening.end for opening in openings.values())]),
    )
    tree = outline.rings.tree
    return kernels.Ends(
        first, place, side, component, disc, np.ones(len(points), np.bool_),
        np.zeros(first[-1] + 1, np.int64), np.empty(0, np.int32), np.empty(0),
        tree.edge, tree.ball, spare.edge, spare.ball, outline.cores,
    )  # fmt: skip


def link_ends(
    graph: Graph, points: Floats, component: Ints, openings: Mapping[int, Opening]
) -> kernels.Ends:
    """Ends of paths, as `gather_ends` takes them, with what they see of a graph."""
    covered = graph.cover.locate(points) == CLOSED
    covered[list(openings)] = True
    turns = {
        k: _own_turns(graph, points[k], openings.get(k)) for k in np.flatnonzero(covered).tolist()
    }
    ends = gather_ends(graph.outline, points, component, openings, turns)
    ends = ends._replace(covered=covered)
    with kernels.few_threads(_LONG_TASK * len(ends.point)):
        seen, mm, count = kernels.link_ends(graph.corners, ends, _ROOM)
        if count.max(initial=0) > _ROOM:
            seen, mm, count = kernels.link_ends(graph.corners, ends, int(count.max()))
    used = np.arange(seen.shape[1]) < count[:, None]
    link_first = np.concatenate(([0], np.cumsum(count)))
    return ends._replace(link_first=link_first, link_to=seen[used], link_mm=mm[used])


def _own_turns(graph: Graph, point: Floats, opening: Opening | None) -> Turns:
    """Corners of the outline in the pockets around an end, and those of its opening."""
    reach = graph.reach_km / geodesy.EARTH_RADIUS_KM
    if opening is not None:
        reach += np.arccos(opening.disc[3])
    tree = graph.outline.rings.tree
    near = tree.item[kernels.find_near_edges(point, reach, tree.edge, tree.ball)]
    mine = np.isin(graph.pocket, graph.pocket[near[near >= 0]])
    mine[graph.outline.rings.after[mine]] = True
    hidden = graph.hidden
    chosen = mine[hidden.vertex]
    if opening is None:
        return Turns(hidden.point[chosen], hidden.side[chosen], hidden.vertex[chosen])
    chosen &= hidden.point @ opening.disc[:3] < opening.disc[3]
    # a seam where both outlines meet is no line: what turns there is not asked to be tangent
    count = len(opening.point)
    return Turns(
        np.concatenate((opening.point, hidden.point[chosen])),
        np.concatenate((np.zeros((count, 6)), hidden.side[chosen])),
        np.concatenate((np.full(count, -1), hidden.vertex[chosen])),
    )


def find_paths(graph: Graph, ends: kernels.Ends, start: Longs, goal: Longs) -> tuple[Floats, Longs]:
    """Shortest paths between ends, which are addressed by their numbers.

    Parameters
    ----------
    graph : Graph
    ends : Ends
        Made by `link_ends` with the same graph.
    start, goal : ndarray of int64, shape (n,)

    Returns
    -------
    point : ndarray, shape (k, 3)
        Turning points with both ends, unit vectors.
    first : ndarray of int64, shape (n + 1,)
        Path i is ``point[first[i]:first[i + 1]]``; empty where there is none.
    """
    path = np.zeros((len(start), _ROOM), np.int32)
    count = np.zeros(len(start), np.int32)
    n = len(graph.corners.point)
    simple = ~(ends.covered[start] | ends.covered[goal])
    if simple.sum() < n or n > _MOST_CORNERS:  # a table is not worth its making
        simple[:] = False
    for chosen, find in ((simple, _join_paths), (~simple, _search_paths)):
        if chosen.any():
            found, count[chosen] = find(graph, ends, start[chosen], goal[chosen])
            more = found.shape[1] - path.shape[1]
            if more > 0:
                path = np.pad(path, ((0, 0), (0, more)))
            path[chosen, : found.shape[1]] = found
    where = np.concatenate((graph.corners.point, ends.point))
    used = np.arange(path.shape[1]) < count[:, None]
    return where[path[:, ::-1][used[:, ::-1]]], np.concatenate(([0], np.cumsum(count)))


def _join_paths(graph: Graph, ends: kernels.Ends, start: Longs, goal: Longs) -> tuple[Ints, Ints]:
    """Paths by the table of all, numbered from the goal back, and their numbers of nodes."""
    room = _ROOM
    while True:
        with kernels.few_threads(_LONG_TASK * len(start)):
            path, count = kernels.join_paths(start, goal, graph.corners, graph.table, ends, room)
        if count.max(initial=0) <= room:
            return path, count
        room = int(count.max())


def _search_paths(graph: Graph, ends: kernels.Ends, start: Longs, goal: Longs) -> tuple[Ints, Ints]:
    """Paths by one search each."""
    rows = graph.rows(complete=len(start) * _ALL_ROWS > len(graph.corners.point))
    room = _ROOM
    while True:
        # rows are noted while one thread searches
        tasks = _LONG_TASK * len(start) if np.all(rows.first >= 0) else 0
        with kernels.few_threads(tasks) as threads:
            path, count = kernels.search_paths(
                start, goal, graph.corners, rows, ends, room, threads
            )
        if count.min(initial=0) < 0:
            graph.more_room()
            rows = graph.rows()
        elif count.max(initial=0) > room:
            room = int(count.max())
        else:
            return path, count
