"""What the code of each test uses: recorded in workers, and stored between runs."""
