"""Publishing to a hub and getting from one, ours or any other that speaks the Hugging Face Hub API.

- `Remote`: a hub's address and the token to show it.
- `push`: a file or folder becomes a new revision.
- `pull`: a revision becomes a folder, every file compared with the digest that the hub states.
- `attest`: a signed reproduction of a revision is sent.

The transfers themselves are huggingface_hub's (chunked uploads by Xet or LFS, resumed downloads): a hub is reached by
the same code that everybody else uses. May import everything below; a sibling of the hub, which it never imports.
"""

from weighbridge.client.attest import attest
from weighbridge.client.remote import Remote
from weighbridge.client.transfer import Pulled, Pushed, pull, push

__all__ = ["Pulled", "Pushed", "Remote", "attest", "pull", "push"]
