"""Pickles, understood without being executed.

A pickle is a program for a small stack machine. We run that program on a machine of our own, whose values are
descriptions: where a real unpickler would import ``os.system``, ours writes down `Global("os", "system")`; where it
would call it, ours writes down `Call(Global, arguments)`. Nothing that a file names is ever imported or called.

- `reader`: bytes of the pickle, forward, a window at a time.
- `opcodes`: what each opcode is called and how its argument is written.
- `values`: what the machine's stack holds: plain values, containers, and the descriptions above.
- `machine`, `steps`: the stack, the memo and the marks; what every opcode does to them.
- `allowlist`, `denylist`, `judge`: which imports are harmless, which are known to be dangerous; the rest is unknown.
- `scan`: one pickle after another: what each would import and call.
- `walk`: the tensors that a described object holds, each under the path that leads to it.
- `torch_objects`, `numpy_objects`: what the calls that rebuild a tensor or an array mean.

Strings of bytes are kept as places in the file (`Raw`), so memory does not grow with the data inside a pickle, and
arrays that lie raw in the stream have an extent. See docs/design/0002-pickles-without-executing.md.
"""

from weighbridge.formats.pickle.scan import scan_pickles

__all__ = ["scan_pickles"]
