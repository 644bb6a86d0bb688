"""Templates: a fully migrated server, stored as an image that is named by its fingerprint.

A template is looked up by name. When there is none, one run at a time builds it: a server is
started from the base image, a child process lets Django create and migrate the test databases in
it, the server is stopped cleanly and committed. The name is given last, after a server started
from the image was seen to hold the databases; so whatever dies on the way leaves nothing that a
later run would believe. SQLite's template is a folder of files, renamed into place at last.
"""

from ctest_containers.template.identity import Template, identify
from ctest_containers.template.provider import TemplateProvider
from ctest_containers.template.repository import TemplateRepository

__all__ = ["Template", "TemplateProvider", "TemplateRepository", "identify"]
