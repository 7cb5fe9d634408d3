"""Popularity alone as a version: what serves while no version is shown to be as good.

It is a version like any other, with the files of the training it comes from and a params.yaml that
serves popularity. So the shop, exports, rollbacks and the monitor need to know nothing of it. Its
tag `serves` lets the gate compare the next version with popularity of its own week, not with a list
that gets older. A version whose past weeks chose popularity for everybody is such a version itself.
"""

import json
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hemline.edited_params import editor
from hemline.evaluation.protocol import BASELINE
from hemline.files import fingerprint
from hemline.integrity import file_md5
from hemline.models.served_orders import ServeParams
from hemline.registry.champion_log import number_of
from hemline.registry.champions import ChampionMoved, change_champion
from hemline.registry.runs import Lineage, record_run
from hemline.registry.versions import (
    CHAMPION,
    GATE_FALLBACK,
    ROLLED_BACK,
    SERVES,
    Version,
    find_version,
    register_version,
    tag_version,
    version_by_alias,
)
from hemline.serving.version_files import VersionFiles, place_of


def needs_popularity(judged: Version) -> bool:
    """Return whether the gate decided that popularity serves in place of a version.

    Where a champion is there by now that is more than popularity, or knows later purchases, a
    person was faster, and nothing is done.

    Args:
        judged: the version, its tags read after the verdict.
    """
    if GATE_FALLBACK not in judged.tags or ROLLED_BACK in judged.tags:
        return False
    champion = version_by_alias(CHAMPION)
    if champion is None or not champion.is_readable:
        return True
    if champion.tags["source"] != judged.tags["source"]:
        return True
    return champion.is_popularity_alone and champion.cut <= judged.cut


def serve_popularity(
    lineage: Lineage, files: VersionFiles, *, reason: str, reports: Path, store: Path, at: datetime
) -> Version | None:
    """Register popularity alone unless it is there, make it the champion, and return it.

    Args:
        lineage: of the training.
        files: of the version that was not shown to be as good.
        reason: of the gate.
        reports: as for `record_run`.
        store: as for `record_run`.
        at: the present time.

    Returns:
        None where the champion was changed meanwhile, or popularity was rolled back.
    """
    champion = number_of(version_by_alias(CHAMPION))
    version = _the_version_itself(lineage, files)
    if version is None:
        version = _popularity_of(lineage, files, reports, store)
    if ROLLED_BACK in version.tags:
        return None
    try:
        change_champion(version.number, how="gate", reason=reason, at=at, expected=champion)
    except ChampionMoved:
        return None
    return version


def _the_version_itself(lineage: Lineage, files: VersionFiles) -> Version | None:
    """Return the version that was judged if it serves popularity to everybody, tagged as such."""
    orders = ServeParams.of_version(files.params).orders(files.models)
    version = find_version(lineage) if orders.models == {BASELINE} else None
    if version is not None:
        tag_version(version.number, {SERVES: BASELINE})
    return version


def _popularity_of(lineage: Lineage, files: VersionFiles, reports: Path, store: Path) -> Version:
    """Return the version that serves popularity in place of another; registered once."""
    with TemporaryDirectory() as folder:
        params = Path(folder) / files.params.name
        _write_params(files.params, params)
        alone = replace(files, params=params)
        own = _lineage(lineage, alone)
        version = find_version(own)
        if version is None:
            run_id = record_run(own, params=params, reports=reports, files=alone, store=store)
            version = register_version(run_id, {**asdict(own), SERVES: BASELINE})
    return version


def _write_params(source: Path, target: Path) -> None:
    yaml = editor()
    content = yaml.load(source)
    content["serve"]["warm"] = content["serve"]["cold"] = [BASELINE]
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)


def _lineage(lineage: Lineage, files: VersionFiles) -> Lineage:
    """Return the lineage with an identity of its own and the hash of its own params.yaml."""
    hashes = json.loads(lineage.stored_hashes)
    hashes[place_of("params", files.params)] = file_md5(files.params)
    return replace(
        lineage,
        dvc_lock=f"{lineage.dvc_lock} {BASELINE}",
        models_hash=fingerprint(lineage.models_hash, BASELINE),
        stored_hashes=json.dumps(hashes, sort_keys=True),
    )
