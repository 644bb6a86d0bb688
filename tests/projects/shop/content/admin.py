"""Administration of pages."""

from django.contrib import admin

from content.models import BlogPost, FaqEntry, MenuItem, NewsletterSubscriber, Page

admin.site.register([BlogPost, FaqEntry, MenuItem, NewsletterSubscriber, Page])
