"""Changing a tree of files without reading more of it than the changed folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from weighbridge.errors import EntryNotFoundError, InvalidUploadError
from weighbridge.hub.git import EMPTY_TREE, Node, in_order, tree_oid

Load = Callable[[str], Sequence[Node]]


class TreeEditor:
    """A tree being changed. `load` gives the nodes of a folder by its oid.

    `finish` names the result: the new root and every folder that has to be written, parents last.
    """

    def __init__(self, root: str, load: Load) -> None:
        self._load = load
        self._root = _Folder(root, load)

    def put(self, path: str, node: Node) -> None:
        """Put a file at `path`; `node.name` is its last segment. Raises where a folder is in the way."""
        folder = self._root
        *parents, name = path.split("/")
        for parent in parents:
            folder = folder.enter(parent, path)
        folder.put(replace(node, name=name), path)

    def delete_file(self, path: str) -> None:
        self._delete(path, "file")

    def delete_folder(self, path: str) -> None:
        self._delete(path, "directory")

    def finish(self) -> tuple[str, list[tuple[str, list[Node]]]]:
        written: list[tuple[str, list[Node]]] = []
        root = self._root.finish(written)
        return root, written

    def _delete(self, path: str, kind: str) -> None:
        folder: _Folder | None = self._root
        *parents, name = path.split("/")
        for parent in parents:
            folder = folder.inside(parent) if folder else None
        if folder is None or not folder.remove(name, kind):
            what = "file" if kind == "file" else "folder"
            raise EntryNotFoundError(f"A {what} with this name doesn't exist: {path}")


class _Folder:
    """One folder, read when first looked into."""

    def __init__(self, oid: str, load: Load) -> None:
        self._oid = oid
        self._load = load
        self._nodes: dict[str, Node] | None = {} if oid == EMPTY_TREE else None
        self._opened: dict[str, _Folder] = {}
        self._changed = False

    @property
    def nodes(self) -> dict[str, Node]:
        if self._nodes is None:
            self._nodes = {node.name: node for node in self._load(self._oid)}
        return self._nodes

    def inside(self, name: str) -> _Folder | None:
        """The folder `name`, None if there is none."""
        if name not in self._opened:
            node = self.nodes.get(name)
            if node is None or node.kind != "directory":
                return None
            self._opened[name] = _Folder(node.oid, self._load)
        return self._opened[name]

    def enter(self, name: str, path: str) -> _Folder:
        """The folder `name`, made where there is none."""
        found = self.inside(name)
        if found is not None:
            return found
        if name in self.nodes:
            raise InvalidUploadError(f"cannot put {path!r}: {name!r} is a file", hint="Delete that file first.")
        self._opened[name] = _Folder(EMPTY_TREE, self._load)
        return self._opened[name]

    def put(self, node: Node, path: str) -> None:
        found = self.nodes.get(node.name)
        if node.name in self._opened and self._opened[node.name].is_empty():
            del self._opened[node.name]
            found = None
        if node.name in self._opened or (found is not None and found.kind == "directory"):
            raise InvalidUploadError(f"cannot put {path!r}: it is a folder", hint="Delete that folder first.")
        if found != node:
            self.nodes[node.name] = node
            self._changed = True

    def remove(self, name: str, kind: str) -> bool:
        opened = self._opened.get(name)
        if kind == "directory" and opened is not None and not opened.is_empty():
            del self._opened[name]
            self.nodes.pop(name, None)
            self._changed = True
            return True
        if opened is not None or name not in self.nodes or self.nodes[name].kind != kind:
            return False
        del self.nodes[name]
        self._changed = True
        return True

    def is_empty(self) -> bool:
        """Whether no file is left below: such a folder is not kept."""
        if any(name not in self._opened for name in self.nodes):
            return False
        return all(folder.is_empty() for folder in self._opened.values())

    def finish(self, written: list[tuple[str, list[Node]]]) -> str:
        for name, folder in self._opened.items():
            if folder.is_empty():
                self._changed |= self.nodes.pop(name, None) is not None
                continue
            oid = folder.finish(written)
            if name not in self.nodes or self.nodes[name].oid != oid:
                self.nodes[name] = Node(name, "directory", oid)
                self._changed = True
        if not self._changed:
            return self._oid
        nodes = in_order(self.nodes.values())
        oid = tree_oid(nodes)
        written.append((oid, nodes))
        return oid
