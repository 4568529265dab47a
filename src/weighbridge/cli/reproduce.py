"""`weigh reproduce`: is a published model what its recipe says?

`--json` prints one object:

    {"model", "differences": what is other here, in words,
     "evaluation": {"verdict": "identical", "close" or "different",
                    "metrics": [{"split", "metric", "published", "found", "tolerance", "verdict"}]},
     "training": null, or {"verdict", "folder", "tensors", "differing": [{"name", "items", "changed", "largest"}],
                           "first_step", "metrics"},
     "attested": null, or the fingerprint of the key that signed what the hub was told}
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from weighbridge.cli._learn import Model
    from weighbridge.learn.reproduce.measuring import Compared, Verdict
    from weighbridge.learn.reproduce.training import Trained
    from weighbridge.trust import KeySigner

app = typer.Typer()
_SHOWN = 8
_WEIGHTS = "model.safetensors"


@app.command()
def reproduce(
    model: Annotated[str, typer.Argument(help="The folder of a trained model, or ORG/NAME[@REVISION] on the hub.")],
    train: Annotated[
        bool, typer.Option("--train", help="Train again too, and compare the weights bit for bit.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The folder of the second training; needed with --train.")] = None,
    data: Annotated[str | None, typer.Option(help="Where the data lies; what the recipe says by default.")] = None,
    start: Annotated[str | None, typer.Option(help="Where the starting weights lie, if not where it says.")] = None,
    attest: Annotated[
        bool, typer.Option("--attest", help="Sign what came out and send it to the hub, whose pages show it.")
    ] = False,
    key: Annotated[Path | None, typer.Option(metavar="PEM", help="Your private key, to sign it with.")] = None,
    password: Annotated[str | None, typer.Option(envvar="WEIGHBRIDGE_KEY_PASSWORD", help="Of the private key.")] = None,
    hub: Annotated[str, typer.Option(envvar="HF_ENDPOINT", help="The hub that names mean.")] = "",
    token: Annotated[str | None, typer.Option(envvar="HF_TOKEN", help="A token, for private repositories.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
) -> None:
    """Measure a model again, and with --train train it again. What is other here is named before work begins.

    Exit status: 0 identical, or within the tolerance that the recipe states; 1 different; 2 could not do it.
    """
    from weighbridge.cli._learn import ensure_installed, fetch, fetch_data, find_model
    from weighbridge.cli._training import watched
    from weighbridge.errors import UsageError

    ensure_installed()
    if train and out is None:
        raise UsageError("--train needs a folder to train in", hint="Give --out DIR.")
    from weighbridge.learn.reproduce import again, before, measuring
    from weighbridge.learn.reproduce.training import train_again
    from weighbridge.learn.start import find

    named = find_model(model, hub, token)
    signing = _key(named, attest, key, password)
    folder = named.folder
    recipe, lock = again.recipe_of(folder), before.lock_of(folder)
    found = again.find_data(folder, data, where=Path(), fetch=fetch_data(hub, token))
    if not found.same:
        raise UsageError("this is not the data that the model was made with", where=found.spec.path)
    weights = None
    if train and recipe.start is not None:
        root = Path() if start else found.where
        weights = find(start or recipe.start, where=root, resolve=fetch(hub, token))
        before.ensure_same_weights(lock, weights)
    differences = before.differences(lock, recipe)
    if not as_json:
        for line in differences or ("Versions, machine and code are as they were.",):
            typer.echo(line)
    measured = measuring.measure_again(folder, found.splits, recipe.reproduce.tolerance)
    verdict = measuring.worst([each.verdict for each in measured])
    if not as_json:
        typer.echo(f"Measured again: {verdict}")
        _tell_metrics(measured)
    trained = None
    if train and out is not None:
        with watched(quiet=as_json) as tell:
            whole = recipe.model_copy(update={"data": found.spec})
            trained = train_again(folder, whole, lock, found.splits, out, where=found.where, start=weights, tell=tell)
        if not as_json:
            _tell_training(trained)
    if signing is not None:
        came_out = verdict, trained.verdict if trained else None
        _attest(signing, named, came_out, differences, before.machine(recipe, lock), (hub, token))
        if not as_json:
            typer.echo(f"Attested at {hub}: signed with the key {signing.key.public.fingerprint[:16]}…")
    if as_json:
        evaluation = {"verdict": verdict, "metrics": [_values(each) for each in measured]}
        told = {"model": str(folder), "differences": differences, "evaluation": evaluation}
        typer.echo(json.dumps({**told, "training": _training(trained) if trained else None,
                               "attested": signing.key.public.fingerprint if signing else None}))  # fmt: skip
    bad = "different" in (verdict, trained.verdict if trained else "identical")
    raise typer.Exit(int(bad))


def _key(model: Model, attest: bool, key: Path | None, password: str | None) -> KeySigner | None:
    """Read before any work begins. Raises `UsageError` where --attest and --key do not come together."""
    from weighbridge.errors import UsageError
    from weighbridge.trust import KeySigner, PrivateKey

    if attest and not model.repo:
        hint = "Name it as ORG/NAME."
        raise UsageError("only what a hub holds can be attested there", where=str(model.folder), hint=hint)
    if attest != (key is not None):
        hint = "Give both. 'weigh sign --new-key' makes a key, 'openssl ecparam -name prime256v1 -genkey -noout' too."
        raise UsageError("--attest signs with a key, which --key names", hint=hint)
    return KeySigner(PrivateKey.read(key, password=password)) if key else None


def _attest(
    signer: KeySigner, model: Model, came_out: tuple[Verdict, Verdict | None], differences: tuple[str, ...],
    machine: dict[str, str], hub: tuple[str, str | None],
) -> None:  # fmt: skip
    from hashlib import file_digest

    from weighbridge import __version__
    from weighbridge.cli._hub import remote_from
    from weighbridge.client import attest
    from weighbridge.trust.reproduction import Reproduction

    with (model.folder / _WEIGHTS).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    made = Reproduction(
        model.repo, model.commit, {_WEIGHTS: digest}, datetime.now(UTC).replace(microsecond=0), *came_out,
        machine, tuple(each[:500] for each in differences[:200]), __version__,
    )  # fmt: skip
    attest(made, signer, remote_from(*hub))


def _values(each: Compared) -> dict[str, Any]:
    return {**asdict(each), "verdict": each.verdict}


def _training(trained: Trained) -> dict[str, Any]:
    values = {**asdict(trained), "folder": str(trained.folder), "metrics": [_values(each) for each in trained.metrics]}
    return {"verdict": trained.verdict, **values}


def _tell_metrics(metrics: tuple[Compared, ...]) -> None:
    for each in metrics:
        if each.verdict != "identical":
            within = "" if each.tolerance is None else f", tolerance {each.tolerance:g}"
            typer.echo(f"  {each.split} {each.metric}: published {each.published}, found {each.found}{within}")


def _tell_training(trained: Trained) -> None:
    from weighbridge.report.text import visible

    if trained.verdict == "identical":
        typer.echo(f"Trained again: identical, all {trained.tensors} tensors bit for bit")
        return
    typer.echo(f"Trained again: {trained.verdict}, {len(trained.differing)} of {trained.tensors} tensors differ")
    if trained.first_step is not None:
        typer.echo(f"  the loss is another from step {trained.first_step} on")
    for each in trained.differing[:_SHOWN]:
        how = "is there on one side alone, or has another shape"
        if each.changed is not None:
            how = f"{each.changed:,} of {each.items:,} numbers, by {each.largest:.3g} at most"
        typer.echo(f"  {visible(each.name)}: {how}")
    if len(trained.differing) > _SHOWN:
        typer.echo(f"  and {len(trained.differing) - _SHOWN} more")
    _tell_metrics(trained.metrics)
