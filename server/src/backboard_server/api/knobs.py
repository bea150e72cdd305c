"""What a message may ask of models: how hard to think, tools or none, the form of the answer, whom to ask."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from backboard_server.domain.prompts import Effort, ModelChoice, ResponseFormat, Thinking, ToolChoice

from .bodies import from_json_text

FALLBACKS_MAX = 5
_BUDGET_TOKENS_MAX = 1_000_000
_FUNCTION_NAME_CHARACTERS_MAX = 128
_SCHEMA_NAME = r"^[a-zA-Z0-9_-]{1,64}$"  # platform.openai.com/docs/api-reference/chat: json_schema.name
_OTHER_WORDS = {"any": "required", "tool": "function"}


def _effort(value: object) -> object:
    """Take every spelling; `xhigh` is what some vendors call the most there is."""
    lowered = value.strip().lower() if isinstance(value, str) else value
    return "max" if lowered == "xhigh" else lowered or None


def _switch(value: object) -> object:
    """Take `true` for the defaults and `false` for nothing, as clients send those too."""
    decoded = from_json_text(value)
    if isinstance(decoded, bool):
        return {} if decoded else None
    return decoded


class ThinkingBody(BaseModel):
    """How hard the model is to think: `{}` is its own default; OpenRouter's names are taken as well."""

    model_config = ConfigDict(extra="ignore")

    effort: Annotated[Effort | None, BeforeValidator(_effort)] = None
    budget_tokens: int | None = Field(
        None, ge=0, le=_BUDGET_TOKENS_MAX, validation_alias=AliasChoices("budget_tokens", "max_tokens")
    )
    exclude_reasoning: bool | None = None

    def noun(self) -> Thinking:
        """Return the noun."""
        return Thinking(
            effort=self.effort, budget_tokens=self.budget_tokens, is_hidden=bool(self.exclude_reasoning)
        )


class JsonSchemaBody(BaseModel):
    """A JSON Schema with a name, as OpenAI made common."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field("answer", pattern=_SCHEMA_NAME)
    json_schema: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class ResponseFormatBody(BaseModel):
    """The form of the answer: `text`, `json_object`, or `json_schema` with a schema."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaBody | None = None

    @model_validator(mode="after")
    def _has_its_schema(self) -> ResponseFormatBody:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError('of type "json_schema" needs json_schema: {"name": …, "schema": {…}}')
        return self

    def noun(self) -> ResponseFormat | None:
        """Return the noun, None for plain text."""
        if self.type == "text":
            return None
        if self.type == "json_object" or self.json_schema is None:
            return ResponseFormat()
        schema = self.json_schema
        return ResponseFormat(schema=schema.json_schema, name=schema.name, is_strict=bool(schema.strict))


def _choice(value: object) -> object:
    """Take a word as it is and other text as JSON, `any` and `tool` as some vendors call the same."""
    if isinstance(value, str):
        text = value.strip()
        value = from_json_text(text) if text[:1] in ("", "{", "[", '"') or text == "null" else text
    if isinstance(value, str):
        value = {"type": value}
    if not isinstance(value, dict):
        return value
    choice = cast("dict[str, object]", value)
    kind = choice.get("type")
    word = kind.strip().lower() if isinstance(kind, str) else ""
    named = {"function": {"name": choice["name"]}} if "name" in choice else {}
    return named | choice | {"type": _OTHER_WORDS.get(word, word)}


class FunctionChoiceBody(BaseModel):
    """The function to call."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1, max_length=_FUNCTION_NAME_CHARACTERS_MAX)


class ToolChoiceBody(BaseModel):
    """Whether tools are called: `auto`, `none`, `required`, or one `function` by its name."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["auto", "none", "required", "function"]
    function: FunctionChoiceBody | None = None

    @model_validator(mode="after")
    def _has_its_function(self) -> ToolChoiceBody:
        if self.type == "function" and self.function is None:
            raise ValueError('of type "function" needs function: {"name": …}')
        return self

    def noun(self) -> ToolChoice:
        """Return the noun."""
        name = self.function.name if self.type == "function" and self.function else None
        return ToolChoice(self.type, name)


class FallbackBody(BaseModel):
    """A model to ask when the one before it fails; without `model_name` the provider's default."""

    model_config = ConfigDict(extra="ignore")

    llm_provider: str = Field(
        min_length=1, max_length=100, validation_alias=AliasChoices("llm_provider", "model_provider")
    )
    model_name: str | None = Field(None, max_length=200)

    def noun(self) -> ModelChoice:
        """Return the noun, whose model is empty for the default."""
        return ModelChoice(self.llm_provider, self.model_name or "")


ThinkingField = Annotated[ThinkingBody | None, BeforeValidator(_switch)]
ToolChoiceField = Annotated[ToolChoiceBody | None, BeforeValidator(_choice)]
ResponseFormatField = Annotated[ResponseFormatBody | None, BeforeValidator(from_json_text)]
Fallbacks = Annotated[
    Annotated[list[FallbackBody], Field(max_length=FALLBACKS_MAX)] | None, BeforeValidator(from_json_text)
]
