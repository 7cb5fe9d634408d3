"""Whether the outputs of the stages are those of dvc.lock, before they are recorded and judged.

DVC looks at size, time and inode of a file it has hashed before. A disk that loses a bit changes
none of these, so what goes into the registry, and what the gate reads, is hashed once more: 0.5 GB
a CPU second.
"""

from pathlib import Path

import yaml

from hemline.errors import BadInput
from hemline.integrity import file_md5, folder_md5, hash_or_reason


def require_as_locked(root: Path) -> None:
    """Raise BadInput, naming the first output that differs from dvc.lock, or is missing."""
    pipeline = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
    lock = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))
    for stage in pipeline["stages"]:
        for output in lock["stages"].get(stage, {}).get("outs", []):
            path, expected = output["path"], output["md5"]
            is_folder = expected.endswith(".dir")
            found = hash_or_reason(root / path, folder_md5 if is_folder else file_md5)
            if found != expected:
                raise BadInput(
                    f"the outputs of stage {stage} are those of dvc.lock",
                    found=f"{path}: {found}; dvc.lock has {expected}",
                    fix=f"restore it: rm -r {path} && dvc checkout {path}; then train again",
                )
