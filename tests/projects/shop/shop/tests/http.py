"""Requests to the live server that no proxy of the machine can catch."""

from urllib.request import ProxyHandler, build_opener

open_url = build_opener(ProxyHandler({})).open
