"""The options, one module for each section of help and documentation."""
