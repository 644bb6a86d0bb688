from django import template

register = template.Library()


@register.filter
def euros(value):
    return f"{value} EUR"


@register.simple_tag
def version():
    return "v7"


@register.inclusion_tag("parts/badge.html")
def badge(part):
    return {"text": part.kind.upper()}
