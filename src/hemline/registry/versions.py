"""Versions of the model in MLflow's registry: their files, tags and aliases.

There are two aliases: `challenger` is the newest version, `champion` the one that is served. A
version is registered once per content, however often the flow runs. `registry.champions` changes
the champion, and `registry.promotion` decides whether to.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import yaml

from hemline.errors import BadInput
from hemline.integrity import FileHashes
from hemline.pages.escaping import escape_markdown
from hemline.registry.mlflow_client import client, existing
from hemline.registry.runs import Lineage
from hemline.serving.version_files import FORMAT_VERSION, VersionFiles
from hemline.storefront import Storefront

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

MODEL: Final = "hemline"
CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
GATE_REASON: Final = "gate.reason"
GATE_PROMOTED: Final = "gate.promoted"  # "true", "false", or "canary"
GATE_FALLBACK: Final = "gate.fallback"  # what is to serve in place of a version
GATE_MAP: Final = "gate.map_at_12"
EXPLORED: Final = "exploration.verdict"  # what it would have sold in explored places
SERVES: Final = "serves"  # of a version that serves popularity alone
ROLLED_BACK: Final = "rolled_back"
CANARY: Final = "canary"
"""Where a version stands that meets visitors before it is champion: waits, running, and then
promoted, refused, superseded, undecided or stopped."""
CANARY_REASON: Final = "canary.reason"
_NO_DESCRIPTION: Final = (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class Version:
    """A registered version of the model."""

    number: str
    run_id: str
    tags: Mapping[str, str]

    @property
    def cut(self) -> date:
        """The cut it was fitted at; the first versions name it `as_of`."""
        return date.fromisoformat(self.tags.get("cut") or self.tags["as_of"])

    @property
    def format_version(self) -> str:
        """The format of its files; the first versions carry no such tag."""
        return self.tags.get("form", "1")

    @property
    def is_popularity_alone(self) -> bool:
        """Whether it serves popularity in place of a version that was not shown to be as good."""
        return SERVES in self.tags

    @property
    def is_readable(self) -> bool:
        """Whether this code reads its files."""
        return self.format_version == FORMAT_VERSION


def find_version(lineage: Lineage) -> Version | None:
    """Return the newest version with the same content, or None."""
    same = f"name = '{MODEL}' and tags.models_hash = '{lineage.models_hash}'"
    matches = client().search_model_versions(same)
    return _version(max(matches, key=lambda one: int(one.version))) if matches else None


def register_challenger(run_id: str, lineage: Lineage) -> Version:
    """Register the model of a run as a new version with the alias challenger, and return it."""
    version = register_version(run_id, asdict(lineage))
    client().set_registered_model_alias(MODEL, CHALLENGER, version.number)
    return version


def register_version(run_id: str, tags: Mapping[str, str]) -> Version:
    """Register the model of a run as a new version without an alias, and return it."""
    if existing(lambda: client().get_registered_model(MODEL)) is None:
        client().create_registered_model(MODEL, description="Recommends articles to customers.")
    outputs = client().get_run(run_id).outputs
    if outputs is None:
        raise RuntimeError(f"MLflow run {run_id} holds no model")
    model_id = outputs.model_outputs[0].model_id
    created = client().create_model_version(
        MODEL,
        source=f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags=dict(tags),
    )
    return _version(created)


def version_by_alias(alias: str) -> Version | None:
    """Return the version with the alias (champion or challenger), or None."""
    match = existing(lambda: client().get_model_version_by_alias(MODEL, alias))
    return None if match is None else _version(match)


def version_with(number: str) -> Version | None:
    """Return the version with the number, or None."""
    match = existing(lambda: client().get_model_version(MODEL, number))
    return None if match is None else _version(match)


def known_version(number: str) -> Version:
    """Return the version with the number; raises BadInput when there is none."""
    versions = {version.number: version for version in all_versions()}
    if number not in versions:
        raise BadInput(
            "a version number is one that the registry has",
            found=f"{number}; the registry has {', '.join(versions) or 'none'}",
            fix="list the versions: hemline history",
        )
    return versions[number]


def all_versions() -> list[Version]:
    """Return every version, oldest first."""
    versions: list[Version] = []
    page: str | None = ""
    while page is not None:
        some = client().search_model_versions(f"name = '{MODEL}'", page_token=page or None)
        versions += [_version(one) for one in some]
        page = some.token or None
    return sorted(versions, key=lambda version: int(version.number))


def tag_version(number: str, tags: Mapping[str, str]) -> None:
    """Set tags of a version, one after the other in the order given."""
    for name, value in tags.items():
        client().set_model_version_tag(MODEL, number, name, value)


def remove_tags(version: Version, names: Iterable[str]) -> None:
    """Remove tags that the version has."""
    for name in names:
        client().delete_model_version_tag(MODEL, version.number, name)


def describe_version(number: str, description: str) -> None:
    """Set the text that MLflow shows on the version's page, which reads markdown."""
    client().update_model_version(MODEL, number, description=escape_markdown(description))


def canary_sentence(version: Version) -> str:
    """Return where a version stands that meets visitors before it is champion; else nothing.

    >>> canary_sentence(Version("7", "", {"canary": "running"}))
    'Version 7 is in canary: it meets visitors before it becomes champion'
    """
    state = version.tags.get(CANARY)
    if state is None:
        return ""
    if state == "waits":
        return f"Version {version.number} waits for its canary: hemline experiment status"
    if state == "running":
        return (
            f"Version {version.number} is in canary: it meets visitors before it becomes champion"
        )
    return f"The canary of version {version.number} was {state}: {version.tags[CANARY_REASON]}"


def end_canary(number: str, state: str, reason: str) -> None:
    """Tag a version with how its canary ended; the state is written last."""
    describe_version(number, f"canary {state}: {reason}")
    tag_version(number, {CANARY_REASON: reason, CANARY: state})


def set_champion(number: str) -> None:
    """Point the alias to a version, without an entry in the log of `registry.champions`."""
    client().set_registered_model_alias(MODEL, CHAMPION, number)


def load_version(version: Version) -> Storefront:
    """Return a version ready to recommend, its files downloaded if they lie elsewhere.

    The storefront compares each file with its registered hash before it reads it.

    Raises:
        BadInput: its files have a format that this code does not read, or are not there.
    """
    from mlflow.artifacts import download_artifacts  # noqa: PLC0415  (see mlflow_client)
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  (as above)

    require_readable(version)
    try:
        # By its own address: at models:/, MLflow writes a file into the folder that it reads.
        address = client().get_model_version_download_uri(MODEL, version.number)
        folder = Path(download_artifacts(artifact_uri=address))
        model = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        stored = model["flavors"]["python_function"]["artifacts"]
        places = {name: folder / artifact["path"] for name, artifact in stored.items()}
        files = VersionFiles.of(places)
    except (MlflowException, OSError, *_NO_DESCRIPTION) as error:
        raise BadInput(
            f"the registry has the files of version {version.number}, described in MLmodel",
            found=f"{type(error).__name__}: {error}",
            fix="restore them from a backup; or serve another version: hemline rollback, or "
            "hemline promote N; or train again, which registers the files as a new version, and "
            "promote that one",
        ) from error
    return Storefront(files, FileHashes.from_tags(version.tags, f"version {version.number}"))


def require_servable(version: Version) -> None:
    """Raise BadInput if this code cannot read the version's files or one of them is damaged.

    A version registered without hashes cannot be checked for damage.
    """
    require_readable(version)
    if {"stored_hashes", "file_hashes"} & version.tags.keys():
        require_intact(version)


def require_intact(version: Version) -> None:
    """Raise BadInput if any file of the version differs from the registered one."""
    load_version(version).require_intact()


def require_readable(version: Version) -> None:
    """Raise BadInput if the version's files have a format that this code does not read."""
    if not version.is_readable:
        raise BadInput(
            f"a version's files have the format this code reads ({FORMAT_VERSION})",
            found=f"version {version.number} has format {version.format_version}",
            fix="train a new version (make demo, or make real DATA=<folder>), or check out the "
            f"code it came from: hemline lineage --version {version.number}",
        )


def load_champion() -> tuple[Version, Storefront]:
    """Return the champion, ready to recommend.

    Raises:
        BadInput: there is no champion yet, or this code does not read its files.
    """
    champion = champion_now()
    return champion, load_version(champion)


def champion_now() -> Version:
    """Return the champion; raises BadInput when there is none yet."""
    champion = version_by_alias(CHAMPION)
    if champion is None:
        raise BadInput(
            f"the registry has a version of '{MODEL}' with the alias '{CHAMPION}'",
            found="none",
            fix="train one: make demo; or make a rejected one champion: hemline history, then "
            "hemline promote",
        )
    return champion


def version_page(address: str, number: str) -> str:
    """Return the address of a version's page."""
    return f"{address}/#/models/{MODEL}/versions/{number}"


def _version(stored: "ModelVersion") -> Version:
    return Version(str(stored.version), str(stored.run_id), dict(stored.tags))
