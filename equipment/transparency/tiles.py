"""A big tree as tiles: 256 hashes of one level together, so that ten million leaves are forty thousand rows. Pure.

Tile ``(level, index)`` holds the hashes ``index * 256 … index * 256 + 255`` of tree level ``8 * level``. Tiles only
grow; a full one never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from equipment.transparency.merkle import Hash, Node, subtree_hash

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH_BYTES = 32

TileKey = tuple[int, int]
"""(tile level, index)"""
ReadTile = Callable[[int, int], bytes]
"""Bytes of a tile, as long as it is now; empty where there is none."""


def hashes_of(tile: bytes) -> list[Hash]:
    """The hashes of a tile in order."""
    return [tile[i : i + HASH_BYTES] for i in range(0, len(tile), HASH_BYTES)]


def grown(size: int, leaves: Sequence[Hash], read: ReadTile) -> dict[TileKey, bytes]:
    """The tiles that change when ``leaves`` are appended to a tree of ``size``, with their new bytes."""
    changed: dict[TileKey, bytes] = {}
    level, position, row = 0, size, list(leaves)
    while row:
        above: list[Hash] = []
        while row:
            index, filled = divmod(position, WIDTH)
            taken = row[: WIDTH - filled]
            row = row[len(taken) :]
            before = changed.get((level, index)) or (read(level, index) if filled else b"")
            tile = before[: filled * HASH_BYTES] + b"".join(taken)
            changed[(level, index)] = tile
            position += len(taken)
            if len(tile) == WIDTH * HASH_BYTES:
                above.append(subtree_hash(hashes_of(tile)))
        # what this level completes is appended above, where as many stand as were complete before
        position = (size >> (HEIGHT * (level + 1))) if above else 0
        level, row = level + 1, above
    return changed


def node_of(read: ReadTile) -> Node:
    """Complete subtrees of a tree that is kept as tiles; tiles that were read once are not read again."""
    known: dict[TileKey, list[Hash]] = {}

    def node(level: int, index: int) -> Hash:
        tile_level, within = divmod(level, HEIGHT)
        first = index << within
        key = (tile_level, first // WIDTH)
        if key not in known:
            known[key] = hashes_of(read(*key))
        offset = first % WIDTH
        row = known[key][offset : offset + (1 << within)]
        if len(row) != 1 << within:
            raise LookupError(f"the tree has no complete subtree {index} at level {level}")
        return subtree_hash(row)

    return node


def in_memory(tiles: Mapping[TileKey, bytes]) -> ReadTile:
    """Read tiles that are held in a mapping."""
    return lambda level, index: tiles.get((level, index), b"")
