"""An answer as it is written: the events of a stream are typed, and dicts as well."""

from backboard import ContentStreaming, RunEnded, SyncBackboardClient


def main() -> None:
    """Print an answer piece by piece, then what it cost."""
    with SyncBackboardClient() as client, client.send_message("Say something.", stream=True) as stream:
        for event in stream:
            if isinstance(event, ContentStreaming):
                print(event.content, end="", flush=True)
            elif isinstance(event, RunEnded):
                print(f"\n[{event.model_provider}/{event.model_name}, {event.total_tokens} tokens]")


if __name__ == "__main__":
    main()
