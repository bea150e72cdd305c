"""Every operation of an OpenAPI description, every way to call it, every place in it where an id goes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal
from urllib.parse import quote

from msgspec import Struct

Schema = dict[str, Any]

FILE = ("notes.txt", b"Some notes.", "text/plain")

# What is sent where the required fields alone would not do; the ids are put in by the probes.
CONTENTS: dict[str, tuple[dict[str, Any], ...]] = {
    "send_message": (
        {"content": "Hi"},
        {"content": "Hi", "stream": True},
        {"content": "Hi", "send_to_llm": False},
    ),
    "add_message": (
        {"content": "Hi"},
        {"content": "Hi", "stream": True},
        {"content": "Hi", "send_to_llm": False},
    ),
    "update_assistant": ({"name": "Taken over"},),
    "create_thread": ({}, {"metadata": {"mine": True}}),
    "submit_tool_outputs": (
        {"tool_outputs": [{"tool_call_id": "call_1", "output": "Seen."}]},
        {"tool_outputs": [{"tool_call_id": "call_1", "output": "Seen."}], "stream": True},
    ),
    "submit_tool_outputs_simple": (
        {"tool_outputs": [{"tool_call_id": "call_1", "output": "Seen."}]},
        {"tool_outputs": [{"tool_call_id": "call_1", "output": "Seen."}], "stream": True},
    ),
    "add_memory": ({"content": "Taken over", "user_id": None},),
    "update_memory": ({"content": "Taken over"},),
    "search_memories": ({"query": "secret", "user_id": None},),
    "create_webhook": ({"url": "https://hooks.example.com/"},),
    "update_webhook": ({"description": "Taken over"},),
}

# What goes into the places of a path that are for no id.
PLACES = {
    "provider": "groq",
    "provider_name": "groq",
    "model_name": "gpt-4o",
    "embedding_model": "text-embedding-3-small",
    "image_model": "gpt-image-1",
    "video_model": "google/veo-3.1",
}
# What is asked beside ids: so large a page that what another tenant has would be on it.
QUERIES = {
    "get_recent_usage": {"page_size": "200"},
    "get_usage": {"limit": "200"},
    "list_assistants": {"limit": "200"},
    "list_threads": {"limit": "200"},
    "get_thinking_metadata": {"model": "gpt-5"},
}

# What is called an id and is not the id of a thing of ours, each with the reason.
NOT_OURS = {
    "tool_call_id": "a word that the model makes up, and that counts within one run alone",
    "user_id": "a name that the application gives its own users, within an assistant of its own",
}

_ID_NAME = re.compile(r"(?:^|_)ids?$")


class IdField(Struct, frozen=True):
    """A place where an id goes."""

    place: Literal["path", "query", "header", "body"]
    name: str
    is_required: bool = False
    is_list: bool = False

    @property
    def noun(self) -> str:
        """What it is the id of: `thread` for `thread_id`, `thread_ids` and `X-Thread-Id`."""
        return re.sub(r"^x_|_ids?$", "", _snake_case(self.name))


class Operation(Struct, frozen=True):
    """One operation; `bodies` holds the schema of each encoding, and the fields in them that are ids."""

    id: str
    method: str
    path: str
    is_open: bool
    parameters: tuple[IdField, ...]
    bodies: dict[str, tuple[Schema, tuple[IdField, ...]]]

    @property
    def takes_ids(self) -> bool:
        """Whether there is an id in any way to call it."""
        return any(form.ids for form in self.forms())

    def forms(self) -> Iterator[Form]:
        """Every way to call it."""
        if not self.bodies:
            yield Form(self, None, {}, self.parameters)
        for media_type, (schema, ids) in self.bodies.items():
            for content in CONTENTS.get(self.id, ({},)):
                given = {field.name for field in ids} | content.keys()
                yield Form(self, media_type, _required(schema, given) | content, self.parameters + ids)


class Form(Struct, frozen=True):
    """One way to call an operation: in one encoding, with one content, and ids in these places."""

    operation: Operation
    media_type: str | None
    content: dict[str, Any]
    ids: tuple[IdField, ...]

    def __str__(self) -> str:
        return f"{self.operation.id} as {self.media_type} with {self.content}"

    def arguments(self, ids: Mapping[IdField, object]) -> dict[str, Any]:
        """Return what `httpx.AsyncClient.request` takes to call it with these ids and no others."""
        path, body = self.operation.path, dict(self.content)
        params: dict[str, Any] = {**QUERIES.get(self.operation.id, {})}
        headers: dict[str, str] = {}
        for field, value in ids.items():
            filled = [value] if field.is_list else value
            match field.place:
                case "path":
                    path = path.replace(f"{{{field.name}}}", quote(str(value), safe=""))
                case "query":
                    params[field.name] = filled
                case "header":
                    headers[field.name] = str(value)
                case "body":
                    body[field.name] = filled
        for name, value in PLACES.items():
            path = path.replace(f"{{{name}}}", value)
        encoded = _encoded(self.media_type, body)
        return {"method": self.operation.method, "url": path, "params": params, "headers": headers} | encoded


def operations_of(description: dict[str, Any]) -> list[Operation]:
    """Return the operations of an OpenAPI description, in its order."""
    return [
        _operation(description, path, method, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]


def _operation(root: Schema, path: str, method: str, operation: dict[str, Any]) -> Operation:
    media_types = operation.get("requestBody", {}).get("content", {})
    schemas = {kind: _resolved(root, media["schema"]) for kind, media in media_types.items()}
    parameters = (
        _id_field(root, parameter["in"], parameter["name"], parameter["schema"], parameter["required"])
        for parameter in operation.get("parameters", [])
    )
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        is_open=not operation.get("security", root.get("security")),
        parameters=tuple(field for field in parameters if field),
        bodies={kind: (schema, tuple(_body_ids(root, schema))) for kind, schema in schemas.items()},
    )


def _body_ids(root: Schema, schema: Schema) -> Iterator[IdField]:
    root = root | {"$defs": schema.get("$defs", {})}
    for name, child in schema.get("properties", {}).items():
        field = _id_field(root, "body", name, child, name in schema.get("required", ()))
        if field:
            yield field
        elif inner := [*_ids_within(root, child)]:
            raise NotImplementedError(f"The field {name} holds ids that no probe reaches: {inner}")


def _ids_within(root: Schema, schema: Schema) -> Iterator[str]:
    resolved = _resolved(root, schema)
    resolved = _resolved(root, resolved.get("items", resolved))
    for name, child in resolved.get("properties", {}).items():
        if _id_field(root, "body", name, child, False):
            yield name
        yield from _ids_within(root, child)


def _id_field(root: Schema, place: Any, name: str, schema: Schema, is_required: bool) -> IdField | None:
    """Return the field if an id goes there, by its name or by its schema."""
    resolved = _resolved(root, schema)
    item = _resolved(root, resolved.get("items", {}))
    if name in NOT_OURS:
        return None
    if not _ID_NAME.search(_snake_case(name)) and "uuid" not in (resolved.get("format"), item.get("format")):
        return None
    return IdField(place, name, is_required, resolved.get("type") == "array")


def _resolved(root: Schema, schema: Schema) -> Schema:
    """Follow references, and take the one alternative that is not null."""
    while True:
        choices = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
        if "$ref" in schema:
            found: Any = root
            for key in schema["$ref"].removeprefix("#/").split("/"):
                found = found[key]
            schema = found
        elif len(choices) == 1:
            schema = choices[0]
        else:
            return schema


def _required(schema: Schema, given: set[str]) -> dict[str, Any]:
    """Return an example for each required field of a body that is not given."""
    names = set(schema.get("required", ())) - given
    return {name: _example(name, schema["properties"][name]) for name in names}


def _example(name: str, schema: Schema) -> Any:
    if schema.get("type") == "string":
        return "x" * schema.get("minLength", 1)
    raise NotImplementedError(f"The required field {name} needs an example: add one to CONTENTS")


def _encoded(media_type: str | None, body: dict[str, Any]) -> dict[str, Any]:
    match media_type:
        case None:
            return {}
        case "application/json":
            return {"json": body}
        case "application/x-www-form-urlencoded":
            return {"data": _texts(body)}
        case "multipart/form-data":
            fields = [(name, (None, text)) for name, text in _texts(body).items()]
            return {"files": [*fields, ("files", FILE)]}
        case _:
            raise NotImplementedError(f"No probe can be sent as {media_type}")


def _texts(body: dict[str, Any]) -> dict[str, str]:
    """Return the fields as a form sends them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}


def _snake_case(name: str) -> str:
    return name.lower().replace("-", "_")
