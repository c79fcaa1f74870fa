"""Malformed input at every place where something comes in. Each gives one clear line, or is refused as the documents say."""
