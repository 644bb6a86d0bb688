"""Administration of figures."""

from django.contrib import admin

from analytics.models import DailySales, PageView, ReportDefinition, SearchQuery

admin.site.register([DailySales, PageView, ReportDefinition, SearchQuery])
