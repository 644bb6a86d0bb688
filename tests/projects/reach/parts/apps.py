from django.apps import AppConfig


class PartsConfig(AppConfig):
    name = "parts"
    started = []

    def ready(self):
        from parts import receivers

        receivers.connect()
        self.started.append(self.banner())

    def banner(self):
        return "ready"
