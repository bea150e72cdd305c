"""One call starts a conversation, the next one continues it, and the thread keeps both."""

from backboard import SyncBackboardClient


def main() -> None:
    """Hold a conversation of two turns and print what the server has kept."""
    with SyncBackboardClient() as client:
        first = client.send_message("My name is Ada, and my favourite colour is green.")
        client.send_message("Which is my favourite colour?", thread_id=first.thread_id)

        for message in client.get_thread(first.thread_id).messages:
            print(f"{message.role:>9}: {message.content}")


if __name__ == "__main__":
    main()
