"""What an acknowledged bid may rely on, and whether the floor is set up for it.

`aof`: the floor writes every change to its append-only file before it answers. `replica`: a second server has it
too (`WAIT`), for services that offer no append-only file. Looks at the floor's configuration once, at the start.
"""

from dataclasses import dataclass

import structlog
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError, ResponseError

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the floor's configuration. A serious one stops the start outside development."""

    serious: bool
    message: str


def floor_findings(client: "Redis") -> list[Finding]:
    """Return what is wrong with the floor's configuration; what cannot be read is believed and logged."""
    try:
        config: dict[str, str] = client.config_get("append*", "maxmemory-policy")  # type: ignore[assignment]
    except ResponseError:
        logger.warning("floor_configuration_hidden", durability=settings.BID_DURABILITY)
        return []
    except RedisError as error:
        # It may come back; until then every bid is refused openly.
        return [Finding(False, f"The floor (REDIS_URL) cannot be reached and was not checked: {error}")]
    findings = []
    policy = config.get("maxmemory-policy")
    if policy != "noeviction":
        findings.append(
            Finding(True, f"The floor's maxmemory-policy is {policy}: expected noeviction, or bids can vanish.")
        )
    if settings.BID_DURABILITY == "aof":
        if config.get("appendonly") != "yes":
            findings.append(
                Finding(True, "The floor's appendonly is off: expected yes, or set BID_DURABILITY=replica.")
            )
        elif config.get("appendfsync") != "always":
            findings.append(
                Finding(
                    False,
                    f"The floor's appendfsync is {config.get('appendfsync')}: "
                    "on power loss the bids of the last second are at risk. Expected always.",
                )
            )
    return findings


def check_floor(client: "Redis") -> list[str]:
    """Log what is wrong with the floor; return what must stop the start."""
    fatal = []
    for finding in floor_findings(client):
        if finding.serious and not settings.DEBUG:
            fatal.append(finding.message)
        else:
            logger.warning("floor_configuration", message=finding.message)
    return fatal
