"""The articles on sale."""
