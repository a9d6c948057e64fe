"""Carries a call out on a Redis client. The only place that talks to Redis on behalf of the engine.

The clients must not retry by themselves: after a lost reply a retry would run the script again without a word.
A repeated bid is recognised by its id, but only the bidder may decide to repeat it. Reaching Redis and being
answered are told apart: `NotSent` says that nothing happened, any other error that something may have.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import BusyLoadingError, NoScriptError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeout

from bidding.engine.outcomes import NotReplicated, NotSent, NotTaken, ReplyMismatch

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

    from bidding.engine.calls import Call

T = TypeVar("T")

REPLICATION_MS = 500
"""How long a replica may take to confirm; WAIT is no consensus, and a failover can still lose what it confirmed."""

_NOTHING_WRITTEN = (OutOfMemoryError, BusyLoadingError, ReadOnlyError)
"""Redis refuses a script's first write or none, so a script that met one of these changed nothing."""


def run(client: "Redis", call: "Call[T]", *, replicas: int = 0) -> T:
    """Carry out a call and return its typed outcome, after so many replicas have confirmed it.

    The client's `socket_timeout` is the time for the whole call, not for each step of it.

    Raises NotSent where Redis could not be reached or took nothing, another RedisError where the call was sent and no
    answer came (it may or may not have taken effect), and NotReplicated where it took effect on one server only.
    """
    pool = client.connection_pool
    patience = pool.connection_kwargs.get("socket_timeout")
    end = None if patience is None else time.monotonic() + patience
    try:
        connection = pool.get_connection()
    except (RedisError, OSError) as error:
        raise NotSent(str(error)) from error

    def answer() -> Any:
        # Zero would mean to look and not to wait.
        return connection.read_response(**({} if end is None else {"timeout": max(end - time.monotonic(), 0.001)}))

    try:
        try:
            connection.send_command("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.args)
            reply = answer()
        except NoScriptError:  # a server that was restarted has an empty script cache
            connection.send_command("EVAL", call.script.source, len(call.keys), *call.keys, *call.args)
            reply = answer()
        if replicas:
            connection.send_command("WAIT", replicas, REPLICATION_MS)
            _expect(replicas, answer())
        return _read(call, reply)
    except _NOTHING_WRITTEN as error:
        raise NotTaken(str(error)) from error
    except ReplyMismatch:
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


async def arun(client: "AsyncRedis", call: "Call[T]", *, replicas: int = 0) -> T:
    """Carry out a call as `run` does, in a task of its own that outlives the caller's cancellation.

    A cancelled command would leave its reply on the connection for the next one to read, and a cancelled release would
    lose the connection. Once time is up the caller is answered whatever the client still waits for, which its own
    time-outs end; a call that was not sent by then never is.
    """
    attempt = _Attempt()
    task = asyncio.ensure_future(_arun(client, call, replicas, attempt))
    task.add_done_callback(_retrieve)
    await asyncio.wait({task}, timeout=client.connection_pool.connection_kwargs.get("socket_timeout"))
    if task.done():
        return task.result()
    attempt.is_over = True
    if attempt.is_sent:
        raise RedisTimeout("no answer in time")
    raise NotSent("no connection in time")


@dataclass(slots=True)
class _Attempt:
    """How far a call has come, and whether its caller still waits."""

    is_sent: bool = False
    is_over: bool = False


async def _arun(client: "AsyncRedis", call: "Call[T]", replicas: int, attempt: _Attempt) -> T:
    pool = client.connection_pool
    try:
        connection = await pool.get_connection()
    except (RedisError, OSError) as error:
        raise NotSent(str(error)) from error
    try:
        if attempt.is_over:
            raise NotSent("too late")
        attempt.is_sent = True
        try:
            await connection.send_command("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.args)
            reply = await connection.read_response()
        except NoScriptError:
            await connection.send_command("EVAL", call.script.source, len(call.keys), *call.keys, *call.args)
            reply = await connection.read_response()
        if replicas:
            await connection.send_command("WAIT", replicas, REPLICATION_MS)
            _expect(replicas, await connection.read_response())
        return _read(call, reply)
    except _NOTHING_WRITTEN as error:
        raise NotTaken(str(error)) from error
    except ReplyMismatch:
        await connection.disconnect()
        raise
    finally:
        await pool.release(connection)


def _retrieve(task: "asyncio.Task[Any]") -> None:
    """Take note of a failure that nobody waits for any more."""
    if not task.cancelled():
        task.exception()


def _expect(replicas: int, confirmed: Any) -> None:
    if int(confirmed) < replicas:
        raise NotReplicated(f"{confirmed} of {replicas} replicas confirmed within {REPLICATION_MS} ms")


def _read(call: "Call[T]", reply: Any) -> T:
    token, *rest = reply
    if (token.decode() if isinstance(token, bytes) else token) != call.token:
        raise ReplyMismatch(f"{call.script.name}: the reply belongs to another call")
    return call.parse(rest)
