"""Every way Weighbridge can refuse, in one tree.

    WeighbridgeError
    ├── InputError                  what was given cannot be used
    │   ├── UsageError              an argument makes no sense
    │   ├── PathNotFoundError       no such file or folder
    │   ├── UnsafePathError         a name that would leave its folder, or cannot be a name at all
    │   ├── FileChangedError        the file changed while it was being read
    │   ├── FormatError             the bytes break the rules of their format
    │   │   ├── UnknownFormatError  no format that we know begins like this
    │   │   ├── TruncatedError      the file ends before its own header says it should
    │   │   ├── PolicyError         a policy that makes no sense
    │   │   ├── RecipeError         a recipe that does not say what a recipe must
    │   │   └── LimitError          reading on would cost more than any honest file needs
    │   ├── UnsupportedError        well-formed, but a feature that we do not read
    │   ├── UnsafeError             loading this the usual way would run code
    │   └── DataError               samples that nothing can be learned from as they are
    ├── StoreError
    │   ├── CorruptError            stored bytes do not match their digest
    │   ├── StoreVersionError       written by a version that this one does not know
    │   ├── ObjectNotFoundError     the store does not hold this
    │   └── StorageFullError        no room left on the device
    ├── HubError
    │   ├── UnauthenticatedError    no token, or one that is not valid
    │   ├── ForbiddenError          the token may not do this
    │   ├── RepoNotFoundError       also for what the caller may not know of
    │   ├── RevisionNotFoundError
    │   ├── EntryNotFoundError      no such file or folder at this revision
    │   ├── AccountNotFoundError    no such user or organisation
    │   ├── HeldError               a policy keeps this revision from others
    │   ├── UnexaminedError         nobody has looked at this revision yet
    │   ├── InvalidNameError
    │   ├── ConflictError           it exists already
    │   ├── StaleParentError        somebody else committed first
    │   └── InvalidUploadError      uploaded bytes are not what they claim to be
    │       └── ForgottenXorbError  the client relies on an earlier upload that this hub does not hold
    ├── TrustError
    │   ├── SigningKeyError         a key or certificate that cannot be used
    │   ├── BundleError             the signature file is not one that we read
    │   └── SignatureError          the signature does not hold
    │       ├── WrongKeyError       it was made with another key
    │       └── CertificateError    nobody whom we trust vouches for the signer
    ├── TrainingError               a training run cannot go on
    │   ├── NotFiniteError          a loss or gradient is NaN or infinite
    │   ├── OutOfMemoryError        a step needs more memory than there is
    │   └── OtherRunError           the folder holds the run of another recipe, or of other data
    └── ServiceError
        ├── PortInUseError
        ├── StoreUnavailableError   the place where a store lies does not answer, or does not let us in
        └── RemoteError             a hub that we called answered with an error

Each class owns its code (dotted, stable, what a policy matches), the exit status of the command line, the HTTP
status of the server and a default hint. A message says what was found, what was expected and where; the hint says
what to do next.
"""

from __future__ import annotations

from typing import ClassVar


class WeighbridgeError(Exception):
    """The root of the tree. ``str(error)`` is one sentence for people; the attributes are for programs."""

    code: ClassVar[str] = "weighbridge"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 500
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint or self.default_hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def at(self, where: str) -> WeighbridgeError:
        """This error, told with the place where it happened, unless it already names one."""
        if not self.where:
            self.where = where
        return self


class InputError(WeighbridgeError):
    code = "input"
    http_status = 400


class UsageError(InputError):
    code = "input.usage"
    default_hint = "Run the command with --help to see what it takes."


class PathNotFoundError(InputError):
    code = "input.not-found"
    http_status = 404
    default_hint = "Check the spelling of the path."


class UnsafePathError(InputError):
    code = "input.unsafe-path"
    default_hint = "Names inside a checkpoint must stay inside its folder: relative, without '..', NUL or backslash."


class FileChangedError(InputError):
    code = "input.changed"
    http_status = 409
    default_hint = "Wait until whatever writes the file has finished, then try again."


class FormatError(InputError):
    code = "format"
    default_hint = "The file is damaged or was made by hand: get it again from its source and compare checksums."


class UnknownFormatError(FormatError):
    code = "format.unknown"
    http_status = 415
    default_hint = "Weighbridge reads safetensors, PyTorch, pickle, NumPy and GGUF files."


class TruncatedError(FormatError):
    code = "format.truncated"
    default_hint = "The download or copy was probably cut off: fetch the file again."


class PolicyError(FormatError):
    code = "format.policy"
    default_hint = "Mend the line that is named; spec/policy.md explains each key."


class RecipeError(FormatError):
    code = "recipe"
    http_status = 422
    default_hint = "spec/recipe.md says what each field of a recipe means."


class LimitError(FormatError):
    code = "format.limit"
    http_status = 413
    default_hint = "No honest file needs this much: treat it as hostile."


class UnsupportedError(InputError):
    code = "format.unsupported"
    http_status = 415


class UnsafeError(InputError):
    code = "unsafe"
    http_status = 403
    default_hint = "Do not load this file with torch.load or pickle.load; ask its author for safetensors."


class DataError(InputError):
    code = "data"
    http_status = 422


class StoreError(WeighbridgeError):
    code = "store"


class CorruptError(StoreError):
    code = "store.corrupt"
    default_hint = "Run 'weigh store verify' to see what else is hurt, and restore the named files from a copy."


class StoreVersionError(StoreError):
    code = "store.version"
    default_hint = "Upgrade Weighbridge, or open the store with the version that wrote it."


class ObjectNotFoundError(StoreError):
    code = "store.not-found"
    http_status = 404


class StorageFullError(StoreError):
    code = "store.full"
    http_status = 507
    default_hint = "Free some space and run the same command again: what was stored before is kept."


class HubError(WeighbridgeError):
    code = "hub"
    http_status = 400


class UnauthenticatedError(HubError):
    code = "hub.unauthenticated"
    http_status = 401
    default_hint = "Pass a token made by 'weigh hub token create'."


class ForbiddenError(HubError):
    code = "hub.forbidden"
    http_status = 403


class RepoNotFoundError(HubError):
    code = "hub.repo-not-found"
    http_status = 404


class RevisionNotFoundError(HubError):
    code = "hub.revision-not-found"
    http_status = 404


class EntryNotFoundError(HubError):
    code = "hub.entry-not-found"
    http_status = 404


class AccountNotFoundError(HubError):
    code = "hub.account-not-found"
    http_status = 404


class HeldError(HubError):
    code = "hub.held"
    http_status = 403
    default_hint = "Ask the repository's owner; whoever runs the hub may release what is held."


class UnexaminedError(HubError):
    code = "hub.unexamined"
    http_status = 503
    default_hint = "Try again in a minute."


class InvalidNameError(HubError):
    code = "hub.invalid-name"


class ConflictError(HubError):
    code = "hub.conflict"
    http_status = 409


class StaleParentError(HubError):
    code = "hub.stale-parent"
    http_status = 412
    default_hint = "Fetch the newest revision and apply the change to that."


class InvalidUploadError(HubError):
    code = "hub.invalid-upload"


class ForgottenXorbError(InvalidUploadError):
    code = "hub.forgotten-xorb"
    default_hint = "Run the same command again: the client will then send everything that is needed."


class TrustError(WeighbridgeError):
    code = "trust"
    http_status = 400


class SigningKeyError(TrustError):
    code = "trust.key"
    default_hint = (
        "Keys are PEM files of curves P-256, P-384 or P-521: 'openssl ecparam -name prime256v1 -genkey -noout'."
    )


class BundleError(TrustError):
    code = "trust.bundle"
    default_hint = "Get the signature again from whoever signed; it should be a Sigstore bundle (JSON)."


class SignatureError(TrustError):
    code = "trust.signature"
    exit_status = 1
    default_hint = "Do not use these files: what is signed is not what the signer saw."


class WrongKeyError(SignatureError):
    code = "trust.wrong-key"
    default_hint = "Use the public key that the signer publishes; if this is it, somebody else signed these files."


class CertificateError(SignatureError):
    code = "trust.certificate"
    default_hint = "Name the certificates that you trust with --trust."


class TrainingError(WeighbridgeError):
    code = "training"


class NotFiniteError(TrainingError):
    code = "training.not-finite"
    http_status = 422
    default_hint = "Lower train.optimizer.learning_rate, set train.clip, or look at the samples named."


class OutOfMemoryError(TrainingError):
    code = "training.memory"
    http_status = 507
    default_hint = "Lower train.batch_size and raise train.accumulate by as much: the result is nearly the same."


class OtherRunError(TrainingError):
    code = "training.other-run"
    http_status = 409
    default_hint = "Give another --out, or the recipe that the folder was begun with."


class ServiceError(WeighbridgeError):
    code = "service"
    http_status = 502


class PortInUseError(ServiceError):
    code = "service.port-in-use"
    default_hint = "Stop the other program or choose another port with --port."


class StoreUnavailableError(ServiceError):
    """Not a `StoreError`: whoever takes those for damage in one object must not take a lost connection for it."""

    code = "service.store-unavailable"
    http_status = 503
    default_hint = "Run the same command again later: what was stored before is kept and is not sent again."


class RemoteError(ServiceError):
    code = "service.remote"
