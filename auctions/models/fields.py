"""Field types that several models share."""

import zoneinfo
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.money import BASIS_POINTS, MAX_AMOUNT


class AmountField(models.BigIntegerField):  # type: ignore[type-arg]
    """An amount in minor units, from 0 to MAX_AMOUNT. The database checks it by `amounts_in_range`."""

    default_validators = [MinValueValidator(0), MaxValueValidator(MAX_AMOUNT)]


class BasisPointsField(models.PositiveIntegerField):  # type: ignore[type-arg]
    """A share in basis points, from 0 to 10,000 (100 %)."""

    default_validators = [MaxValueValidator(BASIS_POINTS)]


def amounts_in_range(model: str, *names: str) -> models.CheckConstraint:
    """Return the constraint that these amounts of a model lie in their range; NULL passes."""
    condition = models.Q()
    for name in names:
        condition &= models.Q(**{f"{name}__isnull": True}) | models.Q(**{f"{name}__gte": 0, f"{name}__lte": MAX_AMOUNT})
    return models.CheckConstraint(condition=condition, name=f"{model}_amounts_in_range")


def one_of(model: str, name: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    """Return the constraint that a column holds one of its choices."""
    return models.CheckConstraint(condition=models.Q(**{f"{name}__in": choices.values}), name=f"{model}_{name}_known")


def validate_time_zone(value: Any) -> None:
    """Refuse what is not an IANA time zone."""
    if value not in zoneinfo.available_timezones():
        raise ValidationError(_("%(value)s is not a time zone like Europe/Berlin."), params={"value": value})
