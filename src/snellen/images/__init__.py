"""From paths to pixels: find the files, read them safely, know them by their content."""
