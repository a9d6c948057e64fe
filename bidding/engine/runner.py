"""Carries a call out on a Redis client. The only place that talks to Redis on behalf of the engine.

The clients must not retry by themselves: after a lost reply a retry would run the script again without a word.
A repeated bid is recognised by its id, but only the bidder may decide to repeat it. Reaching Redis and being
answered are told apart: `NotSent` says that nothing happened, any other error that something may have.
"""

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from redis.exceptions import NoScriptError, RedisError

from bidding.engine.outcomes import NotReplicated, NotSent, ReplyMismatch

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

    from bidding.engine.calls import Call

T = TypeVar("T")

REPLICATION_MS = 500
"""How long a replica may take to confirm; WAIT is no consensus, and a failover can still lose what it confirmed."""


def run(client: "Redis", call: "Call[T]", *, replicas: int = 0) -> T:
    """Carry out a call and return its typed outcome, after so many replicas have confirmed it.

    Raises NotSent where Redis could not be reached, another RedisError where the call was sent and no answer
    came (it may or may not have taken effect), and NotReplicated where it took effect on one server only.
    """
    pool = client.connection_pool
    try:
        connection = pool.get_connection()
    except (RedisError, OSError) as error:
        raise NotSent(str(error)) from error
    try:
        try:
            connection.send_command("EVALSHA", call.script.sha, len(call.keys), *call.keys, *call.args)
            reply = connection.read_response()
        except NoScriptError:  # a server that was restarted has an empty script cache
            connection.send_command("EVAL", call.script.source, len(call.keys), *call.keys, *call.args)
            reply = connection.read_response()
        if replicas:
            connection.send_command("WAIT", replicas, REPLICATION_MS)
            _expect(replicas, connection.read_response())
        return _read(call, reply)
    except ReplyMismatch:
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


async def arun(client: "AsyncRedis", call: "Call[T]", *, replicas: int = 0) -> T:
    """Carry out a call as `run` does, shielded from cancellation.

    A cancelled command would leave its reply on the connection for the next one to read.
    """
    return await asyncio.shield(_arun(client, call, replicas))


async def _arun(client: "AsyncRedis", call: "Call[T]", replicas: int) -> T:
    pool = client.connection_pool
    try:
        connection = await pool.get_connection()
    except (RedisError, OSError) as error:
        raise NotSent(str(error)) from error
    try:
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
    except ReplyMismatch:
        await connection.disconnect()
        raise
    finally:
        await pool.release(connection)


def _expect(replicas: int, confirmed: Any) -> None:
    if int(confirmed) < replicas:
        raise NotReplicated(f"{confirmed} of {replicas} replicas confirmed within {REPLICATION_MS} ms")


def _read(call: "Call[T]", reply: Any) -> T:
    token, *rest = reply
    if (token.decode() if isinstance(token, bytes) else token) != call.token:
        raise ReplyMismatch(f"{call.script.name}: the reply belongs to another call")
    return call.parse(rest)
