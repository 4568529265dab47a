"""The hub over HTTP.

- `app.create_app(hub)`: the whole application.
- `hf/`: the Hugging Face Hub's shapes, so that its clients work unchanged; `xet/`: its chunked transfers.
- `web/`: pages for people.
- `callers`, `failures`, `bodies`, `addresses`: what all of these share: who asks, how errors are told, bounded
  bodies, and names in addresses.

Every endpoint translates to one call of `weighbridge.hub` and holds no rules. Endpoints are plain functions, which
FastAPI runs in threads; bodies and files stream in bounded memory.
"""
