"""What every section of config.toml is: unknown keys are errors, values do not change."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the file. A provider's section stands in a file of its own beside this one."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
