"""What the server sends, one file per noun; the package has the name that it has in the published SDK."""

from .assistants import Assistant, AssistantDeleted
from .documents import Document, DocumentDeleted, DocumentStatus
from .memories import (
    MemoriesFound,
    MemoriesListResponse,
    Memory,
    MemoryAdded,
    MemoryDeleted,
    MemoryFound,
    MemoryStats,
)
from .messages import (
    Attachment,
    AttachmentInfo,
    Attempt,
    ChatMessagesResponse,
    ContextUsage,
    Message,
    MessageResponse,
    MessageRole,
    ToolOutputsResponse,
)
from .provider_keys import ProviderKey, ProviderKeyDeleted
from .threads import Thread, ThreadDeleted
from .tools import (
    FunctionDefinition,
    ToolCall,
    ToolCallFunction,
    ToolDefinition,
    ToolOutput,
    ToolParameterProperties,
    ToolParameters,
)
from .usage import (
    Budget,
    PaginatedUsageSummaryResponse,
    PaginationMeta,
    UsageEventSummary,
    UsageGroup,
    UsagePagination,
    UsageReport,
    UsageSums,
)

__all__ = [
    "Assistant",
    "AssistantDeleted",
    "Attachment",
    "AttachmentInfo",
    "Attempt",
    "Budget",
    "ChatMessagesResponse",
    "ContextUsage",
    "Document",
    "DocumentDeleted",
    "DocumentStatus",
    "FunctionDefinition",
    "MemoriesFound",
    "MemoriesListResponse",
    "Memory",
    "MemoryAdded",
    "MemoryDeleted",
    "MemoryFound",
    "MemoryStats",
    "Message",
    "MessageResponse",
    "MessageRole",
    "PaginatedUsageSummaryResponse",
    "PaginationMeta",
    "ProviderKey",
    "ProviderKeyDeleted",
    "Thread",
    "ThreadDeleted",
    "ToolCall",
    "ToolCallFunction",
    "ToolDefinition",
    "ToolOutput",
    "ToolOutputsResponse",
    "ToolParameterProperties",
    "ToolParameters",
    "UsageEventSummary",
    "UsageGroup",
    "UsagePagination",
    "UsageReport",
    "UsageSums",
]
