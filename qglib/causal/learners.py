"""PC, GES (causal-learn; ges on mixed columns) and exact search, with knowledge."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache
from itertools import combinations
from types import SimpleNamespace

import networkx as nx
import numpy as np

from qglib.causal.graphs import close_under_meek, cpdag
from qglib.causal.kernel_tests import KernelTest
from qglib.causal.scores import Score, discrete_bic, mixed_bic
from qglib.causal.tables import Table

Arcs = Sequence[tuple[Hashable, Hashable]]
PValue = Callable[[int, int, Sequence[int]], float | KernelTest]
"""p-value of independence of two column numbers, given others."""
_MOST = 20


def knowledge(
    names: tuple, method: str, required: Arcs, forbidden: Arcs, tiers: Sequence
) -> tuple[set, set]:
    """Required and forbidden arrows, checked, as pairs of column numbers."""
    number = {name: k for k, name in enumerate(names)}
    given = [name for group in (*required, *forbidden, *tiers) for name in group]
    unknown = [name for name in given if name not in number]
    if unknown:
        raise ValueError(f"{unknown} are not columns; those are {list(names)}.")
    must = {(number[a], number[b]) for a, b in required}
    never = {(number[a], number[b]) for a, b in forbidden}
    place = {number[name]: k for k, tier in enumerate(tiers) for name in tier}
    never |= {(a, b) for a in place for b in place if place[a] > place[b]}
    both = [(names[a], names[b]) for a, b in must & never]
    if both or not nx.is_directed_acyclic_graph(nx.DiGraph(must)):
        raise ValueError(
            f"required arrows {both or list(required)} are forbidden elsewhere or make "
            "a cycle: correct required, forbidden or tiers."
        )
    if (must or never) and method == "ges":
        raise ValueError("method='ges' takes no knowledge: use 'exact' or 'pc'.")
    return must, never


def learn_pc(
    table: Table, alpha: float, pvalue: PValue, most: int | None, must: set, never: set
) -> nx.DiGraph:
    """PC: skeleton, knowledge, colliders (the first found wins), then Meek's rules."""
    from causallearn.utils.PCUtils import Meek, SkeletonDiscovery, UCSepset
    from causallearn.utils.PCUtils.BackgroundKnowledge import BackgroundKnowledge
    from causallearn.utils.PCUtils.BackgroundKnowledgeOrientUtils import (
        orient_by_background_knowledge,
    )

    @cache
    def answer(i: int, j: int, given: tuple[int, ...]) -> float:
        if {(i, j), (j, i)} & must:
            return 0.0
        if {(i, j), (j, i)} <= never:
            return 1.0
        found = pvalue(i, j, given)
        return found.pvalue if isinstance(found, KernelTest) else float(found)

    def asked(i, j, given=()) -> float:  # as causal-learn calls a test
        ends = sorted((int(i), int(j)))
        return answer(*ends, tuple(sorted(map(int, given or ()))))

    vars(asked)["method"] = "qglib"
    skeleton = SkeletonDiscovery.skeleton_discovery(
        table.values, alpha, asked, show_progress=False, max_k=most
    )
    known = None
    if must or never:
        known, nodes = BackgroundKnowledge(), skeleton.G.get_nodes()
        for a, b in must:
            known.add_required_by_node(nodes[a], nodes[b])
        for a, b in never:
            known.add_forbidden_by_node(nodes[a], nodes[b])
        orient_by_background_knowledge(skeleton, known)
    turned = UCSepset.uc_sepset(skeleton, 2, background_knowledge=known)
    found = Meek.meek(turned, background_knowledge=known)
    return _from_causal_learn(found.G.graph, table.names)


def learn_ges(table: Table) -> nx.DiGraph:
    """GES: BDeu on categories, Gaussian BIC on numbers, `mixed_bic` on both."""
    if table.categorical.any() and not table.categorical.all():
        import ges

        score = cache(mixed_bic(table.values, table.categorical))
        local = SimpleNamespace(
            p=len(table.names),
            full_score=lambda graph: 0.0,
            local_score=lambda node, parents: score(node, tuple(sorted(parents))),
        )
        adjacency, _ = ges.fit(local, phases=["forward", "backward"])
        return named(np.argwhere(adjacency), table.names)
    from causallearn.search.ScoreBased.GES import ges as learn

    local_score = "BDeu" if table.categorical.all() else "BIC"
    found = learn(table.values, score_func=f"local_score_{local_score}")
    return _from_causal_learn(found["G"].graph, table.names)


def exact_search(
    n_variables: int, score: Score, max_parents: int = 4
) -> tuple[np.ndarray, float]:
    """The graph that maximises the sum of ``score(node, parents)``.

    Dynamic programming over sets of d = 1 to 20 variables: time O(d^2 2^d) plus one
    score per parent set; memory about 12 d 2^d bytes. Ties keep the smaller parent
    set, and none is larger than `max_parents`. Scores are in nats, higher is better.
    Returns the adjacency, (d, d) 0/1 integers with ``adjacency[a, b] = 1`` for a -> b,
    and the score of that graph. Source: Silander & Myllymaki, UAI 2006.
    """
    d = n_variables
    if not 1 <= d <= _MOST:
        raise ValueError(
            f"n_variables must be 1 to {_MOST}, got {d}: the tables would take "
            f"{12e-9 * d * 2.0**d:.3g} GB. Drop variables or use method='ges' or 'pc'."
        )
    if max_parents < 0:
        raise ValueError(f"max_parents must be 0 or more, got {max_parents}.")
    masks = np.arange(1 << d, dtype=np.int32)
    best, chosen = [], []
    for node in range(d):
        value = np.full(1 << d, -np.inf)
        parents = masks.copy()
        others = [k for k in range(d) if k != node]
        for size in range(min(max_parents, d - 1) + 1):
            for subset in combinations(others, size):
                value[sum(1 << k for k in subset)] = score(node, subset)
        for k in others:  # the best subset of U either leaves out k or is U's own
            with_k = (masks >> k & 1).astype(bool)
            smaller = masks[with_k] ^ (1 << k)
            better = value[smaller] >= value[with_k]
            value[with_k] = np.where(better, value[smaller], value[with_k])
            parents[with_k] = np.where(better, parents[smaller], parents[with_k])
        best.append(value)
        chosen.append(parents)
    total = np.where(masks, -np.inf, 0.0)
    sink = np.full(1 << d, -1, dtype=np.int8)
    for size in range(1, d + 1):  # sets of one size depend on smaller sets only
        layer = masks[np.bitwise_count(masks) == size]
        for node in range(d):
            inside = layer[(layer >> node & 1).astype(bool)]
            rest = inside ^ (1 << node)
            candidate = total[rest] + best[node][rest]
            better = candidate > total[inside] + 1e-12
            total[inside[better]] = candidate[better]
            sink[inside[better]] = node
    adjacency = np.zeros((d, d), dtype=int)
    remaining = (1 << d) - 1
    while remaining:
        node = int(sink[remaining])
        remaining ^= 1 << node
        mask = int(chosen[node][remaining])
        adjacency[[k for k in range(d) if mask >> k & 1], node] = 1
    return adjacency, float(total[-1])


def learn_exact(table: Table, must: set, never: set) -> nx.DiGraph:
    """The class of the best-scoring graph, whose score and arcs are kept."""
    values, kinds, names = table.values, table.categorical, table.names
    score = discrete_bic(values) if kinds.all() else mixed_bic(values, kinds)

    def allowed(node: int, parents: Sequence[int]) -> float:
        lacks = any(b == node and a not in parents for a, b in must)
        wrong = lacks or any((a, node) in never for a in parents)
        return -np.inf if wrong else score(node, parents)

    adjacency, value = exact_search(len(names), allowed)
    if not np.isfinite(value):
        raise ValueError("required needs more than four parents of one column.")
    dag = named(np.argwhere(adjacency), names)
    graph = cpdag(dag)
    for a, b in never | {(b, a) for a, b in must}:
        if graph.has_edge(names[a], names[b]) and graph.has_edge(names[b], names[a]):
            graph.remove_edge(names[a], names[b])
    graph = close_under_meek(graph)
    graph.graph.update(score=value, arcs=list(dag.edges))
    return graph


def named(arcs: Iterable, names: tuple[Hashable, ...]) -> nx.DiGraph:
    """Directed graph on all names, arcs given as pairs of column numbers."""
    graph = nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((names[a], names[b]) for a, b in arcs)
    return graph


def _from_causal_learn(ends: np.ndarray, names: tuple[Hashable, ...]) -> nx.DiGraph:
    """causal-learn marks: [i, j] = -1 tail at i, 1 arrow head at i of edge i - j."""
    same = (ends == ends.T) & (ends != 0)
    graph = named(np.argwhere(same | (ends.T == 1)), names)
    conflicts = int(np.triu(same & (ends == 1)).sum())
    if conflicts:
        said = f"{conflicts} edges had two arrow heads; kept undirected."
        graph.graph["warnings"] = [said]
    return graph
