"""The isolated databases of one process of pytest.

pytest-django asks Django for test databases when the first test needs one; it gets those of a
template instead. The template is made as Django's own runner would make it, by whichever process is
first; the others wait for it.
"""
