"""Views, searches and sales figures."""
