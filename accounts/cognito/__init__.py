"""Sign-in by a user pool of Amazon Cognito: its hosted login, its groups and its access tokens."""
