"""The provider without a key: it quotes, says what it is, and costs nothing."""

from __future__ import annotations

import msgspec

from backboard_server.domain.prompts import Delta, Finish, Prompt, PromptMessage, ResponseFormat, TextDelta
from backboard_server.domain.tokens import estimate_tokens
from backboard_server.providers import local

NAME = PromptMessage("user", "My name is Ada.")
QUESTION = PromptMessage("user", "What is my name?")
ANSWER = (
    "I am Backboard's local provider, not a language model: I can only quote this conversation. "
    "Closest to your message: “My name is Ada.”"
)


async def _deltas(*messages: PromptMessage, wish: ResponseFormat | None = None) -> list[Delta]:
    prompt = Prompt(choice=local.CHOICE, messages=messages, response_format=wish)
    return [delta async for delta in local.answer(prompt)]


async def _text(*messages: PromptMessage, wish: ResponseFormat | None = None) -> str:
    deltas = await _deltas(*messages, wish=wish)
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


async def test_it_quotes_what_the_user_said_and_says_what_it_is() -> None:
    assert await _text(NAME, QUESTION) == ANSWER


async def test_it_streams_word_by_word_and_ends_with_estimated_usage() -> None:
    deltas = await _deltas(NAME, QUESTION)

    assert len(deltas) == len(ANSWER.split()) + 1
    finish = deltas[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.model) == ("stop", "quotes")
    assert finish.usage
    assert finish.usage.input_tokens == estimate_tokens(NAME.content) + estimate_tokens(QUESTION.content)
    assert finish.usage.output_tokens == estimate_tokens(ANSWER)


async def test_equal_prompts_get_equal_answers() -> None:
    assert await _deltas(NAME, QUESTION) == await _deltas(NAME, QUESTION)


async def test_without_a_match_it_says_so_and_how_to_do_better() -> None:
    text = await _text(NAME, PromptMessage("user", "Tell me about volcanoes."))

    assert "not a language model" in text
    assert "nothing earlier in it matches" in text
    assert "OPENAI_API_KEY" in text


async def test_it_never_quotes_its_own_answers() -> None:
    earlier = PromptMessage("assistant", ANSWER)
    about_itself = PromptMessage("user", "Which language model can only quote this conversation?")

    assert await _text(NAME, QUESTION, earlier, QUESTION) == ANSWER
    assert "nothing earlier in it matches" in await _text(NAME, QUESTION, earlier, about_itself)


async def test_what_the_user_stated_goes_before_what_a_model_said() -> None:
    guess = PromptMessage("assistant", "Your name is Bob.")

    assert await _text(NAME, guess, QUESTION) == ANSWER


async def test_recalled_blocks_and_tool_results_can_be_quoted() -> None:
    memory = PromptMessage("system", "Memories:\n- The user's dog is called Rex.")
    result = PromptMessage("tool", "The train to Lyon leaves at 9.40.", tool_call_id="call_1")

    assert "“- The user's dog is called Rex.”" in await _text(memory, PromptMessage("user", "My dog?"))
    assert "leaves at 9.40" in await _text(result, PromptMessage("user", "When does the train leave?"))


async def test_after_a_tool_result_the_question_is_still_the_users() -> None:
    question = PromptMessage("user", "When does the train leave?")
    result = PromptMessage("tool", "The train leaves at 9.40.", tool_call_id="call_1")

    assert "“The train leaves at 9.40.”" in await _text(question, result)


async def test_json_is_an_object_with_the_answer() -> None:
    text = await _text(NAME, QUESTION, wish=ResponseFormat())

    assert msgspec.json.decode(text) == {"answer": ANSWER}


async def test_a_prompt_without_a_user_message_is_answered_too() -> None:
    assert "nothing earlier in it matches" in await _text(PromptMessage("system", "Be brief."))


def test_it_is_known_to_be_free_and_to_take_text_alone() -> None:
    assert (local.FACTS.is_known, local.FACTS.is_free, local.FACTS.takes) == (True, True, frozenset())
    assert local.FACTS.price is not None
    assert (local.FACTS.price.input, local.FACTS.price.output) == (0, 0)
