"""SQL statements of tests: what they touch, and how often they were sent."""
