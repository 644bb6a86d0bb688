"""Migrates without rendering models that no operation asks for.

Before each operation, Django renders every model again that the operation's model is related to.
A model class takes about a millisecond, so most of the time of a long migration history is spent
there. Here, a registry renders a model when it is asked for it, and keeps it until it changes.
"""
