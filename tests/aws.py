"""AWS for the tests: clients whose calls are held against the service's own model, more strictly than botocore does."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore import xform_name
from botocore.model import OperationModel, Shape
from botocore.stub import Stubber

REGION = "eu-central-1"


class LooseCall(AssertionError):
    """A call that the service would refuse, though botocore sends it."""


def hold_to_model(client: Any) -> Any:
    """Let a client refuse what the service's model forbids: botocore itself checks names, types and minima alone."""
    client.meta.events.register("provide-client-params.*.*", _check_call)
    return client


class Script(Stubber):
    """The calls that are expected, with their answers, and those that came.

    To code that handles the service's errors a call too many is just another of them; here it is told at the end.
    """

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self.expected: list[str] = []
        self.asked: list[str] = []
        client.meta.events.register("provide-client-params.*.*", self._ask)

    def add_response(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Expect a call and answer it."""
        self.expected.append(method)
        super().add_response(method, *args, **kwargs)

    def add_client_error(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Expect a call and refuse it."""
        self.expected.append(method)
        super().add_client_error(method, *args, **kwargs)

    def _ask(self, model: OperationModel, **_: Any) -> None:
        self.asked.append(xform_name(model.name))


@contextmanager
def stubbed(service: str) -> Iterator[tuple[Any, Script]]:
    """Return a strict client that reaches nobody, and what it is answered; exactly that must be asked, in its order."""
    session = boto3.session.Session(aws_access_key_id="x", aws_secret_access_key="x")
    client = hold_to_model(session.client(service, region_name=REGION))
    with Script(client) as script:
        yield client, script
        assert script.asked == script.expected
        script.assert_no_pending_responses()


def _check_call(params: dict[str, Any], model: OperationModel, **_: Any) -> None:
    if model.input_shape is not None:
        _check(model.input_shape, params, model.name)


def _check(shape: Shape, value: Any, where: str) -> None:
    if shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members:
                _check(shape.members[name], member, f"{where}.{name}")
    elif shape.type_name == "list":
        for item in value:
            _check(shape.member, item, f"{where}[]")
    elif shape.type_name == "string":
        _check_text(shape, value, where)
    elif shape.type_name == "integer" and not -(2**31) <= value < 2**31:
        raise LooseCall(f"{where} is {value}, which is no 32-bit number")
    longest = shape.metadata.get("max")
    if longest is not None and (value if isinstance(value, int) else len(value)) > longest:
        raise LooseCall(f"{where} is longer or more than {longest}")


def _check_text(shape: Shape, value: str, where: str) -> None:
    if shape.enum and value not in shape.enum:
        raise LooseCall(f"{where} is {value!r}, not one of {shape.enum}")
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        raise LooseCall(f"{where} is {value!r}, which does not match {pattern}")
