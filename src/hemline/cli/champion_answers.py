"""The champion, laid out and opened, without waiting for MLflow where its database is a file."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from hemline import environment, relocation
from hemline.errors import full_disk_refused
from hemline.integrity import FileHashes
from hemline.serving.answers import Answers
from hemline.serving.answers_params import AnswersParams
from hemline.serving.layout import laid_out
from hemline.serving.version_files import FORMAT_VERSION, VersionFiles

_LAYOUTS: Final = Path(".hemline/serving")


def champion_answers(root: Path) -> Answers:
    """Return the champion of a project, ready to answer.

    Raises:
        BadInput: there is none, its files are damaged, or this code does not read them.
    """
    rules = AnswersParams.load(root / "params.yaml")
    files, hashes = _registered_files()
    with ExitStack() as stack:
        layouts = root / _LAYOUTS
        if not environment.is_writable(root):
            layouts = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(full_disk_refused(layouts))
        return Answers.open(laid_out(files, hashes, layouts), rules)


def _registered_files() -> tuple[VersionFiles, FileHashes]:
    from hemline.shop.registered_versions import (  # noqa: PLC0415  (--help should not wait for it)
        CHAMPION,
        RegistryUnreadable,
        version_with_alias,
    )

    database = relocation.database_file(os.environ["MLFLOW_TRACKING_URI"])
    try:
        found = None if database is None else version_with_alias(database, CHAMPION)
    except RegistryUnreadable:
        found = None  # MLflow waits for a lock, and says better what is wrong
    if found is not None and found.tags.get("form") == FORMAT_VERSION:
        return found.files(), found.hashes
    from hemline.registry.versions import load_champion  # noqa: PLC0415  (imports MLflow: 3 s)

    _, storefront = load_champion()
    return storefront.files, storefront.hashes
