"""Merkle trees after RFC 9162 section 2.1, over any source of complete subtrees. Pure.

A tree of ``n`` leaves is split at the largest power of two below ``n``. Nodes are asked for as ``(level, index)``: the
root of the complete subtree over the leaves ``index * 2**level`` up to, without, ``(index + 1) * 2**level``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

Hash = bytes
Node = Callable[[int, int], Hash]
"""(level, index) → hash of a complete subtree."""

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> Hash:
    """Hash of one entry: the prefix tells leaves from inner nodes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def inner_hash(left: Hash, right: Hash) -> Hash:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def subtree_hash(leaves: Sequence[Hash]) -> Hash:
    """Root over leaf hashes; ``leaves`` must not be empty."""
    row = list(leaves)
    while len(row) > 1:
        paired = [inner_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            paired.append(row[-1])
        row = paired
    return row[0]


def split(size: int) -> int:
    """Largest power of two smaller than ``size``, which is above 1.

    >>> [split(n) for n in (2, 3, 4, 5, 8, 9)]
    [1, 2, 2, 4, 4, 8]
    """
    return 1 << ((size - 1).bit_length() - 1)


def range_hash(node: Node, start: int, end: int) -> Hash:
    """MTH of the leaves from ``start`` to, without, ``end``; ``start`` is a multiple of the range's subtree size."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + split(size)
    return inner_hash(range_hash(node, start, middle), range_hash(node, middle, end))


def root_hash(node: Node, size: int) -> Hash:
    """Root of the first ``size`` leaves."""
    return range_hash(node, 0, size) if size else EMPTY_ROOT


def inclusion_proof(node: Node, index: int, size: int) -> list[Hash]:
    """PATH(index, first ``size`` leaves), from the leaf upwards.

    Raises
    ------
    ValueError
        The leaf is not below ``size``.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[Hash] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(range_hash(node, middle, end))
            end = middle
        else:
            path.append(range_hash(node, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(node: Node, old: int, new: int) -> list[Hash]:
    """PROOF(old, first ``new`` leaves): that the tree of ``old`` leaves is a prefix of that of ``new``.

    Raises
    ------
    ValueError
        Not 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    path: list[Hash] = []
    start, end, known = 0, new, True
    while old != end:
        middle = start + split(end - start)
        if old <= middle:
            path.append(range_hash(node, middle, end))
            end = middle
        else:
            path.append(range_hash(node, start, middle))
            start, known = middle, False
    if not known:
        path.append(range_hash(node, start, end))
    return path[::-1]


def verify_inclusion(leaf: Hash, index: int, size: int, path: Sequence[Hash], root: Hash) -> bool:
    """RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, current = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            current = inner_hash(sibling, current)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            current = inner_hash(current, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and current == root


def verify_consistency(old: int, new: int, old_root: Hash, new_root: Hash, path: Sequence[Hash]) -> bool:
    """RFC 9162 section 2.1.4.2."""
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, old_root)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for step in steps[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = inner_hash(step, fr), inner_hash(step, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = inner_hash(sr, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == new_root
