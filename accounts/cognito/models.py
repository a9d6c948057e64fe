"""What this site remembers beside the pool: which roles came from groups, and which tokens it was told to refuse."""

from allauth.socialaccount.models import SocialAccount
from django.db import models


class GroupGrant(models.Model):
    """A role that somebody has because of a group, and loses with it. What staff gave by hand is not here."""

    account = models.ForeignKey(SocialAccount, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=80)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("account", "role"), name="group_grant_once"),)

    def __str__(self) -> str:
        return self.role


class RevokedToken(models.Model):
    """An access token that is refused although it has not run out; kept until it has."""

    token_id = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.token_id
