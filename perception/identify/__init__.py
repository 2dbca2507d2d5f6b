"""Who is who: tracks, appearance, identities."""
