"""The typed view of params.yaml: each section's class stands beside the algorithm it steers.

A model's section has defaults that hold on any table, so that a library user writes `EaseParams()`.
They are not the pipeline's: `load` refuses a file that leaves a number out, so params.yaml is the
whole truth and `dvc params diff` shows all of it.
"""

from pathlib import Path
from typing import ClassVar, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from hemline.errors import BadInput


class Section(BaseModel):
    """One frozen section of params.yaml that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    section: ClassVar[str]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return this section as params.yaml gives it; raises BadInput naming the key at fault."""
        with path.open(encoding="utf-8") as file:
            sections = yaml.safe_load(file)
        if not isinstance(sections, dict) or cls.section not in sections:
            raise BadInput(
                f"{path.name} has a section '{cls.section}'",
                found=f"sections {sorted(sections)}"
                if isinstance(sections, dict)
                else "no sections",
                fix="compare it with the params.yaml of the repository",
            )
        try:
            loaded = cls.model_validate(sections[cls.section])
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join([cls.section, *(str(part) for part in first["loc"])])
            raise BadInput(
                f"{path.name}: {key}: {first['msg']}",
                found=repr(first["input"]),
                fix=f"correct {key} in {path.name}",
            ) from None
        missing = sorted(cls.model_fields.keys() - loaded.model_fields_set)
        if missing:
            raise BadInput(
                f"{path.name} names every number of section '{cls.section}'",
                found=f"no {', '.join(missing)}",
                fix="compare it with the params.yaml of the repository",
            )
        return loaded
