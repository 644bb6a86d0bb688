from parts.chains import stamped


class Stamp:
    prefix = "v"

    def __init__(self, get_response):
        self.get_response = get_response
        self.version = self.make_version()

    def make_version(self):
        return f"{self.prefix}1"

    def __call__(self, request):
        response = self.get_response(request)
        response["X-Stamp"] = stamped(self.version)
        return response
