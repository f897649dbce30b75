"""The tree: known values, every proof of every size, and proofs of something else that must not hold."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from equipment.transparency import merkle, tiles
from equipment.transparency.inspection import Frontier

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Test data of the Certificate Transparency reference implementation."""


def leaves_of(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(i).encode()) for i in range(count)]


def node_over(leaves: list[bytes]) -> merkle.Node:
    store = tiles.grown(0, leaves, tiles.in_memory({}))
    return tiles.node_of(tiles.in_memory(store))


@pytest.mark.parametrize("size", range(1, 9))
def test_known_roots(size: int) -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(text)) for text in INPUTS[:size]]
    frontier = Frontier()
    for leaf in leaves:
        frontier.add(leaf)
    assert merkle.subtree_hash(leaves).hex() == ROOTS[size - 1]
    assert merkle.root_hash(node_over(leaves), size).hex() == ROOTS[size - 1]
    assert frontier.root().hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.root_hash(node_over([]), 0) == Frontier().root() == hashlib.sha256(b"").digest()


def test_every_inclusion_proof_of_every_small_tree_holds_for_its_leaf_and_no_other() -> None:
    leaves = leaves_of(40)
    node = node_over(leaves)
    for size in range(1, 41):
        root = merkle.root_hash(node, size)
        for index in range(size):
            path = merkle.inclusion_proof(node, index, size)
            assert merkle.verify_inclusion(leaves[index], index, size, path, root)
            assert not merkle.verify_inclusion(leaves[(index + 1) % 40], index, size, path, root)
            if size > 1:
                assert not merkle.verify_inclusion(leaves[index], (index + 1) % size, size, path, root)


def test_every_consistency_proof_of_every_small_tree_holds() -> None:
    node = node_over(leaves_of(40))
    for new in range(1, 41):
        root = merkle.root_hash(node, new)
        for old in range(1, new + 1):
            path = merkle.consistency_proof(node, old, new)
            assert merkle.verify_consistency(old, new, merkle.root_hash(node, old), root, path)
            if old < new:
                wrong = hashlib.sha256(b"another history").digest()
                assert not merkle.verify_consistency(old, new, wrong, root, path)
                assert not merkle.verify_consistency(old, new, merkle.root_hash(node, old), wrong, path)


@given(st.lists(st.integers(0, 700), max_size=6), st.data())
def test_a_tree_that_grows_in_any_steps_is_the_same_tree(steps: list[int], data: st.DataObject) -> None:
    store: dict[tiles.TileKey, bytes] = {}
    leaves: list[bytes] = []
    for step in steps:
        new = [merkle.leaf_hash(f"{len(leaves) + i}".encode()) for i in range(step)]
        store.update(tiles.grown(len(leaves), new, tiles.in_memory(store)))
        leaves += new
    node = tiles.node_of(tiles.in_memory(store))
    if leaves:
        size = data.draw(st.integers(1, len(leaves)))
        assert merkle.root_hash(node, size) == merkle.subtree_hash(leaves[:size])


@given(st.integers(1, 600), st.data())
def test_a_proof_with_any_byte_changed_does_not_hold(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(size)
    node = node_over(leaves)
    index = data.draw(st.integers(0, size - 1))
    path, root = merkle.inclusion_proof(node, index, size), merkle.root_hash(node, size)
    if path:
        which, where = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 31))
        broken = list(path)
        broken[which] = bytes(b ^ 1 if i == where else b for i, b in enumerate(broken[which]))
        assert not merkle.verify_inclusion(leaves[index], index, size, broken, root)
    assert not merkle.verify_inclusion(leaves[index], index, size, [*path, root], root)


def test_what_cannot_be_proven_is_refused() -> None:
    node = node_over(leaves_of(3))
    for index, size in ((3, 3), (-1, 3), (0, 0)):
        with pytest.raises(ValueError, match="is not in a tree"):
            merkle.inclusion_proof(node, index, size)
    for old, new in ((0, 3), (3, 2)):
        with pytest.raises(ValueError, match="no consistency"):
            merkle.consistency_proof(node, old, new)
    with pytest.raises(LookupError):
        merkle.root_hash(node, 4)
