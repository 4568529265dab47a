"""The byte formats of the Xet protocol: pure functions, no files, no network.

- `hashing`: the hash of a chunk, of a xorb, of a file, of a term; and how a hash is written as text.
- `xorb`: up to 64 MiB of chunks, each compressed on its own; what a client uploads.
- `shard`: which chunks of which xorbs, one after another, make which files; how a client registers what it uploaded.

A hash is 32 raw bytes here and everywhere above; its text form is for URLs and messages only. Imports our errors,
blake3 and lz4. Knows nothing of repositories, permissions or where bytes are kept.
"""
