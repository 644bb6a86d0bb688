"""The isolated databases of one process of pytest.

pytest-django asks Django for test databases when the first test needs one, and gets copies of a
template instead. The first process that needs the template builds it as Django's own runner would;
the others wait for it.
"""
