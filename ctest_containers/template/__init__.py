"""Templates: a fully migrated server, stored as an image that is named by its fingerprint.

A template is looked up by name. If there is none, one run at a time builds it: it starts a server
from the base image, has Django create and migrate the test databases in a child process, stops the
server cleanly and commits it. The image gets its name last, after a server started from it has been
seen to hold the databases, so an interrupted build leaves nothing that a later run would trust. A
template of SQLite is a folder of files, which is renamed into place last.
"""

from ctest_containers.template.identity import ProjectTemplate, identify
from ctest_containers.template.provider import TemplateProvider
from ctest_containers.template.repository import TemplateRepository

__all__ = ["ProjectTemplate", "TemplateProvider", "TemplateRepository", "identify"]
