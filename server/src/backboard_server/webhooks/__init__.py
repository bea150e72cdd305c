"""Webhooks: telling a tenant's own server what happened, signed, and again until it has heard."""
