"""What all models have in common: fields that this version does not know are kept, never dropped."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A thing that the server sent; unknown fields are attributes too, and survive `model_dump`.

    Validators are built on first use: a program that imports the SDK pays for the models that it meets.
    """

    model_config = ConfigDict(extra="allow", protected_namespaces=(), defer_build=True)
