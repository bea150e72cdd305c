"""Ten conversations side by side with the async client, and an error that says what to do."""

import asyncio

from backboard import BackboardClient, BackboardValidationError

THREADS = 10


async def main() -> None:
    """Ask the same question in ten threads at once, then ask a provider that does not exist."""
    async with BackboardClient() as client:
        answers = await asyncio.gather(
            *(client.send_message(f"My lucky number is {number}.") for number in range(THREADS))
        )
        print(f"{len({answer.thread_id for answer in answers})} threads were started.")

        try:
            await client.send_message("Hello!", llm_provider="no-such-provider")
        except BackboardValidationError as error:
            print(f"As expected: {error}")


if __name__ == "__main__":
    asyncio.run(main())
