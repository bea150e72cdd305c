from __future__ import annotations

import pytest

from fake_vendor.description import ABSENT, is_available, problems

pytestmark = pytest.mark.skipif(not is_available(), reason=ABSENT)


def test_a_document_that_breaks_the_description_is_told_where() -> None:
    assert problems("ListModelsResponse", {"object": "list", "data": [{"id": 1}]}) != []


def test_what_a_discriminator_tells_apart_may_do_without_it() -> None:
    parts = [{"type": "input_text", "text": "Hi."}]

    assert problems("InputItem", {"role": "user", "content": parts}) == []
    assert problems("InputItem", {"role": "nobody", "content": parts}) != []


def test_a_field_that_may_be_null_may_be_null() -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": "Hi."}], "stream": None}

    assert problems("CreateChatCompletionRequest", request) == []
    assert problems("CreateChatCompletionRequest", request | {"stream": "yes"}) != []
